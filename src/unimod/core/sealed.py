"""Modules that cannot be changed once they are built."""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from unimod.core import node as nodes
from unimod.core.node import Node
from unimod.errors import ImmutableModuleError


class _State(threading.local):
    """The immutable modules that may be changed just now in this thread, by id; they go when they die."""

    def __init__(self) -> None:
        self.open: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


_state = _State()


class Immutable:
    """A mixin: attributes of the module cannot be set once it is built.

    ``replace`` and all methods that return a new module work as ever; :func:`mutable` lets a function change a copy.

    Raises:
        ImmutableModuleError: an attribute is set, or a method is called with ``inplace=True``.

    Example:
        >>> import dataclasses, unimod as um
        >>> @dataclasses.dataclass
        ... class Counter(um.Module, um.Immutable):
        ...     n: int = um.node(0)
        ...     def __call__(self, by):
        ...         self.n += by
        ...         return self.n
        >>> counter = Counter()
        >>> um.mutable(counter)(2), counter
        ((2, Counter(n=2)), Counter(n=0))
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Guard the ways in which Python sets attributes."""
        super().__init_subclass__(**options)
        if issubclass(cls, Node):
            cls.__new__ = staticmethod(_opened_new)  # type: ignore[method-assign]
            cls.__setattr__ = _guarded(cls.__setattr__)  # type: ignore[method-assign]
            cls.__delattr__ = _guarded(cls.__delattr__)  # type: ignore[method-assign]

    @property
    def is_mutable(self) -> bool:
        """Whether the module may be changed just now: while it is built, and inside of :func:`mutable`."""
        return id(self) in _state.open


def _opened_new(cls: Any, *args: Any, **kwargs: Any) -> Any:
    node = Node.__new__(cls)
    _state.open[id(node)] = node
    return node


def _close_built(node: Any) -> None:
    _state.open.pop(id(node), None)


nodes.on_construct(_close_built)


def _guarded(setter: Callable[..., None]) -> Callable[..., None]:
    if hasattr(setter, "_um_guards"):
        return setter

    @functools.wraps(setter)
    def guarded(self: Any, name: str, *value: Any) -> None:
        check(self, name)
        setter(self, name, *value)

    guarded._um_guards = True  # type: ignore[attr-defined]
    return guarded


def check(module: Any, name: str) -> None:
    """Refuse a change of an immutable module.

    Raises:
        ImmutableModuleError: it may not be changed just now.
    """
    if isinstance(module, Immutable) and id(module) not in _state.open:
        raise ImmutableModuleError(
            f"{type(module).__name__}.{name} cannot be changed, because the module is immutable.",
            got=f"a change of {name}",
            expected="a new module",
            fix=f"use module.replace({name}=...), or um.mutable(function)(module, ...), which changes a copy",
        )


@contextlib.contextmanager
def opened(modules: Iterable[Any]) -> Iterator[None]:
    """A block in which these modules may be changed."""
    fresh = [module for module in modules if isinstance(module, Immutable) and id(module) not in _state.open]
    _state.open.update({id(module): module for module in fresh})
    try:
        yield
    finally:
        for module in fresh:
            _state.open.pop(id(module), None)
