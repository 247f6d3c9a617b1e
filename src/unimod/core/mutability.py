"""Functions that change a copy of a module and give it back."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from unimod.core import edit, init, sealed
from unimod.core.node import Node
from unimod.errors import DTypeError


def mutable(function: Any, *, toplevel_only: bool = False) -> Callable[..., tuple[Any, Any]]:
    """A function ``(module, *args) -> (out, changed module)`` of one that changes its first argument.

    The function works on a copy, in which also immutable modules can be changed; the module that is passed stays as it
    is. Of a bound method or a module (its ``__call__``), the module is the one that it is bound to, and is not passed.

    Args:
        function: what changes its first argument.
        toplevel_only: whether only that module, and not those below it, can be changed where they are immutable.

    Raises:
        DTypeError: the first argument is no module.
        ImmutableModuleError: an immutable module is changed that was not opened.

    Example:
        >>> import unimod as um
        >>> class Total(um.Module):
        ...     def __init__(self):
        ...         self.sum = um.State(0.0)
        ...     def add(self, x):
        ...         self.sum = self.sum + x
        ...         return self.sum
        >>> total = Total()
        >>> out, after = um.mutable(total.add)(2.0)
        >>> out, after.sum, total.sum
        (2.0, 2.0, 0.0)
    """
    owner, plain = _taken_apart(function)

    def run(module: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        if not isinstance(module, Node):
            raise DTypeError(
                "mutable needs a module as the first argument.", got=type(module).__name__, expected="a module"
            )
        copy = edit.with_own_states(module)
        opening = [copy] if toplevel_only else [found for _, found in init.modules(copy)]
        with sealed.opened(opening):
            return plain(copy, *args, **kwargs), copy

    result: Any = functools.wraps(plain)(run if owner is None else functools.partial(run, owner))
    result._um_is_mutable = True
    return result  # type: ignore[no-any-return]


def toplevel_mutable(function: Any) -> Callable[..., tuple[Any, Any]]:
    """:func:`mutable` with ``toplevel_only=True``.

    Example:
        >>> import unimod as um
        >>> def rename(module, name):
        ...     module.name = name
        >>> um.toplevel_mutable(rename)(um.nn.Identity(), "x")[1].name
        'x'
    """
    return mutable(function, toplevel_only=True)


def call(module: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """``(changed module, out)`` of calling a module: the module that is passed stays as it is.

    Args:
        module: a module, or a bound method of one.
        args: what to call it with.
        kwargs: likewise.

    Example:
        >>> import unimod as um
        >>> norm = um.nn.BatchNorm(2).init(0)
        >>> after, y = um.call(norm, um.numpy.ones((4, 2)))
        >>> norm.mean.tolist(), [round(v, 3) for v in after.mean.tolist()]
        ([0.0, 0.0], [0.1, 0.1])
    """
    out, changed = mutable(module)(*args, **kwargs)
    return changed, out


def _taken_apart(function: Any) -> tuple[Any, Callable[..., Any]]:
    if isinstance(function, Node):
        return function, type(function).__call__
    if isinstance(function, types.MethodType) and isinstance(function.__self__, Node):
        return function.__self__, function.__func__
    if not callable(function):
        raise DTypeError("mutable needs a function.", got=repr(function), expected="a function, a method or a module")
    return None, function
