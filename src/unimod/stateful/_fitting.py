"""What may take the place of a value in the state: the same structure, shapes and dtypes."""

from __future__ import annotations

from typing import Any

from unimod import config
from unimod.core import paths, tree, walk
from unimod.core.skeleton import Skeleton
from unimod.errors import DTypeError, ShapeError, TreeError


def first(value: Any) -> Any:
    """A value as an entry begins: Python numbers as arrays.

    Raises:
        DTypeError: it is something that no transform can take.
    """
    leaves, structure = walk.flatten(value)
    return walk.unflatten(structure, [_array(leaf) for leaf in leaves])


def _array(leaf: Any) -> Any:
    if config.is_array(leaf):
        return leaf
    if isinstance(leaf, (bool, int, float, complex)):
        return config.default_engine().arrays.asarray(leaf)
    raise DTypeError(
        "The state holds arrays, and trees of them.",
        got=f"{type(leaf).__name__}: {leaf!r}"[:100],
        expected="an array, a number, or a tree of these",
        fix="keep what is no array in an attribute of the module",
    )


def fitted(key: str, old: Any, new: Any) -> Any:
    """The new value of an entry; Python numbers become arrays of the dtype that was there.

    An entry keeps its structure, shapes and dtypes: whatever counts on them (compiled steps, loops, saved files) can.

    Raises:
        TreeError: the structure is another.
        ShapeError: a shape is.
        DTypeError: a dtype is.
    """
    before, structure = walk.flatten(old)
    after, new_structure = walk.flatten(new)
    if new_structure is not structure:
        where, got, expected = tree.difference(new_structure, structure, key)
        raise TreeError(
            "An entry of the state keeps its structure.",
            where=where,
            got=got,
            expected=expected,
            fix="write it under another name, or change the state outside of the function",
        )
    slots = structure.slots if isinstance(structure, Skeleton) else None
    names = [paths.pretty(key, slot.path) for slot in slots] if slots else [key] * len(before)
    return walk.unflatten(structure, [_leaf(*triple) for triple in zip(names, before, after, strict=True)])


def _leaf(name: str, old: Any, new: Any) -> Any:
    if not config.is_array(new):
        if not isinstance(new, (bool, int, float, complex)):
            return _array(new)
        new = config.engine_of(old).arrays.asarray(new, str(config.dtype_of(old)))
    elif config.engine_of(new) is not config.engine_of(old):
        config.engine_of(new, old)  # raises where two engines meet
        new = config.engine_of(old).arrays.asarray(new)
    for error, is_kept in (
        (ShapeError, tuple(new.shape) == tuple(old.shape)),
        (DTypeError, config.dtype_of(new) == config.dtype_of(old)),
    ):
        if not is_kept:
            raise error(
                f"An entry of the state keeps its {'shape' if error is ShapeError else 'dtype'}.",
                where=name,
                got=config.short(new),
                expected=config.short(old),
                fix="convert it, or change the state outside of the function",
            )
    return new
