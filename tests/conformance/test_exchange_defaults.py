"""Collectives of an engine that has ``all_gather`` and ``axis_index`` only: what the front makes of these."""

from __future__ import annotations

import types

import numpy as np
import pytest

import unimod as um
from unimod.backends import _optional, _registry

unp = um.numpy
CALLS = {
    "psum": lambda x: um.psum(x, "i"),
    "pmean": lambda x: um.pmean(x, "i"),
    "pmax": lambda x: um.pmax(x, "i"),
    "pmin": lambda x: um.pmin(x, "i"),
    "psum_scatter": lambda x: um.psum_scatter(x, "i"),
    "ppermute": lambda x: um.ppermute(x, "i", [(0, 2), (1, 0)]),
    "all_to_all": lambda x: um.all_to_all(x, "i", 0, 0),
}


@pytest.fixture
def without(monkeypatch):
    """Take the optional collectives from an engine for one test; the front puts its own in their place."""
    from unimod.backends import _facts
    from unimod.numpy import _table

    def take(backend):
        import dataclasses

        engine = _registry.load(backend)
        kept = {name: value for name, value in vars(engine.parallel).items() if name not in _optional.PARALLEL}
        small = dataclasses.replace(engine, parallel=types.SimpleNamespace(**kept))
        assert not _optional.PARALLEL & set(vars(small.parallel))
        _facts.complete(small)
        for callback in _registry._on_load:
            if getattr(callback, "func", callback).__module__.startswith("unimod.numpy"):
                callback(small)
        monkeypatch.setitem(_registry._loaded, backend, small)
        _registry.forget_types()
        _table.forget()
        return small

    yield take
    monkeypatch.undo()
    _registry.forget_types()
    _table.forget()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "int32", "bfloat16"])
def test_the_same_as_the_engines_own(any_backend, name, dtype, without):
    x = unp.asarray([[1.0, 2.0, 3.0], [-4.0, 5.0, 0.0], [7.0, -8.0, 9.0]], dtype=dtype)
    mapped = um.vmap(CALLS[name], axis_name="i")
    wanted = mapped(x)
    small = without(any_backend)
    found = um.vmap(CALLS[name], axis_name="i")(x)
    assert um.engine_of(found) is small
    assert (tuple(found.shape), um.dtype_of(found)) == (tuple(wanted.shape), um.dtype_of(wanted))
    np.testing.assert_array_equal(np.asarray(found.tolist()), np.asarray(wanted.tolist()))


@pytest.mark.parametrize("name", ["psum", "psum_scatter", "ppermute", "all_to_all"])
def test_derivatives_of_the_linear_ones(backend, name, without):
    x = unp.asarray([[1.0, 2.0, 3.0], [-4.0, 5.0, 0.5], [7.0, -8.0, 9.0]], dtype="float32")
    slope = lambda: um.grad(lambda x: unp.sum(unp.square(um.vmap(CALLS[name], axis_name="i")(x))))(x)  # noqa: E731
    wanted = slope()
    without(backend)
    np.testing.assert_allclose(slope().tolist(), wanted.tolist(), rtol=1e-6)
