"""The lazy twin of a node.

A node that came out of a flat list of leaves holds the list and the skeleton, and its class is a twin of the real class
whose every attribute access first builds the attributes and then turns the object into the real class. A training loop
that only passes a model from step to step thus never builds it.
"""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from unimod.core import node as nodes
from unimod.core import scope
from unimod.core.build import build_into
from unimod.core.node import Node, NodeMeta
from unimod.core.skeleton import Skeleton

F = TypeVar("F", bound=Callable[..., Any])

_new = object.__new__
_set = object.__setattr__
building = threading.RLock()
_need_no_attributes: set[str] = set()


def keeps_lazy(method: F) -> F:
    """Mark a method that works on leaves and skeleton: called on a lazy node, it does not build the node."""
    _need_no_attributes.add(method.__name__)
    return method


def make_lazy(leaves: list[Any], structure: Skeleton) -> Any:
    """A node that will be built from ``leaves`` when it is first touched."""
    cls = structure.type
    node = _new(cls.__dict__.get("_um_twin") or _twin(cls))
    set_lazy(node, (leaves, structure))
    _set_scope(node, scope.state.current)
    return node


set_lazy = Node.__dict__["_um_lazy"].__set__
_set_scope = Node.__dict__["_um_scope"].__set__
_get_lazy = Node.__dict__["_um_lazy"].__get__


def is_lazy(node: Any) -> bool:
    """Whether the attributes of a node have not been built yet."""
    return type(node)._um_is_twin  # type: ignore[no-any-return]


def lazy_parts(node: Any) -> tuple[list[Any], Skeleton] | None:
    """The leaves and the skeleton of a lazy node; None where it has been built, perhaps by another thread."""
    return _get_lazy(node) if type(node)._um_is_twin else None


def _twin(cls: type) -> type:
    with building:
        if "_um_twin" not in vars(cls):
            names = {"__slots__": (), "__module__": cls.__module__}
            twin = abc.ABCMeta.__new__(NodeMeta, cls.__name__, (_Lazy, cls), names)
            twin.__qualname__ = cls.__qualname__
            twin._um_is_twin, twin._um_twin = True, twin
            nodes.announce(twin)
            cls._um_twin = twin  # type: ignore[attr-defined]
        return cls._um_twin  # type: ignore[attr-defined,no-any-return]


def touch(node: Any) -> None:
    """Build the attributes of a lazy node, and make it an ordinary one."""
    with building:
        if is_lazy(node):
            leaves, structure = _get_lazy(node)
            build_into(node, structure, leaves)
            _set(node, "__class__", structure.type)
            set_lazy(node, None)  # else the old leaves would live as long as the node


class _Lazy:
    """What a twin does before its real class: build, then ask the real class."""

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Tell no base of the twin: it is not a class that someone wrote."""

    def __getattribute__(self, name: str) -> Any:
        parts = lazy_parts(self)
        if parts is not None and name == "__class__":  # what isinstance asks for
            return parts[1].type
        if parts is not None and name in _need_no_attributes and name not in (parts[1].names or ()):
            return object.__getattribute__(self, name)
        touch(self)
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        touch(self)
        setattr(self, name, value)

    def __delattr__(self, name: str) -> None:
        touch(self)
        delattr(self, name)
