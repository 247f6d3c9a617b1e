"""What all losses share: the check of their arguments, and the reduction."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import describe_value
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.numpy._dispatch import many

Array = Any

_REDUCTIONS = ("mean", "sum", "none")


def pair(name: str, preds: Array, target: Array, reduction: str) -> tuple[Array, Array]:
    """Predictions and targets of one engine, shape and (the predictions') dtype."""
    check_reduction(name, reduction)
    engine, preds, target = many(preds, target)
    check_floating(name, engine, preds)
    if tuple(preds.shape) != tuple(target.shape):
        raise ShapeError(
            f"{name} got predictions and targets of different shapes.",
            got=f"{describe_value(preds)} and {describe_value(target)}",
            expected=f"targets of the shape {tuple(preds.shape)}",
            fix="reshape one of them; nothing is broadcast here",
        )
    return preds, in_dtype_of(engine, preds, target)


def in_dtype_of(engine: Engine, preds: Array, target: Array) -> Array:
    """``target`` in the dtype of the predictions."""
    dtype = engine.arrays.dtype_name(preds)
    return target if engine.arrays.dtype_name(target) == dtype else engine.arrays.astype(target, dtype)


def check_floating(name: str, engine: Engine, preds: Array) -> None:
    """Predictions are floating-point."""
    if not is_inexact(engine.arrays.dtype_name(preds)):
        raise DTypeError(
            f"{name} works on floating-point predictions.",
            got=describe_value(preds),
            expected="float32, or another floating dtype",
            fix="pass what the model computed before rounding or argmax",
        )


def check_reduction(name: str, reduction: str) -> None:
    """``reduction`` is one of the three."""
    if reduction not in _REDUCTIONS:
        raise OptionError(
            f"{name} does not know this reduction.",
            got=f"reduction = {reduction!r}",
            expected='"mean", "sum" or "none"',
            fix='"mean" is over all examples; "none" returns one value for each',
        )


def reduce(values: Array, reduction: str) -> Array:
    """The mean or sum of ``values``, or ``values``."""
    if reduction == "none":
        return values
    return unp.mean(values) if reduction == "mean" else unp.sum(values)
