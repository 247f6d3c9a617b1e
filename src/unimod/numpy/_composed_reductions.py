"""Reductions and products that an engine's ``math`` needs not have, written with those that it must have.

Imported when one of them is called for the first time on an engine that has none of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unimod.backends._promotion import accumulator
from unimod.backends._protocol import Array, Axis, Engine, Shape
from unimod.numpy._composed_math import HALF, common, opposite
from unimod.numpy._options import axes_of, device_of
from unimod.numpy.cumulative import _doubling

ELLIPSIS = "".join(chr(code) for code in range(0x3B1, 0x3B1 + 24))
"""Letters for the axes under an ellipsis, which nobody else uses."""


def min(engine: Engine, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest, by the greatest in the opposite order."""
    return opposite(engine, engine.math.max(opposite(engine, x), axis, keepdims))


def argmax(engine: Engine, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The first place of the greatest element, or of a nan."""
    if axis is None:
        found = argmax(engine, engine.arrays.reshape(x, (math.prod(x.shape),)), 0)
        return engine.arrays.reshape(found, (1,) * len(x.shape)) if keepdims else found
    axis = axis % len(x.shape)
    size = x.shape[axis]
    is_it = engine.math.equal(x, engine.math.max(x, axis, True))
    is_it = engine.math.logical_or(is_it, engine.math.logical_not(engine.math.equal(x, x)))
    places = engine.arrays.arange(0, size, 1, "int32", device_of(engine, x))
    places = engine.arrays.reshape(places, (size, *(1,) * (len(x.shape) - axis - 1)))
    nowhere = engine.arrays.full_like(places, size)
    return engine.math.min(engine.arrays.where(is_it, places, nowhere), axis, keepdims)


def prod(engine: Engine, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The product: of pairs, then of pairs of these."""
    name = accumulator(engine.arrays.dtype_name(x))
    x, axes = _wide(engine, x, name), axes_of(axis, len(x.shape))
    others = tuple(i for i in range(len(x.shape)) if i not in axes)
    count, shape = math.prod(x.shape[i] for i in axes), tuple(x.shape[i] for i in others)
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    x = engine.arrays.reshape(engine.arrays.permute_dims(x, (*axes, *others)), (count, *shape))
    while count > 1:
        pairs, count = engine.math.multiply(x[: count // 2], x[count // 2 : count // 2 * 2]), -(-count // 2)
        x = pairs if pairs.shape[0] == count else engine.arrays.concat([pairs, x[-1:]], 0)
    found = x if count else engine.arrays.full((1, *shape), 1, engine.arrays.dtype_name(x), device_of(engine, x))
    return engine.arrays.astype(engine.arrays.reshape(found, kept if keepdims else shape), name)


def cumsum(engine: Engine, x: Array, axis: int) -> Array:
    """The running sum."""
    return _running(engine, x, axis, engine.math.add)


def cumprod(engine: Engine, x: Array, axis: int) -> Array:
    """The running product."""
    return _running(engine, x, axis, engine.math.multiply)


def _running(engine: Engine, x: Array, axis: int, step: Callable[[Array, Array], Array]) -> Array:
    name = accumulator(engine.arrays.dtype_name(x))
    return engine.arrays.astype(_doubling(engine, step, _wide(engine, x, name), axis), name)


def _wide(engine: Engine, x: Array, name: str) -> Array:
    return engine.arrays.astype(x, "float32" if name in HALF else name)


def einsum(engine: Engine, subscripts: str, xs: Sequence[Array]) -> Array:
    """The sum of products that ``subscripts`` describe: pair after pair, each by one matrix product."""
    terms, result = _terms(subscripts, [len(x.shape) for x in xs])
    name = common(engine, *xs)
    xs = [engine.arrays.astype(x, {"bool": "int32"}.get(name, name)) for x in xs]
    parts = [
        _simple(engine, _wide(engine, x, engine.arrays.dtype_name(x)), term) for x, term in zip(xs, terms, strict=True)
    ]
    x, term = parts[0]
    for place, (other, its) in enumerate(parts[1:], 2):
        needed = result + "".join(letters for _, letters in parts[place:])
        x, term = _pair(engine, x, term, other, its, needed)
    x, term = _summed(engine, x, term, result)
    return engine.arrays.astype(engine.arrays.permute_dims(x, tuple(term.index(letter) for letter in result)), name)


def _terms(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters of their own for the axes under an ellipsis."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    once = "".join(sorted(letter for letter in set(left) - set(",.") if left.count(letter) == 1))
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError("there are more terms than arrays, or fewer")
    hidden = [
        rank - len(term.replace("...", "")) if "..." in term else 0 for term, rank in zip(terms, ranks, strict=True)
    ]
    most = max(hidden)
    terms = [term.replace("...", ELLIPSIS[most - count : most]) for term, count in zip(terms, hidden, strict=True)]
    if [len(term) for term in terms] != ranks:
        raise ValueError("a term does not name the axes of its array")
    named = result if arrow else "..." + once
    result = named.replace("...", ELLIPSIS[:most])
    if len(set(result)) < len(result) or not set(result) <= set("".join(terms)) or "." in "".join(terms):
        raise ValueError("the result names what no term names")
    return terms, result


def _simple(engine: Engine, x: Array, term: str) -> tuple[Array, str]:
    """Diagonals in place of letters that are repeated."""
    letters = "".join(dict.fromkeys(term))
    if letters == term:
        return x, term
    symbols = {letter: chr(ord("a") + i) for i, letter in enumerate(letters)}
    rows = np.arange(math.prod(x.shape)).reshape(tuple(x.shape))
    spelled = "".join(symbols[letter] for letter in term)
    places = np.einsum(f"{spelled}->{''.join(symbols.values())}", rows)
    chosen = engine.arrays.asarray(places.reshape(-1), "int32", device_of(engine, x))
    found = engine.arrays.take(engine.arrays.reshape(x, (rows.size,)), chosen, 0)
    return engine.arrays.reshape(found, places.shape), letters


def _summed(engine: Engine, x: Array, term: str, needed: str) -> tuple[Array, str]:
    """The sum over the axes that nothing needs."""
    axes = tuple(i for i, letter in enumerate(term) if letter not in needed)
    kept = "".join(letter for letter in term if letter in needed)
    return (engine.math.sum(x, axes, False), kept) if axes else (x, term)


def _pair(engine: Engine, x: Array, term: str, y: Array, other: str, needed: str) -> tuple[Array, str]:
    """Two operands by one product of matrices, over the axes that both have and nothing else needs."""
    x, term = _summed(engine, x, term, needed + other)
    y, other = _summed(engine, y, other, needed + term)
    sizes = _sizes((term, tuple(x.shape)), (other, tuple(y.shape)))
    batch = [letter for letter in term if letter in other and letter in needed]
    summed = [letter for letter in term if letter in other and letter not in needed]
    rows, columns = [c for c in term if c not in other], [c for c in other if c not in term]
    left = _matrices(engine, x, term, (batch, rows, summed), sizes)
    right = _matrices(engine, y, other, (batch, summed, columns), sizes)
    letters = [*batch, *rows, *columns]
    found = engine.arrays.reshape(engine.math.matmul(left, right), tuple(sizes[letter] for letter in letters))
    return found, "".join(letters)


def _sizes(*operands: tuple[str, Shape]) -> dict[str, int]:
    found: dict[str, int] = {}
    for term, shape in operands:
        for letter, size in zip(term, shape, strict=True):
            before = found.setdefault(letter, size)
            if size != before and 1 not in (size, before):
                raise ValueError("one letter stands for two sizes")
            found[letter] = size if before == 1 else before
    return found


def _matrices(engine: Engine, x: Array, term: str, groups: Any, sizes: dict[str, int]) -> Array:
    """``x`` with one axis for each group of letters, and axes of length 1 spread to those of the other operand."""
    letters = [letter for group in groups for letter in group]
    full = tuple(sizes[letter] for letter in letters)
    x = engine.arrays.permute_dims(x, tuple(term.index(letter) for letter in letters))
    x = x if tuple(x.shape) == full else engine.arrays.broadcast_to(x, full)
    return engine.arrays.reshape(x, tuple(math.prod(sizes[letter] for letter in group) for group in groups))
