"""``vmap``: map a function over an axis of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from unimod import config, random
from unimod.backends._protocol import Engine, FlatFn
from unimod.core import skeleton as sk
from unimod.core import walk
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.random import _ambient
from unimod.transforms import _lift


def vmap(
    fn: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: Hashable = None,
    axis_size: int | None = None,
) -> Callable[..., Any]:
    """A function that maps ``fn`` over an axis of its arguments, without a loop.

    Keys of an ambient stream differ from entry to entry, so that layers that ``fn`` builds do: an ensemble is
    ``um.vmap(lambda key: Model().init(key))(keys)``, or is built inside of ``um.rng(key)`` or after ``um.seed``.

    Args:
        fn: the function; keyword arguments are mapped over axis 0.
        in_axes: an axis for all arguments, or one for each, or a tree of axes that is a prefix of the arguments; None
            means that the argument is the same in each call. A module or dict takes one axis for all that is in it.
        out_axes: the axis along which each result is stacked, likewise a prefix; None takes the first (the result must
            not depend on the mapped arguments).
        axis_name: what :func:`psum` and the other collectives call the axis inside ``fn``. The numpy engine, which maps
            by a loop, then runs the calls once more for each of them.
        axis_size: the number of calls, where no argument is mapped.

    Raises:
        ShapeError: mapped axes have different lengths, or an array has no such axis.
        OptionError: the axis cannot have this name.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.arange(6, dtype="float32"), (2, 3))
        >>> [float(v) for v in um.vmap(um.numpy.sum)(x)]
        [3.0, 12.0]
    """
    _check_name(axis_name)
    target = _lift.target_of(fn)
    watch = _lift.StateWatch(target.name)

    def mapped(*args: Any, **kwargs: Any) -> Any:
        _lift.rehearse((args, kwargs), lambda: target.fn(*_first(args, in_axes, target), **_first_of(kwargs, 0)))
        leaves, structure = walk.flatten((args, kwargs))
        axes = _axes(in_axes, structure, target, len(args) - target.shift)
        engine, leaves = _lift.settle(leaves)
        axes = [
            _checked(axis, leaf, slot, target) for axis, leaf, slot in zip(axes, leaves, _slots(structure), strict=True)
        ]
        size = _size(leaves, axes, axis_size, target)
        flat, passed, index_of = _lift.only_arrays(_lift.flat_function(target, structure, watch), leaves)
        chosen = axes if index_of is None else [axes[index] for index in index_of]
        if random.is_seeded():
            flat, passed, chosen = _with_own_keys(engine, flat, passed, chosen, size)
        arrays, packed = engine.parallel.vmap(flat, passed, chosen, size, axis_name)
        moved = _prefix(out_axes, packed.structure, "out_axes")
        others = {index for index, _ in packed.others}
        moved = [axis for index, axis in enumerate(moved) if index not in others]
        return packed.unpack([_placed(engine, x, axis, target) for x, axis in zip(arrays, moved, strict=True)])

    mapped.__name__ = f"vmap_of_{getattr(target.fn, '__name__', 'function')}"
    mapped.__doc__ = target.fn.__doc__
    return _lift.bound(target, mapped)


def _check_name(axis_name: Hashable) -> None:
    # A tuple stands for several names.
    if not isinstance(axis_name, Hashable) or isinstance(axis_name, tuple):
        raise OptionError("This is no name for an axis.", got=f"axis_name = {axis_name!r}", expected="a str")


def _slots(structure: Child) -> tuple[sk.Slot, ...]:
    return structure.slots if isinstance(structure, Skeleton) else ()


def _with_own_keys(
    engine: Engine, flat: FlatFn, arrays: list[Any], axes: list[Any], size: int
) -> tuple[FlatFn, list[Any], list[Any]]:
    """``flat`` with one argument more, the number of the entry, on which ambient keys depend."""
    replay = _ambient.Replay()  # an engine that maps by a loop draws for one entry after the other

    def run(leaves: list[Any]) -> Any:
        with replay, _ambient.entry(leaves[-1]):
            return flat(leaves[:-1])

    return run, [*arrays, engine.arrays.arange(0, size, 1, "int32")], [*axes, 0]


def _first(args: tuple[Any, ...], in_axes: Any, target: _lift.Target) -> tuple[Any, ...]:
    """The arguments of the first call; the module of a bound method is the same in each."""
    explicit = args[target.shift :]
    axes = in_axes if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(explicit)
    return (*args[: target.shift], *map(_first_of, explicit, axes))


def _first_of(value: Any, axes: Any) -> Any:
    leaves, structure = walk.flatten(value)
    found = _prefix(axes, structure, "in_axes")
    if all(axis is None for axis in found):
        return value
    pairs = zip(leaves, found, strict=True)
    return walk.unflatten(structure, [_entry(x, axis) if config.is_array(x) else x for x, axis in pairs])


def _entry(x: Any, axis: int | None) -> Any:
    return x if axis is None else x[(slice(None),) * (axis % len(x.shape)) + (0,)]


def _axes(in_axes: Any, structure: Any, target: _lift.Target, count: int) -> list[Any]:
    """One axis for each leaf of ``(args, kwargs)``."""
    in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    if isinstance(in_axes, tuple) and len(in_axes) != count:
        raise ShapeError(
            f"vmap of {target.name} got another number of arguments than in_axes has.",
            got=f"{count} arguments",
            expected=f"{len(in_axes)} axes",
        )
    explicit = in_axes if isinstance(in_axes, tuple) else (in_axes,) * count
    full = explicit if target.owner is None else (None, *explicit)
    return _prefix((full, 0), structure, "in_axes")


def _prefix(axes: Any, structure: Child, name: str) -> list[Any]:
    """The axis of each leaf, from a tree of axes that is a prefix of the structure."""
    if axes is None or isinstance(axes, int):
        return [axes] * sk.count(structure)
    if isinstance(structure, Skeleton) and not structure.is_module and isinstance(axes, (tuple, list, dict)):
        keys = list(sk.child_keys(structure))
        if isinstance(axes, dict) and sorted(axes) == keys:
            return [
                axis
                for key, child in zip(keys, structure.children, strict=True)
                for axis in _prefix(axes[key], child, name)
            ]
        if not isinstance(axes, dict) and len(axes) == len(structure.children):
            pairs = zip(axes, structure.children, strict=True)
            return [axis for axis, child in pairs for axis in _prefix(axis, child, name)]
    raise ShapeError(
        f"{name} is not a prefix of the tree that it describes.",
        got=repr(axes),
        expected="an int, None, or a matching tree",
    )


def _checked(axis: Any, leaf: Any, slot: sk.Slot, target: _lift.Target) -> Any:
    if axis is None:
        return None
    if not config.is_array(leaf):
        _lift.check_initialized(leaf, f"vmap of {target.name}", _lift.place(slot.path))
        raise DTypeError(
            f"vmap of {target.name} can map arrays only.",
            where=_lift.place(slot.path),
            got=repr(leaf),
            fix="give it None in in_axes",
        )
    rank = len(leaf.shape)
    if not -rank <= axis < rank:
        raise ShapeError(
            f"vmap of {target.name} got an array without the axis {axis}.",
            where=_lift.place(slot.path),
            got=config.short(leaf),
            fix="give it None, or another axis, in in_axes",
        )
    return axis % rank


def _size(leaves: list[Any], axes: list[Any], axis_size: int | None, target: _lift.Target) -> int:
    sizes = [leaf.shape[axis] for leaf, axis in zip(leaves, axes, strict=True) if axis is not None]
    sizes += [axis_size] if axis_size is not None else []
    if not sizes:
        raise ShapeError(f"vmap of {target.name} has nothing to map over.", fix="give axis_size, or an axis in in_axes")
    if any(size != sizes[0] for size in sizes):
        raise ShapeError(
            f"vmap of {target.name} got mapped axes of different lengths.",
            got=", ".join(map(str, sizes)),
            expected="one length",
        )
    size: int = sizes[0]
    return size


def _placed(engine: Any, x: Any, axis: int | None, target: _lift.Target) -> Any:
    if axis is None:
        return x[0]
    if not -len(x.shape) <= axis < len(x.shape):
        raise ShapeError(
            f"vmap of {target.name} cannot stack its results along the axis {axis}.",
            got=f"stacked along axis 0: {config.short(x)}",
            fix="give another axis in out_axes",
        )
    return x if axis == 0 else engine.arrays.moveaxis(x, 0, axis)
