"""Named axes of ``vmap``, and what the mapped calls exchange; expected results are formulas of numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.backends import _capabilities as has
from unimod.testing.case import Case, Data
from unimod.transforms import (
    all_gather,
    all_to_all,
    axis_index,
    axis_size,
    pmax,
    pmean,
    pmin,
    ppermute,
    psum,
    psum_scatter,
    vmap,
)

Fn = Callable[..., Any]


def _stack(d: Data) -> tuple[Any, ...]:
    return (d.array(3, 6),)


def _row(name: str, fn: Fn, reference: Fn, **options: Any) -> Case:
    return Case(
        f"transforms.{name}",
        vmap(fn, axis_name="i"),
        _stack,
        reference=reference,
        wrt=(0,),
        needs=frozenset({has.VMAP}),
        **options,
    )


def _all(x: Any) -> Any:
    """For each call the same."""
    return np.stack([x] * 3)


def _gathered(x: Any) -> Any:
    return all_gather(x, "i"), all_gather(x, "i", axis=1), all_gather(x, "i", tiled=True)


def _numbered(x: Any) -> Any:
    index = axis_index("i")
    return index, unp.multiply(x, unp.astype(unp.add(index, 1), "float32"))


def _two_axes(x: Any) -> Any:
    inner = vmap(lambda y: (psum(y, "j"), pmean(y, ("i", "j")), axis_index(("i", "j"))), axis_name="j")
    return inner(unp.reshape(x, (2, 3)))


def _two_axes_reference(x: Any) -> Any:
    parts = x.reshape(3, 2, 3)
    return (
        np.repeat(parts.sum(1, keepdims=True), 2, axis=1),
        np.broadcast_to(parts.mean((0, 1)), (3, 2, 3)),
        np.arange(6, dtype=np.int32).reshape(3, 2),
    )


CASES = (
    _row(
        "psum", lambda x: psum(x, "i"), lambda x: _all(x.sum(0, dtype=x.dtype)), dtypes=("float32", "float64", "int32")
    ),
    _row(
        "psum[trees]",
        lambda x: psum({"x": x, "n": 2.0}, "i"),
        lambda x: {"x": _all(x.sum(0)), "n": np.full(3, 6.0, x.dtype)},
    ),
    _row("pmean", lambda x: pmean(x, "i"), lambda x: _all(x.mean(0))),
    _row("pmean[two axes]", _two_axes, _two_axes_reference),
    _row("pmax", lambda x: pmax(x, "i"), lambda x: _all(x.max(0))),
    _row("pmin", lambda x: pmin(x, "i"), lambda x: _all(x.min(0))),
    _row("all_gather", _gathered, lambda x: (_all(x), _all(x.T), _all(x.reshape(-1)))),
    _row("psum_scatter", lambda x: psum_scatter(x, "i", tiled=True), lambda x: x.sum(0).reshape(3, 2)),
    _row("psum_scatter[one each]", lambda x: psum_scatter(x[:3], "i"), lambda x: x.sum(0)[:3]),
    _row(
        "all_to_all",
        lambda x: all_to_all(x, "i", 0, 0, tiled=True),
        lambda x: x.reshape(3, 3, 2).transpose(1, 0, 2).reshape(3, 6),
    ),
    _row("ppermute", lambda x: ppermute(x, "i", [(0, 1), (1, 2), (2, 0)]), lambda x: x[[2, 0, 1]]),
    _row("ppermute[some]", lambda x: ppermute(x, "i", [(0, 2)]), lambda x: np.stack([0 * x[0], 0 * x[0], x[0]])),
    _row(
        "axis_index", _numbered, lambda x: (np.arange(3, dtype=np.int32), x * np.arange(1, 4, dtype=x.dtype)[:, None])
    ),
    _row("axis_size", lambda x: x * axis_size("i"), lambda x: x * 3),
)
