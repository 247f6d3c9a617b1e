"""Lazy nodes.

A node that came out of a flat list of leaves holds the list and the skeleton, and has no attributes yet. Python asks
``__getattr__`` for what it does not find, and that is where the node is built. A training loop that only passes a model
from step to step thus never builds it.
"""

from __future__ import annotations

import threading
from typing import Any

from unimod.core import node as nodes
from unimod.core import scope
from unimod.core.build import build_into
from unimod.core.kinds import MISSING, Field
from unimod.core.node import get_lazy, set_lazy, set_scope
from unimod.core.skeleton import Skeleton

_new = object.__new__
building = threading.RLock()


def make_lazy(leaves: list[Any], structure: Skeleton) -> Any:
    """A node that will be built from ``leaves`` when it is first touched."""
    node: Any = _new(structure.type)
    set_lazy(node, (leaves, structure))
    set_scope(node, scope.state.current)
    if structure.is_covered is not False and _is_covered(structure):
        touch(node)
    return node


def _is_covered(structure: Skeleton) -> bool:
    """Whether the class has a value of its own for an attribute, which Python would find before the node is built."""
    structure.is_covered = any(_is_in_class(structure.type, name) for name in structure.names or ())
    return structure.is_covered


def _is_in_class(cls: type, name: str) -> bool:
    value = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), MISSING)
    is_declaration = isinstance(value, Field) and value.default is MISSING
    return value is not MISSING and not is_declaration


def is_lazy(node: Any) -> bool:
    """Whether the attributes of a node have not been built yet."""
    return get_lazy(node) is not None


def lazy_parts(node: Any) -> tuple[list[Any], Skeleton] | None:
    """The leaves and the skeleton of a lazy node; None where it has been built."""
    return get_lazy(node)  # type: ignore[no-any-return]


def touch(node: Any) -> bool:
    """Build the attributes of a lazy node; True where that was needed."""
    if get_lazy(node) is None:
        return False
    with building:
        parts = get_lazy(node)
        if parts is not None:
            build_into(node, parts[1], parts[0])
            set_lazy(node, None)
        return parts is not None


nodes.touch = touch
