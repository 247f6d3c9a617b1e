"""What a run gave on one engine, compared with what it gave on the others."""

from __future__ import annotations

from typing import Any

import numpy as np

import unimod as um
from unimod.backends import _registry


class Compared:
    """Results by name and engine; whichever comes second is compared with the first."""

    def __init__(self, rtol: float = 1e-5, atol: float = 1e-6) -> None:
        self.rtol, self.atol = rtol, atol
        self.found: dict[str, tuple[str, list[Any], Any]] = {}

    def __call__(self, name: str, backend: str, tree: Any) -> None:
        leaves, structure = um.tree.flatten(tree)
        assert leaves, f"{name} compares nothing"
        for leaf in leaves:
            assert _registry.of_type(type(leaf)).name == backend, f"{name}: {type(leaf)} is not of {backend}"
        arrays = [np.asarray(um.to_backend(leaf, "numpy")) for leaf in leaves]
        first, others, shape = self.found.setdefault(name, (backend, arrays, structure))
        assert structure is shape, f"{name}: structures differ between {first} and {backend}"
        for one, other in zip(arrays, others, strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype), name
            np.testing.assert_allclose(one, other, rtol=self.rtol, atol=self.atol, err_msg=name)


def array(values: Any, dtype: str = "float32") -> Any:
    return um.numpy.asarray(values, dtype=dtype)


def numbers(x: Any) -> Any:
    return um.to_backend(x, "numpy").tolist()


def zeros(shape: Any = (), dtype: str = "float32") -> Any:
    return um.numpy.zeros(shape, dtype=dtype)


def batch(rows: int = 4, columns: int = 2) -> Any:
    """Numbers that are all different, and none of them 0."""
    return um.numpy.reshape(um.numpy.arange(1, rows * columns + 1, dtype="float32"), (rows, columns)) / 8
