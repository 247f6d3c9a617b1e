"""The array namespace: what makes arrays, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.config import HOST
from unimod.testing.bounds import EXACT
from unimod.testing.case import FLOATS, Case, Data

Fn = Callable[..., Any]
Inputs = Callable[[Data], tuple[Any, ...]]
ALONE: dict[str, Any] = {"widen": False, "jit": False, "vmap": False, "bound": EXACT}
"""Of what needs no array: there is nothing to trace, to map or to widen."""


def _row(name: str, fn: Fn, inputs: Inputs, **options: Any) -> Case:
    return Case(f"numpy.{name}", fn, inputs, **options)


def _f32(values: Any) -> Any:
    return np.asarray(values, np.float32)


def _i32(values: Any) -> Any:
    return np.asarray(values, np.int32)


def _from_nothing() -> list[Case]:
    none: Inputs = lambda d: ()  # noqa: E731
    pairs: dict[str, tuple[Fn, Fn]] = {
        "zeros": (lambda: unp.zeros((2, 3)), lambda: np.zeros((2, 3), np.float32)),
        "ones": (lambda: unp.ones((2,), dtype="int32"), lambda: np.ones(2, np.int32)),
        "ones[device]": (lambda: unp.ones((2,), device="cpu"), lambda: np.ones(2, np.float32)),
        "ones[complex]": (lambda: unp.ones((), dtype="complex64"), lambda: np.ones((), np.complex64)),
        "full": (lambda: unp.full((2, 2), 1.5), lambda: np.full((2, 2), 1.5, np.float32)),
        "full[bool]": (lambda: unp.full((2,), True), lambda: np.full(2, True)),
        "full[half]": (
            lambda: unp.full((2,), 3, dtype="bfloat16"),
            lambda: unp.full(2, 3, dtype="bfloat16", backend=HOST),
        ),
        "arange": (lambda: unp.arange(2, 9, 3), lambda: _i32([2, 5, 8])),
        "arange[down]": (lambda: unp.arange(2, -9, -5, dtype="int8"), lambda: np.asarray([2, -3, -8], np.int8)),
        "arange[floats]": (lambda: unp.arange(0.0, 1.0, 0.1), lambda: _f32(np.arange(0.0, 1.0, 0.1))),
        "linspace": (lambda: unp.linspace(0, 1, 7), lambda: _f32(np.linspace(0, 1, 7))),
        "linspace[open]": (
            lambda: unp.linspace(1, -1, 5, endpoint=False),
            lambda: _f32(np.linspace(1, -1, 5, endpoint=False)),
        ),
        "linspace[complex]": (
            lambda: unp.linspace(0, 2 + 4j, 3),
            lambda: np.asarray([0, 1 + 2j, 2 + 4j], np.complex64),
        ),
        "logspace": (lambda: unp.logspace(0, 3, 5, base=2.0), lambda: _f32(2.0 ** np.linspace(0, 3, 5))),
        "geomspace": (lambda: unp.geomspace(1, 256, 9), lambda: _f32(2.0 ** np.arange(9))),
        "eye": (lambda: unp.eye(2, 3, k=1), lambda: np.eye(2, 3, 1, np.float32)),
        "identity": (lambda: unp.identity(3, dtype="int32"), lambda: np.identity(3, np.int32)),
        "tri": (lambda: unp.tri(3, 4, k=-1), lambda: np.tri(3, 4, -1, np.float32)),
        "indices": (lambda: unp.indices((2, 3)), lambda: _i32(np.indices((2, 3)))),
        "fromfunction": (
            lambda: unp.fromfunction(lambda i, j: i * 10 + j, (2, 3)),
            lambda: _f32([[0, 1, 2], [10, 11, 12]]),
        ),
        "tril_indices": (lambda: unp.tril_indices(3, -1, 4), lambda: tuple(map(_i32, np.tril_indices(3, -1, 4)))),
        "triu_indices": (lambda: unp.triu_indices(3, 1, 4), lambda: tuple(map(_i32, np.triu_indices(3, 1, 4)))),
        "diag_indices": (lambda: unp.diag_indices(3), lambda: (_i32([0, 1, 2]), _i32([0, 1, 2]))),
        "asarray": (lambda: unp.asarray([[1.0, 2.5], [3.0, 4.0]]), lambda: _f32([[1.0, 2.5], [3.0, 4.0]])),
        "asarray[dtype]": (lambda: unp.asarray([1, 2], dtype="float32"), lambda: _f32([1, 2])),
        "asarray[complex]": (lambda: unp.asarray([1j, 2]), lambda: np.asarray([1j, 2], np.complex64)),
        "empty": (lambda: unp.empty((2, 3)) * 0 + 1, lambda: np.ones((2, 3), np.float32)),
        "broadcast_shapes": (
            lambda: unp.ones(unp.broadcast_shapes((2, 1), (3,), (1, 1, 1))),
            lambda: np.ones((1, 2, 3), np.float32),
        ),
    }
    return [_row(name, fn, none, reference=reference, **ALONE) for name, (fn, reference) in pairs.items()]


def _likes() -> list[Case]:
    like = lambda d: (d.array(2, 3),)  # noqa: E731
    dtypes = ("float32", "float64", "bfloat16", "int32", "bool", "complex64")
    pairs: dict[str, tuple[Fn, Fn]] = {
        "zeros_like": (unp.zeros_like, np.zeros_like),
        "ones_like": (unp.ones_like, np.ones_like),
        "full_like": (lambda x: unp.full_like(x, 1), lambda x: np.full_like(x, 1)),
        "full_like[array]": (lambda x: unp.full_like(x, x[0]), lambda x: np.full_like(x, x[0])),
        "full[array]": (lambda x: unp.full((2, 2, 3), x), lambda x: np.stack([x, x])),
        "zeros_like[dtype]": (lambda x: unp.zeros_like(x, dtype="int32"), lambda x: np.zeros_like(x, np.int32)),
        "empty_like": (lambda x: unp.multiply(unp.empty_like(x), unp.zeros_like(x)), np.zeros_like),
    }
    narrow = tuple(dtype for dtype in dtypes if dtype != "float64")  # asarray keeps no float64 of the host
    made: dict[str, tuple[Fn, Fn]] = {
        "asarray[array]": (lambda x: unp.asarray([x, x]), lambda x: np.stack([x, x])),
        "asarray[copy]": (lambda x: unp.asarray(x, copy=True), np.copy),
    }
    ends = lambda d: (d.array(3), d.array(2, 1))  # noqa: E731
    return [
        *(_row(name, fn, like, reference=ref, dtypes=dtypes, bound=EXACT) for name, (fn, ref) in pairs.items()),
        *(_row(name, fn, like, reference=ref, dtypes=narrow, bound=EXACT) for name, (fn, ref) in made.items()),
        _row(
            "linspace[arrays]",
            lambda x, y: unp.linspace(x, y, 4),
            ends,
            reference=lambda x, y: np.linspace(x, y, 4),
            dtypes=("float32", "float64"),
            wrt=(0, 1),
        ),
    ]


def _known() -> list[Case]:
    like = lambda d: (d.array(2, 3),)  # noqa: E731
    return [
        _row("to_numpy", lambda x: unp.asarray(unp.to_numpy(x) * 2), like, dtypes=("float32", "bfloat16"), **ALONE),
        _row("from_dlpack", unp.from_dlpack, like, dtypes=("float32", "float64", "int32"), **ALONE),
        _row("from_dlpack[copy]", lambda x: unp.from_dlpack(x, copy=True), like, **ALONE),
        _row("asarray[host]", lambda x: unp.multiply(x, unp.asarray(x, backend=HOST)), like, jit=False, vmap=False),
        _row("reshape[view]", lambda x: unp.reshape(x, (3, 2), copy=False), like, layout=False, **ALONE),
        _row("dtype_of", lambda x: (x, str(unp.dtype_of(x))), like, dtypes=("float32", "bfloat16", "int32"), **ALONE),
        _row("ndim", lambda x: (x, unp.ndim(x)), like, reference=lambda x: (x, 2), **ALONE),
        _row("shape", lambda x: (x, unp.shape(x)), like, reference=lambda x: (x, (2, 3)), **ALONE),
        _row("size", lambda x: (x, unp.size(x), unp.size(x, -1)), like, reference=lambda x: (x, 6, 3), **ALONE),
        _row(
            "result_type", lambda x: (x, str(unp.result_type(x, "int32"))), like, dtypes=("float16", "int32"), **ALONE
        ),
        _row("can_cast", lambda x: (x, unp.can_cast(x, "float32")), like, reference=lambda x: (x, True), **ALONE),
        _row(
            "isdtype",
            lambda x: (x, unp.isdtype(x.dtype, ("real floating", "bool")), unp.isdtype(x.dtype, "integral")),
            like,
            reference=lambda x: (x, True, False),
            **ALONE,
        ),
        _row("finfo", lambda x: unp.finfo(x).eps, like, dtypes=FLOATS, **ALONE),
        _row("iinfo", lambda x: unp.iinfo(x).max, like, dtypes=("int8", "int32"), **ALONE),
    ]


CASES = (*_from_nothing(), *_likes(), *_known())
