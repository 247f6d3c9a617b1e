"""The stateful module: named, with its values in the state, and every method inside of its scope."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.core import walk
from unimod.core.node import Node
from unimod.errors import CapturedModuleError, OptionError, TreeError
from unimod.random import Key
from unimod.stateful import _context, _entries, _fields, _names
from unimod.stateful._entries import MISSING, Entries


class ModuleMeta(type):
    """The class of stateful module classes: takes the name and the fields, and puts methods into the scope."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> ModuleMeta:
        """Create a class."""
        for attribute, value in list(namespace.items()):
            namespace[attribute] = _scoped_attribute(attribute, value)
        return super().__new__(mcs, name, bases, namespace, **options)

    def __call__(cls, *args: Any, name: str | None = None, **options: Any) -> Any:
        """Build a module under a name, relative to the current scope."""
        _check_name(cls.__name__, name)
        module: Any = cls.__new__(cls)  # type: ignore[call-arg, arg-type]
        object.__setattr__(module, "_path", _names.join(_context.path(), name or ""))
        _fields.fill(module, _fields.declared(cls), options)
        object.__setattr__(module, "_is_building", True)
        try:
            if cls.__init__ is object.__init__ and (args or options):  # type: ignore[misc]
                raise _unknown(cls, args, options)
            module.__init__(*args, **options)
        finally:
            object.__setattr__(module, "_is_building", False)
        return module


def _check_name(cls: str, name: str | None) -> None:
    for part in name.split("/") if isinstance(name, str) else [name]:
        _names.check_module_name(cls, part)


def _scoped_attribute(name: str, value: Any) -> Any:
    is_special = name.startswith("__") and name not in ("__init__", "__call__")
    if is_special or getattr(value, "_um_is_unscoped", False):
        return value
    if isinstance(value, types.FunctionType):
        return _scoped(value)
    if isinstance(value, property):
        getter, setter, deleter = (f and _scoped(f) for f in (value.fget, value.fset, value.fdel))
        return property(getter, setter, deleter, value.__doc__)
    return value


def _scoped(method: Any) -> Callable[..., Any]:
    @functools.wraps(method)
    def scoped(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _context.scope(self._path, absolute=True):
            return method(self, *args, **kwargs)

    return scoped


def unscoped(method: Any) -> Any:
    """Leave a method in the scope of its caller."""
    method._um_is_unscoped = True
    return method


class Module(metaclass=ModuleMeta):
    """A module whose values live in the state, under its path; it holds no arrays itself.

    A module needs a name: ``Model(3, name='model')``. Its path is that of the scope (of the module whose method builds
    it) and the name. Annotations in the class are fields, which can be given at construction and are checked.
    Methods read and write the state, in any order; there is no separate ``init`` or ``apply``. They are called
    through :func:`unimod.stateful.pure`.

    Example:
        >>> import unimod as um
        >>> class Affine(um.stateful.Module):
        ...     scale: float = 2.0
        ...     def __init__(self, size):
        ...         self.size = size
        ...     def __call__(self, x):
        ...         y = self.get("linear", um.nn.Linear, None, self.size)(x)
        ...         return self.scale * y + self.get("shift", um.numpy.ones, (self.size,))
        >>> model = Affine(3, scale=0.5, name="model")
        >>> state, y = um.stateful.pure(model)({}, um.numpy.ones((4, 2)), seed=0, create=True)
        >>> list(state), y.shape == (4, 3)
        (['model/linear/bias', 'model/linear/kernel', 'model/shift'], True)
    """

    _path: str
    _is_building: bool

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.path!r})"

    @property
    def path(self) -> str:
        """The path: what the keys of its entries begin with."""
        return self._path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._path.rpartition("/")[2]

    def __setattr__(self, name: str, value: Any) -> None:
        if not getattr(self, "_is_building", False) and _context.running() is not None and _holds_values(value):
            raise CapturedModuleError(
                f"{type(self).__name__}.{name} was to hold an array while a stateful function runs; it would be lost.",
                where=self._path,
                got=f"self.{name} = {config.short(value)}",
                expected="attributes that are set once, in __init__",
                fix=f"self.put({name!r}, value), and self.get({name!r}, ...) to read it",
            )
        object.__setattr__(self, name, value)

    @unscoped
    def get(self, name: str, ctor: Any = MISSING, *args: Any, **kwargs: Any) -> Any:
        """The entry, or the submodule, of that name; the first call makes it.

        Args:
            name: relative to this module.
            ctor: what makes it: a function ``ctor(*args, **kwargs)`` that gives an array or a tree of arrays; or
                a class of stateful modules; or a class of modules, or a module, such as ``um.nn.Linear``, which becomes
                a :class:`Layer`. Without it the entry has to be there.
            args: for ``ctor``.
            kwargs: for ``ctor``.

        Raises:
            NotInitializedError: there is no such entry, and none may be created.
        """
        self._claim()
        return _entries.get(self._path, name, ctor, *args, **kwargs)

    @unscoped
    def put(self, name: Any, value: Any = MISSING) -> Any:
        """Write an entry, which keeps its structure, shapes and dtypes; or, given one mapping, all that are in it."""
        self._claim()
        return _entries.put(self._path, name, value)

    @unscoped
    def getm(self, pattern: str = ".*") -> Entries:
        """The entries below this module whose relative names match a regular expression as a whole.

        The keys of the result are absolute; it can be read and changed by relative names too.

        Raises:
            TreeError: a pattern was given and matches nothing.
        """
        return _entries.getm(self._path, pattern, is_whole=True)

    @unscoped
    def putm(self, mapping: Any) -> None:
        """Write several entries, by absolute or relative names: all, or none where one does not fit."""
        self._claim()
        _entries.putm(self._path, mapping)

    @unscoped
    def find(self, pattern: str) -> Entries:
        """Like :meth:`getm`, for a regular expression that is found anywhere in the names."""
        return _entries.getm(self._path, pattern, is_whole=False)

    @unscoped
    def value(self, name: str, ctor: Any, *args: Any, **kwargs: Any) -> Any:
        """:meth:`get` of an entry."""
        return self.get(name, ctor, *args, **kwargs)

    @unscoped
    def sub(self, name: str, ctor: Any, *args: Any, **kwargs: Any) -> Any:
        """:meth:`get` of a submodule."""
        return self.get(name, ctor, *args, **kwargs)

    @unscoped
    def read(self, name: str) -> Any:
        """The value of an entry that is there."""
        return self.get(name)

    @unscoped
    def write(self, name: str, value: Any) -> Any:
        """:meth:`put` of one entry."""
        return self.put(name, value)

    @unscoped
    def values(self) -> dict[str, Any]:
        """All entries below this module by their relative names."""
        return dict(_entries.relative(self._path))

    @unscoped
    def _claim(self) -> None:
        _context.current().claim(self._path, self)


def _holds_values(value: Any) -> bool:
    try:
        leaves, _ = walk.flatten(value)
    except TreeError:  # a dict of a program's own, such as one with keys of several types
        return False
    return any(isinstance(leaf, (Node, Key)) or config.is_array(leaf) for leaf in leaves)


def _unknown(cls: type, args: tuple[Any, ...], options: dict[str, Any]) -> OptionError:
    shown = [*map(repr, args), *(f"{name}={value!r}" for name, value in options.items())]
    return OptionError(
        f"{cls.__name__} takes no such arguments.",
        got=", ".join(shown)[:100],
        expected=", ".join(_fields.declared(cls)) or "a name only",
        fix=f"declare a field, or define {cls.__name__}.__init__",
    )


def _is_module_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Module)


_entries.is_module_class = _is_module_class
