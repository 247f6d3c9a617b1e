"""How a call of a pure function is meant: with the arguments of the function, or with a state in front of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

FLAGS = ("create", "modify", "ignore", "track")
_OPTIONS = ("seed", *FLAGS)


class Forms:
    """What calls of a function may look like.

    Attributes:
        own: its signature; None where it has none that Python knows.
        options: those of a call with a state whose names are free.
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        try:
            self.own: inspect.Signature | None = inspect.signature(fn)
        except (TypeError, ValueError):
            self.own = None
        names = set(() if self.own is None else self.own.parameters)
        self.options = tuple(name for name in _OPTIONS if name not in names)

    @property
    def flags(self) -> tuple[str, ...]:
        """The options that are part of a program."""
        return tuple(name for name in self.options if name in FLAGS)

    @property
    def signature(self) -> inspect.Signature | None:
        """That of the function, with the options behind."""
        if self.own is None:
            return None
        parameters = list(self.own.parameters.values())
        rest = [p for p in parameters if p.kind is p.VAR_KEYWORD]
        more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in self.options]
        return self.own.replace(parameters=[*parameters[: len(parameters) - len(rest)], *more, *rest])

    def is_plain(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether the arguments can be those of the function."""
        return self.own is None or _fits(self.own, args, kwargs)

    def has_state(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether the arguments can be a state, those of the function, and options."""
        if self.own is None or not args or not _is_state(args[0]):
            return False
        return _fits(self.own, args[1:], {name: v for name, v in kwargs.items() if name not in self.options})


def _fits(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _is_state(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def stateful() -> ModuleType:
    """The stateful style, which is imported by the first who asks for it."""
    from unimod import stateful

    return stateful
