"""What an engine raised, told in unimod's words: the same class and text on every engine.

The checks run only after an engine has refused, so that a call that is right pays nothing for them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unimod.backends import _capabilities as has
from unimod.backends import _registry
from unimod.config import dtype_of, is_array, short
from unimod.errors import CapabilityError, DTypeError, ShapeError

_WIDE_UNSIGNED = frozenset({"uint16", "uint32", "uint64"})


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape) if is_array(x) else ()


def _listed(xs: Sequence[Any]) -> str:
    return ", ".join(short(x) if is_array(x) else repr(x) for x in xs)


def _broadcasts(*shapes: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def _lacking(name: str, xs: Sequence[Any]) -> CapabilityError | None:
    """The error for a dtype in which the engine of the arrays does not calculate."""
    for x in xs:
        engine = _registry.of_type(type(x))
        if engine is None or has.UNSIGNED in engine.facts.CAPABILITIES:
            continue
        if engine.arrays.dtype_name(x) in _WIDE_UNSIGNED:
            return CapabilityError(
                f"The {engine.name} engine has no {name} for this dtype.",
                got=_listed(xs),
                expected="a dtype other than uint16, uint32 and uint64, which this engine only holds and moves",
                fix='cast first: astype(x, "int32") or astype(x, "int64")',
            )
    return None


def _because(told: Exception, error: Exception) -> Exception:
    told.__cause__ = error
    return told


ONLY = {
    "real": (frozenset({"complex"}), "real numbers"),
    "whole": (frozenset({"complex", "float"}), "bools and integers"),
    "integer": (frozenset({"complex", "float", "bool"}), "integers"),
}
"""For which dtypes a function is: the kinds that it does not take, and words for those that it does."""
REFUSED_BY_STRICT = frozenset({"real", "whole"})
"""Those of which an engine that declares to be strict need not be asked before the call."""


def guarded(fn: Callable[..., Any], only: str) -> Callable[..., Any]:
    """``fn``, refusing operands of kinds for which it is not defined."""
    refused = ONLY[only][0]

    @functools.wraps(fn, updated=())  # ``plain`` would go around the check
    def op(*xs: Any) -> Any:
        if _kinds(xs) & refused:
            raise TypeError(only)
        return fn(*xs)

    return op


def _kinds(xs: Sequence[Any]) -> set[str]:
    return {_SCALAR_KINDS.get(type(x)) or dtype_of(x).kind for x in xs}


_SCALAR_KINDS = {bool: "bool", int: "int", float: "float", complex: "complex"}


def operands(error: Exception, name: str, *xs: Any, only: str = "") -> Exception:
    """Why an elementwise function refused its operands."""
    if only and _kinds(xs) & ONLY[only][0]:
        words = ONLY[only][1]
        return _because(
            DTypeError(f"{name} is about {words}.", got=_listed(xs), expected=f"operands of {words}"), error
        )
    if lacking := _lacking(name, xs):
        return _because(lacking, error)
    if _broadcasts(*map(_shape, xs)):
        return error
    return _caused(
        error,
        f"{name} got operands whose shapes do not broadcast.",
        got=_listed(xs),
        expected="axes, counted from the last, of equal size or of size 1",
        fix="reshape an operand, or insert axes of size 1 with expand_dims",
    )


def axis(error: Exception, name: str, x: Any, axes: Any) -> Exception:
    """Why a function refused an axis."""
    if lacking := _lacking(name, (x,)):
        return _because(lacking, error)
    rank, listed = len(_shape(x)), axes if isinstance(axes, (tuple, list)) else (axes,)
    wrong = [one for one in listed if isinstance(one, int) and not -rank <= one < rank]
    if wrong:
        return _caused(
            error,
            f"{name} got the axis {wrong[0]}, which the array does not have.",
            got=f"axis={axes} for {short(x)}",
            expected=f"axes from {-rank} to {rank - 1}" if rank else "no axis, for an array without axes",
        )
    if 0 in _shape(x):
        return _caused(error, f"{name} of no elements is not defined.", got=short(x), expected="at least one element")
    return error


def product(error: Exception, name: str, x: Any, y: Any) -> Exception:
    """Why ``matmul`` refused its operands."""
    if lacking := _lacking(name, (x, y)):
        return _because(lacking, error)
    left, right = _shape(x), _shape(y)
    fits = left and right and left[-1] == right[-2 if len(right) > 1 else 0] and _broadcasts(left[:-2], right[:-2])
    if fits:
        return error
    return _caused(
        error,
        f"{name} got operands whose shapes do not fit.",
        got=_listed((x, y)),
        expected="[..., n, k] and [..., k, m], with leading axes that broadcast",
    )


def joined(error: Exception, name: str, xs: Sequence[Any], along: int, *, new: bool) -> Exception:
    """Why ``concat`` or ``stack`` refused its operands."""
    shapes = [_shape(x) for x in xs]
    rank = len(shapes[0]) if shapes else 0
    places = rank + 1 if new else rank
    if not -places <= along < places:
        return axis(error, name, xs[0], along) if not new else _no_place(error, name, xs[0], along)
    kept = [shape if new else _without(shape, along % rank) for shape in shapes]
    if all(one == kept[0] and len(shape) == rank for one, shape in zip(kept, shapes, strict=True)):
        return error
    expected = "equal shapes" if new else f"equal shapes, but for axis {along}"
    return _caused(error, f"{name} got arrays whose shapes differ.", got=_listed(xs), expected=expected)


def _no_place(error: Exception, name: str, x: Any, along: int) -> Exception:
    rank = len(_shape(x))
    expected = f"a place from {-rank - 1} to {rank}"
    return _caused(error, f"{name} cannot put a new axis at {along}.", got=short(x), expected=expected)


def new_axis(error: Exception, name: str, x: Any, along: Any) -> Exception:
    """Why a function refused the place of a new axis."""
    rank = len(_shape(x)) + 1
    return error if isinstance(along, int) and -rank <= along < rank else _no_place(error, name, x, along)


def _without(shape: tuple[int, ...], place: int) -> tuple[int, ...]:
    return (*shape[:place], *shape[place + 1 :])


def reshaped(error: Exception, x: Any, shape: tuple[int, ...]) -> Exception:
    """Why ``reshape`` refused a shape."""
    size, known = math.prod(_shape(x)), math.prod(n for n in shape if n != -1)
    unknown = shape.count(-1)
    if (unknown == 0 and size == known) or (unknown == 1 and known and size % known == 0):
        return error
    return _caused(
        error,
        f"reshape cannot put {size} elements into the shape {shape}.",
        got=short(x),
        expected="a shape of as many elements, with at most one -1",
    )


def broadcast(error: Exception, x: Any, shape: tuple[int, ...]) -> Exception:
    """Why ``broadcast_to`` refused a shape."""
    if _broadcasts(_shape(x), shape) and np.broadcast_shapes(_shape(x), shape) == shape:
        return error
    return _caused(
        error,
        f"broadcast_to cannot spread the array over the shape {shape}.",
        got=short(x),
        expected="axes, counted from the last, of equal size or of size 1",
    )


def _caused(error: Exception, what: str, **parts: str) -> Exception:
    return _because(ShapeError(what, **parts), error)


def common_shape(name: str, xs: Sequence[Any]) -> tuple[int, ...]:
    """The shape to which all of these broadcast.

    Raises:
        ShapeError: there is none.
    """
    try:
        return tuple(np.broadcast_shapes(*map(_shape, xs)))
    except ValueError as error:
        raise operands(error, name, *xs) from error


def einsum(error: Exception, subscripts: str, xs: Sequence[Any]) -> Exception:
    """Why ``einsum`` refused its operands."""
    terms = subscripts.replace(" ", "").split("->")[0].split(",")
    named = [dict(_named(term, _shape(x))) for term, x in zip(terms, xs, strict=False)]
    sizes = {letter: {one[letter] for one in named if letter in one} for one in named for letter in one}
    fits = all(_fits(term, _shape(x)) for term, x in zip(terms, xs, strict=False))
    if len(terms) == len(xs) and fits and all(len(found) == 1 for found in sizes.values()):
        return error
    return _caused(
        error,
        "einsum got operands that do not fit its subscripts.",
        got=f"{subscripts!r} for {_listed(xs)}",
        expected="one term for each operand, one letter for each axis, and one size for each letter",
    )


def _fits(term: str, shape: tuple[int, ...]) -> bool:
    letters = len(term.replace("...", ""))
    return letters <= len(shape) if "..." in term else letters == len(shape)


def _named(term: str, shape: tuple[int, ...]) -> list[tuple[str, int]]:
    head, _, tail = term.partition("...")
    places = [*zip(head, shape, strict=False), *zip(reversed(tail), reversed(shape), strict=False)]
    return [(letter, size) for letter, size in places if letter.isalpha()]
