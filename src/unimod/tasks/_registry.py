"""Tasks by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from unimod.errors import OptionError
from unimod.tasks._task import Task

_makers: dict[str, Callable[..., Task]] = {}


def register(name: str, make: Callable[..., Task]) -> None:
    """Give a function that makes a task a name; the last one registered counts.

    Args:
        name: what :func:`get` is to find it by.
        make: the function; its arguments are the options of the task.
    """
    _makers[name] = make


def names() -> list[str]:
    """The names of all tasks, sorted.

    Example:
        >>> import unimod as um
        >>> um.tasks.names()
        ['digits', 'iris', 'quadratic', 'regression', 'rosenbrock', 'spirals']
    """
    return sorted(_makers)


def get(name: str, **options: Any) -> Task:
    """The task of a name.

    Args:
        name: one of :func:`names`.
        options: of the function that makes the task.

    Raises:
        OptionError: there is none of this name; the message names the nearest.

    Example:
        >>> import unimod as um
        >>> um.tasks.get("rosenbrock").minimum
        0.0
    """
    if name not in _makers:
        near = difflib.get_close_matches(name, _makers, 1)
        raise OptionError(
            "There is no task of this name.",
            got=repr(name),
            expected=", ".join(names()),
            fix=f"did you mean {near[0]!r}?" if near else "register it with um.tasks.register(name, make)",
        )
    return _makers[name](**options)
