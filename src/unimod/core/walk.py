"""Flattening an object to leaves and a skeleton, and building it again.

The order is written down here and nowhere else: attributes in the order of definition, dict keys sorted, OrderedDict
in its own order, None an empty subtree, ``Nothing`` no leaf. These are JAX's rules for containers, on every engine.
"""

from __future__ import annotations

import collections
import types
from collections.abc import Callable, Iterable
from typing import Any

from unimod.backends import _registry
from unimod.core import build, lazy, static
from unimod.core import skeleton as sk
from unimod.core.initializer import Initializer
from unimod.core.kinds import Nothing, Parameter, Rng, State, Static, TreePart
from unimod.core.node import Node, attributes_of, get_lazy
from unimod.core.skeleton import HOLE, Child, Fixed, Leaf, Skeleton
from unimod.errors import TreeError
from unimod.random._key import Key

MAX_DEPTH = static.MAX_DEPTH
FEW = 8
"""Of so many items it is not worth while to ask first whether all are arrays."""
_NONE = Fixed(None)
_FREE = sk.leaf(None)
_EMPTY_DICT = sk.intern(dict, None, (), ())

Handler = Callable[["_Walk", Any, Any], Child]


def flatten(value: Any) -> tuple[list[Any], Skeleton | Child]:
    """The leaves of any object, in order, and its structure."""
    if isinstance(value, Node):
        return flatten_node(value)
    walk = _Walk()
    structure = walk.child(value, None)
    return walk.leaves, structure


def flatten_each(values: Iterable[Any]) -> tuple[list[Any], tuple[Child, ...]]:
    """The leaves of several objects in one list, and the structure of each."""
    walk: _Walk | None = None
    leaves: list[Any] = []
    structures: list[Child] = []
    for value in values:
        handler = _handlers.get(type(value)) or _handler_of(type(value))
        if handler is _array:  # the two common cases, without a call for each value
            leaves.append(value)
            structures.append(_FREE)
        elif handler is _node and (parts := get_lazy(value)) is not None:
            leaves += parts[0]
            structures.append(parts[1])
        else:
            walk = walk or _Walk(leaves)
            structures.append(handler(walk, value, None))
    return leaves, tuple(structures)


def flatten_node(node: Node) -> tuple[list[Any], Skeleton]:
    """The leaves and the skeleton of a module; costs nothing while the module is lazy."""
    parts = lazy.lazy_parts(node)
    if parts is not None:
        return parts
    walk = _Walk()
    return walk.leaves, walk.root(node)


def is_changed(node: Node, leaves: list[Any], structure: Skeleton) -> bool:
    """Whether a module is no longer what it was when it had these leaves and this structure."""
    now, new_structure = flatten_node(node)
    return new_structure is not structure or any(new is not old for new, old in zip(now, leaves, strict=True))


def rebuilt(value: Any) -> Any:
    """The same object again: its modules and containers are new, its leaves are the same."""
    leaves, structure = flatten(value)
    return unflatten(structure, leaves)


def as_dict(cls: type) -> None:
    """Flatten the objects of a class of dicts as the plain dicts that they are equal to."""
    _handlers[cls] = lambda walk, value, kind: _dict(walk, dict(value), kind)


def is_static(value: Any) -> bool:
    """Whether an undeclared attribute with this value would be part of the structure."""
    return isinstance(_Walk().child(value, _AUTO), Fixed)


def unflatten(structure: Skeleton | Child, leaves: list[Any]) -> Any:
    """The object with this structure and these leaves; modules come back lazy.

    Raises:
        TreeError: the number of leaves is another.
    """
    if structure.__class__ is not Skeleton:
        return leaves[0] if isinstance(structure, Leaf) and len(leaves) == 1 else _constant(structure, leaves)
    if structure.num_leaves != len(leaves):
        raise _misfit(structure, leaves)
    if structure.is_module:
        return lazy.make_lazy(list(leaves), structure)
    if structure.is_flat:
        return build.container(structure, list(leaves))
    values, start = [], 0
    for child in structure.children:
        if child.__class__ is Leaf:
            values.append(leaves[start])
            start += 1
        elif child.__class__ is Skeleton:
            stop = start + child.num_leaves
            inner = leaves[start:stop]
            values.append(lazy.make_lazy(inner, child) if child.is_module else unflatten(child, inner))
            start = stop
        else:
            values.append(build.constant(child))
    return build.container(structure, values)


