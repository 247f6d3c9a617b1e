"""Objects whose leaves stand in the state one by one: ``h1/kernel``, ``h1/bias``.

The state holds the leaves; the structure comes from building the object once more. Structures that were built before
are remembered, so that a layer is not initialised again for each call.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Hashable
from typing import Any

from unimod import config
from unimod.core import walk
from unimod.core.kinds import Parameter
from unimod.core.skeleton import Child, Skeleton, Slot
from unimod.errors import TreeError
from unimod.stateful import _context, _names
from unimod.stateful._context import absent, current

_SIZE = 1024
_known: collections.OrderedDict[Hashable, Child] = collections.OrderedDict()
_lock = threading.Lock()

Names = Callable[[Slot], str]


def opened(
    path: str,
    recipe: Hashable,
    make: Callable[[], Any],
    names: Names | None = None,
    sketch: Callable[[], Any] | None = None,
) -> tuple[Any, list[str]]:
    """The object at ``path``, its leaves from the state, and their keys; entries that are missing are created.

    Args:
        path: where its entries stand.
        recipe: what its structure depends on.
        make: builds the object with first values.
        names: the relative name of a leaf.
        sketch: builds the object with any values, where ``make`` cannot; for its structure.

    Raises:
        NotInitializedError: an entry is missing and may not be created.
    """
    context = current()
    structure, fresh = _recalled(recipe), None
    if structure is None:
        made = _made(context, path, sketch or make)
        structure, fresh = _remember(recipe, made[1]), None if sketch else made
    keys = keys_of(path, structure, names)
    missing = [key for key in keys if key not in context]
    if missing and not context.flags.create:
        raise absent(missing[0], len(context))
    if missing:
        leaves = (fresh or _made(context, path, make))[0]
        for key, leaf in zip(keys, leaves, strict=True):
            if key not in context:
                context.write(key, leaf)
    _note_untrained(context, keys, structure)
    return walk.unflatten(structure, [context[key] for key in keys]), keys


def closed(path: str, value: Any, before: list[Any], structure: Child, keys: list[str]) -> None:
    """Write the leaves back that are no longer what they were.

    Raises:
        TreeError: the object has another structure, which the state could not give back.
    """
    after, now = walk.flatten(value)
    if now is not structure:
        raise TreeError(
            "A layer changed its structure while it was called, and its state would be lost.",
            where=path,
            got=repr(now),
            expected=repr(structure),
            fix="give every leaf a value when the layer is built, and change modes outside",
        )
    for key, old, new in zip(keys, before, after, strict=True):
        if new is not old:
            current().write(key, new)


def keys_of(path: str, structure: Child, names: Names | None = None) -> list[str]:
    """The keys of the leaves.

    Raises:
        TreeError: two leaves have the same.
    """
    if not isinstance(structure, Skeleton):
        return [path] * sum(1 for _ in range(getattr(structure, "num_leaves", 1)))
    found = [_names.join(path, names(slot) if names else _names.of_leaf(slot.path)) for slot in structure.slots]
    if len(set(found)) != len(found):
        twice = sorted({key for key in found if found.count(key) > 1})
        raise TreeError("Two leaves have the same key in the state.", where=path, got=", ".join(twice))
    return found


def signature(*trees: Any) -> Hashable:
    """What the structure of an initialised layer may depend on: structures, and the shapes and dtypes of the leaves."""
    leaves, structures = walk.flatten_each(trees)
    return (structures, tuple(config.short(x) if config.is_array(x) else _plain(x) for x in leaves))


def _plain(leaf: Any) -> Hashable:
    return leaf if isinstance(leaf, (bool, int, float, str)) else id(type(leaf))


def _made(context: _context.Context, path: str, make: Callable[[], Any]) -> tuple[list[Any], Child]:
    before, context.creating = context.creating, path
    try:
        return walk.flatten(make())
    finally:
        context.creating = before


def _recalled(recipe: Hashable) -> Child | None:
    with _lock:
        found = _known.get(recipe)
        if found is not None:
            _known.move_to_end(recipe)
        return found


def _remember(recipe: Hashable, structure: Child) -> Child:
    with _lock:
        _known[recipe] = structure
        if len(_known) > _SIZE:
            _known.popitem(last=False)
    return structure


def _note_untrained(context: _context.Context, keys: list[str], structure: Child) -> None:
    """Remember which entries are no parameters, so that gradients leave them out."""
    slots = structure.slots if isinstance(structure, Skeleton) else ()
    for key, slot in zip(keys, slots, strict=False):
        is_parameter = slot.kind is None or issubclass(slot.kind, Parameter)
        if not is_parameter or slot.is_frozen:
            context.notes.untrained.add(key)
