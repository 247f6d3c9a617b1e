"""What all transforms share: functions of trees as functions of flat lists of arrays.

A transformed function works on copies of its module arguments (a module as an argument is a value). A bound method of a
module treats its module as an object: what the call changes is written back when it has succeeded.
"""

from __future__ import annotations

import collections
import dataclasses
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from unimod import config
from unimod.backends import _promotion, _registry
from unimod.backends._protocol import Engine
from unimod.core import graft, init, lazy, paths, scope, walk
from unimod.core import node as nodes
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.core.node import Node
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import DTypeError, NotInitializedError, UnreturnedStateWarning

NUMBERS = (int, float, complex)


@dataclasses.dataclass(frozen=True)
class Target:
    """The function to transform, and the module that it is bound to, if any."""

    fn: Callable[..., Any]
    owner: Module | None
    name: str

    @property
    def shift(self) -> int:
        """How many arguments stand before the explicit ones."""
        return 0 if self.owner is None else 1


def target_of(fn: Any) -> Target:
    """Take a bound method (or a module, which is its own ``__call__``) apart."""
    fn = getattr(fn, "_um_method", fn)
    if isinstance(fn, Module):
        return Target(type(fn).__call__, fn, type(fn).__name__)
    if isinstance(fn, types.MethodType) and isinstance(fn.__self__, Module):
        return Target(fn.__func__, fn.__self__, getattr(fn, "__qualname__", type(fn.__self__).__name__))
    if not callable(fn):
        raise DTypeError("A transform needs a function.", got=repr(fn), expected="a function, a method or a module")
    return Target(fn, None, getattr(fn, "__qualname__", type(fn).__name__))


def bound(target: Target, function: Callable[..., Any]) -> Callable[..., Any]:
    """The transform of ``target``: ``function`` takes the module as its first argument and becomes a bound method."""
    return function if target.owner is None else types.MethodType(function, target.owner)


def settle(leaves: list[Any], backend: str | None = None) -> tuple[Engine, list[Any]]:
    """The engine that works on these leaves, and the leaves with host arrays brought to it."""
    classes = set(map(type, leaves))
    only = _registry.of_type(classes.pop()) if len(classes) == 1 else None
    if only is not None:
        return only, leaves
    engine = engine_for(leaves, backend)
    return engine, to_engine(engine, leaves)


def engine_for(leaves: list[Any], backend: str | None = None) -> Engine:
    """The engine that works on these leaves."""
    return config.engine_of(*{type(leaf): leaf for leaf in leaves}.values(), backend=backend)


def to_engine(engine: Engine, leaves: list[Any]) -> list[Any]:
    """The leaves with host arrays brought to the engine."""
    if engine.name == config.HOST:
        return leaves
    host = _registry.load(config.HOST)
    if not any(_registry.of_type(cls) is host for cls in set(map(type, leaves))):
        return leaves
    return [engine.arrays.asarray(x) if _registry.of_type(type(x)) is host else x for x in leaves]


def only_arrays(
    flat: Callable[[list[Any]], Any], leaves: list[Any]
) -> tuple[Callable[[list[Any]], Any], list[Any], dict[int, int] | None]:
    """``flat`` as a function of the arrays among ``leaves``, and these; what is no array reaches ``flat`` as it is.

    The third result maps the place of each array in ``leaves`` to that among the arrays; None where all are arrays.
    """
    if all(_registry.of_type(cls) is not None for cls in set(map(type, leaves))):
        return flat, leaves, None
    places = [index for index, leaf in enumerate(leaves) if config.is_array(leaf)]

    def of_arrays(arrays: list[Any]) -> Any:
        full = list(leaves)
        for index, array in zip(places, arrays, strict=True):
            full[index] = array
        return flat(full)

    return of_arrays, [leaves[index] for index in places], {place: index for index, place in enumerate(places)}


def rehearse(args: Any, call: Callable[[], Any]) -> None:
    """While ``init`` looks for sizes: run what is to be transformed as it is, before. See ``Initialization.rehearse``.

    Args:
        args: a tree with the modules that the call gets.
        call: does it.
    """
    if init.state.active is not None and init.state.active.waiting:
        init.state.active.rehearse(list(arguments(args)), call)


def place(path: tuple[Any, ...]) -> str:
    """A path in ``(args, kwargs)`` as text."""
    return paths.pretty("args" if not path or path[0] == 0 else "kwargs", path[1:])


def check_arguments(leaves: list[Any], structure: Child, name: str, fix: str) -> None:
    """Refuse leaves that no engine can trace.

    Raises:
        NotInitializedError: a module among the arguments has no values yet.
        DTypeError: a leaf is neither array nor number.
    """
    for index, leaf in enumerate(leaves):
        if isinstance(leaf, NUMBERS) or config.is_array(leaf):
            continue
        slot = structure.slots[index] if isinstance(structure, Skeleton) else None
        where = place(slot.path) if slot else "args"
        check_initialized(leaf, name, where)
        raise DTypeError(
            f"{name} got an argument that is neither array nor number.",
            where=where,
            got=f"{type(leaf).__name__}: {leaf!r}"[:100],
            fix=fix,
        )


