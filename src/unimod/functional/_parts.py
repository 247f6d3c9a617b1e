"""The parts of a parametrized function, side by side with their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unimod.core import init
from unimod.core.module import Module
from unimod.functional import _errors, _frame, _slots
from unimod.functional._params import Params, entries


def below(part: Any, stored: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[int, tuple[Any, Any]]]:
    """A part and all parts below it, with their parameters, by their identities.

    Raises:
        TreeError: the parameters are not those of the part.
    """
    if isinstance(part, Module):
        if type(stored) is not type(part):
            raise _errors.different(type(part).__name__, path, type(stored).__name__, type(part).__name__)
        pairs = zip(init.modules(part), init.modules(stored), strict=False)
        yield from ((id(one), (one, other)) for (_, one), (_, other) in pairs)
        return
    if not isinstance(stored, Params):
        raise _errors.different(part.name, path, type(stored).__name__, f"the parameters of {part.name}")
    yield id(part), (part, stored)
    have = entries(stored)
    for name, tree in part.slots.items():
        if name not in have:
            raise _errors.missing(part.name, (*path, name), have)
        for inner, default in _slots.places(tree):
            own = _slots.own_of(default)
            if own is not None and not isinstance(own, _slots.Param):
                place = (*path, name, *inner)
                found = _frame.stored_at(part, have[name], (name, *inner))
                yield from below(own, found, place)
