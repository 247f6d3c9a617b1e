"""Runs inside of a run: what transforms of stateful functions are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unimod import config
from unimod.core import walk
from unimod.errors import DTypeError
from unimod.stateful import _context
from unimod.stateful._context import Context
from unimod.stateful._keys import Keys
from unimod.stateful._records import Notes
from unimod.transforms import _lift


def create(context: Context, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Create the entries that ``fn`` would create, where that is allowed; nothing else happens.

    A transform could not hand out entries that come to be while it runs. Random keys are drawn from a copy.
    """
    if not context.flags.create:
        return
    inner = context.inner(context.all_values(), ignore=True)
    with _context.enter(inner):
        fn(*args, **kwargs)
    for key, value in inner.values_of(sorted(inner.notes.created)).items():
        context.write(key, value)
    context.notes.untrained |= inner.notes.untrained


def survey(context: Context, fn: Callable[..., Any], args: tuple[Any, ...], keys: Keys) -> Notes:
    """What ``fn`` would do to the state, found without computing anything."""
    found = [Notes()]

    def run(values: Mapping[str, Any], args: tuple[Any, ...]) -> None:
        inner = context.inner(values, create=False, keys=keys)
        with _context.enter(inner):
            fn(*args)
        found[0] = inner.notes

    leaves, structure = walk.flatten(((context.all_values(), args), {}))
    engine = _lift.engine_for(leaves)
    leaves = _lift.to_engine(engine, leaves)
    target = _lift.Target(run, None, getattr(fn, "__qualname__", type(fn).__name__))
    flat, arrays, _ = _lift.only_arrays(_lift.flat_function(target, structure, _lift.StateWatch(target.name)), leaves)
    engine.autodiff.eval_shape(flat, [(tuple(x.shape), engine.arrays.dtype_name(x)) for x in arrays])
    return found[0]


def function(context: Context, fn: Callable[..., Any], kwargs: Mapping[str, Any], has_aux: bool) -> Callable[..., Any]:
    """``fn`` as a function of two parts of the state and its arguments, which gives what it did beside its result.

    It starts from the random keys as they are now, however often it is run.
    """
    before = context.random.copy()

    def run(chosen: Mapping[str, Any], others: Mapping[str, Any], /, *args: Any) -> tuple[Any, Any]:
        inner = context.inner({**others, **chosen}, keys=before)
        with _context.enter(inner):
            result = fn(*args, **kwargs)
        out, aux = _pair(fn, result) if has_aux else (result, None)
        return out, (aux, inner.changes(), (inner.notes, inner.random))

    return run


def _pair(fn: Any, result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        name = getattr(fn, "__qualname__", type(fn).__name__)
        raise DTypeError(
            f"{name} was to return (loss, auxiliary output), for has_aux=True.",
            got=f"a tuple of {len(result)}" if isinstance(result, tuple) else config.short(result),
        )
    return result
