"""``pure``: value semantics for functions of modules, without compiling anything."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from unimod.core import edit, scope, walk
from unimod.errors import NotInitializedError
from unimod.transforms import _forms, _lift


def pure(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function of modules that has no side effects on them: it works on copies of its arguments.

    What is changed must be returned, as under :func:`jit`; a change that is lost is warned of. A module from outside
    that the function captured cannot be changed. A bound method of a module treats the module as an object: its new
    state is written back.

    A function of the stateful style becomes a function of the state, as by ``um.stateful.pure``. A method of a stateful
    module always does. Of other functions the call tells: one whose arguments fit ``fn`` is an ordinary one; one with a
    state, a dict, in front of them (or with the options of ``um.stateful.pure`` behind) is a stateful one.

    Args:
        fn: a function, a bound method, or a module (its ``__call__``).

    Raises:
        CapturedModuleError: a module that was not an argument is changed; it stays as it was.
        NotInitializedError: a call that fits ``fn`` as it is reads the state; the message names both forms.

    Example:
        >>> import unimod as um
        >>> @um.pure
        ... def rename(model, bias):
        ...     model.bias = um.Parameter(bias)
        ...     return model
        >>> model = um.nn.Linear(2, 1).init(0)
        >>> rename(model, um.numpy.ones((1,))).bias.tolist(), model.bias.tolist()
        ([1.0], [0.0])
        >>> @um.pure
        ... def count(by):
        ...     return um.stateful.put("n", um.stateful.get("n", um.numpy.zeros, ()) + by)
        >>> state, n = count({}, 2, create=True)
        >>> float(n), list(state)
        (2.0, ['n'])
    """
    style: Any = sys.modules.get("unimod.stateful")
    if style is not None and _is_of_a_state(fn, style):
        return style.pure(fn)  # type: ignore[no-any-return]
    target = _lift.target_of(fn)
    purified = _on_copies(target)
    return _lift.bound(target, purified) if target.owner is not None else _of_either_form(target, purified)


def _is_of_a_state(fn: Any, style: Any) -> bool:
    return isinstance(getattr(fn, "__self__", fn), style.Module) or getattr(fn, "_um_is_pure", False)


def _on_copies(target: _lift.Target) -> Callable[..., Any]:
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

    return purified


def _of_either_form(target: _lift.Target, plain: Callable[..., Any]) -> Callable[..., Any]:
    """``plain``, and for calls with a state in front the pure function of the stateful style."""
    forms = _forms.Forms(target.fn)

    @functools.wraps(plain)
    def purified(*args: Any, **kwargs: Any) -> Any:
        if not forms.has_state(args, kwargs):
            return plain(*args, **kwargs)
        if not forms.is_plain(args, kwargs):
            return _forms.stateful().pure(target.fn)(*args, **kwargs)
        try:
            return plain(*args, **kwargs)
        except NotInitializedError as error:
            if not getattr(error, "is_without_state", False):
                raise
            raise _unclear(target.name) from error

    purified._um_of_state = target.fn  # type: ignore[attr-defined]
    purified._um_static_argnames = forms.flags  # type: ignore[attr-defined]
    if forms.signature is not None:
        purified.__signature__ = forms.signature  # type: ignore[attr-defined]
    return purified


def _unclear(name: str) -> NotInitializedError:
    return NotInitializedError(
        f"{name} reads a state, and the dict in this call was taken for its own argument.",
        where=f"um.pure of {name}",
        got="a call that can be read in two ways: with the arguments of the function, and with a state before them",
        expected="one that can be read in one way",
        fix=f"um.stateful.pure({name})(state, ...) where the dict is the state, else pass it by name",
    )
