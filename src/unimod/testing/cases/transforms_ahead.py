"""Programs that are compiled before they are called, donated arguments, and saved functions."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.backends import _capabilities as has
from unimod.testing._calls import COMPILER
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data
from unimod.transforms import jit, load_function, save_function, set_compilation_cache

_BOUND = Bound(eps=16, why="a product and a sum of a few numbers, in another order on each engine")


def _affine(tree: Any, x: Any) -> Any:
    return {"y": unp.add(unp.matmul(x, tree["w"]), tree["b"]), "s": [unp.sum(unp.sin(x))]}


def _reference(tree: Any, x: Any) -> Any:
    return {"y": x @ tree["w"] + tree["b"], "s": [np.sin(x).sum(dtype=x.dtype)]}


def _inputs(d: Data) -> tuple[Any, ...]:
    return {"w": d.array(3, 2), "b": d.array(2)}, d.array(4, 3)


def _lowered(tree: Any, x: Any) -> Any:
    return jit(_affine, compiler=COMPILER).lower(tree, x).compile()(tree, x)


def _saved(tree: Any, x: Any) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "function.um")
        save_function(path, lambda x: _affine(tree, x), x)
        return load_function(path, compiler=COMPILER)(x)


def _donated(tree: Any, x: Any) -> Any:
    own = unp.add(x, 0.0)
    run = jit(lambda own: (_affine(tree, own), unp.multiply(own, 2.0)), donate_argnums=0, compiler=COMPILER)
    return run(own)


def _cached(tree: Any, x: Any) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        set_compilation_cache(directory)
        try:
            return jit(_affine, compiler=COMPILER)(tree, x)
        finally:
            set_compilation_cache(None)


def _case(name: str, fn: Any, reference: Any = _reference) -> Case:
    return Case(
        f"transforms.{name}",
        fn,
        _inputs,
        reference=reference,
        bound=_BOUND,
        needs=frozenset({has.JIT}),
        wrt=(),
        jit=False,
        vmap=False,
    )


CASES = (
    _case("jit[lowered]", _lowered),
    _case("jit[donated]", _donated, lambda tree, x: (_reference(tree, x), x * 2)),
    _case("save_function", _saved),
    _case("load_function", _saved),
    _case("set_compilation_cache", _cached),
)
