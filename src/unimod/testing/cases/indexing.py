"""The array namespace: indexing, functional updates, segments, and blocks at places that a trace does not know.

The references are numpy's own indexing and its ``ufunc.at``, which the engines do not use, on copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import NUMBERS, Case, Data

Fn = Callable[..., Any]
Inputs = Callable[[Data], tuple[Any, ...]]
MOVED = ("float32", "float64", "bfloat16", "int32", "bool", "complex64")
REAL = ("float32", "float64", "bfloat16", "int32", "bool")
FLOATING = ("float32", "float64", "bfloat16")
SEVERAL = Bound(eps=8)
"""Up to four factors or terms meet in one place, each rounded where bfloat16 is added up."""


def _row(name: str, fn: Fn, inputs: Inputs, reference: Fn | None = None, **more: Any) -> Case:
    return Case(f"numpy.{name}", fn, inputs, reference=reference, **more)


def _indexed(d: Data) -> tuple[Any, ...]:
    """An array, indices with one that stands twice, a negative one and one outside, and values for them."""
    places = d.random.permutation(np.array([3, -1, 0, 2, 7])).astype(np.int32)
    return d.array(4, 3), places, d.array(5, 3, low=0.5, high=3.0)


def _written(ufunc: Any) -> Fn:
    """What an update is: in place, on a copy, without the indices outside; ``None`` sets."""

    def reference(x: Any, i: Any, y: Any) -> Any:
        x, kept = x.copy(), (i >= -len(x)) & (i < len(x))
        if ufunc is None:
            for place, value in zip(i[kept], y[kept], strict=True):
                x[place] = value
        else:
            ufunc.at(x, i[kept], y[kept])
        return x

    return reference


def _by_product(ufunc: Any) -> Fn:
    """An update by the product of all values for a place."""

    def reference(x: Any, i: Any, y: Any) -> Any:
        factor = _written(np.multiply)(np.ones_like(x), i, y)
        return ufunc(x, factor)

    return reference


def _updates() -> Iterator[Case]:
    references = {
        "set": (_written(None), MOVED, EXACT),
        "add": (_written(np.add), MOVED, SEVERAL),
        "subtract": (_written(np.subtract), ("float32", "bfloat16", "int32", "complex64"), SEVERAL),
        "multiply": (_written(np.multiply), MOVED, SEVERAL),
        "divide": (_by_product(np.divide), FLOATING, SEVERAL),
        "min": (_written(np.minimum), REAL, EXACT),
        "max": (_written(np.maximum), REAL, EXACT),
    }
    for op, (reference, dtypes, bound) in references.items():
        fn = lambda x, i, y, op=op: getattr(unp.at(x)[i], op)(y)  # noqa: E731
        yield _row(f"at[{op}]", fn, _indexed, reference, dtypes=dtypes, wrt=(0, 2), bound=bound)
    yield _row(
        "at[power]",
        lambda x, i, y: unp.at(x)[i].power(y),
        lambda d: (d.array(4, 3, low=0.5, high=2.0), *_indexed(d)[1:]),
        _by_product(np.power),
        dtypes=("float32", "float64"),
        wrt=(0, 2),
        # An exponent of up to 9 multiplies the rounding of the logarithm.
        bound=Bound(eps=32),
        gradient_bound=Bound(eps=64),
    )


def _zeros(d: Data) -> tuple[Any, ...]:
    """Factors of which one or two for the same place are 0."""
    return d.array(3), np.array([0, 0, 1, 1, 1, 2], np.int32), d.array(6) * np.array([1, 0, 0, 1, 0, 1], d.dtype)


def _places() -> Iterator[Case]:
    """Every kind of index, read and set."""
    indices: dict[str, Fn] = {
        "slices": lambda i: (slice(None, None, -1), slice(3, 0, -2), None),
        "ints": lambda i: (-1, ..., 2),
        "arrays": lambda i: (i, slice(None), i[:, None]),
        "apart": lambda i: (0, slice(None), [0, 1]),
        "together": lambda i: (slice(1, None), i % 2, [[0], [3]]),
        "mask": lambda i: (slice(None), np.array([True, False, True]), slice(None, None, -1)),
        "scalar": lambda i: (slice(None), i[0]),
        "empty": lambda i: (slice(None), [], slice(1, 3)),
    }
    for name, index in indices.items():

        def read(x: Any, i: Any, y: Any, index: Fn = index) -> Any:
            return unp.getitem(x, index(i)), unp.at(x)[index(i)].add(y)

        def expected(x: Any, i: Any, y: Any, index: Fn = index) -> Any:
            changed = x.copy()
            np.add.at(changed, index(i), y)
            return np.asarray(x[index(i)]), changed

        inputs: Inputs = lambda d: (d.array(3, 3, 4), d.random.permutation(3)[:2].astype(np.int32), d.array())  # noqa: E731
        yield _row(f"getitem[{name}]", read, inputs, expected, dtypes=NUMBERS, wrt=(0, 2))


def _modes() -> Iterator[Case]:
    def set_in(x: Any, i: Any, y: Any, mode: str) -> Any:
        return unp.at(x)[i].add(y, mode=mode), unp.getitem(x, i, mode=mode)

    def expected(x: Any, i: Any, y: Any, mode: str) -> Any:
        i, changed = np.clip(i, 0, 3) if mode == "clip" else i % 4, x.copy()
        np.add.at(changed, i, y)
        return changed, x[i]

    for mode in ("clip", "wrap"):
        fns = [lambda x, i, y, f=f, m=mode: f(x, i, y, m) for f in (set_in, expected)]
        yield _row(f"at[{mode}]", fns[0], _indexed, fns[1], wrt=(0, 2), bound=SEVERAL)
    yield _row(
        "getitem[fill]",
        lambda x, i, y: unp.getitem(x, (i, i % 3), mode="fill", fill_value=7),
        _indexed,
        lambda x, i, y: np.where(i == 7, np.asarray(7, x.dtype), x[np.where(i == 7, 0, i), i % 3]),
        dtypes=("float32", "bfloat16", "int32"),
        wrt=(0,),
        bound=EXACT,
    )


def _masks() -> Iterator[Case]:
    positive: Fn = lambda x: x > 0  # noqa: E731
    yield _row(
        "at[mask]",
        lambda x, y: unp.at(x)[positive(x)].multiply(y[0]),
        lambda d: (d.array(4, 3), d.array(3)),
        lambda x, y: np.where(positive(x), x * y[0], x),
        dtypes=FLOATING,
        wrt=(0, 1),
    )
    yield _row(
        "at[rows]",
        lambda x, y: unp.at(x)[positive(x[:, 0])].set(y),
        lambda d: (d.array(4, 3), d.array(3)),
        lambda x, y: np.where(positive(x[:, :1]), y, x),
        dtypes=FLOATING,
        wrt=(0, 1),
        bound=EXACT,
    )


def _along() -> Iterator[Case]:
    columns: Inputs = lambda d: (d.array(2, 4, 3), d.ints(-4, 4, 2, 5, 3), d.array(2, 5, 3))  # noqa: E731

    def put(x: Any, i: Any, y: Any) -> Any:
        x = x.copy()
        for a, b, c in np.ndindex(*i.shape):
            x[a, i[a, b, c], c] = y[a, b, c]
        return x

    def scattered(x: Any, i: Any, y: Any) -> Any:
        x, index = x.copy(), (slice(None), i)
        np.add.at(x, index, y)  # type: ignore[arg-type]
        return x

    yield _row(
        "put_along_axis",
        lambda x, i, y: unp.put_along_axis(x, i, y, axis=1),
        columns,
        put,
        dtypes=MOVED,
        wrt=(0, 2),
        bound=EXACT,
    )
    yield _row(
        "scatter",
        lambda x, i, y: unp.scatter(x, i, y, axis=1, op="add"),
        lambda d: (d.array(2, 4), d.ints(-4, 4, 3, 2), d.array(2, 3, 2)),
        scattered,
        dtypes=("float32", "float64", "int32", "complex64"),
        wrt=(0, 2),
        bound=SEVERAL,
    )
    yield _row(
        "take_along_axis[fill]",
        lambda x, i: unp.take_along_axis(x, i, axis=0, mode="fill", fill_value=2),
        lambda d: (d.array(3, 2), np.array([[1, -4], [5, -1]], np.int32)),
        lambda x, i: np.stack([np.array([x[1, 0], 2]), np.array([2, x[-1, 1]])]).astype(x.dtype),
        dtypes=("float32", "int32"),
        wrt=(0,),
        bound=EXACT,
    )
    yield _row(
        "one_hot[axis]",
        lambda i: unp.one_hot(i, 3, axis=0, dtype="int32"),
        lambda d: (np.array([[0, 2], [1, 5]], np.int32),),
        lambda i: (np.arange(3)[:, None, None] == i).astype(np.int32),
        bound=EXACT,
    )


def _rows_of(i: Any, data: Any) -> list[Any]:
    return [data[i == s] for s in range(4)]


def _segments() -> Iterator[Case]:
    """Four segments, of which the last has no rows; rows of the numbers -1 and 9 belong to none."""

    def inputs(d: Data) -> tuple[Any, ...]:
        return d.array(9, 2), d.random.permutation(np.array([0, 0, 1, 2, 1, 1, 0, -1, 9])).astype(np.int32)

    wide: Fn = lambda x: x.astype(np.int32) if x.dtype.kind in "bi" else x  # noqa: E731
    references: dict[str, tuple[Fn, tuple[str, ...], Bound]] = {
        "sum": (lambda rows: rows.sum(0, dtype=wide(rows).dtype), MOVED, SEVERAL),
        "prod": (lambda rows: rows.prod(0, dtype=wide(rows).dtype), MOVED, SEVERAL),
        "mean": (lambda rows: rows.sum(0) / max(len(rows), 1), FLOATING, SEVERAL),
        "max": (lambda rows: rows.max(0, initial=_end(rows, np.maximum)), REAL, EXACT),
        "min": (lambda rows: rows.min(0, initial=_end(rows, np.minimum)), REAL, EXACT),
    }
    for name, (reduce, dtypes, bound) in references.items():
        fn = lambda x, i, f=f"segment_{name}": getattr(unp, f)(x, i, 4)  # noqa: E731
        whole = name not in ("max", "min")  # a sum of everything that holds infinities has no differences
        kept: Fn = (lambda f: f) if whole else (lambda f: lambda x, i: f(x, i)[:3])

        def expected(x: Any, i: Any, reduce: Fn = reduce) -> Any:
            return np.stack([np.asarray(reduce(rows)) for rows in _rows_of(i, x)])

        yield _row(f"segment_{name}", kept(fn), inputs, kept(expected), dtypes=dtypes, wrt=(0,), bound=bound)
        if not whole:
            yield _row(f"segment_{name}[empty]", fn, inputs, expected, bound=bound, widen=False)
    yield _row(
        "segment_prod[zeros]",
        lambda x, i, y: unp.segment_prod(y, i, 3),
        _zeros,
        lambda x, i, y: np.array([y[i == s].prod() for s in range(3)], y.dtype),
        wrt=(2,),
        dtypes=("float32", "float64"),
    )
    yield _row(
        "at[zeros]",
        lambda x, i, y: unp.at(x)[i].multiply(y),
        _zeros,
        _written(np.multiply),
        wrt=(0, 2),
        dtypes=("float32", "float64"),
    )


def _end(rows: Any, ufunc: Any) -> Any:
    """What the greatest or least of no rows is."""
    greatest = ufunc is np.maximum
    if rows.dtype.kind == "b":
        return not greatest
    if rows.dtype.kind == "i":
        return np.iinfo(rows.dtype).min if greatest else np.iinfo(rows.dtype).max
    return -np.inf if greatest else np.inf


def _dynamic() -> Iterator[Case]:
    """Starts inside, negative and beyond the end, which are clamped."""
    starts: Fn = lambda d: d.random.permutation(np.array([1, -2, 9])).astype(np.int32)  # noqa: E731

    def first(start: int, size: int, taken: int) -> int:
        return min(max(start + size if start < 0 else start, 0), size - taken)

    def block(x: Any, i: Any) -> tuple[slice, ...]:
        found = [first(int(start), n, 2) for start, n in zip(i, x.shape, strict=True)]
        return tuple(slice(one, one + 2) for one in found)

    def changed(x: Any, i: Any, y: Any) -> Any:
        x = x.copy()
        x[block(x, i)] = y
        return x

    cube: Fn = lambda d: (d.array(4, 3, 5), starts(d))  # noqa: E731
    yield _row(
        "dynamic_slice",
        lambda x, i: unp.dynamic_slice(x, i, (2, 2, 2)),
        cube,
        lambda x, i: x[block(x, i)],
        dtypes=MOVED,
        wrt=(0,),
        bound=EXACT,
    )
    yield _row(
        "dynamic_update_slice",
        lambda x, i, y: unp.dynamic_update_slice(x, y, i),
        lambda d: (*cube(d), d.array(2, 2, 2)),
        changed,
        dtypes=MOVED,
        wrt=(0, 2),
        bound=EXACT,
    )
    yield _row(
        "dynamic_index",
        lambda x, i: unp.dynamic_index(x, i[0], axis=1),
        cube,
        lambda x, i: x[:, first(int(i[0]), 3, 1)],
        dtypes=("float32", "int32"),
        wrt=(0,),
        bound=EXACT,
    )


CASES = (*_updates(), *_places(), *_modes(), *_masks(), *_along(), *_segments(), *_dynamic())
