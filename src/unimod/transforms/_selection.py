"""Which leaves of the arguments a derivative is by, and trees of one value for each of these."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from unimod import config
from unimod.core import filters as flt
from unimod.core import skeleton as sk
from unimod.core import walk
from unimod.core.kinds import Parameter
from unimod.core.skeleton import Child, Skeleton
from unimod.dtypes import DType, is_inexact
from unimod.errors import DTypeError
from unimod.transforms import _lift

_DEFAULT: tuple[flt.Filter, ...] = (Parameter, flt.NOT_FROZEN)


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the options of a derivative choose.

    Attributes:
        name: of the transform, for errors.
        target: the function.
        argnums: the arguments to differentiate by; None: all.
        filters: which leaves of modules.
        allow_int: whether leaves that are not floating-point are passed over.
        holomorphic: whether arguments and results are complex, and the function has a complex derivative.
        by_owner: whether the module of a bound method counts as the first argument.
    """

    name: str
    target: _lift.Target
    argnums: int | tuple[int, ...] | None
    filters: tuple[flt.Filter, ...]
    allow_int: bool
    holomorphic: bool = False
    by_owner: bool = False

    @property
    def of(self) -> str:
        """``grad of function``."""
        return f"{self.name} of {self.target.name}"

    @property
    def is_single(self) -> bool:
        """Whether one argument is asked for, not a tuple of them."""
        return isinstance(self.argnums, int)

    def places(self, count: int) -> list[int]:
        """The arguments to differentiate by among ``count`` (the module of a bound method is the first of these)."""
        shift = 0 if self.by_owner else self.target.shift
        if self.argnums is None:
            return list(range(shift, 1 if self.by_owner else count))
        numbers = [self.argnums] if isinstance(self.argnums, int) else list(self.argnums)
        places = [n + shift if n >= 0 else n + count for n in numbers]
        for place in places:
            if not 0 <= place < count:
                raise DTypeError(f"{self.of} has no argument number {place - shift}.", got=f"{count - shift} arguments")
        return places


def choose(name: str, fn: Any, argnums: Any, wrt: Any, allow_int: bool = False, holomorphic: bool = False) -> Choice:
    """The choice that the options of a transform make; ints in ``wrt`` are argnums."""
    target = _lift.target_of(fn)
    filters = _DEFAULT
    if isinstance(wrt, int) or (isinstance(wrt, Sequence) and wrt and all(isinstance(n, int) for n in wrt)):
        argnums = (wrt,) if argnums is None and isinstance(wrt, int) else wrt
    elif wrt is not None:
        filters = tuple(wrt) if isinstance(wrt, (list, tuple)) else (wrt,)
        # A bound method is differentiated by its module then.
        argnums = (0,) if argnums is None and target.owner is not None else argnums
    argnums = argnums if argnums is None or isinstance(argnums, int) else tuple(argnums)
    by_owner = target.owner is not None and filters is not _DEFAULT
    return Choice(name, target, argnums, filters, allow_int, holomorphic, by_owner)


def everything(name: str, fn: Any) -> Choice:
    """All floating-point leaves of all arguments, whatever their kind."""
    return Choice(name, _lift.target_of(fn), None, (), True)