def _constant(structure: Child, leaves: list[Any]) -> Any:
    if len(leaves) != sk.count(structure):
        raise _misfit(structure, leaves)
    return build.constant(structure)


def _misfit(structure: Child, leaves: list[Any]) -> TreeError:
    return TreeError(
        "The number of leaves does not fit the structure.",
        got=f"{len(leaves)} leaves",
        expected=f"{sk.count(structure)} leaves",
    )


# Flattening -----------------------------------------------------------------------------------------------------------


class _Walk:
    """One pass over an object. ``kind`` is None outside of modules, else what the attribute was declared as."""

    __slots__ = ("count", "depth", "leaves", "memo", "open")

    def __init__(self, leaves: list[Any] | None = None) -> None:
        self.leaves: list[Any] = [] if leaves is None else leaves
        self.memo: dict[int, int] = {}
        self.open: set[int] = set()
        self.count = 0
        self.depth = 0

    def child(self, value: Any, kind: Any) -> Child:
        handler = _handlers.get(type(value))
        return (handler or _handler_of(type(value)))(self, value, kind)

    def root(self, node: Node) -> Skeleton:
        """A module that is not inside another one: sharing is looked for within it."""
        memo, count = self.memo, self.count
        self.memo, self.count = {}, 0
        try:
            return self.node(node)  # type: ignore[return-value]
        finally:
            self.memo, self.count = memo, count

    def node(self, node: Node) -> Child:
        identity = id(node)
        known = self.memo.get(identity)
        if known is not None:
            if identity in self.open:
                raise TreeError(f"A {type(node).__name__} contains itself.", fix="break the cycle")
            return sk.alias(known)
        self.memo[identity] = self.count
        self.count += 1
        self.open.add(identity)
        structure = self.attributes(node)
        self.open.remove(identity)
        return structure

    def attributes(self, node: Node) -> Skeleton:
        lazy.touch(node)
        self.enter()
        attributes, meta, tied = attributes_of(node), node._um_meta, node._um_tied
        kinds = meta.by_name
        children: list[Child] = []
        for name, value in attributes.items():
            kind = kinds.get(name, State)
            is_declared = name in kinds
            if tied is not None and name in tied:
                children.append(self.tied(value, kind, tied[name]))
                continue
            handler = _handlers.get(type(value)) or _handler_of(type(value))
            try:
                children.append(handler(self, value, kind if is_declared else _AUTO))
            except TreeError as error:
                error.where = f"{type(node).__name__}.{name}" if not error.where else error.where
                raise
        self.depth -= 1
        return sk.intern(type(node), meta, tuple(attributes), tuple(children))

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TreeError(f"The tree is more than {MAX_DEPTH} levels deep, or contains itself.")

    def tied(self, value: Any, kind: Any, box: TreePart) -> Child:
        known = self.memo.get(id(box))
        if known is not None:
            return sk.alias(known)
        if isinstance(value, (Node, Key, list, tuple, dict)):
            raise TreeError(
                "Only single leaves can be tied.",
                got=type(value).__name__,
                fix="assign the object itself to both attributes",
            )
        self.memo[id(box)] = self.count
        self.count += 1
        self.leaves.append(value)
        return sk.leaf(kind, True)

    def items(self, cls: type, meta: Any, names: tuple[Any, ...] | None, values: Any, kind: Any) -> Skeleton:
        self.enter()
        array = sk.leaf(State if kind is _AUTO else kind)
        children: list[Child] = []
        if len(values) > FEW and kind is not Static and all(map(_is_array, set(map(type, values)))):
            self.leaves.extend(values)
            children, values = [array] * len(values), ()
        for value in values:
            handler = _handlers.get(type(value)) or _handler_of(type(value))
            if handler is _array and kind is not Static:  # the common case, without a call for each leaf
                self.leaves.append(value)
                children.append(array)
            else:
                children.append(handler(self, value, kind))
        self.depth -= 1
        return sk.intern(cls, meta, names, tuple(children))


