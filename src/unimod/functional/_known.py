"""Parameters that are there already: which part of what has which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unimod.core import walk
from unimod.functional import _errors, _frame, _parts, _slots
from unimod.functional._filling import Filling, Known
from unimod.functional._params import Params, entries

if TYPE_CHECKING:
    from unimod import random
    from unimod.functional.parametrized import Parametrized


class Shaped:
    """A parametrized function with example inputs; made by ``net.shaped(*inputs)``.

    Two are equal where the function is the same and the inputs have the same structure, shapes and dtypes.
    """

    def __init__(self, part: Parametrized, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.part, self.inputs, self.options = part, inputs, options
        leaves, structure = walk.flatten((inputs, dict(sorted(options.items()))))
        shapes = tuple((type(x).__name__, tuple(getattr(x, "shape", ())), str(getattr(x, "dtype", ""))) for x in leaves)
        self._about = (part, structure, shapes)

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.part.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shaped) and other._about == self._about

    def __hash__(self) -> int:
        return hash(self._about)

    def __repr__(self) -> str:
        return f"<{self.name} with example inputs>"


def filling(key: random.Key | None, given: Mapping[Any, Any]) -> Filling:
    """A run that starts with the given parameters."""
    run = Filling(key, {})
    for other, params in given.items():
        known = parts(other, params)
        run.given.append((str(getattr(other, "name", type(other).__name__)), set(known)))
        run.nodes.update(known)
    return run


def parts(other: Any, params: Any) -> Known:
    """Everything below a part, with its parameters.

    Raises:
        TreeError: the parameters are not those of the part.
        DTypeError: it is no part.
    """
    own = _slots.own_of(other.part if isinstance(other, Shaped) else other)
    if own is None or isinstance(own, _slots.Param):
        raise _errors.not_a_key(other)
    known = dict(_parts.below(own, params))
    if not isinstance(other, Shaped):
        return known
    run = Filling(None, known)
    run.name = other.name
    with run._active():
        other.part._run(params, other.inputs, other.options, None, run)
    return run.nodes


def check_used(part: Parametrized, run: Filling) -> None:
    """Refuse given parameters of something that was not met.

    Raises:
        TreeError: there are such.
    """
    strange = [name for name, known in run.given if not run.used & known]
    if strange:
        raise _errors.not_a_part(part.name, strange)


def assembled(part: Parametrized, run: Filling) -> Params:
    """The parameters of a part, put together without a call."""
    root = run.root(part)
    _assemble(part, root, run)
    return root


def _assemble(part: Parametrized, node: Params, run: Filling) -> None:
    if id(node) not in run.open:
        return
    for name, tree in part.slots.items():
        for path, default in _slots.places(tree):
            if isinstance(_slots.part_of(default), _slots.Param):
                raise _errors.unknown(run.name, (*run.paths.get(id(node), ()), name, *path))
    run.prepare(part, node, (), {})
    for name, tree in part.slots.items():
        for path, default in _slots.places(tree):
            own = _slots.own_of(default)
            if isinstance(own, _slots.Part):
                _assemble(own, _frame.at(entries(node)[name], path), run)  # type: ignore[arg-type]
