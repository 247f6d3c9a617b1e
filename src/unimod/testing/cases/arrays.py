"""The array namespace: what makes arrays, and what moves their elements about."""

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


def _row(name: str, fn: Fn, inputs: Inputs, **options: Any) -> Case:
    return Case(f"numpy.{name}", fn, inputs, **options)


def _moving() -> list[Case]:
    one = lambda d: (d.array(2, 3, 4),)  # noqa: E731
    many = ("float32", "bfloat16", "int32", "bool")
    shapes: dict[str, Fn] = {
        "reshape": lambda x: unp.reshape(x, (3, -1)),
        "ravel": unp.ravel,
        "copy": unp.copy,
        "permute_dims": lambda x: unp.permute_dims(x, (2, 0, 1)),
        "matrix_transpose": unp.matrix_transpose,
        "swapaxes": lambda x: unp.swapaxes(x, 0, 2),
        "moveaxis": lambda x: unp.moveaxis(x, 0, 2),
        "expand_dims": lambda x: unp.expand_dims(x, 1),
        "squeeze": lambda x: unp.squeeze(x[:, :1], 1),
        "broadcast_to": lambda x: unp.broadcast_to(x, (2, 2, 3, 4)),
        "flip": unp.flip,
        "flip[axis=1]": lambda x: unp.flip(x, 1),
        "tril": lambda x: unp.tril(x, k=1),
        "triu": lambda x: unp.triu(x, k=-1),
        "unstack": lambda x: unp.unstack(x, axis=1),
        "split": lambda x: unp.split(x, 2, axis=2),
        "split[places]": lambda x: unp.split(x, (1, 3), axis=2),
        "pad": lambda x: unp.pad(x, ((1, 0), (0, 2), (1, 1)), value=1),
        "roll": lambda x: unp.roll(x, 2, 1),
        "repeat": lambda x: unp.repeat(x, 2, 1),
        "tile": lambda x: unp.tile(x, (2, 1, 2)),
        "take": lambda x: unp.take(x, unp.zeros_like(x[0, 0], dtype="int32"), 1),
    }
    rows = [_row(name, fn, one, dtypes=many, wrt=(0,), bound=EXACT) for name, fn in shapes.items()]
    trees = lambda d: ([d.array(2, 3), d.array(2, 3)],)  # noqa: E731
    return [
        *rows,
        _row(
            "astype",
            lambda x: unp.astype(x, "int32"),
            lambda d: (d.array(5, low=-9, high=9),),
            dtypes=("float32", "bool"),
        ),
        _row("astype[half]", lambda x: unp.astype(x, "bfloat16"), lambda d: (d.array(5),), widen=False, bound=EXACT),
        _row("broadcast_arrays", unp.broadcast_arrays, lambda d: (d.array(2, 1), d.array(3)), wrt=(0, 1), bound=EXACT),
        _row("concat", lambda xs: unp.concat(xs, axis=1), trees, dtypes=many, wrt=(0,), bound=EXACT),
        _row("stack", lambda xs: unp.stack(xs, axis=1), trees, dtypes=many, wrt=(0,), bound=EXACT),
        _row("meshgrid", unp.meshgrid, lambda d: (d.array(2), d.array(3)), wrt=(0, 1), bound=EXACT),
    ]


def _searching() -> list[Case]:
    indexed = lambda d: (d.array(4, 3), d.ints(-4, 4, 2, 2))  # noqa: E731
    outside = lambda d: (d.array(4, 3), np.array([-9, 1, 7, -2], np.int32))  # noqa: E731
    ordered = ("float32", "int32")
    modes = [
        # What is filled in is nan, so that a sum of everything has no differences.
        _row(f"take[{mode}]", lambda x, i, m=mode: unp.take(x, i, mode=m), outside, wrt=wrt, bound=EXACT)
        for mode, wrt in (("clip", (0,)), ("wrap", (0,)), ("fill", ()))
    ]
    return [
        *modes,
        _row("take[indices]", unp.take, indexed, wrt=(0,), bound=EXACT),
        _row(
            "take_along_axis", unp.take_along_axis, lambda d: (d.array(2, 3), d.ints(0, 3, 2, 2)), wrt=(0,), bound=EXACT
        ),
        _row("one_hot", lambda i: unp.one_hot(i, 3), lambda d: (np.array([[0, 2], [1, 5]], np.int32),), bound=EXACT),
        _row("sort", unp.sort, lambda d: (d.array(2, 5),), dtypes=ordered, wrt=(0,), bound=EXACT),
        _row(
            "sort[down]", lambda x: unp.sort(x, 0, descending=True), lambda d: (d.array(5, 2),), wrt=(0,), bound=EXACT
        ),
        _row("argsort", unp.argsort, lambda d: (d.ints(0, 3, 2, 40),), bound=EXACT),
        _row("argsort[down]", lambda x: unp.argsort(x, descending=True), lambda d: (d.ints(0, 3, 2, 40),), bound=EXACT),
    ]


def _creating() -> list[Case]:
    like = lambda d: (d.array(2, 3),)  # noqa: E731
    none: Inputs = lambda d: ()  # noqa: E731
    from_nothing: dict[str, Fn] = {
        "zeros": lambda: unp.zeros((2, 3)),
        "ones": lambda: unp.ones((2,), dtype="int32"),
        "full": lambda: unp.full((2, 2), 1.5),
        "arange": lambda: unp.arange(2, 9, 3),
        "arange[floats]": lambda: unp.arange(0.0, 1.0, 0.1),
        "linspace": lambda: unp.linspace(0, 1, 7),
        "eye": lambda: unp.eye(2, 3, k=1),
        "asarray": lambda: unp.asarray([[1.0, 2.5], [3.0, 4.0]]),
        "asarray[dtype]": lambda: unp.asarray([1, 2], dtype="float32"),
        "ones[device]": lambda: unp.ones((2,), device="cpu"),
    }
    likes: dict[str, Fn] = {
        "zeros_like": unp.zeros_like,
        "ones_like": unp.ones_like,
        "full_like": lambda x: unp.full_like(x, 3),
        "zeros_like[dtype]": lambda x: unp.zeros_like(x, dtype="int32"),
        "asarray[array]": lambda x: unp.asarray([x, x]),
        "empty_like": lambda x: unp.empty_like(x) * 0 + 1,
    }
    rows = [_row(name, fn, none, widen=False, bound=EXACT, jit=False, vmap=False) for name, fn in from_nothing.items()]
    rows += [_row(name, fn, like, dtypes=("float32", "bfloat16", "int32"), bound=EXACT) for name, fn in likes.items()]
    host = {"widen": False, "jit": False, "vmap": False, "bound": EXACT}
    return [
        *rows,
        _row("empty", lambda: unp.empty((2, 3)) * 0 + 1, none, **host),
        _row("to_numpy", lambda x: unp.asarray(unp.to_numpy(x) * 2), like, dtypes=("float32", "bfloat16"), **host),
        _row("asarray[host]", lambda x: unp.multiply(x, unp.asarray(x, backend=HOST)), like, jit=False, vmap=False),
        _row("dtype_of", lambda x: (x, str(unp.dtype_of(x))), like, dtypes=("float32", "bfloat16", "int32"), **host),
        _row("result_type", lambda x: (x, str(unp.result_type(x, "int32"))), like, dtypes=("float16", "int32"), **host),
        _row("finfo", lambda x: unp.finfo(x).eps, like, dtypes=FLOATS, **host),
        _row("iinfo", lambda x: unp.iinfo(x).max, like, dtypes=("int8", "int32"), **host),
    ]


CASES = (*_moving(), *_searching(), *_creating())
