"""Running the body of a parametrized function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unimod import random
from unimod.core import location
from unimod.core.initializer import Initializer
from unimod.core.module import Module
from unimod.functional import _bound, _errors, _frame, _slots
from unimod.functional._params import Params, entries

if TYPE_CHECKING:
    from unimod.functional._filling import Filling
    from unimod.functional.parametrized import Parametrized


def run(
    part: Parametrized,
    node: Params,
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    key: random.Key | None,
    filling: Filling | None,
) -> Any:
    """Call the function of ``part`` with the parameters ``node``; state in them is changed in place."""
    try:
        if filling is not None:
            filling.prepare(part, node, inputs, options)
        check(part, node, inputs, options)
        frame = _frame.Frame(part, node, key, filling)
        with _frame.entered(frame):
            args, named = part._inputs.arranged(inputs, options)
            return part.fn(*args, **named, **_bound.values(frame))
    except Exception as error:
        _errors.place(error, node)
        if any(isinstance(leaf, Initializer) for leaf in entries(node).values()):
            raise  # in the middle of being initialised: the error is about that
        explained = location.locate(error, node)
        if explained is error:
            raise
        raise explained from error


def check(part: Parametrized, node: Params, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Refuse parameters that are not those of the part, or do not fit the inputs.

    Raises:
        TreeError: an entry is missing, or is something else.
        ShapeError: a parameter has another shape than it would have for these inputs.
    """
    have = entries(node)
    for name, tree in part.slots.items():
        if name not in have:
            raise _errors.missing(part.name, (name,), have)
        for path, default in _slots.places(tree):
            own = _slots.own_of(default)
            stored = _frame.stored_at(part, have[name], (name, *path))
            if isinstance(own, _slots.Param):
                shape = own.shape_for(inputs, options)
                if tuple(getattr(stored, "shape", shape)) != shape:
                    raise _errors.misfit(part.name, (name, *path), stored, shape)
            elif own is not None:
                _check_kind(part, own, stored, (name, *path))


def _check_kind(part: Parametrized, own: Any, stored: Any, path: tuple[Any, ...]) -> None:
    expected = type(own) if isinstance(own, Module) else Params
    if not isinstance(stored, expected):
        name = type(own).__name__ if isinstance(own, Module) else f"the parameters of {own.name}"
        raise _errors.different(part.name, path, type(stored).__name__, name)
