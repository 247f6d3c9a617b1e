"""``scan``: a loop over the first axis of arrays, with a value that goes from step to step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.core.skeleton import Child
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.transforms import _control, _lift, _steps


def scan(
    f: Callable[..., tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    *,
    time_major: bool = True,
) -> tuple[Any, Any]:
    """Run ``carry, y = f(carry, x)`` for each ``x`` along an axis of ``xs``.

    It is one loop for compilers too: a jitted function with a long one is compiled as quickly as with a short one, and
    so are its derivatives.

    Args:
        f: the step. A module (or a bound method) is an object: its states go from step to step, and are written back.
        init: the first carry, a tree; each step gives one of the same structure, shapes and dtypes. A Python number
            takes the dtype that the step makes of it.
        xs: a tree of arrays with the same length along that axis; None: the step gets None.
        length: the number of steps, where there are no ``xs``.
        reverse: go from the last step to the first; each ``y`` stays at its step.
        unroll: how many steps a compiler may write out in each turn of the loop; True: all. Results are the same.
        time_major: whether the axis is the first of ``xs`` and ``ys``, else the second: ``(batch, time, ...)``.

    Returns:
        The last carry, and all ``y``, stacked along that axis.

    Raises:
        TreeError: the step gives a carry of another structure.
        ShapeError: or of another shape; or ``xs`` do not have one length.
        DTypeError: or of another dtype; or a leaf is no array.
        OptionError: an option has another value.

    Example:
        >>> import unimod as um
        >>> total, sums = um.scan(lambda total, x: (total + x, total + x), 0.0, um.numpy.asarray([1.0, 2.0, 4.0]))
        >>> float(total), [float(v) for v in sums]
        (7.0, [1.0, 3.0, 7.0])
        >>> cell = um.nn.GRUCell(3, 4).init(0)
        >>> state, ys = um.scan(cell, cell.initial_state(2), um.numpy.ones((2, 5, 3)), time_major=False)
        >>> tuple(state.shape), tuple(ys.shape)
        ((2, 4), (2, 5, 4))

    Differences: an engine that runs operations as they come (PyTorch, NumPy) calls the step once for each ``x``.
    """
    return scan_target(_lift.target_of(f), init, xs, length, reverse, unroll, 0 if time_major else 1)


def scan_target(
    target: _lift.Target, init: Any, xs: Any, length: int | None, reverse: bool, unroll: int | bool, axis: int = 0
) -> tuple[Any, Any]:
    """:func:`scan`, of a target."""
    name = f"scan of {target.name}"
    leaves, structure = _control.array_leaves(name, xs, "xs")
    size = length_of(name, leaves, structure, axis, length)
    step = _step(target, structure)
    _lift.rehearse(
        (target.owner, init), lambda: size and step(target.owner, init, [_at_first(x, axis) for x in leaves])
    )
    carry = _control.Carry("scan", target, init, leaves)
    unroll = (max(size, 1) if unroll else 1) if isinstance(unroll, bool) else unroll
    if unroll < 1:
        raise OptionError(f"{name} cannot unroll that many steps.", got=f"unroll = {unroll}", expected="1 or more")
    inputs = [_first(carry.engine, x, axis) for x in carry.beside]
    carry.settle_numbers(carry.trial(step), [x[:1] for x in inputs], min(size, 1))
    run: Any = getattr(carry.engine.control, "scan", _steps.scan)
    last, ys, packed = run(carry.body(step), carry.arrays, inputs, length=size, reverse=reverse, unroll=unroll)
    found = packed.unpack([_back(carry.engine, y, axis, name) for y in ys])
    return carry.finish(last), found


def _step(target: _lift.Target, structure: Child) -> Callable[[Any, Any, list[Any]], tuple[Any, Any]]:
    call = _control.step_of(target)

    def step(owner: Any, value: Any, leaves: list[Any]) -> tuple[Any, Any]:
        result = call(owner, value, walk.unflatten(structure, leaves))
        if not (isinstance(result, tuple) and len(result) == 2):
            raise DTypeError(
                f"{target.name} was to return (carry, y), for scan.",
                got=f"a tuple of {len(result)}" if isinstance(result, tuple) else config.short(result),
                expected="a pair",
                fix="return (carry, None) where there is no y",
            )
        return result

    return step


def length_of(name: str, leaves: list[Any], structure: Child, axis: int, length: int | None) -> int:
    """The number of steps."""
    if length is not None and (not isinstance(length, int) or isinstance(length, bool) or length < 0):
        raise OptionError(f"{name} got no number of steps.", got=f"length = {length!r}", expected="an int, 0 or more")
    for index, leaf in enumerate(leaves):
        if len(leaf.shape) <= axis:
            raise ShapeError(
                f"{name} goes along the axis {axis} of its arrays, and one has no such axis.",
                where=_control.place_in("xs", structure, index),
                got=config.short(leaf),
            )
    sizes = [int(leaf.shape[axis]) for leaf in leaves]
    expected = length if length is not None else sizes[0] if sizes else None
    if expected is None:
        raise OptionError(f"{name} got no arrays to go over, and no length.", fix="pass length=, or xs with arrays")
    for index, size in enumerate(sizes):
        if size != expected:
            raise ShapeError(
                f"{name} got arrays of different lengths.",
                where=_control.place_in("xs", structure, index),
                got=f"{size} steps",
                expected=f"{expected} steps, {'as in length' if length is not None else 'as in the first array'}",
            )
    return expected


def _first(engine: Engine, x: Any, axis: int) -> Any:
    return engine.arrays.moveaxis(x, axis, 0) if axis else x


def _at_first(x: Any, axis: int) -> Any:
    return x[:, 0] if axis else x[0]


def _back(engine: Engine, y: Any, axis: int, name: str) -> Any:
    if axis and len(y.shape) <= axis:
        raise ShapeError(
            f"{name} cannot stack its results along the axis {axis}.",
            got=f"y = {config.dtype_of(y).short}{list(y.shape[1:])} at each step",
            fix="return arrays with a batch axis, or pass time_major=True",
        )
    return engine.arrays.moveaxis(y, 0, axis) if axis else y
