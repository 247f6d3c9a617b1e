"""``grad`` and ``value_and_grad``: derivatives of a scalar by arrays, trees and the parameters of modules."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import filters as flt
from unimod.core import skeleton as sk
from unimod.core import walk
from unimod.core.kinds import Parameter
from unimod.core.skeleton import Skeleton
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, ShapeError
from unimod.transforms import _lift

_DEFAULT: tuple[flt.Filter, ...] = (Parameter, flt.NOT_FROZEN)


class _Differentiated:
    """A function whose value and gradients are wanted."""

    def __init__(self, fn: Any, argnums: Any, has_aux: bool, wrt: Any, allow_int: bool, inplace: bool) -> None:
        self.target = _lift.target_of(fn)
        self.argnums, self.filters = _choice(argnums, wrt)
        self.differentiates_owner = self.target.owner is not None and wrt is not None and self.filters is not _DEFAULT
        self.is_single = isinstance(self.argnums, int)
        self.has_aux, self.allow_int, self.inplace = has_aux, allow_int, inplace
        self.watch = _lift.StateWatch(self.target.name)

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Value, auxiliary output and gradients; the module of a bound method is the first of ``args``."""
        leaves, structure = walk.flatten((args, kwargs))
        assert isinstance(structure, Skeleton)
        engine, leaves = _lift.settle(leaves)
        places = self._places(len(args))
        masks = {place: self._mask(args[place], structure.children[0].children[place]) for place in places}  # type: ignore[union-attr]
        which = self._which(engine, leaves, structure, masks)
        (value, aux), written, grads = self._differentiate(engine, leaves, structure, which)
        if written is not None:
            _lift.write_back(self._written((args, kwargs)), written)
        found = dict(zip(which, grads, strict=True))
        results = [self._gradients(place, structure, masks[place], found) for place in places]
        return value, aux, results[0] if self.is_single else tuple(results)

    def _places(self, count: int) -> list[int]:
        shift = 0 if self.differentiates_owner else self.target.shift
        numbers = [self.argnums] if isinstance(self.argnums, int) else list(self.argnums)
        places = [n + shift if n >= 0 else n + count for n in numbers]
        for place in places:
            if not 0 <= place < count:
                raise DTypeError(
                    f"grad of {self.target.name} has no argument number {place - shift}.",
                    got=f"{count - shift} arguments",
                )
        return places

    def _mask(self, arg: Any, structure: Any) -> tuple[bool, ...]:
        """Which leaves of one argument are differentiated: in modules what the filters choose, else all."""
        if not isinstance(structure, Skeleton):
            return (True,) * sk.count(structure)
        leaves, _ = walk.flatten(arg)
        chosen = flt.mask(structure, leaves, self.filters, arg)
        inside = [slot.module is not None for slot in structure.slots]
        return tuple(hit if is_inside else True for hit, is_inside in zip(chosen, inside, strict=True))

    def _which(
        self, engine: Engine, leaves: list[Any], structure: Skeleton, masks: dict[int, tuple[bool, ...]]
    ) -> list[int]:
        """The indices of the differentiated leaves; numbers among them become arrays."""
        which = []
        offsets = _offsets(structure)
        for place, mask in masks.items():
            for index, hit in enumerate(mask, offsets[place]):
                if hit and self._is_differentiable(engine, leaves, index, structure):
                    which.append(index)
        return which

    def _is_differentiable(self, engine: Engine, leaves: list[Any], index: int, structure: Skeleton) -> bool:
        leaf = leaves[index]
        if isinstance(leaf, (float, complex)):
            leaf = leaves[index] = engine.arrays.asarray(leaf)
        if config.is_array(leaf) and is_inexact(engine.arrays.dtype_name(leaf)):
            return True
        if self.allow_int:
            return False
        where = _lift.place(structure.slots[index].path)
        _lift.check_initialized(leaf, f"grad of {self.target.name}", where)
        raise DTypeError(
            f"grad of {self.target.name} cannot differentiate by what is not floating-point.",
            where=where,
            got=config.describe_value(leaf),
            expected="floating-point arrays",
            fix="convert it, or pass allow_int=True to get Nothing for it",
        )

    def _differentiate(self, engine: Engine, leaves: list[Any], structure: Skeleton, which: list[int]) -> Any:
        is_written = self.target.owner is not None or self.inplace
        flat = _lift.flat_function(
            self.target,
            structure,
            self.watch,
            are_numbers_arrays=False,
            check=functools.partial(self._scalar, engine),
            written_back=self._written if is_written else None,
        )
        flat, passed, index_of = _lift.only_arrays(flat, leaves)
        chosen = which if index_of is None else [index_of[index] for index in which]
        arrays, packed, grads = engine.autodiff.value_and_grad(flat, passed, chosen)
        result = packed.unpack(arrays)
        (pair, written) = result if is_written else (result, None)
        return pair, written, grads

    def _written(self, both: Any) -> list[Any]:
        return list(_lift.arguments(both)) if self.inplace else [both[0][0]]

    def _scalar(self, engine: Engine, result: Any) -> tuple[Any, Any]:
        """Check what the function returned: the loss first, a scalar of a floating dtype."""
        if self.has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise DTypeError(
                f"{self.target.name} was to return (loss, auxiliary output), for has_aux=True.",
                got=config.short(result) if not isinstance(result, tuple) else f"a tuple of {len(result)}",
            )
        loss, aux = result if self.has_aux else (result, None)
        if isinstance(loss, (int, float, complex)) and not isinstance(loss, bool):
            loss = engine.arrays.asarray(float(loss) if isinstance(loss, int) else loss)
        if not config.is_array(loss):
            raise DTypeError(
                f"grad needs a scalar loss, and {self.target.name} returned something else.",
                got=f"a {type(loss).__name__}",
                expected="a scalar array",
                fix="for a pair (loss, auxiliary output) pass has_aux=True"
                if isinstance(loss, tuple)
                else "return the loss",
            )
        if tuple(loss.shape) != ():
            raise ShapeError(
                f"grad needs a scalar loss, and {self.target.name} returned an array.",
                got=f"loss = {config.short(loss)}",
                expected=f"loss = {config.dtype_of(loss).short}[]",
                fix="reduce it, for instance with um.numpy.mean",
            )
        if not is_inexact(config.dtype_of(loss)):
            raise DTypeError(
                f"grad needs a floating-point loss, and {self.target.name} returned another dtype.",
                got=f"loss = {config.short(loss)}",
                expected="loss = f32[]",
            )
        return loss, aux

    def _gradients(self, place: int, structure: Skeleton, mask: tuple[bool, ...], found: dict[int, Any]) -> Any:
        arg = structure.children[0].children[place]  # type: ignore[union-attr]
        start = _offsets(structure)[place]
        kept = tuple(hit and start + i in found for i, hit in enumerate(mask))
        grads = [found[start + i] for i, hit in enumerate(kept) if hit]
        shape = sk.select(arg, kept) if isinstance(arg, Skeleton) else arg if all(kept) else sk.HOLE
        return walk.unflatten(shape, grads)


