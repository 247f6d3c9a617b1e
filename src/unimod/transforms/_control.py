"""What loops and branches share: a carry that stays what it is, and bodies as functions of flat lists of arrays.

A module that is the body itself (or to which it is bound) is an object: its parameters are held constant, and its
states are part of the carry, so that they go from step to step and are written back in the end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.backends import _promotion, _registry
from unimod.backends._protocol import Engine, FlatFn
from unimod.core import checking, paths, scope, tree, walk
from unimod.core import node as nodes
from unimod.core import skeleton as sk
from unimod.core.kinds import Parameter
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import DTypeError, ShapeError, TreeError
from unimod.random import _ambient
from unimod.transforms import _lift, _steps


class TrialError(Exception):
    """Ends the trial run of a body: the dtypes that the numbers of the carry get."""

    def __init__(self, dtypes: dict[int, str]) -> None:
        super().__init__("a trial run has ended")
        self.dtypes = dtypes


class Carry:
    """The value that goes from step to step, and the module of the body, as one flat list of leaves.

    Args:
        name: of the transform, for errors.
        target: the body.
        init: the first value.
        beside: leaves that the body gets as well, which have a say in the choice of the engine.
    """

    def __init__(self, name: str, target: _lift.Target, init: Any, beside: list[Any]) -> None:
        self.name, self.target = f"{name} of {target.name}", target
        self.watch = _lift.StateWatch(self.name)
        self.replay, self.checks = _ambient.Replay(), checking.kinds()
        leaves, structure = walk.flatten((target.owner, init))
        assert isinstance(structure, Skeleton)
        self.structure, self.slots = structure, structure.slots
        self._check_leaves(leaves)
        self.engine, leaves = _lift.settle([*leaves, *beside])
        self.beside, self.leaves = leaves[len(self.slots) :], leaves[: len(self.slots)]
        self.moving = [i for i, slot in enumerate(self.slots) if not _is_held(slot)]
        self.is_owner_changed = False

    def _check_leaves(self, leaves: list[Any]) -> None:
        for leaf, slot in zip(leaves, self.slots, strict=True):
            if is_number(leaf) or config.is_array(leaf):
                continue
            _lift.check_initialized(leaf, self.name, self._place(slot.path))
            raise DTypeError(
                f"{self.name} got a carry with a leaf that is neither array nor number.",
                where=self._place(slot.path),
                got=f"{type(leaf).__name__}: {leaf!r}"[:100],
                fix="let the body capture it",
            )

    def _place(self, path: sk.Path) -> str:
        """A path below ``(module, value)`` as text."""
        return paths.pretty("carry" if path[:1] == (1,) else type(self.target.owner).__name__, path[1:])

    @property
    def arrays(self) -> list[Any]:
        """What the loop changes."""
        return [self.leaves[i] for i in self.moving]

    def settle_numbers(self, body: FlatFn, inputs: list[Any], length: int = 1) -> None:
        """Make arrays of the Python numbers in the carry, of the dtypes that the body makes of them.

        A number is weak: ``0`` beside a float32 becomes one. So the body is tried once, and does not come to its end.
        """
        numbers = [i for i in self.moving if is_number(self.leaves[i])]
        if not numbers:
            return
        arrays = [self.leaves[i] for i in self.moving if i not in numbers]
        try:
            run: Any = getattr(self.engine.control, "scan", _steps.scan)
            run(body, arrays, inputs, length=length, reverse=False, unroll=1)
        except TrialError as found:
            for i, dtype in found.dtypes.items():
                self.leaves[i] = self._array(self.leaves[i], dtype)

    def trial(self, step: Callable[[Any, Any, list[Any]], Any]) -> FlatFn:
        """The body, with the numbers of the carry as they are, up to the carry that it returns."""
        numbers = [i for i in self.moving if is_number(self.leaves[i])]
        places = [i for i in self.moving if i not in numbers]

        def flat(leaves: list[Any]) -> tuple[list[Any], Any]:
            with scope.enter(self.name), self.replay, checking.ask_for(self.checks):
                owner, value = self._unflatten(places, leaves[: len(places)])
                new, _ = step(owner, value, leaves[len(places) :])
                found = self._leaves_of((owner, new))
            raise TrialError({i: self._met(self.leaves[i], found[i]) for i in numbers})

        return flat

    def _met(self, number: Any, new: Any) -> str:
        """The dtype of a number that becomes ``new``."""
        if is_number(new):
            return _promotion.promote_scalar(_default(self.engine, number), type(new))
        self._check_array(new)
        return _promotion.promote_scalar(self.engine.arrays.dtype_name(new), type(number))

    def body(self, step: Callable[[Any, Any, list[Any]], tuple[Any, Any]]) -> FlatFn:
        """The body as a flat function: of the moving leaves and more, giving the moving leaves and more.

        Args:
            step: ``step(module, value, rest)`` gives the new value and what else the step returns.
        """

        def flat(leaves: list[Any]) -> tuple[list[Any], _lift.Packed]:
            count = len(self.moving)
            with scope.enter(self.name), self.replay, checking.ask_for(self.checks):
                owner, value = self._unflatten(self.moving, leaves[:count])
                watched = self.watch.before(value, self.structure)
                before = None if owner is None else walk.flatten_node(owner)
                new, result = step(owner, value, leaves[count:])
                kept = self._kept((owner, new), leaves[:count])
                if before is not None and walk.is_changed(owner, *before):
                    self.is_owner_changed = True
                arrays, packed = _lift.pack(result, True)
                arrays = [self.engine.arrays.asarray(x) if is_number(x) else x for x in arrays]
                self.watch.after(watched, self.structure, [*kept, *arrays])
                return [*kept, *arrays], packed

        return flat

    def _unflatten(self, places: list[int], leaves: list[Any]) -> Any:
        full = list(self.leaves)
        for i, leaf in zip(places, leaves, strict=True):
            full[i] = leaf
        return walk.unflatten(self.structure, full)

    def _kept(self, both: Any, before: list[Any]) -> list[Any]:
        """The moving leaves of ``(module, value)`` after a step, checked."""
        leaves = self._leaves_of(both)
        for i, slot in enumerate(self.slots):
            if _is_held(slot) and leaves[i] is not self.leaves[i]:
                raise nodes.captured(self.target.owner, paths.dotted(slot.path[1:]))  # type: ignore[arg-type]
        moved = [leaves[i] for i in self.moving]
        return [self._fitting(i, *pair) for i, pair in zip(self.moving, zip(moved, before, strict=True), strict=True)]

    def _leaves_of(self, both: Any) -> list[Any]:
        leaves, structure = walk.flatten(both)
        if structure is self.structure:
            return leaves
        assert isinstance(structure, Skeleton)
        place = int(structure.children[0] is self.structure.children[0])
        root = "carry" if place else type(self.target.owner).__name__
        where, got, expected = tree.difference(structure.children[place], self.structure.children[place], root)
        raise TreeError(
            f"{self.name} got another structure of the carry back from the body.",
            where=where,
            got=got,
            expected=expected,
            fix="return a carry with the structure of the first one",
        )

    def _fitting(self, index: int, new: Any, old: Any) -> Any:
        """A leaf after a step: an array with the shape and the dtype that it had before."""
        where, arrays = self._place(self.slots[index].path), self.engine.arrays
        dtype = arrays.dtype_name(old)
        if is_number(new) and _promotion.promote_scalar(dtype, type(new)) == dtype:
            new = self._array(new, dtype)
        elif is_number(new):
            new = self._array(new, _default(self.engine, new))
        self._check_array(new, where)
        (new,) = _lift.to_engine(self.engine, [new])
        if tuple(new.shape) != tuple(old.shape):
            raise ShapeError(
                f"{self.name} got a leaf of the carry back with another shape.",
                where=where,
                got=config.short(new),
                expected=config.short(old),
                fix="keep its shape in the body, or start with a carry of the shape that the body returns",
            )
        if arrays.dtype_name(new) != dtype:
            raise DTypeError(
                f"{self.name} got a leaf of the carry back with another dtype.",
                where=where,
                got=config.short(new),
                expected=config.short(old),
                fix=f"cast it in the body with um.numpy.astype, or start with {arrays.dtype_name(new)}",
            )
        return new

    def _check_array(self, new: Any, where: str = "") -> None:
        if not config.is_array(new):
            raise DTypeError(
                f"{self.name} got a carry back with a leaf that is no array.",
                where=where,
                got=config.describe_value(new)[:100],
                expected="an array",
            )

    def _array(self, number: Any, dtype: str) -> Any:
        return self.engine.arrays.asarray(number, dtype)

    def finish(self, leaves: list[Any]) -> Any:
        """The last value; the module of the body gets its last state."""
        owner, value = self._unflatten(self.moving, leaves)
        if owner is not None and self.is_owner_changed:
            _lift.write_back([self.target.owner], [owner])  # type: ignore[list-item]
        return value


def step_of(target: _lift.Target) -> Callable[..., Any]:
    """The function of a target, of ``(module, *arguments)``; without a module that is None."""
    return target.fn if target.owner is not None else lambda owner, *args: target.fn(*args)


def target_of_step(fn: Callable[..., Any], owner: Any, name: str) -> _lift.Target:
    """The target that such a function of ``(module, *arguments)`` makes."""
    return _lift.Target(fn if owner is not None else functools.partial(fn, None), owner, name)


def is_number(value: Any) -> bool:
    """Whether it is a Python number; scalars of numpy are arrays, some of which are Python floats as well."""
    return isinstance(value, _lift.NUMBERS) and not config.is_array(value)


def _is_held(slot: sk.Slot) -> bool:
    return slot.path[0] == 0 and slot.kind is not None and issubclass(slot.kind, Parameter)


def _default(engine: Engine, number: Any) -> str:
    return engine.arrays.dtype_name(engine.arrays.asarray(number))


def array_leaves(name: str, value: Any, role: str) -> tuple[list[Any], Child]:
    """The leaves of a tree that must be arrays.

    Raises:
        DTypeError: one is none.
    """
    leaves, structure = walk.flatten(value)
    for index, leaf in enumerate(leaves):
        if _registry.of_type(type(leaf)) is None:
            where = paths.pretty(role, structure.slots[index].path if isinstance(structure, Skeleton) else ())
            _lift.check_initialized(leaf, name, where)
            raise DTypeError(
                f"{name} goes over arrays only.",
                where=where,
                got=config.describe_value(leaf)[:100],
                expected="an array",
            )
    return leaves, structure


def place_in(role: str, structure: Child, index: int) -> str:
    """Where a leaf of a structure sits, as text."""
    return paths.pretty(role, structure.slots[index].path if isinstance(structure, Skeleton) else ())
