"""Calls of a module that a traced function captured: whatever they change is undone, and said.

Assignments to attributes raise at once. A list or dict inside of the module does not tell that it is changed; so the
module is compared before and after the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.core import graft, scope, walk
from unimod.core import node as nodes
from unimod.core.node import Node
from unimod.errors import TreeError


def is_captured(module: Node) -> bool:
    """Whether a traced function is running to which the module does not belong, and no call is being guarded yet."""
    current = scope.state.current
    return current is not None and module._um_scope is not current and not current.is_guarding


def call(module: Node, method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``method(module, ...)``, after which the module is what it was.

    Raises:
        CapturedModuleError: the call changed it.
    """
    current = scope.state.current
    assert current is not None
    leaves, structure = walk.flatten_node(module)
    before = list(leaves)
    current.is_guarding = True
    try:
        result = method(module, *args, **kwargs)
    finally:
        current.is_guarding = False
        is_changed = _differs(module, before, structure)
        if is_changed:
            graft.replace_contents(module, before, structure)
    if is_changed:
        raise nodes.captured(module, "contents")
    return result


def _differs(module: Node, before: list[Any], structure: Any) -> bool:
    try:
        return walk.is_changed(module, before, structure)
    except TreeError:  # something was put in that cannot be in a module
        return True
