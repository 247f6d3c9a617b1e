"""``jit`` of a stateful function: one program, and the state that it needs made beside it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unimod.errors import NotInitializedError, OptionError
from unimod.stateful._init import init
from unimod.stateful._pure import OPTIONS, pure
from unimod.transforms.jit import jit as jit_plain


class Jitted:
    """A stateful function, pure and compiled. Made by :func:`jit`."""

    def __init__(self, fn: Callable[..., Any], static: tuple[str, ...], donate: tuple[str, ...], options: Any) -> None:
        self._purified = pure(fn)
        places = tuple(_place(self._purified, name) for name in donate)
        self._jitted = jit_plain(self._purified, static_argnames=static, donate_argnums=places, **options)
        self._initialize = init(self._purified)
        self._complete: set[tuple[str, ...]] = set()
        functools.update_wrapper(self, self._purified)

    @property
    def trace_count(self) -> int:
        """How many times the function has been traced."""
        count: int = self._jitted.trace_count
        return count

    def explain(self) -> str:
        """Why the function was traced the last time."""
        text: str = self._jitted.explain()
        return text

    def __call__(self, state: Mapping[str, Any], /, *args: Any, seed: Any = None, **kwargs: Any) -> Any:
        """``(state, out)``; entries that are missing are created first, where there is a seed."""
        is_creating = seed is not None and kwargs.pop("create", True)
        if is_creating and tuple(sorted(state)) not in self._complete:
            state = self._created(state, args, kwargs, seed)
        try:
            return self._jitted(dict(state), *args, seed=seed, **kwargs)
        except NotInitializedError:
            if not is_creating:
                raise
        # Another path through the function, such as that of another static argument, may need more.
        return self._jitted(self._created(state, args, kwargs, seed), *args, seed=seed, **kwargs)

    def _created(self, state: Mapping[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any], seed: Any) -> Any:
        own = {name: value for name, value in kwargs.items() if name not in OPTIONS}
        new = self._initialize(state, *args, seed=seed, **own)
        self._complete.add(tuple(sorted(new)))
        return new


def _place(purified: Callable[..., Any], name: str) -> int:
    names = list(inspect.signature(purified).parameters)
    if name not in names:
        raise OptionError(
            "There is no argument of this name to be donated.", got=repr(name), expected=", ".join(names[:-5])
        )
    return names.index(name)


def jit(
    fn: Callable[..., Any],
    *,
    static: str | Sequence[str] = (),
    donate: str | Sequence[str] = (),
    backend: str | None = None,
    compiler: str | None = None,
) -> Jitted:
    """``um.jit(um.stateful.pure(fn))``, compiled once: a first call with a seed runs ``fn`` to create its entries.

    Without a seed nothing is created, and a missing entry is an error.

    Args:
        fn: a stateful function, or a pure one.
        static: names of arguments that are part of the program, hashable.
        donate: names of arguments whose memory may be reused for the results; ``'state'`` is the state.
        backend: the engine for calls without arrays.
        compiler: as in :func:`unimod.jit`.

    Returns:
        A callable ``(state, *args, seed=None, modify=True, ignore=False, track=False, **kwargs) -> (state, out)``, with
        ``trace_count`` and ``explain()``.

    Raises:
        OptionError: there is no argument of a name to be donated.

    Example:
        >>> import unimod as um
        >>> def count():
        ...     n = um.stateful.get("n", um.numpy.zeros, (), dtype="int32") + 1
        ...     return um.stateful.put("n", n)
        >>> step, state = um.stateful.jit(count, compiler="graph"), {}
        >>> for _ in range(3):
        ...     state, n = step(state, seed=0)
        >>> int(n), step.trace_count <= 1
        (3, True)
    """
    options = {"backend": backend, "compiler": compiler}
    return Jitted(fn, _names(static), _names(donate), options)


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
