"""Modules that grow while they run: ``compact`` methods, ``get_or_create``, and values made in the first call."""

from __future__ import annotations

import contextlib
import functools
import re
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import unimod.random as random
from unimod.core import init, scope
from unimod.core.node import Node
from unimod.errors import NotInitializedError, OptionError, TreeError

F = TypeVar("F", bound=Callable[..., Any])
NAMES = "_compact"
"""The attribute that remembers, for each compact method, the names of the modules made in it."""


class Frame:
    """One run of a compact method: the first names the modules that are made, the later ones find them again."""

    def __init__(self, owner: Node, method: str) -> None:
        self.owner, self.method = owner, method
        self.known: tuple[str, ...] | None = vars(owner).get(NAMES, {}).get(method)
        self.names: list[str] = []

    def module(self, cls: type, make: Callable[[], Any]) -> Any:
        """The module that a construction in the body stands for."""
        if self.known is None:
            with outside():
                return self._first(make())
        place = len(self.names)
        if place >= len(self.known):
            raise self._differs(f"a {cls.__name__} after {len(self.known)} modules", f"{len(self.known)} modules")
        name = self.known[place]
        found = getattr(self.owner, name)
        if type(found) is not cls:
            raise self._differs(f"a {cls.__name__}", f"{name}, a {type(found).__name__}")
        self.names.append(name)
        return found

    def _first(self, made: Any) -> Any:
        name = self._unique(made)
        setattr(self.owner, name, made)
        self.names.append(name)
        adopt(self.owner, name, made)
        return made

    def _unique(self, made: Any) -> str:
        own = vars(made).get("name")
        base = own if isinstance(own, str) and own.isidentifier() else snake_case(type(made).__name__)
        name, count = base, 1
        while name in vars(self.owner) or hasattr(type(self.owner), name):
            count += 1
            name = f"{base}{count}"
        return name

    def close(self) -> None:
        """Remember the names after the first run; check after the others that all were used."""
        if self.known is None:
            setattr(self.owner, NAMES, {**vars(self.owner).get(NAMES, {}), self.method: tuple(self.names)})
        elif len(self.names) < len(self.known):
            raise self._differs(f"{len(self.names)} modules", f"{len(self.known)}: {', '.join(self.known)}")

    def undo(self) -> None:
        """Take away what a first run made that did not come to its end."""
        for name in self.names if self.known is None else ():
            delattr(self.owner, name)

    def _differs(self, got: str, expected: str) -> TreeError:
        return TreeError(
            f"The compact method {self.method} made other modules than in its first run.",
            where=f"{type(self.owner).__name__}.{self.method}",
            got=got,
            expected=expected,
            fix="make the same modules in the same order in every run, or use get_or_create with names",
        )


@contextlib.contextmanager
def entered(frame: Frame | None) -> Iterator[None]:
    """Let a compact method name the modules made in a block; None for no one."""
    before, scope.state.frame = scope.state.frame, frame
    try:
        yield
    finally:
        scope.state.frame = before


def outside() -> contextlib.AbstractContextManager[None]:
    """A block in which no compact method names what is made."""
    return entered(None)


def compact(method: F) -> F:
    """A method in whose body modules are made where they are used.

    The first run gives each module made in the body a name, in snake case (``linear``, ``linear2``; a module with an
    attribute ``name`` goes by that), and makes it an attribute; later runs find the same modules again, in order.
    The first run is that of ``model.init(seed, x)``, or the first call.

    Args:
        method: a method of a module.

    Raises:
        TreeError: a later run makes other modules than the first.
        OptionError: the method is wrapped by :func:`mutable`, which goes outside.

    Example:
        >>> import unimod as um
        >>> class Net(um.Module):
        ...     @um.compact
        ...     def __call__(self, x):
        ...         x = um.nn.relu(um.nn.Linear(None, 8)(x))
        ...         return um.nn.Linear(None, 1)(x)
        >>> net = Net().init(0, um.numpy.ones((4, 3)))
        >>> list(net.state_dict())
        ['linear.kernel', 'linear.bias', 'linear2.kernel', 'linear2.bias']
    """
    if getattr(method, "_um_is_mutable", False):
        raise OptionError(
            "compact was put around a mutable method.",
            got=f"compact(mutable({method.__name__}))",
            expected=f"mutable(compact({method.__name__}))",
            fix="write @um.mutable above @um.compact",
        )
    name = method.__name__

    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        frame = Frame(self, name)
        try:
            with entered(frame):
                result = method(self, *args, **kwargs)
            frame.close()
        except BaseException:
            frame.undo()
            raise
        return result

    return run  # type: ignore[return-value]


