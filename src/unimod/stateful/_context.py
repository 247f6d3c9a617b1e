"""The state of one run of a stateful function, and the scope that names are relative to.

Both live in context variables: each thread and each asyncio task has its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from unimod.core import scope as transforms
from unimod.errors import CapturedModuleError, NotInitializedError, OptionError, TreeError
from unimod.stateful import _fitting, _names
from unimod.stateful._keys import Keys
from unimod.stateful._records import Flags, Notes, Track

_current: ContextVar[Context | None] = ContextVar("unimod.stateful: the running context", default=None)
_scope: ContextVar[str] = ContextVar("unimod.stateful: the scope", default="")


class Context(Mapping[str, Any]):
    """The state while a stateful function runs: a mapping of keys to values, to look at.

    Attributes:
        flags: what may be done.
        random: where random keys come from.
        notes: what was done.
        modules: by path, the module that uses it.
    """

    def __init__(self, values: Mapping[str, Any], keys: Keys, flags: Flags, modules: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self.random, self.flags, self.notes = keys, flags, Notes()
        self.modules = dict(modules)
        self.creating: str | None = None
        self._scope, self._program = transforms.state.current, transforms.state.program

    def __repr__(self) -> str:
        return f"<stateful context of {len(self)} entries, {self.flags}>"

    # Looking

    def __getitem__(self, key: str) -> Any:
        self._check("read", key)
        if key not in self._values:
            raise KeyError(key)
        self.notes.read.add(key)
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))

    def __len__(self) -> int:
        return len(self._values)

    # Changing

    def write(self, key: str, value: Any) -> None:
        """Create or replace an entry, as far as the flags allow it.

        Raises:
            OptionError: they do not.
            TreeError, ShapeError, DTypeError: the entry is there, and holds something else.
        """
        self._check("written", key)
        self._values[key] = self._replaced(key, value) if key in self._values else self._created(key, value)

    def _replaced(self, key: str, value: Any) -> Any:
        if self.flags.ignore:
            return self._values[key]
        if not self.flags.modify:
            raise OptionError(
                "The state is not to be modified here.",
                where=key,
                got="a new value, under modify=False",
                fix="pass modify=True, or ignore=True to drop changes in silence",
            )
        self.notes.modified.add(key)
        return _fitting.fitted(key, self._values[key], value)

    def _created(self, key: str, value: Any) -> Any:
        if not self.flags.create:
            raise absent(key, len(self))
        self.notes.created.add(key)
        return _fitting.first(value)

    def claim(self, path: str, module: Any) -> None:
        """Let ``module`` use ``path``.

        Raises:
            TreeError: another module does, or an entry stands there.
        """
        known = self.modules.setdefault(path, module)
        if known is not module:
            raise TreeError(
                "Two modules have the same path, and would share their state.",
                where=path,
                got=f"{known!r} and {module!r}",
                expected="one module for each path",
                fix="give one another name, or build it once: self.get(name, Class, ...) gives the same module again",
            )
        if path in self._values:
            raise TreeError(
                "A module and an entry of the state have the same path.", where=path, fix="give one another name"
            )

    def changes(self) -> dict[str, Any]:
        """The entries that were created or modified, and their values."""
        return {key: self._values[key] for key in sorted(self.notes.created | self.notes.modified)}

    def values_of(self, keys: Any) -> dict[str, Any]:
        """Entries, without a note that they were read."""
        return {key: self._values[key] for key in keys}

    def result(self) -> dict[str, Any]:
        """The state after the run; keys in sorted order, as they come out of every transform."""
        return dict(sorted(self._values.items()))

    def track(self) -> Track:
        """What the run did, for the caller."""
        return Track(frozenset(self.notes.read), frozenset(self.notes.created), frozenset(self.notes.modified))

    def absorb(self, changes: Mapping[str, Any], notes: Notes, keys: Keys) -> None:
        """Take over what a run inside of this one did, once."""
        for key, value in changes.items():
            self.write(key, value)
        self.notes.add(notes)
        self.random = keys

    def all_values(self) -> dict[str, Any]:
        """All entries, without a note that they were read."""
        return dict(self._values)

    def inner(
        self, values: Mapping[str, Any], *, ignore: bool = False, create: bool = True, keys: Keys | None = None
    ) -> Context:
        """The context of a run inside of this one, on these values; its flags are those of this one, or stricter."""
        flags = self.flags._replace(ignore=self.flags.ignore or ignore, create=self.flags.create and create)
        return Context(values, (self.random if keys is None else keys).copy(), flags, self.modules)

    def _check(self, verb: str, key: str) -> None:
        is_foreign = transforms.state.program is not self._program
        if verb == "written":
            is_foreign = is_foreign or transforms.state.current is not self._scope
        if is_foreign:
            raise CapturedModuleError(
                f"The state was {verb} from inside {getattr(transforms.state.current, 'name', 'a function')}, "
                "a transformed function that captured it.",
                where=key,
                expected="a transform of um.stateful, which hands the state in and out",
                fix="use um.stateful.grad, scan, cond or jit, or transform um.stateful.pure(fn) and pass it the state",
            )


class WithoutStateError(NotInitializedError):
    """A stateful function runs outside of ``pure``."""

    is_without_state = True


def current() -> Context:
    """The running context.

    Raises:
        NotInitializedError: there is none in this thread or task.
    """
    found = _current.get()
    if found is None:
        raise WithoutStateError(
            "There is no state here: a stateful function runs outside of um.stateful.pure.",
            where=_scope.get(),
            expected="a call such as state, out = um.stateful.pure(fn)(state, ...)",
            fix="wrap the function that you call from outside in um.stateful.pure; each thread has a state of its own",
        )
    return found


def running() -> Context | None:
    """The running context, if there is one."""
    return _current.get()


@contextlib.contextmanager
def enter(context: Context) -> Iterator[Context]:
    """Run a block in a context; the old one comes back, whatever happens."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def path() -> str:
    """The path of the current scope."""
    return _scope.get()


@contextlib.contextmanager
def scope(name: str, *, absolute: bool = False) -> Iterator[str]:
    """Names inside the ``with`` block are below ``name``; gives the path.

    Args:
        name: one name, or several with ``/`` between them.
        absolute: whether it is a whole path, not one below the current scope.

    Raises:
        OptionError: the name has empty parts.

    Example:
        >>> import unimod as um
        >>> def count():
        ...     with um.stateful.scope("agent"):
        ...         return um.stateful.get("steps", um.numpy.zeros, (), dtype="int32")
        >>> state, _ = um.stateful.pure(count)({}, create=True)
        >>> list(state)
        ['agent/steps']
    """
    inner = name if absolute else _names.join(_scope.get(), name)  # the empty absolute path is the root
    token = _scope.set(inner)
    try:
        yield inner
    finally:
        _scope.reset(token)


def absent(key: str, count: int) -> NotInitializedError:
    """The error for an entry that is not in the state and may not be created."""
    return NotInitializedError(
        f"The state has no entry {key!r}, and none may be created here.",
        where=key,
        got=f"a state of {count} entries, and create=False",
        fix="create it first: state = um.stateful.init(fn)(state, ..., seed=0), or pass create=True",
    )
