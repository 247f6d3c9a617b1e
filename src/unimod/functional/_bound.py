"""A part as its body gets it: with the parameters that it has in this call."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from unimod import random
from unimod.core import scope
from unimod.core.module import Module
from unimod.core.node import Node
from unimod.functional import _errors, _slots
from unimod.functional._frame import Frame, current
from unimod.functional._params import Params

if TYPE_CHECKING:
    from unimod.functional.parametrized import Parametrized


class _Calls:
    """The call stands here, and not in the module, so that errors name the parameters, not this object."""

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return call(self, inputs, options)  # type: ignore[arg-type]


class Bound(_Calls, Module):
    """A parametrized function together with its parameters: call it with inputs alone.

    It is a module, so that transforms in a body (``um.jit(layer)``, ``um.vmap(layer)``) hand its parameters over as
    arguments. While parameters are being initialised it has none: they are looked up at the call.

    Attributes:
        node: the parameters; None while they are being initialised.
        key: where randomness comes from; None without.
        part: the parametrized function.
        view: what is called in its place, such as a jitted version; None without.
    """

    node: Any
    key: Any
    part: Any
    view: Any

    @property
    def _um_part(self) -> Any:
        return self.part if self.view is None else _slots.View(self.view, self.part)

    @property
    def params(self) -> Params:
        """The parameters of the part."""
        if self.node is not None:
            return self.node  # type: ignore[no-any-return]
        frame = current()
        if frame is None or frame.filling is None:
            raise _errors.outside(self.part.name)
        return frame.filling.node_for(self.part)

    def __getattr__(self, name: str) -> Any:
        part = vars(self).get("part")
        if part is None or name not in part.slots:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        return value_of(part.slots[name], getattr(self.params, name), None, self.node is None)

    def __repr__(self) -> str:
        return f"{self.part.name}(...)"


def bind(part: Parametrized, node: Params | None, key: random.Key | None, view: Any = None) -> Bound:
    """A part with its parameters."""
    bound: Bound = Node.__new__(Bound)
    vars(bound).update(node=node, key=key, part=part, view=view)
    return bound


def values(frame: Frame) -> dict[str, Any]:
    """The arguments that a body gets for its parts."""
    is_filling = frame.filling is not None
    found = {}
    for name, tree in frame.part.slots.items():
        key = None if frame.key is None or is_filling else random.fold_in(frame.key, random.stable_hash(name))
        found[name] = value_of(tree, getattr(frame.node, name), key, is_filling)
    return found


def value_of(tree: Any, stored: Any, key: random.Key | None, is_filling: bool) -> Any:
    """Default values with arrays and bound parts in place of what has parameters."""
    count = iter(range(1 << 30))

    def value(default: Any, found: Any) -> Any:
        part = _slots.part_of(default)
        if part is None:
            return default
        view, part = (part.call, part.part) if isinstance(part, _slots.View) else (None, part)
        if not isinstance(part, _slots.Part):
            return found if view is None else types.MethodType(view, found)
        own = None if key is None else random.fold_in(key, next(count))
        return bind(part, None if is_filling else found, own, view)  # type: ignore[arg-type]

    return _slots.mapped(value, tree, stored)


def call(bound: Bound, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run a bound part; what it changes in its parameters is changed in place."""
    frame = current()
    if bound.node is None:
        if frame is None or frame.filling is None:
            raise _errors.outside(bound.part.name)
        return bound.part._run(bound.params, inputs, options, frame.next_key(), frame.filling)
    key = next_key(bound)
    if bound.view is not None:
        inner = bind(bound.part, bound.node, key)
        return bound.view.__get__(inner, Bound)(*inputs, **options)
    return bound.part._run(bound.node, inputs, options, key, None)


def next_key(bound: Bound) -> random.Key | None:
    """A key for one call. A part that a traced function captured cannot be changed: there the calls are counted."""
    if bound.key is None:
        return None
    if bound._um_scope is scope.state.current:
        bound.key, key = random.split(bound.key)
        return key
    frame, draws = current(), 0
    if frame is not None:
        draws, frame.draws = frame.draws, frame.draws + 1
    return random.fold_in(bound.key, draws)
