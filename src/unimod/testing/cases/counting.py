"""Counts, histograms and covariances, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.case import WIDE, Case
from unimod.testing.cases.numerical import MIXED, row


def _counts() -> list[Case]:
    some = lambda d: (d.ints(0, 5, 9),)  # noqa: E731
    weighted = lambda d: (d.array(9), d.ints(0, 5, 9))  # noqa: E731
    outside = lambda d: (d.ints(-2, 8, 12),)  # noqa: E731
    return [
        row("bincount", unp.bincount, np.bincount, some, jit=False, vmap=False),
        row(
            "bincount[minlength]",
            lambda x: unp.bincount(x, minlength=9),
            lambda x: np.bincount(x, minlength=9),
            some,
            jit=False,
            vmap=False,
        ),
        row("bincount[length]", lambda x: unp.bincount(x, length=4), _counted, outside),
        row(
            "bincount[weights]",
            lambda w, x: unp.bincount(x, w, length=6),
            lambda w, x: np.bincount(x, w, minlength=6).astype(w.dtype if w.dtype.kind == "f" else np.int32),
            weighted,
            dtypes=(*WIDE, "bfloat16", "int32", "bool"),
            wrt=(0,),
        ),
    ]


def _counted(x: Any) -> Any:
    return np.bincount(x[(x >= 0) & (x < 4)], minlength=4)


_EDGES = np.array([-1.5, -0.5, 0.25, 1.5], np.float32)


def _edges(x: Any) -> Any:
    return unp.asarray(_EDGES, dtype=unp.dtype_of(x))


def _histograms() -> list[Case]:
    # 21 evenly spaced numbers, of which none lies on an inner edge of 3 or of 7 bins
    many = lambda d: (d.array(3, 7),)  # noqa: E731
    weighted = lambda d: (d.array(3, 7), d.array(3, 7))  # noqa: E731
    ties = lambda d: (d.ints(0, 5, 12),)  # noqa: E731
    ranged: dict[str, Any] = {"bins": 4, "range": (-1.0, 1.5)}
    return [
        row("histogram", unp.histogram, np.histogram, ties),
        row("histogram[bins]", lambda x: unp.histogram(x, 7), lambda x: np.histogram(x, 7), many, dtypes=WIDE),
        row(
            "histogram[range]",
            lambda x: unp.histogram(x, **ranged),
            lambda x: np.histogram(x, **ranged),
            many,
            dtypes=WIDE,
        ),
        row(
            "histogram[edges]",
            lambda x: unp.histogram(x, _edges(x))[0],
            lambda x: np.histogram(x, _EDGES)[0],
            many,
            dtypes=WIDE,
        ),
        row(
            "histogram[weights]",
            lambda x, w: unp.histogram(x, 7, weights=w)[0],
            lambda x, w: np.histogram(x, 7, weights=w)[0],
            weighted,
            dtypes=WIDE,
            wrt=(1,),
        ),
        row(
            "histogram[density]",
            lambda x, w: unp.histogram(x, 3, weights=w, density=True)[0],
            lambda x, w: np.histogram(x, 3, weights=w, density=True)[0],
            lambda d: (d.array(3, 7), d.array(3, 7, low=0.5, high=2)),
            dtypes=WIDE,
            wrt=(1,),
        ),
        row("histogram_bin_edges", unp.histogram_bin_edges, np.histogram_bin_edges, many, dtypes=WIDE, wrt=(0,)),
        row(
            "histogram_bin_edges[range]",
            lambda x: unp.histogram_bin_edges(x, **ranged),
            lambda x: np.histogram_bin_edges(x, **ranged),
            many,
            dtypes=(*WIDE, "int32"),
        ),
        row("digitize", lambda x: unp.digitize(x, _edges(x)), lambda x: np.digitize(x, _EDGES), many, dtypes=WIDE),
        row(
            "digitize[right]",
            lambda x: unp.digitize(x, unp.asarray([1, 2, 4]), right=True),
            lambda x: np.digitize(x, [1, 2, 4], right=True),
            ties,
        ),
        row(
            "digitize[descending]",
            lambda x: unp.digitize(x, unp.asarray([4, 2, 1])),
            lambda x: np.digitize(x, [4, 2, 1]),
            ties,
        ),
        row(
            "digitize[descending, right]",
            lambda x: unp.digitize(x, unp.asarray([4, 2, 1]), right=True),
            lambda x: np.digitize(x, [4, 2, 1], right=True),
            ties,
        ),
    ]


def _covariances() -> list[Case]:
    one = lambda d: (d.array(3, 6),)  # noqa: E731
    two = lambda d: (d.array(3, 6), d.array(2, 6))  # noqa: E731
    weighted = lambda d: (d.array(3, 6), d.array(6, low=0.5, high=2), d.ints(1, 4, 6))  # noqa: E731
    return [
        row("cov", unp.cov, np.cov, one, dtypes=(*MIXED, "complex64"), wrt=(0,)),
        row("cov[two]", unp.cov, np.cov, two, dtypes=WIDE, wrt=(0, 1)),
        row("cov[one variable]", unp.cov, np.cov, lambda d: (d.array(6),), dtypes=WIDE, wrt=(0,)),
        row(
            "cov[columns]",
            lambda x: unp.cov(x, rowvar=False, correction=0),
            lambda x: np.cov(x, rowvar=False, ddof=0),
            one,
            dtypes=WIDE,
            wrt=(0,),
        ),
        row(
            "cov[weights]",
            lambda x, a, f: unp.cov(x, fweights=f, aweights=a),
            lambda x, a, f: np.cov(x, fweights=f, aweights=a),
            weighted,
            dtypes=WIDE,
            wrt=(0, 1),
        ),
        row(
            "cov[counts]",
            lambda x, a, f: unp.cov(x, fweights=f),
            lambda x, a, f: np.cov(x, fweights=f),
            weighted,
            dtypes=WIDE,
            wrt=(0,),
        ),
        row("corrcoef", unp.corrcoef, np.corrcoef, one, dtypes=(*WIDE, "int32", "complex64"), wrt=(0,)),
        row(
            "corrcoef[two]",
            lambda x, y: unp.corrcoef(x, y, rowvar=False),
            lambda x, y: np.corrcoef(x, y, rowvar=False),
            lambda d: (d.array(6, 2), d.array(6, 3)),
            dtypes=WIDE,
            wrt=(0, 1),
        ),
    ]


CASES = (*_counts(), *_histograms(), *_covariances())
