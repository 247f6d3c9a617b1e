"""The options of ``jit``: which arguments are static or donated, and what the compiler is told."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unimod.core import static
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import OptionError
from unimod.transforms import _lift
from unimod.transforms._open_sizes import Dynamic, OpenSizes

COMPILERS = ("inductor", "cudagraphs", "graph", "none")

Places = int | Sequence[int] | None
Names = str | Sequence[str] | None


class Options:
    """The options of ``jit``, checked once.

    Raises:
        OptionError: one of them names an argument, or a compiler, that there is not.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        static_args: tuple[Places, Names],
        donated_args: tuple[Places, Names],
        inplace: bool,
        backend: str | None,
        compiler: str | None,
        compiler_options: Mapping[str, Any] | None,
        dynamic: Dynamic | None,
    ) -> None:
        # A function may say by itself which of its arguments are part of the program.
        declared = getattr(fn, "_um_static_argnames", ())
        self.argnums, self.argnames = _both(fn, *static_args, "static", declared)
        self.donate, self.donate_names = _both(fn, *donated_args, "donate")
        self.inplace, self.backend, self.compiler = inplace, backend, compiler
        self.compiler_options = _checked(compiler, compiler_options)
        self.dynamic = OpenSizes(fn, dynamic)
        self.has_statics = bool(self.argnums or self.argnames)
        twice = {*self.argnums} & {*self.donate} or {*self.argnames} & {*self.donate_names}
        if twice:
            raise OptionError(
                "An argument cannot be static and donated.",
                got=f"{next(iter(twice))!r} in both",
                fix="donate arrays only",
            )

    def take_statics(self, args: tuple[Any, ...], kwargs: dict[str, Any], shift: int) -> Any:
        """The arguments without the static ones, and these, hashable."""
        places = tuple(n + shift if n >= 0 else n + len(args) for n in self.argnums)
        by_place = tuple((n, static.fixed(args[n])) for n in places if n < len(args))
        by_name = tuple((n, static.fixed(kwargs[n])) for n in self.argnames if n in kwargs)
        rest = tuple(None if n in places else arg for n, arg in enumerate(args))
        return rest, {n: v for n, v in kwargs.items() if n not in self.argnames}, (by_place, by_name)

    def donated(self, structure: Child, shift: int) -> tuple[int, ...]:
        """The indices of the leaves that belong to donated arguments."""
        chosen = {*((0, n + shift) for n in self.donate), *((1, name) for name in self.donate_names)}
        slots = structure.slots if isinstance(structure, Skeleton) and chosen else ()
        return tuple(i for i, slot in enumerate(slots) if slot.path[:2] in chosen)


def with_statics(target: _lift.Target, statics: Any) -> _lift.Target:
    """The target with its static arguments put back."""
    if not statics:
        return target
    by_place, by_name = statics

    @functools.wraps(target.fn)
    def fn(*args: Any, **kwargs: Any) -> Any:
        full = list(args)
        for place, value in by_place:
            full[place] = value.value
        return target.fn(*full, **kwargs, **{name: value.value for name, value in by_name})

    return _lift.Target(fn, target.owner, target.name)


def explain_statics(old: Any, new: Any, shift: int) -> str:
    """The first static argument that differs between two calls."""
    before, after = ({**{f"args[{n - shift}]": v for n, v in places}, **dict(names)} for places, names in (old, new))
    name = next(name for name in {**before, **after} if before.get(name) != after.get(name))
    first, second = (repr(found[name].value)[:60] if name in found else "absent" for found in (before, after))
    return f"The static argument {name} changed from {first} to {second}."


def _both(
    fn: Callable[..., Any], places: Places, names: Names, what: str, declared: Sequence[str] = ()
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Arguments by place and by name, each completed from the other."""
    argnums = _all_of(int, places, f"{what}_argnums", "a place, or places")
    argnames = (*_all_of(str, names, f"{what}_argnames", "a name, or names"), *declared)
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return argnums, argnames
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    kinds = {p.kind for p in parameters}
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    missing: list[Any] = [] if inspect.Parameter.VAR_KEYWORD in kinds else [n for n in argnames if n not in named]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        missing += [n for n in argnums if not -len(known) <= n < len(known)]
        argnums = tuple(n % len(known) if what == "donate" and known else n for n in argnums)
    if missing:
        raise OptionError(
            f"There is no argument {missing[0]!r} to {_VERBS[what]}.", expected=", ".join(known) or "no arguments"
        )
    numbers = {*argnums, *(known.index(name) for name in argnames if name in known)}
    found = {*argnames, *(known[n] for n in argnums if n < len(known) and known[n] in named)}
    return tuple(sorted(numbers)), tuple(sorted(found))


_VERBS = {"static": "be static", "donate": "be donated"}


def _all_of(cls: type, value: Any, option: str, expected: str) -> tuple[Any, ...]:
    found = () if value is None else (value,) if isinstance(value, (int, str)) else value
    try:
        found = tuple(found)
    except TypeError:
        found = (value,)
    if any(not isinstance(item, cls) or isinstance(item, bool) for item in found):
        raise OptionError(f"{option} takes {expected} of arguments.", got=repr(value), expected=expected)
    return found


def _checked(compiler: Any, options: Any) -> dict[str, Any]:
    if compiler is not None and compiler not in COMPILERS:
        raise OptionError(
            f"There is no compiler called {compiler!r}.", got=repr(compiler), expected=f"one of {', '.join(COMPILERS)}"
        )
    if options is not None and not isinstance(options, Mapping):
        raise OptionError("compiler_options takes a dict.", got=repr(options), expected="names and values")
    return dict(options or {})