def _offsets(structure: Skeleton) -> list[int]:
    """The index of the first leaf of each positional argument."""
    counts = [sk.count(child) for child in structure.children[0].children]  # type: ignore[union-attr]
    return [sum(counts[:place]) for place in range(len(counts))]


def _choice(argnums: Any, wrt: Any) -> tuple[Any, tuple[flt.Filter, ...]]:
    if wrt is None:
        return argnums, _DEFAULT
    if isinstance(wrt, int) or (isinstance(wrt, Sequence) and wrt and all(isinstance(n, int) for n in wrt)):
        return wrt, _DEFAULT
    return argnums, tuple(wrt) if isinstance(wrt, (list, tuple)) else (wrt,)


def value_and_grad(
    fn: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    wrt: Any = None,
    allow_int: bool = False,
    inplace: bool = False,
) -> Callable[..., Any]:
    r"""A function that returns ``(value, gradients)`` of the scalar function ``fn``.

    For a module the trainable parameters are differentiated; the gradients are a module of the same class with
    ``Nothing`` elsewhere. What the value does not depend on gets zeros.

    Args:
        fn: returns a scalar, or ``(scalar, auxiliary output)`` with ``has_aux``.
        argnums: the argument (or arguments) to differentiate by.
        has_aux: whether ``fn`` returns something beside the scalar; the result is then ``((value, aux), gradients)``.
        wrt: which leaves of module arguments: kinds, paths, modules, or functions of a :class:`FieldInfo` (all must
            hold); ints are argnums. For a bound method, a choice of leaves of its own module.
        allow_int: give ``Nothing`` for integer arrays instead of an error.
        inplace: write changed module arguments back.

    Raises:
        ShapeError: the value is not a scalar.
        DTypeError: it is not floating point, or an argument to differentiate by is an integer.

    Example:
        >>> import unimod as um
        >>> value, slope = um.value_and_grad(lambda x: x["a"] * x["b"])({"a": 2.0, "b": -1.5})
        >>> float(value), {name: float(v) for name, v in slope.items()}
        (-3.0, {'a': -1.5, 'b': 2.0})
    """
    differentiated = _Differentiated(fn, argnums, has_aux, wrt, allow_int, inplace)

    def value_and_gradients(*args: Any, **kwargs: Any) -> Any:
        value, aux, grads = differentiated(args, kwargs)
        return ((value, aux) if has_aux else value), grads

    return _named(value_and_gradients, differentiated)


def grad(
    fn: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    wrt: Any = None,
    allow_int: bool = False,
    inplace: bool = False,
) -> Callable[..., Any]:
    """A function that returns the gradients of ``fn`` (with ``has_aux``: gradients and auxiliary output).

    Arguments as in :func:`value_and_grad`.

    Example:
        >>> import unimod as um
        >>> float(um.grad(um.grad(lambda x: x**3 / 6))(3.0))
        3.0
    """
    differentiated = _Differentiated(fn, argnums, has_aux, wrt, allow_int, inplace)

    def gradients(*args: Any, **kwargs: Any) -> Any:
        _, aux, grads = differentiated(args, kwargs)
        return (grads, aux) if has_aux else grads

    return _named(gradients, differentiated)


def _named(function: Callable[..., Any], differentiated: _Differentiated) -> Callable[..., Any]:
    function.__name__ = f"{function.__name__}_of_{getattr(differentiated.target.fn, '__name__', 'function')}"
    function.__doc__ = differentiated.target.fn.__doc__
    return _lift.bound(differentiated.target, function)


def stop_gradient(tree: Any) -> Any:
    """The same tree, held constant by ``grad``.

    Example:
        >>> import unimod as um
        >>> float(um.grad(lambda x: x * um.stop_gradient(x))(3.0))
        3.0
    """
    leaves, structure = walk.flatten(tree)
    stopped = [
        config.engine_of(leaf).autodiff.stop_gradient(leaf) if config.is_array(leaf) else leaf for leaf in leaves
    ]
    return walk.unflatten(structure, stopped)
