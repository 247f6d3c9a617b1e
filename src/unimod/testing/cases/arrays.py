"""The array namespace: what moves the elements of arrays about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import Case, Data

Fn = Callable[..., Any]
Inputs = Callable[[Data], tuple[Any, ...]]
MANY = ("float32", "float64", "bfloat16", "int32", "bool", "complex64")


def _row(name: str, fn: Fn, inputs: Inputs, **options: Any) -> Case:
    return Case(f"numpy.{name}", fn, inputs, **options)


def _moving() -> list[Case]:
    one = lambda d: (d.array(2, 3, 4),)  # noqa: E731
    pairs: dict[str, tuple[Fn, Fn]] = {
        "reshape": (lambda x: unp.reshape(x, (3, -1)), lambda x: x.reshape(3, 8)),
        "reshape[copy]": (lambda x: unp.reshape(x, (4, 6), copy=True), lambda x: x.reshape(4, 6)),
        "ravel": (unp.ravel, np.ravel),
        "copy": (unp.copy, np.copy),
        "permute_dims": (lambda x: unp.permute_dims(x, (2, 0, 1)), lambda x: np.transpose(x, (2, 0, 1))),
        "matrix_transpose": (unp.matrix_transpose, lambda x: np.swapaxes(x, 1, 2)),
        "swapaxes": (lambda x: unp.swapaxes(x, 0, 2), lambda x: np.swapaxes(x, 0, 2)),
        "moveaxis": (lambda x: unp.moveaxis(x, 0, 2), lambda x: np.moveaxis(x, 0, 2)),
        "moveaxis[axes]": (
            lambda x: unp.moveaxis(x, (0, 1), (-1, 0)),
            lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
        ),
        "expand_dims": (lambda x: unp.expand_dims(x, 1), lambda x: x[:, None]),
        "expand_dims[axes]": (lambda x: unp.expand_dims(x, (0, -1)), lambda x: x[None, ..., None]),
        "squeeze": (lambda x: unp.squeeze(x[:, :1], 1), lambda x: x[:, 0]),
        "broadcast_to": (
            lambda x: unp.broadcast_to(x, (2, 2, 3, 4)),
            lambda x: np.broadcast_to(x, (2, 2, 3, 4)),
        ),
        "atleast_1d": (lambda x: unp.atleast_1d(x[0, 0, 0]), lambda x: np.atleast_1d(x[0, 0, 0])),
        "atleast_2d": (lambda x: unp.atleast_2d(x[0, 0]), lambda x: np.atleast_2d(x[0, 0])),
        "atleast_3d": (lambda x: unp.atleast_3d(x[0]), lambda x: np.atleast_3d(x[0])),
        "flip": (unp.flip, np.flip),
        "flip[axis=1]": (lambda x: unp.flip(x, 1), lambda x: x[:, ::-1]),
        "flip[axes]": (lambda x: unp.flip(x, (0, -1)), lambda x: x[::-1, :, ::-1]),
        "fliplr": (unp.fliplr, np.fliplr),
        "flipud": (unp.flipud, np.flipud),
        "rot90": (unp.rot90, np.rot90),
        "rot90[back]": (lambda x: unp.rot90(x, -1, axes=(1, 2)), lambda x: np.rot90(x, -1, axes=(1, 2))),
        "tril": (lambda x: unp.tril(x, k=1), lambda x: np.tril(x, 1)),
        "triu": (lambda x: unp.triu(x, k=-1), lambda x: np.triu(x, -1)),
        "unstack": (lambda x: unp.unstack(x, axis=1), lambda x: tuple(np.moveaxis(x, 1, 0))),
        "split": (lambda x: unp.split(x, 2, axis=2), lambda x: np.split(x, 2, axis=2)),
        "split[places]": (lambda x: unp.split(x, (1, 3), axis=2), lambda x: np.split(x, (1, 3), axis=2)),
        "array_split": (lambda x: unp.array_split(x, 3, axis=2), lambda x: np.array_split(x, 3, axis=2)),
        "roll": (lambda x: unp.roll(x, 2, 1), lambda x: np.roll(x, 2, 1)),
        "roll[axes]": (lambda x: unp.roll(x, (1, -5), (0, 2)), lambda x: np.roll(x, (1, -5), (0, 2))),
        "roll[flat]": (lambda x: unp.roll(x, -7), lambda x: np.roll(x, -7)),
        "repeat": (lambda x: unp.repeat(x, 2, 1), lambda x: np.repeat(x, 2, 1)),
        "repeat[each]": (lambda x: unp.repeat(x, [2, 0, 3], 1), lambda x: np.repeat(x, [2, 0, 3], 1)),
        "tile": (lambda x: unp.tile(x, (2, 1, 2)), lambda x: np.tile(x, (2, 1, 2))),
    }
    rows = [
        _row(name, fn, one, reference=reference, dtypes=MANY, wrt=(0,), bound=EXACT)
        for name, (fn, reference) in pairs.items()
    ]
    rows.append(_row("take", lambda x: unp.take(x, unp.zeros_like(x[0, 0], dtype="int32"), 1), one, dtypes=MANY[:5]))
    return [*rows, *_padding(), *_joining(), *_casting()]


def _padding() -> list[Case]:
    one = lambda d: (d.array(2, 3, 4),)  # noqa: E731
    wide = ((1, 0), (7, 5), (0, 9))
    rows = [
        _row(
            f"pad[{mode}]",
            lambda x, m=mode: unp.pad(x, wide, mode=m),
            one,
            reference=lambda x, m=mode: np.pad(x, wide, mode=m),
            dtypes=MANY,
            wrt=(0,),
            # An element of the array is in the result up to a hundred times, and so often its slope is added up.
            gradient_bound=Bound(eps=64),
            bound=EXACT,
        )
        for mode in ("edge", "reflect", "symmetric", "wrap")
    ]
    few = ((1, 0), (0, 2), (1, 1))
    values = ((1, 0), (1, 1), (0, 1))
    constant: Fn = lambda x, v: np.pad(x, few, constant_values=v)  # noqa: E731
    return [
        *rows,
        _row("pad", lambda x: unp.pad(x, few, value=1), one, reference=lambda x: constant(x, 1), dtypes=MANY, wrt=(0,)),
        _row(
            "pad[values]",
            lambda x: unp.pad(x, few, value=values),
            one,
            reference=lambda x: constant(x, values),
            dtypes=MANY,
            wrt=(0,),
            bound=EXACT,
        ),
    ]


def _joining() -> list[Case]:
    trees = lambda d: ([d.array(2, 3), d.array(2, 3)],)  # noqa: E731
    pairs: dict[str, tuple[Fn, Fn]] = {
        "concat": (lambda xs: unp.concat(xs, axis=1), lambda xs: np.concatenate(xs, 1)),
        "concat[flat]": (lambda xs: unp.concat(xs, axis=None), lambda xs: np.concatenate(xs, None)),
        "stack": (lambda xs: unp.stack(xs, axis=1), lambda xs: np.stack(xs, 1)),
        "hstack": (unp.hstack, np.hstack),
        "hstack[rows]": (lambda xs: unp.hstack([x[0] for x in xs]), lambda xs: np.hstack([x[0] for x in xs])),
        "vstack": (unp.vstack, np.vstack),
        "dstack": (unp.dstack, np.dstack),
    }
    two = lambda d: (d.array(2), d.array(3))  # noqa: E731
    return [
        *(
            _row(name, fn, trees, reference=reference, dtypes=MANY, wrt=(0,), bound=EXACT)
            for name, (fn, reference) in pairs.items()
        ),
        _row("meshgrid", unp.meshgrid, two, reference=lambda *xs: list(np.meshgrid(*xs)), wrt=(0, 1), bound=EXACT),
        _row(
            "meshgrid[ij]",
            lambda *xs: unp.meshgrid(*xs, indexing="ij"),
            two,
            reference=lambda *xs: list(np.meshgrid(*xs, indexing="ij")),
            wrt=(0, 1),
            bound=EXACT,
        ),
        _row(
            "broadcast_arrays",
            unp.broadcast_arrays,
            lambda d: (d.array(2, 1), d.array(3)),
            reference=lambda *xs: list(np.broadcast_arrays(*xs)),
            wrt=(0, 1),
            bound=EXACT,
        ),
        _row(
            "repeat[length]",
            lambda x, n: unp.repeat(x, n, total_repeat_length=9),
            lambda d: (d.array(4), d.ints(0, 4, 4)),
            reference=lambda x, n: np.concatenate([np.repeat(x, n), np.full(9, x[-1])])[:9],
            wrt=(0,),
            bound=EXACT,
        ),
    ]


def _casting() -> list[Case]:
    return [
        _row(
            "astype",
            lambda x: unp.astype(x, "int32"),
            lambda d: (d.array(5, low=-9, high=9),),
            dtypes=("float32", "bool"),
        ),
        _row("astype[half]", lambda x: unp.astype(x, "bfloat16"), lambda d: (d.array(5),), widen=False, bound=EXACT),
        _row(
            "to_device", lambda x: unp.to_device(x, "cpu"), lambda d: (d.array(5),), dtypes=MANY, wrt=(0,), bound=EXACT
        ),
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


CASES = (*_moving(), *_searching())
