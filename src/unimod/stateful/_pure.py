"""``pure``: a stateful function as a function of the state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.errors import DTypeError, OptionError
from unimod.stateful import _context
from unimod.stateful._context import Context
from unimod.stateful._keys import Keys, from_seed
from unimod.stateful._records import Flags
from unimod.transforms import _lift

OPTIONS = ("create", "modify", "ignore", "track")


def pure(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function ``(state, *args, **kwargs) -> (state, out)`` of a function that reads and writes the state.

    It has no side effects, so that every transform takes it: ``um.jit(um.stateful.pure(fn))``. The state is a flat dict
    of keys such as ``'model/h1/kernel'``; the one that is passed in is not changed. Entries that ``fn`` does not know
    pass through. Options of the call::

        seed=None      an int or a key: where random keys come from
        create=False   whether entries that are missing are created
        modify=True    whether entries may be changed
        ignore=False   whether changes of entries that are there are dropped in silence
        track=False    whether to return (state, out, Track(read, created, modified)), sets of keys

    Inside another pure function the flags are those of the outer one where they are left out, and can only be
    stricter; state and seed are those that are passed.

    Args:
        fn: a function, a method of a stateful module, or a stateful module (its ``__call__``).

    Raises:
        NotInitializedError: an entry is read that is not there, or a random key is asked for without a seed.
        OptionError: an entry is changed under ``modify=False``, or a flag is not a bool.

    Example:
        >>> import unimod as um
        >>> def count(by):
        ...     steps = um.stateful.get("steps", um.numpy.zeros, (), dtype="int32")
        ...     um.stateful.put("steps", steps + by)
        ...     return steps
        >>> pure = um.stateful.pure(count)
        >>> state, out = pure({}, 2, create=True)
        >>> state, out = pure(state, 3)
        >>> int(out), int(state["steps"])
        (2, 5)
    """
    fn = getattr(fn, "_um_of_state", fn)  # what um.pure made of it serves other calls too
    if getattr(fn, "_um_is_pure", False):
        return fn
    _check_function(fn)
    own = _own_signature(fn)
    clashing = tuple(name for name in ("seed", *OPTIONS) if own is not None and name in own.parameters)

    def purified(
        state: Mapping[str, Any],
        /,
        *args: Any,
        seed: Any = None,
        create: bool | None = None,
        modify: bool | None = None,
        ignore: bool | None = None,
        track: bool = False,
        **kwargs: Any,
    ) -> Any:
        if clashing:
            given = {"seed": seed, "create": create, "modify": modify, "ignore": ignore, "track": track or None}
            _check_names(fn, own, args, {name for name in clashing if given[name] is not None})
        flags = _flags(create, modify, ignore, track)
        context, engine = _entered(state, args, kwargs, seed, flags)
        with _context.enter(context), config.use_backend(engine.name):
            out = fn(*args, **kwargs)
        _check_result(fn, out)
        result = (context.result(), out)
        return (*result, context.track()) if track else result

    purified.__name__ = getattr(fn, "__name__", type(fn).__name__)
    purified.__qualname__ = getattr(fn, "__qualname__", type(fn).__qualname__)
    purified.__doc__ = fn.__doc__
    purified.__signature__ = signature(fn)  # type: ignore[attr-defined]
    purified._um_is_pure = True  # type: ignore[attr-defined]
    purified._um_static_argnames = OPTIONS  # type: ignore[attr-defined]
    return purified


def signature(fn: Callable[..., Any]) -> inspect.Signature:
    """The signature of the pure function: the state, what ``fn`` takes, and the options."""
    kinds = inspect.Parameter
    found = _own_signature(fn)
    if found is None:
        own = [kinds("args", kinds.VAR_POSITIONAL), kinds("kwargs", kinds.VAR_KEYWORD)]
    else:
        own = list(found.parameters.values())
    rest = own[-1:] if own and own[-1].kind is kinds.VAR_KEYWORD else []
    own = own[: len(own) - len(rest)]
    options = [kinds(name, kinds.KEYWORD_ONLY, default=None) for name in ("seed", *OPTIONS)]
    names = {parameter.name for parameter in own}
    state = kinds("state" if "state" not in names else "_state", kinds.POSITIONAL_ONLY)
    first = (
        [state] if own and own[0].kind is kinds.POSITIONAL_ONLY else [state.replace(kind=kinds.POSITIONAL_OR_KEYWORD)]
    )
    return inspect.Signature([*first, *own, *(o for o in options if o.name not in names), *rest])


def _own_signature(fn: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(fn)
    except (TypeError, ValueError):
        return None


def _check_names(fn: Any, own: Any, args: tuple[Any, ...], given: set[str]) -> None:
    """Refuse an option that could as well be the argument of that name, which was not passed by place."""
    try:
        by_place = own.bind_partial(*args).arguments
    except TypeError:
        return
    for name in sorted(given - set(by_place)):
        text = getattr(fn, "__qualname__", type(fn).__name__)
        raise OptionError(
            f"{name} is an argument of {text}, and an option of pure.",
            got=f"{name}=..., which can be either",
            expected="one that can be read in one way",
            fix=f"pass the argument by place: pure(fn)(state, ..., {name}); then {name}= is the option. Or rename it",
        )


def _entered(
    state: Any, args: tuple[Any, ...], kwargs: dict[str, Any], seed: Any, flags: dict[str, bool | None]
) -> tuple[Context, Engine]:
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise DTypeError(
            "A pure function takes the state first, a dict of keys to values.",
            got=type(state).__name__,
            expected="a dict such as {'model/bias': array}",
            fix="state, out = pure(fn)(state, *args); the state is {} at first",
        )
    leaves, _ = walk.flatten((dict(state), args, kwargs, seed))
    engine = _lift.engine_for(leaves)
    outer = _context.running()
    if outer is None:
        allowed, modules = Flags(**{name: flag for name, flag in flags.items() if flag is not None}), {}
    else:
        allowed, modules = outer.flags.below(**flags), outer.modules
    return Context(_brought(engine, state), Keys(from_seed(seed, engine.name)), allowed, modules), engine


def _brought(engine: Engine, state: Mapping[str, Any]) -> dict[str, Any]:
    """The state on the engine of the run, where it was loaded as arrays of the host."""
    leaves, structure = walk.flatten(dict(state))
    found: dict[str, Any] = walk.unflatten(structure, _lift.to_engine(engine, leaves))
    return found


def _flags(create: Any, modify: Any, ignore: Any, track: Any) -> dict[str, bool | None]:
    flags = {"create": create, "modify": modify, "ignore": ignore}
    for name, flag in {**flags, "track": track}.items():
        if flag is not None and not isinstance(flag, bool):
            raise OptionError(
                f"{name} is True or False, and part of the program.",
                got=f"{name} = {config.describe_value(flag)}",
                fix=f"under um.jit name it in static_argnames=({name!r},), or use um.stateful.jit",
            )
    return flags


def _check_function(fn: Any) -> None:
    if not callable(fn) or inspect.iscoroutinefunction(fn) or inspect.isgeneratorfunction(fn):
        raise DTypeError(
            "pure takes a function that has done its work when it returns.",
            got=repr(fn)[:80],
            expected="a function, a method or a module; no coroutine and no generator",
        )


def _check_result(fn: Any, out: Any) -> None:
    if inspect.isawaitable(out) or inspect.isgenerator(out):
        getattr(out, "close", bool)()
        raise DTypeError(
            "A stateful function returned something that would run after its state is gone.", got=type(out).__name__
        )
