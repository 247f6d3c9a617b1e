"""Which axes of the arguments of a jitted function may have another size at each call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unimod.core.skeleton import Child, Skeleton
from unimod.errors import OptionError

Axes = bool | int | Sequence[int]
Dynamic = bool | Mapping[int | str, Axes]
Open = dict[int, tuple[int, ...] | None]
"""Axes by the index of the leaf; None stands for all axes."""

_EXPECTED = "True, or a dict from the name or the place of an argument to an axis, to axes, or to True for all of them"


class OpenSizes:
    """The option ``dynamic`` of ``jit``, checked once.

    Raises:
        OptionError: it is none of what is expected, or names an argument that there is not.
    """

    def __init__(self, fn: Callable[..., Any], dynamic: Dynamic | None) -> None:
        self.are_all = dynamic is True
        self.by_place: dict[int, tuple[int, ...] | None] = {}
        self.by_name: dict[str, tuple[int, ...] | None] = {}
        if isinstance(dynamic, Mapping):
            for argument, axes in dynamic.items():
                self._add(fn, argument, axes)
        elif dynamic is not None and not isinstance(dynamic, bool):
            raise _refused(dynamic)

    def _add(self, fn: Callable[..., Any], argument: Any, axes: Any) -> None:
        if axes is False:
            return
        chosen = None if axes is True else _axes(axes)
        names, takes_any = _arguments(fn)
        if isinstance(argument, str):
            if argument not in names and not takes_any:
                known = ", ".join(names) or "no arguments by name"
                raise OptionError(f"There is no argument {argument!r} with a dynamic axis.", expected=known)
            self.by_name[argument] = chosen
            if argument in names:
                self.by_place[names.index(argument)] = chosen
        elif isinstance(argument, int) and not isinstance(argument, bool) and argument >= 0:
            self.by_place[argument] = chosen
            if argument < len(names):
                self.by_name[names[argument]] = chosen
        else:
            raise _refused({argument: axes})

    def __bool__(self) -> bool:
        return self.are_all or bool(self.by_place or self.by_name)

    def of(self, structure: Child, shift: int) -> Open:
        """The open axes of the leaves of ``(args, kwargs)``, of which the first ``shift`` are implicit."""
        slots = structure.slots if isinstance(structure, Skeleton) else ()
        if self.are_all:  # what modules hold has the size that they were built with
            return {i: None for i, slot in enumerate(slots) if slot.kind is None}
        chosen: dict[Any, Any] = {(0, n + shift): axes for n, axes in self.by_place.items()}
        chosen |= {(1, name): axes for name, axes in self.by_name.items()}
        return {i: chosen[slot.path[:2]] for i, slot in enumerate(slots) if slot.path[:2] in chosen}


def _axes(axes: Any) -> tuple[int, ...]:
    found = (axes,) if isinstance(axes, int) else tuple(axes) if isinstance(axes, (list, tuple)) else None
    if not found or not all(isinstance(axis, int) and not isinstance(axis, bool) for axis in found):
        raise _refused(axes)
    return found


def _arguments(fn: Callable[..., Any]) -> tuple[list[str], bool]:
    """The names in the order of their places, and whether there may be others."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return [], True
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names += [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    return names, any(p.kind is p.VAR_KEYWORD for p in parameters)


def _refused(got: Any) -> OptionError:
    return OptionError(
        "A jitted function cannot tell which sizes are dynamic.", got=f"dynamic={got!r}"[:100], expected=_EXPECTED
    )
