"""The array namespace: sorting, finding places, and sets. The references are functions of NumPy or plain loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.bounds import EXACT
from unimod.testing.case import NUMBERS, Case, Data

Fn = Callable[..., Any]
Inputs = Callable[[Data], tuple[Any, ...]]

_SPECIAL = np.array([2, np.nan, -0.0, 0.0, -np.inf, np.nan, 7, np.inf, 0.0, -3], np.float32)


def _row(name: str, fn: Fn, inputs: Inputs, reference: Fn | None = None, **options: Any) -> Case:
    return Case(f"numpy.{name}", fn, inputs, reference=reference, bound=EXACT, **options)


def _ints(x: Any) -> Any:
    return np.asarray(x).astype(np.int32)


def _table(d: Data) -> tuple[Any, ...]:
    return (d.array(3, 5),)


def _ties(d: Data) -> tuple[Any, ...]:
    return (d.ints(0, 4, 2, 30),)


def _special(d: Data) -> tuple[Any, ...]:
    return (d.random.permutation(_SPECIAL),)


def _ordered(x: Any, *, descending: bool = False) -> Any:
    """The order along the last axis by Python's own sort, in which nan is the greatest."""
    keys = np.asarray(x, np.float64)

    def order(row: Any) -> Any:
        def key(i: int) -> tuple[bool, float]:
            return bool(np.isnan(row[i])), 0.0 if np.isnan(row[i]) else float(row[i])

        return sorted(range(len(row)), key=key, reverse=descending)

    return _ints(np.apply_along_axis(order, -1, keys))


def _top(x: Any, k: int, *, axis: int = -1, descending: bool = True) -> tuple[Any, Any]:
    moved = np.moveaxis(x, axis, -1)
    places = _ordered(moved, descending=descending)[..., :k]
    return np.moveaxis(np.take_along_axis(moved, places, -1), -1, axis), np.moveaxis(places, -1, axis)


def _sorting() -> list[Case]:
    down: dict[str, Any] = {"descending": True}
    return [
        _row("sort[dtypes]", unp.sort, _table, lambda x: np.sort(x, -1), dtypes=NUMBERS, wrt=(0,)),
        _row("sort[nan]", unp.sort, _special, lambda x: x[_ordered(x)]),
        _row("sort[nan, down]", lambda x: unp.sort(x, **down), _special, lambda x: x[_ordered(x, **down)]),
        _row("argsort[nan]", unp.argsort, _special, _ordered),
        _row("argsort[nan, down]", lambda x: unp.argsort(x, **down), _special, lambda x: _ordered(x, descending=True)),
        _row("partition", lambda x: unp.partition(x, 2), _table, lambda x: np.sort(x, -1), wrt=(0,)),
        _row("argpartition", lambda x: unp.argpartition(x, 2), _table, _ordered),
        _row(
            "lexsort",
            lambda x, y: unp.lexsort([x, y]),
            lambda d: (d.array(2, 12), d.ints(0, 3, 2, 12)),
            lambda x, y: _ints(np.lexsort([x, y])),
            dtypes=("float32", "int32"),
        ),
        _row("lexsort[axis=0]", lambda x: unp.lexsort(x, axis=0), lambda d: (d.ints(0, 3, 3, 9, 2),), _lexsorted),
    ]


def _lexsorted(keys: Any) -> Any:
    return _ints(np.lexsort(tuple(keys), axis=0))


def _greatest() -> list[Case]:
    return [
        _row("top_k", lambda x: unp.top_k(x, 3), _table, lambda x: _top(x, 3), dtypes=(*NUMBERS, "float16"), wrt=(0,)),
        _row("top_k[axis=0]", lambda x: unp.top_k(x, 2, axis=0), _table, lambda x: _top(x, 2, axis=0), wrt=(0,)),
        _row("top_k[ties]", lambda x: unp.top_k(x, 25), _ties, lambda x: _top(x, 25)),
        _row("top_k[nan]", lambda x: unp.top_k(x, 10), _special, lambda x: _top(x, 10)),
        _row(
            "top_k[smallest]",
            lambda x: unp.top_k(x, 3, largest=False),
            _table,
            lambda x: _top(x, 3, descending=False),
            wrt=(0,),
        ),
    ]


