"""The functions of modules, for code outside of any: names are relative to the current scope."""

from __future__ import annotations

from typing import Any

from unimod.stateful import _context, _entries
from unimod.stateful._entries import MISSING, Entries


def get(name: str, ctor: Any = MISSING, *args: Any, **kwargs: Any) -> Any:
    """The entry, or the submodule, of that name in the current scope. See :meth:`Module.get`.

    Example:
        >>> import unimod as um
        >>> state, y = um.stateful.pure(lambda: um.stateful.get("bias", um.numpy.ones, (3,)))({}, create=True)
        >>> list(state), y.shape == (3,)
        (['bias'], True)
    """
    return _entries.get(_context.path(), name, ctor, *args, **kwargs)


def put(name: Any, value: Any = MISSING) -> Any:
    """Write an entry of the current scope, or all those of a mapping. See :meth:`Module.put`."""
    return _entries.put(_context.path(), name, value)


def getm(pattern: str = ".*") -> Entries:
    """The entries below the current scope whose relative names match. See :meth:`Module.getm`."""
    return _entries.getm(_context.path(), pattern, is_whole=True)


def putm(mapping: Any) -> None:
    """Write several entries. See :meth:`Module.putm`."""
    _entries.putm(_context.path(), mapping)


def find(pattern: str) -> Entries:
    """The entries below the current scope in whose relative names the pattern is found. See :meth:`Module.find`."""
    return _entries.getm(_context.path(), pattern, is_whole=False)


def value(name: str, ctor: Any, *args: Any, **kwargs: Any) -> Any:
    """:func:`get` of an entry."""
    return get(name, ctor, *args, **kwargs)


def sub(name: str, ctor: Any, *args: Any, **kwargs: Any) -> Any:
    """:func:`get` of a submodule."""
    return get(name, ctor, *args, **kwargs)


def read(name: str) -> Any:
    """The value of an entry that is there."""
    return get(name)


def write(name: str, value: Any) -> Any:
    """:func:`put` of one entry."""
    return put(name, value)


def values() -> dict[str, Any]:
    """All entries below the current scope by their relative names."""
    return dict(_entries.relative(_context.path()))


def state() -> dict[str, Any]:
    """All entries there are, whatever the scope, by their whole keys: a dict of its own."""
    return _context.current().result()