def check_initialized(leaf: Any, name: str, where: str) -> None:
    """Refuse the leaf of a module that has no values yet.

    Raises:
        NotInitializedError: it is an initializer.
    """
    if isinstance(leaf, Initializer):
        raise NotInitializedError(
            f"A module that was passed to {name} has no values yet.", where=where, fix="call model.init(seed) first"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Packed:
    """What beside the arrays a function returned: the structure, and leaves that are no arrays."""

    structure: Child
    others: tuple[tuple[int, Any], ...]

    def unpack(self, arrays: list[Any]) -> Any:
        """The returned object, of these arrays."""
        if not self.others:
            return walk.unflatten(self.structure, arrays)
        leaves = list(arrays)
        for index, value in self.others:
            leaves.insert(index, value)
        return walk.unflatten(self.structure, leaves)


def pack(value: Any, are_numbers_arrays: bool) -> tuple[list[Any], Packed]:
    """Take an object apart into arrays and the rest."""
    leaves, structure = walk.flatten(value)
    strange = {cls for cls in set(map(type, leaves)) if _registry.of_type(cls) is None}
    if are_numbers_arrays:
        strange = {cls for cls in strange if not issubclass(cls, NUMBERS) and cls not in _promotion.WEAK}
    if not strange:
        return leaves, Packed(structure, ())
    others = tuple((index, leaf) for index, leaf in enumerate(leaves) if type(leaf) in strange)
    return [leaf for leaf in leaves if type(leaf) not in strange], Packed(structure, others)


def arguments(value: Any) -> Iterator[Node]:
    """The outermost modules of the arguments."""
    if isinstance(value, Node):
        yield value
    elif isinstance(value, dict):
        # In the order in which a dict is flattened and comes back.
        for name in value if isinstance(value, collections.OrderedDict) else sorted(value):
            yield from arguments(value[name])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arguments(item)


class StateWatch:
    """Notices state that a function changed in its arguments and did not return; warns once for each function.

    It looks at the first call with each structure of the arguments; what a function returns does not change after that.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.has_warned = False
        self.known: set[Child] = set()

    def before(self, args: Any, structure: Child) -> list[tuple[Node, list[Any], Skeleton]]:
        """Remember the leaves of the module arguments."""
        if self.has_warned or structure in self.known:
            return []
        found = ((node, lazy.lazy_parts(node)) for node in arguments(args))
        return [(node, *parts) for node, parts in found if parts is not None]

    def after(
        self,
        seen: list[tuple[Node, list[Any], Skeleton]],
        structure: Child,
        out: list[Any],
        result: Child | None = None,
    ) -> None:
        """Compare, and warn about what is lost: of modules of which none of their class was returned."""
        self.known.add(structure)
        touched = [entry for entry in seen if not lazy.is_lazy(entry[0]) and not _has(result, type(entry[0]))]
        if not touched or self.has_warned:
            return
        returned = {id(leaf) for leaf in out}
        lost = [path for entry in touched for path in _lost(*entry, returned)]
        if lost:
            self.has_warned = True
            warnings.warn(
                UnreturnedStateWarning(
                    f"{self.name} changed {', '.join(lost[:5])}{' and more' if len(lost) > 5 else ''} of a module "
                    "argument and did not return the module, so that the change is lost. Return the changed module "
                    "(as an auxiliary output of grad), or transform the bound method."
                ),
                stacklevel=2,
            )


def _has(result: Child | None, cls: type) -> bool:
    return isinstance(result, Skeleton) and (result.type is cls or any(_has(child, cls) for child in result.children))


def _lost(node: Node, leaves: list[Any], structure: Skeleton, returned: set[int]) -> Iterator[str]:
    new, new_structure = walk.flatten_node(node)
    old = {slot.path: leaf for slot, leaf in zip(structure.slots, leaves, strict=True)}
    for slot, leaf in zip(new_structure.slots, new, strict=True):
        is_parameter = slot.kind is not None and issubclass(slot.kind, Parameter)
        if leaf is not old.get(slot.path) and not is_parameter and id(leaf) not in returned:
            yield paths.pretty(type(node).__name__, slot.path)


def flat_function(
    target: Target,
    structure: Child,
    watch: StateWatch,
    *,
    are_numbers_arrays: bool = True,
    written_back: Callable[[Any], list[Node]] | None = None,
    check: Callable[[Any], Any] | None = None,
) -> Callable[[list[Any]], tuple[list[Any], Packed]]:
    """``target`` as a function of the flat list of leaves of ``(args, kwargs)``.

    Args:
        target: what to call.
        structure: of ``(args, kwargs)``.
        watch: told of changed state.
        are_numbers_arrays: whether returned Python numbers become arrays.
        written_back: picks the modules of ``(args, kwargs)`` whose contents are returned beside the result; None stands
            for a module that was not changed.
        check: looks at the result, and may replace it.
    """

    def flat(leaves: list[Any]) -> tuple[list[Any], Packed]:
        with scope.enter(target.name):
            args, kwargs = walk.unflatten(structure, list(leaves))
            seen = watch.before((args, kwargs), structure)
            written = (
                []
                if written_back is None
                else [(node, walk.flatten_node(node)) for node in written_back((args, kwargs))]
            )
            result = target.fn(*args, **kwargs)
            if check is not None:
                result = check(result)
            if written_back is not None:
                result = (result, [node if walk.is_changed(node, *parts) else None for node, parts in written])
            arrays, packed = pack(result, are_numbers_arrays)
            watch.after(seen, structure, arrays, packed.structure)
            return arrays, packed

    return flat


def write_back(originals: list[Node], copies: list[Node | None]) -> None:
    """Give the original modules the contents of the copies that a transformed function returned; all, or none."""
    pairs = [(original, copy) for original, copy in zip(originals, copies, strict=True) if copy is not None]
    for original, _ in pairs:
        if original._um_scope is not scope.state.current:
            raise nodes.captured(original, "contents")
    for original, copy in pairs:
        graft.replace_contents(original, *walk.flatten_node(copy))