def _haystack(d: Data) -> tuple[Any, ...]:
    return np.sort(d.ints(0, 9, 12)), d.ints(-2, 11, 3, 4)


def _floats(d: Data) -> tuple[Any, ...]:
    x = np.sort(d.array(9))
    return x, np.concatenate([x[::3], d.array(5)]).reshape(2, 4)


def _with_nan(d: Data) -> tuple[Any, ...]:
    return np.sort(d.random.permutation(_SPECIAL)), d.random.permutation(_SPECIAL)


def _shuffled(d: Data) -> tuple[Any, ...]:
    x = d.array(9)
    return x, d.array(4), _ints(np.argsort(x))


def _searching() -> list[Case]:
    right: Fn = lambda x, y: unp.searchsorted(x, y, side="right")  # noqa: E731
    rights: Fn = lambda x, y: _ints(np.searchsorted(x, y, "right"))  # noqa: E731
    lefts: Fn = lambda x, y: _ints(np.searchsorted(x, y))  # noqa: E731
    floats = ("float32", "float64", "bfloat16")
    return [
        _row("searchsorted", unp.searchsorted, _haystack, lefts),
        _row("searchsorted[right]", right, _haystack, rights),
        _row("searchsorted[floats]", unp.searchsorted, _floats, lefts, dtypes=floats, widen=False),
        _row("searchsorted[nan]", unp.searchsorted, _with_nan, lefts),
        _row("searchsorted[nan, right]", right, _with_nan, rights),
        _row("searchsorted[one]", lambda x: unp.searchsorted(x, 3.5), lambda d: _haystack(d)[:1], _half_way),
        _row(
            "searchsorted[sorter]",
            lambda x, y, order: unp.searchsorted(x, y, sorter=order),
            _shuffled,
            lambda x, y, order: _ints(np.searchsorted(x, y, sorter=order)),
        ),
    ]


def _half_way(x: Any) -> Any:
    return _ints(np.searchsorted(x, 3.5))


def _holes(d: Data) -> tuple[Any, ...]:
    x = d.array(4, 5)
    return (np.where(d.bools(4, 5), x, np.zeros_like(x)),)


def _padded(size: int, fill: int, places: Any) -> Any:
    return _ints(np.concatenate([places[:size], np.full(max(0, size - len(places)), fill)]))


def _places() -> list[Case]:
    eager = {"jit": False, "vmap": False}
    dtypes = ("float32", "int32", "bool", "complex64")
    return [
        _row("nonzero", unp.nonzero, _holes, lambda x: tuple(map(_ints, np.nonzero(x))), dtypes=dtypes, **eager),
        _row("argwhere", unp.argwhere, _holes, lambda x: _ints(np.argwhere(x)), **eager),
        _row("flatnonzero", unp.flatnonzero, _holes, lambda x: _ints(np.flatnonzero(x)), **eager),
        *(
            _row(
                f"nonzero[size={size}]",
                lambda x, size=size: unp.nonzero(x, size=size, fill_value=(-1, -2)),
                _holes,
                lambda x, size=size: tuple(_padded(size, -1 - i, places) for i, places in enumerate(np.nonzero(x))),
            )
            for size in (4, 25)
        ),
        _row(
            "argwhere[size]",
            lambda x: unp.argwhere(x, size=12, fill_value=9),
            _holes,
            lambda x: np.stack([_padded(12, 9, places) for places in np.nonzero(x)], 1),
        ),
        _row(
            "flatnonzero[size]",
            lambda x: unp.flatnonzero(x, size=12, fill_value=99),
            _holes,
            lambda x: _padded(12, 99, np.flatnonzero(x)),
        ),
    ]


def _few(d: Data) -> tuple[Any, ...]:
    """Numbers of which there are several of each."""
    pool = d.array(6)
    return (pool[d.ints(0, 6, 4, 5)],)


def _all_of(x: Any) -> tuple[Any, ...]:
    values, indices, inverse, counts = np.unique(x, True, True, True, equal_nan=False)
    return values, _ints(indices), _ints(inverse).reshape(x.shape), _ints(counts)


