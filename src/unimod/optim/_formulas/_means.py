"""Running means, their corrections, and what else the formulas of the moments share."""

from __future__ import annotations

import operator
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.optim._formulas._table import State
from unimod.optim._lists import Arrays, Lists, kinds

_LAST = 2**31 - 1
_dtype_of = operator.attrgetter("dtype")


def is_zero(value: Any) -> bool:
    """Whether an option is the number 0, so that what it multiplies can be left out."""
    return isinstance(value, (int, float)) and value == 0


def following(count: Array) -> Array:
    """``count + 1``; the last number stays."""
    return unp.add(unp.minimum(count, _LAST - 1), 1)


def two_moments(lists: Lists, params: Arrays, *, mu_dtype: str | None = None, **options: Any) -> State:
    """A counter and two lists of zeros."""
    return {"count": lists.count(params), "mu": cast(lists.zeros(params), mu_dtype), "nu": lists.zeros(params)}


def cast(xs: Arrays, dtype: str | None) -> Arrays:
    """In this dtype; None leaves them as they are."""
    return xs if dtype is None else [unp.astype(x, dtype) for x in xs]


def cast_like(xs: Arrays, others: Arrays) -> Arrays:
    """In the dtypes of the others."""
    if _have_equal_dtypes(xs, others):
        return xs
    return [x if x.dtype == y.dtype else unp.astype(x, config.dtype_of(y)) for x, y in zip(xs, others, strict=True)]


def _have_equal_dtypes(xs: Arrays, ys: Arrays) -> bool:
    return list(map(_dtype_of, xs)) == list(map(_dtype_of, ys))


def together(xs: Arrays, ys: Arrays) -> tuple[Arrays, Arrays]:
    """Two lists in the dtypes in which they meet."""
    if _have_equal_dtypes(xs, ys):
        return xs, ys
    dtypes = [unp.result_type(x, y) for x, y in zip(xs, ys, strict=True)]
    return (
        [unp.astype(x, dtype) for x, dtype in zip(xs, dtypes, strict=True)],
        [unp.astype(y, dtype) for y, dtype in zip(ys, dtypes, strict=True)],
    )


def mean(lists: Lists, old: Arrays, new: Arrays, decay: Any) -> Arrays:
    """``decay * old + (1 - decay) * new``, in the dtype in which both meet."""
    return lists.decayed(*together(old, new), decay)


def mean_of_squares(lists: Lists, old: Arrays, new: Arrays, decay: Any) -> Arrays:
    """``decay * old + (1 - decay) * |new|**2``, in the dtypes of ``old``."""
    if "complex" in kinds(new):
        return cast_like(mean(lists, old, lists.squares(new), decay), old)
    return cast_like(lists.decayed_squares(*together(old, new), decay), old)


def corrected(lists: Lists, means: Arrays, decay: Any, count: Array) -> Arrays:
    """``means / (1 - decay**count)``: without the weight of the zeros that they began with."""
    divided: Arrays = lists.div(means, lists.debias(decay, count))
    return divided


def first_moment(lists: Lists, mu: Arrays, updates: Arrays, decay: Any, count: Array, nesterov: bool) -> Arrays:
    """The corrected first moment; with ``nesterov`` as it will be after another step with the same gradient."""
    if not nesterov:
        return corrected(lists, mu, decay, count)
    ahead = lists.mul(corrected(lists, mu, decay, following(count)), decay)
    mixed: Arrays = lists.add(ahead, lists.mul(corrected(lists, updates, decay, count), 1 - decay))
    return mixed


def over_root(lists: Lists, xs: Arrays, squares: Arrays, eps: Any, eps_root: Any = 0.0) -> Arrays:
    """``x / (sqrt(square + eps_root) + eps)``."""
    if isinstance(eps, (int, float)) and isinstance(eps_root, (int, float)):
        made = lists.at_once("over_root", xs, squares, eps, eps_root)
        if made is not None:
            return list(made)
    squares = squares if is_zero(eps_root) else lists.add(squares, eps_root)
    divided: Arrays = lists.div(*together(xs, lists.add(lists.sqrt(squares), eps)))
    return divided


def larger(lists: Lists, xs: Arrays, ys: Arrays) -> Arrays:
    """The larger of two numbers; of complex arrays, which are real in all but their dtype, of the real parts."""
    if kinds(ys) <= {"float"}:
        return list(lists.maximum(xs, ys))
    real = [unp.maximum(unp.real(x), unp.real(y)) for x, y in zip(xs, ys, strict=True)]
    return [unp.astype(x, config.dtype_of(y)) for x, y in zip(real, ys, strict=True)]


def select(condition: Array, xs: Arrays, ys: Arrays) -> Arrays:
    """``xs`` where one condition for all holds, else ``ys``."""
    return [unp.where(condition, x, y) for x, y in zip(xs, ys, strict=True)]
