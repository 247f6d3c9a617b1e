"""The errors of unimod: what happened, where, got and expected, and how to mend it.

Each class is also the builtin class that a caller would expect, so ``except ValueError`` keeps working. The checks
that raise them stand in the front, so that class and text are the same on every engine.

Example:
    >>> import unimod as um
    >>> try:
    ...     raise um.ShapeError("loss is not a scalar.", got="loss = f32[2]", expected="loss = f32[]")
    ... except ValueError as error:
    ...     print(error)
    loss is not a scalar.
      got:      loss = f32[2]
      expected: loss = f32[]
"""

from __future__ import annotations

_PARTS = ("where", "got", "expected", "fix")


class UnimodError(Exception):
    """Base of all errors of unimod.

    Args:
        what: one sentence that says what is wrong.
        where: the path of the module or leaf concerned; a Module call fills it in when it is left out.
        got: what was passed.
        expected: what would have been right.
        fix: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", got: str = "", expected: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.got, self.expected, self.fix = what, where, got, expected, fix

    def __str__(self) -> str:
        lines = [f"  {name + ':':<9} {getattr(self, name)}" for name in _PARTS if getattr(self, name)]
        return "\n".join([self.what, *lines])

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, {name: getattr(self, name) for name in _PARTS}))


def _rebuild(cls: type[UnimodError], what: str, parts: dict[str, str]) -> UnimodError:
    return cls(what, **parts)


class ShapeError(UnimodError, ValueError):
    """An array has a shape that the operation cannot take."""


class DTypeError(UnimodError, TypeError):
    """An array has a dtype, or a value a type, that the operation cannot take."""


class OptionError(UnimodError, ValueError):
    """An option has a value that the operation does not know, or cannot work with."""


class MixedBackendError(UnimodError, TypeError):
    """Arrays of two engines meet in one call."""


class UnknownBackendError(UnimodError, ValueError):
    """No backend is registered under this name."""


class BackendNotInstalledError(UnimodError, ImportError):
    """The framework behind a backend cannot be imported."""


class CapabilityError(UnimodError, NotImplementedError):
    """The engine cannot do this, and says so."""


class CheckFailedError(UnimodError, ValueError):
    """A check of the values inside a function has failed."""


class UnboundAxisError(UnimodError, NameError):
    """No function that is being mapped has an axis of this name."""


class TreeError(UnimodError, ValueError):
    """An object cannot be flattened, or two trees do not have the same structure."""


class StateDictError(UnimodError, ValueError):
    """A state dict does not fit the module: entries are missing, extra, or of another shape or dtype."""


class NotInitializedError(UnimodError, RuntimeError):
    """A module is used before its leaves have values."""


class CapturedModuleError(UnimodError, RuntimeError):
    """A module that belongs to another scope is changed from inside a traced function."""


class LeakedTracerError(UnimodError, RuntimeError):
    """A value of a traced function is used after the function has ended."""


class ImmutableModuleError(UnimodError, AttributeError):
    """An immutable module was changed after it was built."""


class UnreturnedStateWarning(UserWarning):
    """A transformed function changed the state of a module argument and did not return the module."""


class RetraceWarning(UserWarning):
    """A jitted function is traced again and again."""
