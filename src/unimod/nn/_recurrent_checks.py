"""Checks of what recurrent layers are called with, and the mask that stands for lengths."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import describe_value
from unimod.errors import OptionError, ShapeError
from unimod.nn import _checks

Array = Any


def weights(
    name: str, engine: Engine, x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None, gates: int
) -> int:
    """All checks of the weights, for ``gates`` gates side by side; the number of hidden features."""
    _checks.floating(name, engine, x)
    size = int(recurrent_kernel.shape[0])
    if len(kernel.shape) != 2 or len(x.shape) == 0 or x.shape[-1] != kernel.shape[0]:
        raise ShapeError(
            f"{name} cannot multiply these shapes.",
            got=f"x = {describe_value(x)}, kernel = {describe_value(kernel)}",
            expected="x = (..., in), kernel = (in, out)",
            fix="make the last axis of x as long as the first of the kernel",
        )
    _checks.shapes(name, (size, gates * size), recurrent_kernel=recurrent_kernel)
    _checks.shapes(name, (int(kernel.shape[0]), gates * size), kernel=kernel)
    _checks.shapes(name, (gates * size,), bias=bias)
    for argument, weight in {"kernel": kernel, "recurrent_kernel": recurrent_kernel, "bias": bias}.items():
        if weight is not None:
            _checks.same_dtype(name, engine, x, weight, argument)
    return size


def state(name: str, engine: Engine, x: Array, shape: tuple[int, ...], **parts: Array | None) -> None:
    """The state has the shape that belongs to the input, and its dtype."""
    for argument, part in parts.items():
        if part is None:
            continue
        if tuple(part.shape) != shape:
            raise ShapeError(
                f"{name} got a state of the wrong shape.",
                got=f"{argument} = {describe_value(part)}",
                expected=f"shape {shape}",
                fix=f"pass a state of the shape {shape}, or none: then it is zero",
            )
        _checks.same_dtype(name, engine, x, part, argument)


def sequence(name: str, x: Array, time_major: bool) -> None:
    """``x`` is a batch of sequences."""
    if len(x.shape) != 3:
        order = "time, batch" if time_major else "batch, time"
        raise ShapeError(
            f"{name} takes a batch of sequences.",
            got=f"x = {describe_value(x)}",
            expected=f"({order}, features)",
            fix="add or merge axes with um.numpy.reshape",
        )


def mask_of(
    name: str, engine: Engine, lengths: Array | None, mask: Array | None, steps: int, batch: int, time_major: bool
) -> Array | None:
    """Which steps count, as (time, batch); None: all."""
    if lengths is not None and mask is not None:
        raise OptionError(
            f"{name} got both lengths and a mask.",
            got="lengths = ..., mask = ...",
            expected="one of them",
            fix="leave one of them out",
        )
    if mask is not None:
        _checks.shapes(name, (steps, batch) if time_major else (batch, steps), mask=mask)
        mask = unp.astype(mask, "bool")
        return mask if time_major else unp.permute_dims(mask, (1, 0))
    return None if lengths is None else _mask_of_lengths(name, engine, lengths, steps, batch)


def _mask_of_lengths(name: str, engine: Engine, lengths: Array, steps: int, batch: int) -> Array:
    _checks.integers(name, "lengths", engine, lengths)
    _checks.shapes(name, (batch,), lengths=lengths)
    if engine.arrays.is_concrete(lengths):
        _in_range(name, engine.arrays.to_numpy(lengths).tolist(), steps)
    times = unp.cumsum(unp.ones_like(unp.broadcast_to(lengths, (steps, batch))), axis=0)
    return unp.less_equal(times, lengths)


def _in_range(name: str, lengths: list[int], steps: int) -> None:
    wrong = [length for length in lengths if not 0 <= length <= steps]
    if wrong:
        raise ShapeError(
            f"{name} got lengths that do not fit its sequences.",
            got=f"a length of {wrong[0]} for {steps} steps",
            expected=f"lengths from 0 to {steps}",
            fix="pass the number of steps of each sequence without its padding",
        )
