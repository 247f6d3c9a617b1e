"""Errors of traced functions: a value that is not there, an array that was given away. The same on every engine."""

from __future__ import annotations

import contextlib
import functools
import os
import traceback

from unimod.errors import CapabilityError, LeakedTracerError

_UNIMOD = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PLUMBING = (_UNIMOD + os.sep, contextlib.__file__, functools.__file__)


def value_needed(error: BaseException, framework: str) -> CapabilityError:
    """The error to raise in place of ``error``, which a framework raised when Python asked for a traced value.

    Args:
        error: what the framework raised.
        framework: the file of the framework's package, so that its own frames are not taken for the user's.
    """
    return CapabilityError(
        "Python needs the value of an array that is being traced, and a trace has no values.",
        where=_where(error, (os.path.dirname(framework) + os.sep, *_PLUMBING)),
        got="a Python decision, number or shape that depends on the data",
        expected="code whose Python control flow depends on shapes, dtypes and static values only",
        fix="use um.numpy.where(condition, x, y), um.cond or um.while_loop, or pass the value as a static argument",
    )


def donated_before() -> CapabilityError:
    """The error for an array that is passed to a jitted function after another call took its memory."""
    return CapabilityError(
        "An array was donated to a jitted function, and is used again.",
        got="an array whose memory was handed over",
        expected="the array that the function returned in its place",
        fix="use the result, or take the argument out of donate_argnums",
    )


def leaked() -> LeakedTracerError:
    """The error for a value of a traced function that was kept past its end."""
    return LeakedTracerError(
        "A value from inside of a traced function is used after the function has ended.",
        got="a value that the function left in a list, a global name or a module from outside of it",
        expected="values that the function returned",
        fix="return the value (as an auxiliary output of grad) and use what the call gave; um.debug_print shows values",
    )


def _where(error: BaseException, internal: tuple[str, ...]) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if not frame.filename.startswith(internal)]
    if not frames:
        return ""
    frame = (outside or list(frames))[-1]
    return f"{frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}"
