"""``pure``: value semantics for functions of modules, without compiling anything."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from unimod.core import edit, scope, walk
from unimod.transforms import _lift


def pure(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function of modules that has no side effects on them: it works on copies of its arguments.

    What is changed must be returned, as under :func:`jit`; a change that is lost is warned of. A module from outside
    that the function captured cannot be changed. A bound method of a module treats the module as an object: its new
    state is written back. A method of a module of the stateful style goes to ``um.stateful.pure``; a function in that
    style, which cannot be told from others, has to be passed there.

    Args:
        fn: a function, a bound method, or a module (its ``__call__``).

    Raises:
        CapturedModuleError: a module that was not an argument is changed; it stays as it was.

    Example:
        >>> import unimod as um
        >>> @um.pure
        ... def rename(model, bias):
        ...     model.bias = um.Parameter(bias)
        ...     return model
        >>> model = um.nn.Linear(2, 1).init(0)
        >>> rename(model, um.numpy.ones((1,))).bias.tolist(), model.bias.tolist()
        ([1.0], [0.0])
    """
    style: Any = sys.modules.get("unimod.stateful")
    if style is not None and isinstance(getattr(fn, "__self__", fn), style.Module):
        return style.pure(fn)  # type: ignore[no-any-return]
    target = _lift.target_of(fn)
    watch = _lift.StateWatch(target.name)

    @functools.wraps(target.fn)
    def purified(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = walk.flatten((args, kwargs))
        with scope.enter(target.name):
            inner_args, inner_kwargs = edit.with_own_states(walk.unflatten(structure, leaves))
            owner = None if target.owner is None else inner_args[0]
            seen = watch.before((inner_args, inner_kwargs), structure)
            result = target.fn(*inner_args, **inner_kwargs)
            found, shape = walk.flatten(result)
            kept = [] if owner is None else walk.flatten_node(owner)[0]
            watch.after(seen, structure, [*found, *kept], shape)
        if owner is not None:
            _lift.write_back([args[0]], [owner])
        return walk.unflatten(shape, found)

    return _lift.bound(target, purified)
