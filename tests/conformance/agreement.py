"""Running the same function on all tested engines and comparing what comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod as um


def agree(engines: tuple[str, ...], function: Callable[[], Any], rtol: float = 2e-5, atol: float = 2e-6) -> Any:
    """``function()`` on each engine: native arrays, of equal shapes, dtypes and (nearly) values; those of the last."""
    results = {engine: _run(engine, function) for engine in engines}
    first, *others = results.values()
    for other in others:
        assert um.tree.structure(first) is um.tree.structure(other)
        for one, two in zip(um.tree.leaves(first), um.tree.leaves(other), strict=True):
            assert type(one) is type(two)
            if isinstance(one, np.ndarray):
                assert one.shape == two.shape
                assert one.dtype == two.dtype
                np.testing.assert_allclose(one, two, rtol=rtol, atol=atol)
            else:
                assert one == two
    return first


def _run(engine: str, function: Callable[[], Any]) -> Any:
    with um.use_backend(engine):
        result = function()
    leaves = [leaf for leaf in um.tree.leaves(result) if um.is_array(leaf)]
    assert all(um.engine_of(leaf).name == engine for leaf in leaves)
    return um.to_backend(result, "numpy")


def array(*shape: int, seed: int = 0, dtype: str = "float32") -> Any:
    """Numbers of a seed, the same on each engine."""
    return um.numpy.asarray(np.random.default_rng(seed).normal(size=shape).astype(dtype))