class Selection:
    """The arguments of one call, and which of their leaves are differentiated.

    Attributes:
        engine: whose arrays they are.
        leaves: of ``(args, kwargs)``; Python numbers to differentiate by have become arrays.
        structure: of ``(args, kwargs)``.
        which: the indices of the differentiated leaves, in the order of ``places``.
        is_all: whether these are all that the choice says, none of which was passed over.
    """

    def __init__(self, choice: Choice, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        leaves, structure = walk.flatten((args, kwargs))
        assert isinstance(structure, Skeleton)
        self.choice, self.structure = choice, structure
        self.engine, self.leaves = _lift.settle(leaves)
        self.offsets: list[int] = structure.cached("offsets", lambda: _offsets(structure))
        self.places = choice.places(len(args))
        self.masks = {place: self._mask(place, args[place], leaves) for place in self.places}
        self.which = self._which()
        self.is_all = len(self.which) == sum(map(sum, self.masks.values()))

    def argument(self, place: int) -> Any:
        """The structure of one argument."""
        return self.structure.children[0].children[place]  # type: ignore[union-attr]

    def tree(self, values: Sequence[Any]) -> Any:
        """Of one value for each differentiated leaf: for one argument a tree, else a tuple of trees."""
        found = dict(zip(self.which, values, strict=True))
        trees = [self._tree(place, found) for place in self.places]
        return trees[0] if self.choice.is_single else tuple(trees)

    def _tree(self, place: int, found: dict[int, Any]) -> Any:
        start, kept = self.offsets[place], self.masks[place]
        if not self.is_all:
            kept = tuple(hit and index in found for index, hit in enumerate(kept, start))
        values = [found[index] for index, hit in enumerate(kept, start) if hit]
        return walk.unflatten(holed(self.argument(place), kept), values)

    def _mask(self, place: int, arg: Any, leaves: list[Any]) -> tuple[bool, ...]:
        """Which leaves of one argument are differentiated: in modules what the filters choose, else all."""
        structure, start = self.argument(place), self.offsets[place]
        if not isinstance(structure, Skeleton):
            return (True,) * sk.count(structure)
        chosen = flt.mask(structure, leaves[start : start + structure.num_leaves], self.choice.filters, arg)
        if structure.is_module:
            return chosen
        return tuple(hit or slot.module is None for hit, slot in zip(chosen, structure.slots, strict=True))

    def _which(self) -> list[int]:
        return [
            index
            for place, mask in self.masks.items()
            for index, hit in enumerate(mask, self.offsets[place])
            if hit and self._is_differentiable(index)
        ]

    def _is_differentiable(self, index: int) -> bool:
        leaf = self.leaves[index]
        if isinstance(leaf, (float, complex)):
            leaf = self.leaves[index] = self.engine.arrays.asarray(leaf)
        if config.is_array(leaf) and is_inexact(self.engine.arrays.dtype_name(leaf)):
            if self.choice.holomorphic:
                self._check_complex(leaf, index)
            return True
        if self.choice.allow_int:
            return False
        where = self._place(index)
        _lift.check_initialized(leaf, self.choice.of, where)
        raise DTypeError(
            f"{self.choice.of} cannot differentiate by what is not floating-point.",
            where=where,
            got=config.describe_value(leaf),
            expected="floating-point arrays",
            fix="convert it, or pass allow_int=True to get Nothing for it",
        )

    def _check_complex(self, leaf: Any, index: int) -> None:
        if not _is_complex(leaf):
            raise DTypeError(
                f"{self.choice.of} with holomorphic=True needs complex arguments.",
                where=self._place(index),
                got=config.short(leaf),
                expected="a complex array",
                fix="convert it to complex64",
            )

    def _place(self, index: int) -> str:
        return _lift.place(self.structure.slots[index].path)


def holed(structure: Child, kept: tuple[bool, ...]) -> Child:
    """A structure in which only some leaves are left."""
    if isinstance(structure, Skeleton):
        return sk.select(structure, kept)
    return structure if all(kept) else sk.HOLE


def _is_complex(x: Any) -> bool:
    return DType(config.dtype_of(x)).kind == "complex"


def _offsets(structure: Skeleton) -> list[int]:
    """The index of the first leaf of each positional argument."""
    counts = [sk.count(child) for child in structure.children[0].children]  # type: ignore[union-attr]
    return [sum(counts[:place]) for place in range(len(counts))]


def named(kind: str, function: Callable[..., Any], target: _lift.Target) -> Callable[..., Any]:
    """A transform of ``target`` with its name and text, as a bound method where it is one."""
    function.__name__ = f"{kind}_of_{getattr(target.fn, '__name__', 'function')}"
    function.__doc__ = target.fn.__doc__
    return _lift.bound(target, function)
