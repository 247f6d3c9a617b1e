"""``remat``: trade computing for memory where derivatives are taken."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

from unimod import config
from unimod.core import checking, walk
from unimod.errors import OptionError
from unimod.transforms import _lift, _through
from unimod.transforms._selection import named
from unimod.transforms.checkpoint_policies import Policy


def remat(
    fn: Callable[..., Any] | None = None,
    *,
    prevent_cse: bool = True,
    policy: Policy | str | None = None,
    static_argnums: int | Sequence[int] = (),
) -> Any:
    """``fn``, whose inner values are computed again for a derivative instead of being kept from the first time.

    Values and derivatives are those of ``fn``. A bound method (or a module) treats its module as an object: what the
    call changes is written back, once.

    Args:
        fn: the function; without it, ``remat`` returns a decorator.
        prevent_cse: keep the compiler from taking the second computation for the first; inside of a :func:`scan` it
            cannot do so, and False may be faster. Only an engine that merges equal operations (JAX) looks at it.
        policy: what is kept all the same, of :mod:`unimod.checkpoint_policies`, or its name. None: nothing but the
            arguments.
        static_argnums: places of arguments that ``fn`` gets as they are, and that are not differentiated.

    Raises:
        OptionError: there is no such policy, or no argument in such a place.

    Example:
        >>> import unimod as um
        >>> block = um.remat(lambda x: um.numpy.sin(um.numpy.sin(x)))
        >>> round(float(um.grad(block)(1.0)), 4)
        0.36

    Differences:
        On torch, under ``vmap``, ``jvp`` and what is made of them, ``fn`` runs as it is and keeps its values.
    """
    if fn is None:
        return functools.partial(remat, prevent_cse=prevent_cse, policy=policy, static_argnums=static_argnums)
    target, chosen = _lift.target_of(fn), _described(policy)
    static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    watch = _lift.StateWatch(target.name)

    def rematerialized(*args: Any, **kwargs: Any) -> Any:
        checks = checking.kinds()

        def run(engine: Any, flat: Any, arrays: list[Any]) -> Any:
            def checked(leaves: list[Any]) -> Any:
                # The second time may be after the checked function.
                with checking.ask_for(checks):
                    return flat(leaves)

            return engine.autodiff.remat(checked, arrays, chosen, prevent_cse)

        inner, rest = _without(target, static, args) if static else (target, args)
        return _through.call(inner, watch, run, rest, kwargs)

    return named("remat", rematerialized, target)


checkpoint = remat


def _without(
    target: _lift.Target, static: tuple[int, ...], args: tuple[Any, ...]
) -> tuple[_lift.Target, tuple[Any, ...]]:
    """The target with the arguments in some places held fixed, and the others."""
    count = len(args) - target.shift
    if any(not -count <= place < count for place in static):
        raise OptionError(
            f"{target.name} has no argument of a number in static_argnums.",
            got=f"static_argnums = {static}",
            expected=f"numbers of {count} arguments",
        )
    held = {place % count + target.shift for place in static}

    def call(*others: Any, **kwargs: Any) -> Any:
        rest = iter(others)
        return target.fn(*(value if i in held else next(rest) for i, value in enumerate(args)), **kwargs)

    others = tuple(value for i, value in enumerate(args) if i not in held)
    return dataclasses.replace(target, fn=call), others


def checkpoint_name(tree: Any, name: str) -> Any:
    """The same tree, whose arrays the policy ``save_only_these_names(name)`` keeps.

    Example:
        >>> import unimod as um
        >>> keep = um.checkpoint_policies.save_only_these_names("inner")
        >>> block = um.remat(lambda x: um.numpy.sin(um.checkpoint_name(um.numpy.sin(x), "inner")), policy=keep)
        >>> round(float(um.grad(block)(1.0)), 4)
        0.36
    """
    leaves, structure = walk.flatten(tree)
    marked = [
        config.engine_of(leaf).autodiff.checkpoint_name(leaf, name) if config.is_array(leaf) else leaf
        for leaf in leaves
    ]
    return walk.unflatten(structure, marked)


_NAMES = (
    "everything_saveable",
    "nothing_saveable",
    "dots_saveable",
    "dots_with_no_batch_dims_saveable",
)
_KNOWN = tuple(map(Policy, (*_NAMES, "save_only_these_names")))


def _described(policy: Policy | str | None) -> tuple[str, tuple[str, ...]] | None:
    if policy is None:
        return None
    found = Policy(policy) if isinstance(policy, str) else policy
    if not isinstance(found, Policy) or dataclasses.replace(found, names=()) not in _KNOWN:
        raise OptionError(
            "remat has no such policy.",
            got=repr(policy),
            expected=f"{', '.join(_NAMES)} or save_only_these_names(...)",
            fix="take one of um.checkpoint_policies",
        )
    return found.name, found.names
