"""``preserve_state``: a transform that leaves what the function changed in its module."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod.core import skeleton as sk
from unimod.core import walk
from unimod.core.node import Node
from unimod.errors import DTypeError


def preserve_state(transform: Callable[..., Any], *args: Any, **options: Any) -> Callable[[Any], Callable[..., Any]]:
    """A decorator: ``transform(fn, *args, **options)``, after which the first argument, a module, has its new state.

    The transform sees a function that returns ``(changes, out)``, where the changes are the module with ``Nothing`` for
    all leaves that stay as they are. So ``out_axes=(None, 0)`` of ``vmap`` says that a state is the same in every call,
    while by default the states are stacked.

    Args:
        transform: a transform of which the results look like those of the function, such as ``jit`` or ``vmap``.
        args: its further positional arguments.
        options: its keyword arguments.

    Raises:
        DTypeError: the first argument is no module.

    Example:
        >>> import unimod as um
        >>> class Scale(um.Module):
        ...     def __init__(self):
        ...         self.w, self.calls = um.Parameter(um.numpy.asarray(2.0)), um.numpy.asarray(0)
        ...     @um.preserve_state(um.vmap, in_axes=(None, 0), out_axes=(None, 0))
        ...     def __call__(self, x):
        ...         self.calls = self.calls + 1
        ...         return self.w * x
        >>> scale = Scale()
        >>> scale(um.numpy.asarray([1.0, 2.0])).tolist(), int(scale.calls)
        ([2.0, 4.0], 1)
    """

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        transformed = transform(_with_changes(fn), *args, **options)

        @functools.wraps(fn)
        def run(module: Any, *inputs: Any, **kwargs: Any) -> Any:
            if not isinstance(module, Node):
                raise DTypeError(
                    "preserve_state needs a module as the first argument.",
                    got=type(module).__name__,
                    expected="a module",
                )
            changes, out = transformed(module, *inputs, **kwargs)
            module.update(changes, inplace=True)  # type: ignore[attr-defined]
            return out

        return run

    return decorate


def _with_changes(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def run(module: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        leaves, structure = walk.flatten_node(module)
        before = list(leaves)
        out = fn(module, *args, **kwargs)
        return _changes(module, before, structure), out

    return run


def _changes(module: Any, before: list[Any], structure: sk.Skeleton) -> Any:
    after, now = walk.flatten_node(module)
    if now is not structure:
        return walk.unflatten(now, list(after))
    mask = tuple(new is not old for new, old in zip(after, before, strict=True))
    return walk.unflatten(sk.select(now, mask), [leaf for leaf, is_new in zip(after, mask, strict=True) if is_new])
