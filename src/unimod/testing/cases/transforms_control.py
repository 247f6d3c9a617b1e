"""Loops and branches; what they should give is written out as a loop in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.backends import _capabilities as has
from unimod.core.kinds import Parameter, State
from unimod.core.module import Module
from unimod.testing._calls import COMPILER
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data
from unimod.transforms import (
    associative_scan,
    cond,
    fori_loop,
    grad,
    jit,
    scan,
    sequential_map,
    switch,
    vmap,
    while_loop,
)

Fn = Callable[..., Any]
Row = tuple[Fn, Callable[[Data], tuple[Any, ...]], Fn]


def _step(carry: Any, x: Any) -> tuple[Any, Any]:
    carry = unp.tanh(unp.add(unp.multiply(carry, 0.5), x))
    return carry, unp.multiply(carry, 2.0)


def _steps(carry: Any, xs: Any) -> tuple[Any, Any]:
    ys = []
    for x in xs:
        carry = np.tanh(carry * 0.5 + x)
        ys.append(carry * 2)
    return carry, np.stack(ys)


def _reversed(carry: Any, xs: Any) -> tuple[Any, Any]:
    carry, ys = _steps(carry, xs[::-1])
    return carry, ys[::-1]


def _turned(carry: Any, xs: Any) -> tuple[Any, Any]:
    carry, ys = _steps(carry, np.moveaxis(xs, 1, 0))
    return carry, np.moveaxis(ys, 0, 1)


class _Cell(Module):
    """A step with a parameter, and a count of its calls."""

    def __init__(self, w: Any) -> None:
        self.w = Parameter(w)
        self.calls = State(unp.zeros_like(w[0]))

    def __call__(self, carry: Any, x: Any) -> tuple[Any, Any]:
        self.calls = unp.add(self.calls, 1.0)
        carry = unp.tanh(unp.multiply(self.w, unp.add(carry, x)))
        return carry, unp.sum(carry)


def _module(w: Any, xs: Any) -> Any:
    cell = _Cell(w)
    last, ys = scan(cell, unp.zeros_like(w), xs)
    return last, ys, cell.calls


def _module_steps(w: Any, xs: Any) -> Any:
    carry, ys = np.zeros_like(w), []
    for x in xs:
        carry = np.tanh(w * (carry + x))
        ys.append(carry.sum())
    return carry, np.stack(ys), w.dtype.type(len(xs))


def _loss(carry: Any, xs: Any) -> Any:
    last, ys = scan(_step, carry, xs)
    return unp.add(unp.sum(last), unp.sum(ys))


def _slopes(carry: Any, xs: Any) -> Any:
    """The derivatives of ``_loss``, backward by hand."""
    states = [carry]
    for x in xs:
        states.append(np.tanh(states[-1] * 0.5 + x))
    back, found = np.ones_like(carry), []
    for state in states[:0:-1]:
        inner = (back + 2) * (1 - state**2)
        found.append(inner)
        back = inner * 0.5
    return back, np.stack(found[::-1])


def _jitted(fn: Fn) -> Fn:
    """``jit(fn)``, anew for each call: what is compiled once would not see that an engine changed since."""
    return lambda *args: jit(fn, compiler=COMPILER)(*args)


def _doubled(x: Any) -> Any:
    return while_loop(lambda v: unp.less(unp.sum(v), 40.0), lambda v: unp.multiply(v, 2.0), x)


def _doublings(x: Any) -> Any:
    while x.sum() < 40:
        x = x * 2
    return x


def _until(x: Any, n: Any) -> Any:
    return fori_loop(0, n[0], lambda i, v: unp.add(unp.multiply(v, 0.5), i), x)


def _halves(x: Any, count: int) -> Any:
    for i in range(count):
        x = (x * 0.5 + i).astype(x.dtype)
    return x


def _chosen(x: Any, y: Any) -> Any:
    return cond(unp.less(x[0], y[0]), lambda x, y: {"z": unp.sin(x)}, lambda x, y: {"z": unp.multiply(y, 3.0)}, x, y)


def _chosen_by_hand(x: Any, y: Any) -> Any:
    return {"z": np.sin(x) if x[0] < y[0] else y * 3}


_BRANCHES = [unp.sin, unp.cos, lambda x: unp.multiply(x, 2.0)]


def _switched(x: Any, i: Any) -> Any:
    return switch(i[0], _BRANCHES, x)


def _switched_by_hand(x: Any, i: Any) -> Any:
    return (np.sin, np.cos, lambda x: x * 2)[min(max(int(i[0]), 0), 2)](x)


def _rows(d: Data) -> tuple[Any, ...]:
    return d.array(3), d.array(4, 3)


def _two(d: Data) -> tuple[Any, ...]:
    return d.array(3), d.array(3)


def _positive(d: Data) -> tuple[Any, ...]:
    return (d.array(3, low=0.5, high=2.0),)


def _matrix(d: Data) -> tuple[Any, ...]:
    return (d.array(5, 3),)


def _affine(one: Any, other: Any) -> Any:
    return unp.multiply(other[0], one[0]), unp.add(unp.multiply(other[0], one[1]), other[1])


def _affine_steps(a: Any, b: Any) -> Any:
    found = [(a[0], b[0])]
    for x, y in zip(a[1:], b[1:], strict=True):
        found.append((x * found[-1][0], x * found[-1][1] + y))
    return tuple(np.stack(part) for part in zip(*found, strict=True))


_PLAIN: dict[str, Row] = {
    "scan": (lambda c, xs: scan(_step, c, xs), _rows, _steps),
    "scan[reverse]": (lambda c, xs: scan(_step, c, xs, reverse=True), _rows, _reversed),
    "scan[unroll]": (lambda c, xs: scan(_step, c, xs, unroll=3), _rows, _steps),
    "scan[time_major=False]": (
        lambda c, xs: scan(_step, c, xs, time_major=False),
        lambda d: (d.array(2, 3), d.array(2, 4, 3)),
        _turned,
    ),
    "scan[length]": (
        lambda x: scan(lambda c, _: (unp.multiply(c, 0.5), None), x, length=3)[0],
        lambda d: (d.array(3),),
        lambda x: x / 8,
    ),
    "scan[number]": (
        lambda x: scan(lambda c, x: (unp.add(unp.sum(x), c), c), 0, x),
        _matrix,
        lambda x: (x.sum(), np.concatenate([np.zeros(1, x.dtype), np.cumsum(x.sum(1))[:-1]])),
    ),
    "scan[module]": (_module, _rows, _module_steps),
    "while_loop": (_doubled, _positive, _doublings),
    "fori_loop": (
        lambda x: fori_loop(1, 4, lambda i, v: unp.multiply(v, i), x),
        lambda d: (d.array(3),),
        lambda x: x * 6,
    ),
    "fori_loop[array]": (
        _until,
        lambda d: (d.array(3), d.ints(2, 6, 1)),
        lambda x, n: _halves(x, int(n[0])),
    ),
    "cond": (_chosen, _two, _chosen_by_hand),
    "switch": (_switched, lambda d: (d.array(3), d.ints(-1, 4, 1)), _switched_by_hand),
    "associative_scan": (
        lambda a, b: associative_scan(_affine, (a, b)),
        lambda d: (d.array(7, 2), d.array(7, 2)),
        _affine_steps,
    ),
    "associative_scan[reverse]": (
        lambda x: associative_scan(unp.add, x, reverse=True, axis=1),
        lambda d: (d.array(2, 6),),
        lambda x: np.cumsum(x[:, ::-1], 1)[:, ::-1],
    ),
    "sequential_map": (
        lambda x: sequential_map(lambda row: unp.sin(unp.sum(row)), x),
        _matrix,
        lambda x: np.sin(x.sum(1)),
    ),
}
_MAPPED: dict[str, Row] = {
    "sequential_map[batch_size]": (
        lambda x: sequential_map(lambda row: unp.sin(unp.sum(row)), x, batch_size=2),
        _matrix,
        lambda x: np.sin(x.sum(1)),
    ),
    "while_loop[vmap]": (
        vmap(_doubled),
        lambda d: (d.array(4, 3, low=0.5, high=8.0),),
        lambda x: np.stack([_doublings(row) for row in x]),
    ),
    "cond[vmap]": (
        vmap(_chosen),
        lambda d: (d.array(4, 3), d.array(4, 3)),
        lambda x, y: {"z": np.stack([_chosen_by_hand(*pair)["z"] for pair in zip(x, y, strict=True)])},
    ),
    "switch[vmap]": (
        vmap(_switched),
        lambda d: (d.array(5, 3), np.arange(-1, 4, dtype=np.int32)[:, None]),
        lambda x, i: np.stack([_switched_by_hand(*pair) for pair in zip(x, i, strict=True)]),
    ),
}
_DIFFERENTIATED: dict[str, Row] = {
    "scan[grad]": (grad(_loss, argnums=(0, 1)), _rows, _slopes),
    "scan[vmap of grad]": (
        vmap(grad(_loss, argnums=(0, 1)), in_axes=(0, None)),
        lambda d: (d.array(2, 3), d.array(4, 3)),
        lambda c, xs: tuple(np.stack(part) for part in zip(*(_slopes(row, xs) for row in c), strict=True)),
    ),
    "cond[grad]": (
        grad(lambda x, y: unp.sum(_chosen(x, y)["z"]), argnums=(0, 1)),
        _two,
        lambda x, y: (np.cos(x), 0 * y) if x[0] < y[0] else (0 * x, 3 + 0 * y),
    ),
}
_COMPILED: dict[str, Row] = {
    "scan[jit]": (_jitted(lambda c, xs: scan(_step, c, xs)), _rows, _steps),
    "scan[jit of grad]": (_jitted(grad(_loss, argnums=(0, 1))), _rows, _slopes),
    "while_loop[jit]": (_jitted(_doubled), _positive, _doublings),
    "switch[jit]": (_jitted(_switched), lambda d: (d.array(3), d.ints(-1, 4, 1)), _switched_by_hand),
}

_BOUND = Bound(eps=16, why="a few steps, each with roundings of its own")
_NEEDS: tuple[tuple[dict[str, Row], frozenset[str]], ...] = (
    (_PLAIN, frozenset()),
    (_MAPPED, frozenset({has.VMAP})),
    (_DIFFERENTIATED, frozenset({has.GRAD})),
    (_COMPILED, frozenset({has.JIT, has.GRAD})),
)

CASES = tuple(
    Case(f"transforms.{name}", fn, inputs, reference=reference, bound=_BOUND, needs=needs)
    for rows, needs in _NEEDS
    for name, (fn, inputs, reference) in rows.items()
)