def _first(size: int, fill: Any) -> Fn:
    """What :func:`_all_of` gives, of a size of its own."""

    def cut(x: Any) -> tuple[Any, ...]:
        values, indices, inverse, counts = _all_of(x)
        missing = max(0, size - len(values))
        more = np.full(missing, values[0] if fill is None else fill, values.dtype)
        zeros = np.zeros(missing, np.int32)
        return (
            np.concatenate([values[:size], more]),
            np.concatenate([indices[:size], zeros]),
            inverse,
            np.concatenate([counts[:size], zeros]),
        )

    return cut


def _uniques() -> list[Case]:
    eager = {"jit": False, "vmap": False}
    dtypes = ("float32", "float64", "bfloat16", "int32", "bool", "complex64")
    merged: Fn = lambda x: tuple(unp.unique(x, True, True, True))  # noqa: E731
    return [
        _row("unique_all", lambda x: tuple(unp.unique_all(x)), _few, _all_of, dtypes=dtypes, **eager),
        _row("unique_all[nan]", lambda x: tuple(unp.unique_all(x)), _special, _all_of, **eager),
        _row("unique_counts", lambda x: tuple(unp.unique_counts(x)), _few, lambda x: _all_of(x)[::3], **eager),
        _row("unique_inverse", lambda x: tuple(unp.unique_inverse(x)), _few, lambda x: _all_of(x)[::2], **eager),
        _row("unique_values", unp.unique_values, _few, np.unique, dtypes=dtypes, **eager),
        _row("unique", unp.unique, _special, np.unique, **eager),
        _row("unique[all]", merged, _special, _merged, **eager),
        *(
            _row(
                f"unique_all[size={size}]",
                lambda x, size=size, fill=fill: tuple(unp.unique_all(x, size=size, fill_value=fill)),
                _few,
                _first(size, fill),
                dtypes=("float32", "int32"),
            )
            for size, fill in ((3, None), (9, None), (25, 1.5))
        ),
        _row(
            "unique[size]",
            lambda x: unp.unique(x, size=9),
            _few,
            lambda x: _first(9, None)(x)[0],
            dtypes=("float32", "complex64"),
        ),
    ]


def _merged(x: Any) -> tuple[Any, ...]:
    values, indices, inverse, counts = np.unique(x, True, True, True)
    return values, _ints(indices), _ints(inverse).reshape(x.shape), _ints(counts)


def _two(d: Data) -> tuple[Any, ...]:
    pool = d.array(12)
    return pool[d.ints(0, 8, 3, 4)], pool[d.ints(4, 12, 30)]


def _sets() -> list[Case]:
    eager = {"jit": False, "vmap": False}
    some = ("float32", "int32")
    rows = [_row("isin", unp.isin, _two, np.isin, dtypes=(*some, "bool", "complex64"))]
    for name in ("union1d", "intersect1d", "setdiff1d"):
        plain, numpy = getattr(unp, name), getattr(np, name)
        rows.append(_row(name, plain, _two, numpy, dtypes=some, **eager))
        rows.append(
            _row(
                f"{name}[size]",
                lambda x, y, plain=plain: plain(x, y, size=14, fill_value=9),
                _two,
                lambda x, y, numpy=numpy: _padded_values(numpy(x, y), 14, 9),
                dtypes=some,
            )
        )
    return [
        *rows,
        _row("isin[few]", lambda x, y: unp.isin(x, y[:5]), _two, lambda x, y: np.isin(x, y[:5])),
        _row("isin[invert]", lambda x, y: unp.isin(x, y, invert=True), _two, lambda x, y: ~np.isin(x, y)),
        _row("isin[nan]", lambda x: unp.isin(x, unp.concat([x, x])), _special, lambda x: ~np.isnan(x)),
    ]


def _padded_values(values: Any, size: int, fill: Any) -> Any:
    return np.concatenate([values[:size], np.full(max(0, size - len(values)), fill, values.dtype)])


CASES = (*_sorting(), *_greatest(), *_searching(), *_places(), *_uniques(), *_sets())
