"""Entries as objects: a variable is one, a tree spreads its leaves over several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.core import walk
from unimod.stateful import _entries, _spread
from unimod.stateful._context import current
from unimod.stateful._module import Module


class Variable(Module):
    """One entry of the state, whose key is the path of the variable.

    Args:
        ctor: makes the first value: ``ctor(*args, **kwargs)``.
        args: for ``ctor``.
        kwargs: for ``ctor``.

    Example:
        >>> import unimod as um
        >>> steps = um.stateful.Variable(um.numpy.zeros, (), dtype="int32", name="steps")
        >>> state, n = um.stateful.pure(lambda: steps.write(steps.read() + 1))({}, create=True)
        >>> list(state), int(n)
        (['steps'], 1)
    """

    def __init__(self, ctor: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.ctor, self.args, self.kwargs = ctor, args, kwargs

    def read(self) -> Any:
        """The value; the first call makes it."""
        return _entries.get("", self.path, self.ctor, *self.args, **self.kwargs)

    def write(self, value: Any) -> Any:
        """Replace the value, and return it; it keeps structure, shapes and dtypes."""
        current().write(self.path, value)
        return self.read()


class Tree(Module):
    """A tree of arrays, each leaf an entry of its own below the path: ``moments/mean``, ``moments/0/variance``.

    Args:
        ctor: makes the first value; the structure must not depend on anything but the arguments.
        args: for ``ctor``.
        kwargs: for ``ctor``.

    Example:
        >>> import unimod as um
        >>> pair = um.stateful.Tree(lambda n: {"a": um.numpy.zeros((n,)), "b": [um.numpy.ones(())]}, 2, name="pair")
        >>> state, value = um.stateful.pure(pair.read)({}, create=True)
        >>> list(state), [float(v) for v in value["b"]]
        (['pair/a', 'pair/b/0'], [1.0])
    """

    def __init__(self, ctor: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.ctor, self.args, self.kwargs = ctor, args, kwargs

    def read(self) -> Any:
        """The tree; the first call makes it."""
        return self._open()[0]

    def write(self, value: Any) -> Any:
        """Replace all leaves, and return the tree; it keeps structure, shapes and dtypes.

        Raises:
            TreeError: the structure is another.
        """
        old, keys = self._open()
        leaves, structure = walk.flatten(old)
        _spread.closed(self.path, value, leaves, structure, keys)
        return self.read()

    def _open(self) -> tuple[Any, list[str]]:
        self._claim()
        recipe = (self.ctor, _spread.signature(self.args, self.kwargs))
        return _spread.opened(self.path, recipe, lambda: self.ctor(*self.args, **self.kwargs))
