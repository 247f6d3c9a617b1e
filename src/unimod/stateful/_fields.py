"""Typed fields of stateful modules: ``lr: float = 0.01`` in the class, ``lr=0.1`` at construction."""

from __future__ import annotations

import sys
import types
import typing
from typing import Any, ClassVar

from unimod.errors import DTypeError, OptionError

MISSING: Any = object()


def declared(cls: type) -> dict[str, Any]:
    """The annotations of a class and its bases, by name; text that names nothing known stands for any type."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for name, annotation in vars(base).get("__annotations__", {}).items():
            hint = _resolved(annotation, base)
            if not name.startswith("_") and typing.get_origin(hint) is not ClassVar and hint is not ClassVar:
                found[name] = hint
    return found


def _resolved(annotation: Any, cls: type) -> Any:
    if not isinstance(annotation, str):
        return annotation
    names = {**vars(typing), **vars(sys.modules.get(cls.__module__, typing)), **vars(cls)}
    try:
        return eval(annotation, names)
    except Exception:  # an annotation may name what does not exist at run time
        return Any


def fill(module: Any, hints: dict[str, Any], given: dict[str, Any]) -> None:
    """Give a new module its fields.

    Raises:
        OptionError: a field without a default got no value.
        DTypeError: a value is of another type than the field.
    """
    for name, hint in hints.items():
        value = given.pop(name, getattr(type(module), name, MISSING))
        if value is MISSING:
            raise OptionError(
                f"{type(module).__name__} needs a value for its field {name!r}.",
                expected=f"{name}: {_text(hint)}",
                fix=f"pass {name}=..., or give the field a default",
            )
        if not fits(value, hint):
            raise DTypeError(
                f"The field {name!r} of {type(module).__name__} has another type.",
                got=f"{name} = {value!r}"[:100],
                expected=f"{name}: {_text(hint)}",
            )
        object.__setattr__(module, name, value)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value has the type that an annotation says; what cannot be told at run time fits.

    Example:
        >>> from unimod.stateful._fields import fits
        >>> fits(3, float), fits("3", float), fits(None, int | None), fits(True, int)
        (True, False, True, False)
    """
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, option) for option in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if origin is not None:
        return not isinstance(origin, type) or isinstance(value, origin)
    if hint is None:
        return value is None
    if not isinstance(hint, type) or hint is object:
        return True
    if isinstance(value, bool):
        return issubclass(bool, hint) and hint is not int
    numbers = {float: (int, float), complex: (int, float, complex)}
    try:
        return isinstance(value, numbers.get(hint, hint))
    except TypeError:  # a protocol that cannot be asked
        return True


def _text(hint: Any) -> str:
    return getattr(hint, "__name__", None) or str(hint)
