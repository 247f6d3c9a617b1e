"""Flattening, mapping and building trees and modules."""

from __future__ import annotations

import jax
import numpy as np
import torch.utils._pytree as torch_pytree
import tree as dm_tree

import unimod as um
from benchmarks._measure import Row, compare, repeat
from benchmarks.jax_structure import NAMES, PARTS, Stack


def nested(parts: int):
    """A dict of ``parts`` dicts of arrays."""
    return {f"part_{i:03}": {name: np.ones(8, np.float32) for name in NAMES} for i in range(parts)}


def twice(x):
    return x


def dicts(parts: int) -> list[Row]:
    value, size = nested(parts), parts * len(NAMES)
    leaves, structure = um.tree.flatten(value)
    flatten = repeat(lambda: um.tree.flatten(value))
    mapped = repeat(lambda: um.tree.map(twice, value))
    built = repeat(lambda: um.tree.unflatten(structure, leaves))
    treedef = jax.tree_util.tree_structure(value)
    native = repeat(lambda: jax.tree_util.tree_flatten(value))
    native_map = repeat(lambda: jax.tree_util.tree_map(twice, value))
    return [
        compare(f"flatten, dict of {size}", flatten, native, baseline="jax.tree_util"),
        compare(f"flatten, dict of {size}", flatten, repeat(lambda: dm_tree.flatten(value)), baseline="dm-tree"),
        compare(
            f"flatten, dict of {size}",
            flatten,
            repeat(lambda: torch_pytree.tree_flatten(value)),
            baseline="torch pytree",
        ),
        compare(f"map, dict of {size}", mapped, native_map, baseline="jax.tree_util"),
        compare(
            f"map, dict of {size}", mapped, repeat(lambda: dm_tree.map_structure(twice, value)), baseline="dm-tree"
        ),
        compare(
            f"map, dict of {size}", mapped, repeat(lambda: torch_pytree.tree_map(twice, value)), baseline="torch pytree"
        ),
        compare(
            f"unflatten, dict of {size}",
            built,
            repeat(lambda: jax.tree_util.tree_unflatten(treedef, leaves)),
            baseline="jax.tree_util",
        ),
    ]


def modules() -> list[Row]:
    touched, value = Stack(), nested(PARTS)
    leaves, structure = um.tree.flatten(touched)
    lazy = um.tree.unflatten(structure, leaves)
    native_leaves, treedef = jax.tree_util.tree_flatten(value)
    flatten = repeat(lambda: jax.tree_util.tree_flatten(value))
    unflatten = repeat(lambda: jax.tree_util.tree_unflatten(treedef, native_leaves))
    against = f"jax.tree_util, dict of {len(leaves)}"
    return [
        compare("flatten, touched module", repeat(lambda: um.tree.flatten(touched)), flatten, baseline=against),
        compare("flatten, lazy module", repeat(lambda: um.tree.flatten(lazy)), flatten, baseline=against),
        compare("unflatten, module", repeat(lambda: um.tree.unflatten(structure, leaves)), unflatten, baseline=against),
        compare(
            "unflatten and touch",
            repeat(lambda: um.tree.unflatten(structure, leaves).parts),
            unflatten,
            baseline=against,
        ),
    ]


def run() -> list[Row]:
    return [*dicts(7), *dicts(PARTS), *modules()]
