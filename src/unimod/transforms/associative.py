"""``associative_scan``: all prefixes of an associative operation, in a number of steps that grows as a logarithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.core import walk
from unimod.core.skeleton import Child
from unimod.errors import DTypeError, OptionError, ShapeError, TreeError
from unimod.transforms import _control, _lift

Leaves = list[Any]


def associative_scan(fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """The elements ``e0, e0 + e1, e0 + e1 + e2, ...`` along an axis, for ``fn(a, b)`` in place of ``a + b``.

    The function gets many elements at once, along that axis, and must be associative; it is called about
    ``2 log2(length)`` times, for halves of what came before.

    Args:
        fn: of two trees like ``elems``; it works on each place of the axis by itself.
        elems: a tree of arrays of one length along the axis.
        reverse: combine from the end: ``e0 + e1 + e2, e1 + e2, e2``. The function gets the later elements first.
        axis: the axis.

    Returns:
        A tree like ``elems``.

    Raises:
        ShapeError: the arrays do not have one length, or the function changes shapes.
        DTypeError: a leaf is no array.
        TreeError: the function gives another structure.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0, 3.0, 4.0])
        >>> [float(v) for v in um.associative_scan(um.numpy.multiply, x)]
        [1.0, 2.0, 6.0, 24.0]

    Source: Blelloch, "Prefix Sums and Their Applications", 1990.
    """
    target = _lift.target_of(fn)
    name = f"associative_scan of {target.name}"
    leaves, structure = _control.array_leaves(name, elems, "elems")
    if not leaves:
        raise OptionError(f"{name} got no arrays.", got="elems without leaves", expected="a tree of arrays")
    _, leaves = _lift.settle(leaves)
    _check(name, leaves, structure, axis)
    found = [unp.moveaxis(x, axis, 0) for x in leaves]
    found = [unp.flip(x, axis=0) for x in found] if reverse else found
    found = _prefixes(_combined(name, fn, structure, axis), found)
    found = [unp.flip(x, axis=0) for x in found] if reverse else found
    return walk.unflatten(structure, [unp.moveaxis(x, 0, axis) for x in found])


def _check(name: str, leaves: Leaves, structure: Child, axis: int) -> None:
    for index, leaf in enumerate(leaves):
        where = _control.place_in("elems", structure, index)
        if not -len(leaf.shape) <= axis < len(leaf.shape):
            raise ShapeError(f"{name} got an array without the axis {axis}.", where=where, got=config.short(leaf))
        if leaf.shape[axis] != leaves[0].shape[axis]:
            raise ShapeError(
                f"{name} got arrays of different lengths.",
                where=where,
                got=f"{leaf.shape[axis]} elements",
                expected=f"{leaves[0].shape[axis]} elements, as in the first array",
            )


def _combined(name: str, fn: Callable[[Any, Any], Any], structure: Child, axis: int) -> Callable[..., Leaves]:
    """``fn`` for lists of arrays with the axis in front."""

    def combine(one: Leaves, other: Leaves) -> Leaves:
        trees = (walk.unflatten(structure, [unp.moveaxis(x, 0, axis) for x in part]) for part in (one, other))
        leaves, found = walk.flatten(fn(*trees))
        if found is not structure:
            raise TreeError(f"The function of {name} changed the structure.", expected="a tree like elems")
        for index, (new, old) in enumerate(zip(leaves, one, strict=True)):
            _check_result(name, _control.place_in("elems", structure, index), new, unp.moveaxis(old, 0, axis))
        return [unp.moveaxis(x, axis, 0) for x in leaves]

    return combine


def _check_result(name: str, where: str, new: Any, old: Any) -> None:
    if not config.is_array(new) or tuple(new.shape) != tuple(old.shape):
        raise ShapeError(
            f"The function of {name} changed a shape.", where=where, got=config.short(new), expected=config.short(old)
        )
    if config.dtype_of(new) != config.dtype_of(old):
        raise DTypeError(
            f"The function of {name} changed a dtype.", where=where, got=config.short(new), expected=config.short(old)
        )


def _prefixes(combine: Callable[[Leaves, Leaves], Leaves], xs: Leaves) -> Leaves:
    """All prefixes: those of the pairs stand at odd places, and with one element more at even ones."""
    count = xs[0].shape[0]
    if count < 2:
        return xs
    half = count // 2
    odd = _prefixes(combine, combine([x[: 2 * half : 2] for x in xs], [x[1::2] for x in xs]))
    if count == 2:
        return [unp.concat([x[:1], y], axis=0) for x, y in zip(xs, odd, strict=True)]
    even = combine([y[: (count - 1) // 2] for y in odd], [x[2::2] for x in xs])
    return [_woven(x[:1], e, o) for x, e, o in zip(xs, even, odd, strict=True)]


def _woven(first: Any, even: Any, odd: Any) -> Any:
    even = unp.concat([first, even], axis=0)
    half = odd.shape[0]
    pairs = unp.reshape(unp.stack([even[:half], odd], axis=1), (2 * half, *odd.shape[1:]))
    return pairs if even.shape[0] == half else unp.concat([pairs, even[half:]], axis=0)