class _Auto:
    """An attribute without a declared kind: arrays are State, keys Rng, initializers Parameter, the rest static."""


_AUTO = _Auto


def _array(walk: _Walk, value: Any, kind: Any) -> Child:
    if kind is Static:
        raise static.hidden(value)
    walk.leaves.append(value)
    return _FREE if kind is None else sk.leaf(State if kind is _AUTO else kind)


def _is_array(cls: type) -> bool:
    return (_handlers.get(cls) or _handler_of(cls)) is _array


def _initializer(walk: _Walk, value: Any, kind: Any) -> Child:
    walk.leaves.append(value)
    return sk.leaf(Parameter if kind is _AUTO else kind)


def _other(walk: _Walk, value: Any, kind: Any) -> Child:
    """Whatever is neither array nor container: a leaf where leaves are declared or outside of modules, else static."""
    if kind is _AUTO or kind is Static:
        return static.fixed(value)
    if kind is not None:
        static.search(value)
    walk.leaves.append(value)
    return sk.leaf(kind)


def _node(walk: _Walk, value: Node, kind: Any) -> Child:
    if kind is Static:
        raise static.hidden(value)
    if kind is not None:
        return walk.node(value)
    parts = lazy.lazy_parts(value)
    if parts is None:
        return walk.root(value)
    walk.leaves.extend(parts[0])
    return parts[1]


def _key(walk: _Walk, value: Key, kind: Any) -> Child:
    if kind is Static:
        raise static.hidden(value)
    if value.data is Nothing:
        return sk.intern(Key, sk.ATOM, None, (HOLE,))
    walk.leaves.append(value.data)
    return sk.intern(Key, sk.ATOM, None, (sk.leaf(Rng if kind is _AUTO or kind is TreePart else kind),))


def _box(walk: _Walk, value: TreePart, kind: Any) -> Child:
    raise TreeError(
        f"A box of {type(value).__name__} stands in a container that was changed after its module was built.",
        expected="boxes in attributes, or in containers that are assigned to attributes",
        fix="assign the changed container to the attribute again",
    )


def _none(walk: _Walk, value: None, kind: Any) -> Child:
    return _NONE


def _nothing(walk: _Walk, value: Any, kind: Any) -> Child:
    return HOLE


def _sequence(walk: _Walk, value: Any, kind: Any) -> Child:
    return static.fixed(value) if kind is Static else walk.items(type(value), None, None, value, kind)


def _namedtuple(walk: _Walk, value: Any, kind: Any) -> Child:
    return static.fixed(value) if kind is Static else walk.items(type(value), None, value._fields, value, kind)


def _dict(walk: _Walk, value: Any, kind: Any) -> Child:
    if kind is Static:
        return static.fixed(value)
    if not value and type(value) is dict:
        return _EMPTY_DICT
    try:
        names = tuple(sorted(value))
    except TypeError as error:
        raise TreeError("The keys of a dict cannot be sorted.", got=repr(list(value)), fix="use str keys") from error
    return walk.items(type(value), getattr(value, "default_factory", None), names, [value[n] for n in names], kind)


def _ordered_dict(walk: _Walk, value: Any, kind: Any) -> Child:
    return static.fixed(value) if kind is Static else walk.items(type(value), None, tuple(value), value.values(), kind)


_handlers: dict[type, Handler] = {
    type(None): _none,
    type(Nothing): _nothing,
    list: _sequence,
    tuple: _sequence,
    dict: _dict,
    collections.defaultdict: _dict,
    collections.OrderedDict: _ordered_dict,
    int: _other,
    float: _other,
    bool: _other,
    complex: _other,
    str: _other,
    types.FunctionType: _other,
    Key: _key,
    Initializer: _initializer,
}


def _handler_of(cls: type) -> Handler:
    if issubclass(cls, Node):
        handler: Handler = _node
    elif issubclass(cls, TreePart):
        handler = _box
    elif issubclass(cls, tuple) and hasattr(cls, "_fields"):
        handler = _namedtuple
    elif _registry.of_type(cls) is not None:
        handler = _array
    else:
        return _other  # not remembered: an engine that is loaded later may know the type
    _handlers[cls] = handler
    return handler
