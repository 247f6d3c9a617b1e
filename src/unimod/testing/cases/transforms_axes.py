"""Named axes of ``vmap``, callbacks and checks inside of functions; expected results are formulas of numpy."""

from __future__ import annotations

import contextlib
import io
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
    check,
    checkify,
    debug_callback,
    debug_print,
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


def _seen(x: Any) -> Any:
    """What callbacks get, under a map."""
    rows: list[Any] = []

    def fn(x: Any) -> Any:
        debug_callback(lambda row: rows.append(np.array(row)), x)
        return unp.multiply(x, 2.0)

    y = vmap(fn)(x)
    return y, unp.asarray(np.stack(rows), dtype=str(rows[0].dtype))


def _printed(x: Any) -> Any:
    """What is printed; a text has no array, so it is given as its length."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        debug_print("{} {n}", unp.shape(x), n=3)
    return unp.multiply(x, float(len(out.getvalue())))


def _checked(x: Any) -> Any:
    def fn(x: Any) -> Any:
        check(unp.less(x, 10.0), "too large")
        return unp.square(x)

    error, y = checkify(fn)(x)
    other, _ = checkify(fn)(unp.add(unp.abs(x), 20.0))
    return y, unp.asarray([error.get() is None, other.get() == "too large"])


CASES = (
    Case("transforms.debug_callback", _seen, _stack, reference=lambda x: (x * 2, x), jit=False, vmap=False),
    Case("transforms.debug_print", _printed, _stack, reference=lambda x: x * 9, jit=False, vmap=False),
    Case(
        "transforms.checkify",
        _checked,
        _stack,
        reference=lambda x: (x * x, np.asarray([True, True])),
        jit=False,
        vmap=False,
    ),
    Case(
        "transforms.check",
        lambda x: _checked(x)[1],
        _stack,
        reference=lambda x: np.asarray([True, True]),
        jit=False,
        vmap=False,
    ),
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
