"""``checkify``: a function that also returns which check of its values failed first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.core import checking, kinds, walk
from unimod.core.module import Module
from unimod.errors import CapabilityError, CheckFailedError, DTypeError, OptionError
from unimod.transforms import _lift

KINDS = ("user", "nan", "index", "division")
"""What can be checked: ``um.check``, results that are nan, indices outside of their axis, divisions by zero."""


class CheckResult(Module):
    """The first failure of the checks in a function, if there was one: a tree of arrays, which may be jitted.

    Example:
        >>> import unimod as um
        >>> error, _ = um.checkify(lambda x: um.check(x > 0, "x is {}", x))(um.numpy.asarray(-1.0))
        >>> error.get()
        'x is -1.0'
    """

    def __init__(self, found: list[Any], how: Hashable) -> None:
        self.found = [kinds.State(x) for x in found]
        self.how = kinds.Hashable(how)

    def get(self) -> str | None:
        """The text of the failure; None where all checks passed."""
        found = list(self.found)
        return config.engine_of(*found).inspect.failure(found, self.how.value)

    def throw(self) -> None:
        """Raise the failure.

        Raises:
            CheckFailedError: there is one.
        """
        text = self.get()
        if text is not None:
            raise CheckFailedError(text)


def checkify(fn: Callable[..., Any], errors: str | Collection[str] = ("user",)) -> Callable[..., Any]:
    """A function that returns ``(error, out)``: the first check that failed, and what ``fn`` returns.

    Nothing is raised while it runs, so it may be jitted; ask the error afterwards, by ``get()`` or ``throw()``.

    Args:
        fn: the function. What it changes in a module argument is lost unless it returns the module.
        errors: some of ``"user"`` (:func:`check`), ``"nan"`` (an operation gives nan), ``"division"`` (by zero), and
            ``"index"`` (one is outside of its axis in ``um.numpy``, and no ``mode`` says what that means).

    Returns:
        A function like ``fn``, whose first result is a :class:`CheckResult`.

    Raises:
        OptionError: there is no such kind of check.

    Example:
        >>> import unimod as um
        >>> error, y = um.checkify(um.numpy.log, errors="nan")(um.numpy.asarray(-1.0))
        >>> error.get()
        'An operation gave nan.'

    Differences: the numpy engine does not look for nan and divisions by zero. Indices are those of the functions of
    :mod:`unimod.numpy`; an array's own ``x[i]`` is the framework's.
    """
    wanted = frozenset([errors] if isinstance(errors, str) else errors)
    if not wanted <= set(KINDS):
        raise OptionError("There is no such check.", got=f"errors = {errors!r}", expected=f"some of {KINDS}")
    target = _lift.target_of(fn)
    watch = _lift.StateWatch(target.name)

    def checked(*args: Any, **kwargs: Any) -> tuple[CheckResult, Any]:
        leaves, structure = walk.flatten((args, kwargs))
        engine, leaves = _lift.settle(leaves)
        flat, passed, _ = _lift.only_arrays(_lift.flat_function(target, structure, watch), leaves)
        with checking.ask_for(wanted):
            arrays, packed, found, how = engine.inspect.checked(flat, passed, wanted)
        return CheckResult(found, how), packed.unpack(arrays)

    checked.__name__ = f"checkify_of_{getattr(target.fn, '__name__', 'function')}"
    checked.__doc__ = target.fn.__doc__
    return _lift.bound(target, checked)


def check(condition: Any, message: str, *args: Any) -> None:
    """A check of :func:`checkify`: it fails where ``condition`` is False anywhere.

    Outside of ``checkify`` it raises at once, which needs values.

    Args:
        condition: bools of any shape.
        message: the text of the failure; ``{}`` stand for ``args``, as in ``str.format``.
        args: arrays and numbers.

    Raises:
        CheckFailedError: outside of ``checkify``, where the condition is False.
        CapabilityError: outside of ``checkify``, while a function is traced.
        DTypeError: the condition is no bool.

    Example:
        >>> import unimod as um
        >>> um.check(um.numpy.asarray(3) > 2, "too small")
    """
    arrays = [condition, *args]
    engine = config.engine_of(*arrays)
    condition, *values = (x if config.is_array(x) else engine.arrays.asarray(x) for x in arrays)
    if config.dtype_of(condition) != "bool":
        raise DTypeError("A check needs a bool.", got=config.short(condition), expected="bool[]")
    active = checking.kinds()
    if active is None:
        _now(engine, condition, message, values)
    elif "user" in active:
        engine.inspect.check(unp.all(condition), message, values)


def _now(engine: Any, condition: Any, message: str, values: list[Any]) -> None:
    if not engine.arrays.is_concrete(condition):
        raise CapabilityError(
            "A check inside of a traced function needs um.checkify around it, since a trace has no values.",
            got=f"um.check(..., {message!r})",
            fix="call um.checkify(fn), which may be jitted, and look at the error that it returns",
        )
    if not bool(unp.all(condition)):
        hosts = [engine.arrays.to_numpy(x) for x in values]
        raise CheckFailedError(message.format(*hosts) if hosts else message)
