"""The array namespace: order statistics, reductions with options, without nan, and along an axis."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import NUMBERS, VALUES, WIDE, Case, Data

Fn = Callable[..., Any]
Inputs = Callable[[Data], tuple[Any, ...]]

_SUMS = Bound(eps=16, why="sums in another order, of squares that are summed again")
_HALF = ("float32", "float64", "bfloat16")


def _row(name: str, fn: Fn, inputs: Inputs, reference: Fn, **options: Any) -> Case:
    return Case(f"numpy.{name}", fn, inputs, reference=reference, **options)


def _cube(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3, 5),)


def _like(x: Any, found: Any) -> Any:
    """``found`` in the dtype of ``x``; in float32 for integers."""
    x = np.asarray(x)
    return np.asarray(found).astype(x.dtype if x.dtype.kind in "fcV" else np.float32)


def _masked(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), np.array([[True, False, True, True], [False] * 4, [True, True, False, False]])


def _with_mask(name: str, inputs: Inputs, label: str = "where", **options: Any) -> Callable[..., Case]:
    def fn(x: Any, mask: Any) -> Any:
        return getattr(unp, name)(x, 1, where=mask, **options)

    def reference(x: Any, mask: Any) -> Any:
        found = getattr(np, name)(x, axis=1, where=mask, **options)
        return found.astype(np.int32) if found.dtype == np.int64 else found

    return functools.partial(_row, f"{name}[{label}]", fn, inputs, reference)


def _chosen() -> Iterator[Case]:
    some = ("float32", "float64", "int32")
    bools: Inputs = lambda d: (d.bools(3, 4), _masked(d)[1])  # noqa: E731
    for name, initial in (("sum", 2), ("prod", 3), ("max", 1), ("min", -1)):
        yield _with_mask(name, _masked, initial=initial)(dtypes=some, wrt=(0,))
    yield _with_mask("max", _masked, "bool", initial=False)(dtypes=("bool",))
    yield from (_with_mask(name, bools)() for name in ("any", "all"))
    yield _row(
        "mean[where]",
        lambda x, mask: unp.mean(x[::2], 1, where=mask[::2]),
        _masked,
        lambda x, mask: _like(x, np.mean(x[::2], 1, where=mask[::2])),
        dtypes=some,
        wrt=(0,),
    )
    narrow: Fn = lambda x: unp.sum(x, 0, dtype="int8")  # noqa: E731
    yield _row("sum[int8]", narrow, lambda d: (d.ints(0, 9, 3, 4),), lambda x: np.sum(x, 0, dtype=np.int8))


_METHODS = ("linear", "lower", "higher", "nearest", "midpoint")
_Q = (0.0, 0.125, 0.4, 0.5, 0.85, 1.0)


def _quantiles() -> Iterator[Case]:
    dtypes = (*_HALF, "int32")
    yield _row("median", unp.median, _cube, lambda x: _like(x, np.median(x)), dtypes=dtypes, wrt=(0,))
    for axis in (1, (0, 2), -1):
        yield _row(
            f"median[axis={axis}]",
            lambda x, axis=axis: unp.median(x, axis, keepdims=True),
            _cube,
            lambda x, axis=axis: np.median(x, axis, keepdims=True),
            wrt=(0,),
        )
    for method in _METHODS:
        yield _row(
            f"quantile[{method}]",
            lambda x, method=method: unp.quantile(x, _Q, (0, 2), method=method),
            _cube,
            lambda x, method=method: _like(x, np.quantile(x, _Q, (0, 2), method=method)),
            dtypes=dtypes,
            wrt=(0,),
        )
    yield _row("quantile", lambda x: unp.quantile(x, 0.3), _cube, lambda x: _like(x, np.quantile(x, 0.3)), wrt=(0,))
    yield _row("quantile[array]", _by_array, _with_shares, _by_numpy, dtypes=WIDE, wrt=(0, 1))
    yield _row(
        "percentile",
        lambda x: unp.percentile(x, [[10, 50], [62.5, 90]], 1, keepdims=True),
        _cube,
        lambda x: _like(x, np.percentile(x, [[10, 50], [62.5, 90]], 1, keepdims=True)),
        wrt=(0,),
    )
    with_nan: Inputs = lambda d: (np.where(np.eye(2, 5) == 1, np.float32(np.nan), d.array(2, 5)),)  # noqa: E731
    yield _row("median[nan]", lambda x: unp.median(x, 0), with_nan, lambda x: np.median(x, 0), widen=False)


def _by_array(x: Any, q: Any) -> Any:
    return unp.quantile(x, q, axis=1)


def _by_numpy(x: Any, q: Any) -> Any:
    return _like(x, np.quantile(x, q, axis=1))


def _with_shares(d: Data) -> tuple[Any, ...]:
    return d.array(2, 6), np.asarray(d.array(2, 2, low=0.05, high=0.95))


def _averages() -> list[Case]:
    weighted: Inputs = lambda d: (d.array(2, 3), d.array(2, 3, low=0.2, high=2.0))  # noqa: E731
    per_column: Inputs = lambda d: (d.array(2, 3), d.array(3, low=0.2, high=2.0))  # noqa: E731
    return [
        _row("ptp", lambda x: unp.ptp(x, (0, 2)), _cube, lambda x: np.ptp(x, (0, 2)), dtypes=WIDE, wrt=(0,)),
        _row("average", unp.average, _cube, lambda x: _like(x, np.average(x)), dtypes=(*WIDE, "int32"), wrt=(0,)),
        _row(
            "average[weights]",
            lambda x, w: unp.average(x, weights=w),
            weighted,
            lambda x, w: _like(x, np.average(x, weights=w)),
            wrt=(0, 1),
        ),
        _row(
            "average[axis]",
            lambda x, w: unp.average(x, -1, weights=w, keepdims=True),
            per_column,
            lambda x, w: _like(x, np.average(x, 1, weights=w, keepdims=True)),
            wrt=(0, 1),
        ),
    ]


def _gaps(d: Data) -> tuple[Any, ...]:
    x = d.array(3, 4, 3)
    mask = d.random.permutation(36).reshape(3, 4, 3) % 3 == 0
    mask[:, 0], mask[:, 1, 0] = False, True
    return (np.where(mask, np.asarray(np.nan, x.dtype), x),)


_NAN = {"nansum": VALUES, "nanprod": VALUES, "nanmean": VALUES, "nanvar": _SUMS, "nanstd": _SUMS, "nanmax": EXACT,
        "nanmin": EXACT, "nanmedian": VALUES}  # fmt: skip


def _without_nan() -> Iterator[Case]:
    for name, bound in _NAN.items():
        plain, numpy = getattr(unp, name), getattr(np, name)
        yield _row(name, plain, _gaps, lambda x, numpy=numpy: _like(x, numpy(x)), dtypes=WIDE, bound=bound)
        yield _row(
            f"{name}[axis=1]",
            lambda x, plain=plain: plain(x, 1, keepdims=True),
            _gaps,
            lambda x, numpy=numpy: _like(x, numpy(x, axis=1, keepdims=True)),
            dtypes=WIDE if name == "nanmedian" else _HALF,  # NumPy's own has no bfloat16
            bound=bound,
        )
        yield _row(
            f"{name}[gradient]",
            lambda x, plain=plain: plain(unp.where(unp.less(x, -1.0), unp.nan, x), 1),
            lambda d: (d.array(2, 5),),
            lambda x, numpy=numpy: _like(x, numpy(np.where(x < -1, np.nan, x).astype(x.dtype), axis=1)),
            wrt=(0,),
            bound=bound,
        )
    for name in ("nanargmax", "nanargmin"):
        plain, numpy = getattr(unp, name), getattr(np, name)
        yield _row(name, plain, _gaps, lambda x, numpy=numpy: np.int32(numpy(x)))
        yield _row(
            f"{name}[axis=1]",
            lambda x, plain=plain: plain(x, 1, keepdims=True),
            _gaps,
            lambda x, numpy=numpy: numpy(x, axis=1, keepdims=True).astype(np.int32),
        )
    corrected: Fn = lambda x: unp.nanvar(x, (0, 2), correction=1)  # noqa: E731
    yield _row("nanvar[correction]", corrected, _gaps, lambda x: np.nanvar(x, (0, 2), ddof=1), bound=_SUMS)


def _running() -> Iterator[Case]:
    some = ("float32", "float64", "int32", "bool", "complex64")
    for name in ("sum", "prod"):
        plain, numpy = getattr(unp, f"cumulative_{name}"), getattr(np, f"cum{name}")
        yield _row(
            f"cumulative_{name}",
            lambda x, plain=plain: plain(x, axis=1),
            _cube,
            lambda x, numpy=numpy: numpy(x, axis=1, dtype=x.dtype if x.dtype.kind in "fc" else np.int32),
            dtypes=some,
            wrt=(0,),
        )
        yield _row(
            f"cumulative_{name}[initial]",
            lambda x, plain=plain: plain(x, axis=-1, include_initial=True),
            _cube,
            lambda x, name=name: getattr(np, f"cumulative_{name}")(x, axis=-1, include_initial=True),
            dtypes=WIDE,
            wrt=(0,),
        )
        narrow: Fn = lambda x, plain=plain: plain(x, dtype="int16")  # noqa: E731
        ones: Inputs = lambda d: (d.ints(1, 3, 6),)  # noqa: E731
        yield _row(f"cumulative_{name}[dtype]", narrow, ones, lambda x, numpy=numpy: numpy(x, dtype=np.int16))
    for name, ufunc in (("cummax", np.maximum), ("cummin", np.minimum)):
        plain = getattr(unp, name)
        flat: Fn = lambda x, ufunc=ufunc: ufunc.accumulate(x.ravel())  # noqa: E731
        along: Fn = lambda x, ufunc=ufunc: ufunc.accumulate(x, 1)  # noqa: E731
        yield _row(name, plain, _cube, flat, dtypes=NUMBERS, wrt=(0,), bound=EXACT)
        yield _row(f"{name}[axis=1]", lambda x, plain=plain: plain(x, 1), _cube, along, wrt=(0,), bound=EXACT)


def _scores(d: Data) -> tuple[Any, ...]:
    x = d.array(3, 5, low=-30.0, high=30.0)
    x[0, :2] = x[1, 3] = -np.inf
    return (x,)


def _logsumexp(x: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.logaddexp.accumulate(np.asarray(x, np.float64), 1).astype(x.dtype)


def _scans() -> list[Case]:
    fn: Fn = lambda x: unp.cumulative_logsumexp(x, 1)  # noqa: E731
    return [
        _row("cumulative_logsumexp", fn, lambda d: (d.array(3, 5),), _logsumexp, dtypes=_HALF, wrt=(0,)),
        _row("cumulative_logsumexp[-inf]", fn, _scores, _logsumexp, dtypes=_HALF),
    ]


def _differences() -> list[Case]:
    ends: Inputs = lambda d: (d.array(2, 4), d.array(2, 1), d.array(2, 2))  # noqa: E731
    return [
        _row("diff", unp.diff, _cube, np.diff, dtypes=(*NUMBERS, "complex64"), wrt=(0,)),
        _row("diff[n=2]", lambda x: unp.diff(x, axis=1, n=2), _cube, lambda x: np.diff(x, 2, 1), wrt=(0,)),
        _row(
            "diff[ends]",
            lambda x, a, b: unp.diff(x, prepend=a, append=b),
            ends,
            lambda x, a, b: np.diff(x, prepend=a, append=b),
            dtypes=("float32", "int32"),
            wrt=(0, 1, 2),
        ),
        _row("diff[scalar]", lambda x: unp.diff(x, prepend=0), _cube, lambda x: np.diff(x, prepend=x.dtype.type(0))),
    ]


CASES = (
    *_chosen(), *_quantiles(), *_averages(), *_without_nan(), *_running(), *_scans(), *_differences(),
)  # fmt: skip
