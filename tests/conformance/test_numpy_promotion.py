"""The dtype of every function of two operands, over the whole table of dtypes: one table for all engines."""

from __future__ import annotations

import functools
import warnings

import pytest

import unimod as um
import unimod.numpy as unp
from tests.conformance.test_numpy_shapes import BINARY
from unimod.dtypes import ALL

NAMES = tuple(map(str, ALL))
SCALARS = (True, 1, 0.5, 1j)
NO_ARITHMETIC = {"torch": frozenset({"uint16", "uint32", "uint64"})}


@functools.cache
def table(name: str, engine: str) -> dict[tuple[str, str], str]:
    """What comes out for each pair: a dtype, or the class of an error."""
    function = getattr(unp, name)
    with um.use_backend(engine), um.use_x64(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arrays = {dtype: unp.ones((1,), dtype=dtype) for dtype in NAMES}
        pairs = {(a, b): (arrays[a], arrays[b]) for a in NAMES for b in NAMES}
        pairs |= {(a, repr(s)): (arrays[a], s) for a in NAMES for s in SCALARS}
        pairs |= {(repr(s), a): (s, arrays[a]) for a in NAMES for s in SCALARS}
        return {key: outcome(function, *operands, engine) for key, operands in pairs.items()}


def outcome(function, x, y, engine: str) -> str:
    try:
        return dtype_under_trace(function, x, y) if engine == "jax" else str(unp.dtype_of(function(x, y)))
    except Exception as error:
        return type(error).__name__


def dtype_under_trace(function, x, y) -> str:
    """The dtype alone; JAX would compile a program for each pair."""
    import jax

    arrays = [v for v in (x, y) if um.is_array(v)]
    operands = iter(arrays)
    shape = jax.eval_shape(lambda *traced: function(*fill(x, y, iter(traced))), *operands)
    return str(unp.dtype_of(shape)) if um.is_array(shape) else shape.dtype.name


def fill(x, y, traced):
    return tuple(next(traced) if um.is_array(v) else v for v in (x, y))


@pytest.mark.parametrize("name", BINARY)
def test_one_table_for_all_engines(name, backend):
    expected, found = table(name, "numpy"), table(name, backend)
    lacking = NO_ARITHMETIC.get(backend, frozenset())
    wrong = {
        pair: (found[pair], dtype)
        for pair, dtype in expected.items()
        if found[pair] != dtype and not lacking & {*pair, dtype}
    }
    assert wrong == {}


@pytest.mark.parametrize("name", ["add", "multiply"])
def test_the_table_is_that_of_result_type(name):
    found = table(name, "numpy")
    assert all(found[a, b] == unp.result_type(a, b) for a in NAMES for b in NAMES)
    assert all(found[a, repr(s)] == unp.result_type(a, s) for a in NAMES for s in SCALARS)