def compact_module(function: Callable[..., Any]) -> Any:
    """A class of modules of a function in whose body modules are made where they are used. See :func:`compact`.

    Example:
        >>> import unimod as um
        >>> @um.compact_module
        ... def Head(x, size=2):
        ...     return um.nn.Linear(None, size)(um.nn.relu(x))
        >>> head = Head().init(0, um.numpy.ones((4, 3)))
        >>> head.linear.kernel.shape == (3, 2), type(head).__name__
        (True, 'Head')
    """
    from unimod.core.module import Module

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 (it becomes the method of a class)
        return function(*args, **kwargs)

    own = {"__call__": compact(__call__), "__doc__": function.__doc__}
    cls: Any = types.new_class(function.__name__, (Module,), {}, lambda names: names.update(own))
    cls.__module__, cls.__qualname__ = function.__module__, function.__qualname__
    return cls


def first_run(module: Node) -> bool:
    """Whether the compact method of ``module`` that is running runs for the first time. See ``Module.first_run``."""
    frame = scope.state.frame
    if frame is None or frame.owner is not module:
        raise TreeError(
            "first_run was asked outside of a compact method.",
            where=type(module).__name__,
            got="a call outside" if frame is None else f"a method of another {type(frame.owner).__name__}",
            expected="a method with @um.compact of this module",
            fix="decorate the method with @um.compact",
        )
    return frame.known is None


def get_or_create(module: Node, name: str, make: Callable[[], Any]) -> Any:
    """The attribute, made and set where there is none. See ``Module.get_or_create``."""
    if name not in vars(module):
        with outside():
            made = make()
        setattr(module, name, made)
        adopt(module, name, made)
    return getattr(module, name)


def adopt(owner: Node, name: str, made: Any) -> None:
    """Tell the run of ``init`` that is looking, if any, of a module that came to be."""
    if init.state.active is not None:
        init.state.active.adopt(owner, name, made)


def next_key() -> Any:
    """A key of its own: of the module that ``init`` is calling, else of the ambient stream.

    Raises:
        NotInitializedError: neither is there.

    Example:
        >>> import unimod as um
        >>> class Noise(um.Module):
        ...     def __call__(self, x):
        ...         if self.initializing():
        ...             self.w = um.Parameter(um.random.normal(um.next_key(), x.shape[-1:]))
        ...         return x + self.w
        >>> Noise().init(0, um.numpy.ones((4, 3))).w.shape == (3,)
        True
    """
    if init.state.active is not None:
        return init.state.active.next_key()
    if not random.is_seeded():
        raise NotInitializedError(
            "There is nowhere to take a key from.",
            expected="a call inside of model.init(seed, x), or a stream of keys",
            fix="call um.seed(0), or use with um.rng(key)",
        )
    return random.next_key()


def snake_case(name: str) -> str:
    """``BatchNorm1D`` as ``batch_norm1d``.

    Example:
        >>> from unimod.core.compact import snake_case
        >>> snake_case("BatchNorm"), snake_case("MLP"), snake_case("MLPBlock")
        ('batch_norm', 'mlp', 'mlp_block')
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name)
    return parted.lower().lstrip("_")
