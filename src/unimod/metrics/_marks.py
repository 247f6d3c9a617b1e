"""What is predicted and what is true, as marks: one bool for each example, or for each example and class."""

from __future__ import annotations

import dataclasses
from typing import Any

import unimod.numpy as unp
from unimod.config import describe_value, dtype_of
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.metrics._base import weights

Array = Any


@dataclasses.dataclass(frozen=True)
class Marks:
    """Marks of one batch.

    Attributes:
        predicted: bools, ``(..., classes)``, or ``(...)`` without classes.
        actual: bools of the same shape.
        used: bools that broadcast against them; None: all.
        weight: floats that broadcast against them; None: 1.
    """

    predicted: Array
    actual: Array
    used: Array | None
    weight: Array | None


def marks(
    metric: Any,
    preds: Array,
    target: Array,
    sample_weight: Array | None,
    *,
    num_classes: int | None,
    top_k: int = 1,
    threshold: float = 0.5,
    ignore_index: int | None = None,
) -> Marks:
    """The marks of predictions and targets, in one of these forms.

    ``(..., classes)`` scores and ``(...)`` integers: the ``top_k`` best scores are marked. ``(...)`` integers twice,
    with ``num_classes``: the class ids. Otherwise both have one shape, and what exceeds ``threshold`` is marked.
    """
    preds_dtype, target_dtype = dtype_of(preds), None if target is None else dtype_of(target)
    if target is None or target_dtype is None:
        raise ShapeError(f"{type(metric).__name__} needs targets.", got="target = None")
    used = None if ignore_index is None else unp.not_equal(target, ignore_index)
    weight = weights(metric, sample_weight, tuple(target.shape))
    is_score = len(preds.shape) == len(target.shape) + 1
    is_id = not is_score and num_classes is not None and not is_inexact(str(preds_dtype))
    if is_score or is_id:
        _check_ids(metric, preds, target, num_classes, is_score)
        classes = int(preds.shape[-1]) if is_score else int(num_classes or 0)
        predicted = _best(preds, top_k) if is_score else _one_hot(preds, classes)
        return Marks(predicted, _one_hot(target, classes), _with_classes(used), _with_classes(weight))
    _check_same(metric, preds, target, num_classes)
    return Marks(_exceeds(preds, threshold), _exceeds(target, 0.5), used, weight)


def _exceeds(x: Array, threshold: float) -> Array:
    return unp.greater(x, threshold) if is_inexact(str(dtype_of(x))) else unp.not_equal(x, False)


def _with_classes(x: Array | None) -> Array | None:
    return None if x is None else unp.expand_dims(x, axis=-1)


def _one_hot(ids: Array, classes: int) -> Array:
    return unp.equal(unp.one_hot(ids, classes), 1)


def _best(scores: Array, count: int) -> Array:
    """Marks at the highest scores; of equal ones the first count."""
    classes = scores.shape[-1]
    if count == 1:
        return _one_hot(unp.argmax(scores, axis=-1), classes)
    _, places = unp.top_k(scores, min(count, classes))
    return unp.any(_one_hot(places, classes), axis=-2)


def _check_ids(metric: Any, preds: Array, target: Array, num_classes: int | None, is_score: bool) -> None:
    name, shape = type(metric).__name__, tuple(preds.shape)
    if (shape[:-1] if is_score else shape) != tuple(target.shape) or (
        is_score and num_classes not in (None, shape[-1])
    ):
        raise ShapeError(
            f"{name} got predictions that do not fit the targets.",
            got=f"preds = {describe_value(preds)}, target = {describe_value(target)}",
            expected=f"scores (..., {num_classes or 'classes'}) or class ids (...), and targets (...)",
            fix="the classes are the last axis",
        )
    if is_inexact(str(dtype_of(target))):
        raise DTypeError(
            f"{name} takes class ids as targets of scores.",
            got=f"target = {describe_value(target)}",
            expected="integers",
            fix='convert them: um.numpy.astype(target, "int32"), or um.numpy.argmax of one-hot ones',
        )


def _check_same(metric: Any, preds: Array, target: Array, num_classes: int | None) -> None:
    shape = tuple(preds.shape)
    if shape != tuple(target.shape) or (num_classes is not None and shape[-1:] != (num_classes,)):
        raise ShapeError(
            f"{type(metric).__name__} got predictions that do not fit the targets.",
            got=f"preds = {describe_value(preds)}, target = {describe_value(target)}",
            expected="both of one shape" + ("" if num_classes is None else f", with a last axis of {num_classes}"),
            fix="reshape one of them; nothing is broadcast here",
        )


def check_classes(name: str, num_classes: int | None, top_k: int = 1) -> None:
    """Options of classes are sizes."""
    if (num_classes is not None and num_classes < 1) or top_k < 1:
        raise OptionError(
            f"{name} was given a size that is none.",
            got=f"num_classes = {num_classes}, top_k = {top_k}",
            expected="numbers from 1 on",
            fix="count the classes from 1; leave num_classes away for yes and no",
        )
