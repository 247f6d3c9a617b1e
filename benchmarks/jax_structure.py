"""A jitted step that does almost nothing: what a module of 100 submodules and 300 leaves costs for each call."""

from __future__ import annotations

import jax
import jax.numpy as jnp

import unimod as um
from benchmarks._machine import use_synchronous_dispatch
from benchmarks._measure import Row, chain, compare

PARTS, SIZE = 100, 8
NAMES = ("scale", "shift", "total")


class Part(um.Module):
    def __init__(self) -> None:
        for name in NAMES:
            setattr(self, name, um.Parameter(jnp.ones(SIZE)))


class Stack(um.Module):
    def __init__(self) -> None:
        self.parts = [Part() for _ in range(PARTS)]


def step(tree):
    return um.tree.map(lambda x: x * 1.0, tree)


def native_step(tree):
    return jax.tree_util.tree_map(lambda x: x * 1.0, tree)


def wait(tree) -> None:
    jax.block_until_ready(jax.tree_util.tree_leaves(tree)[0])


def run() -> list[Row]:
    use_synchronous_dispatch()
    flat = [jnp.ones(SIZE) for _ in range(PARTS * len(NAMES))]
    nested = {f"part_{i:03}": {name: jnp.ones(SIZE) for name in NAMES} for i in range(PARTS)}
    with_um = chain(um.jit(step), Stack(), wait)
    plain = chain(jax.jit(native_step), Stack(), wait)
    on_list = chain(jax.jit(native_step), flat, wait)
    on_dict = chain(jax.jit(native_step), nested, wait)
    return [
        compare("um.jit, module", with_um, on_list, baseline="jax.jit, flat list", target="<= 1.10"),
        compare("um.jit, module", with_um, on_dict, baseline="jax.jit, nested dict", target="< 1.00"),
        compare("jax.jit, module", plain, on_list, baseline="jax.jit, flat list"),
        compare("um.jit, nested dict", chain(um.jit(step), nested, wait), on_dict, baseline="jax.jit, nested dict"),
    ]
