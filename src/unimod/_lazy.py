"""Names of a package that are imported when they are first asked for, so that importing the package stays quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def attach(package: str, where: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The ``__getattr__`` and the ``__dir__`` of a package whose names come from other modules.

    Args:
        package: its full name.
        where: the modules, by their names below ``unimod``, and behind each the names that come from it, separated by
            blanks; a module without names is given out itself, under the last part of its name.

    Example:
        >>> from unimod._lazy import attach
        >>> getattribute, names = attach("unimod", {"dtypes": "float32 int8", "losses": ""})
        >>> getattribute("int8"), "losses" in names()
        (int8, True)
    """
    found = {name: module for module, names in where.items() for name in names.split()}
    modules = {module.rpartition(".")[2]: module for module, names in where.items() if not names}

    def getattribute(name: str) -> object:
        if name in modules:
            return importlib.import_module(f"unimod.{modules[name]}")
        if name not in found:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(f"unimod.{found[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *found, *modules})

    return getattribute, names
