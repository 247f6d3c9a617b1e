"""What all losses share: the check of their arguments, weights of examples, and the reduction."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.config import describe_value
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.numpy._dispatch import adopt, many

Array = Any

_REDUCTIONS = ("mean", "sum", "none", "weighted mean")
_HALF = ("float16", "bfloat16")


class Call:
    """The arguments of one call of a loss: of one engine, checked, and in the dtype that the loss is computed in.

    Half precision is computed in float32; the result has the dtype of the predictions.

    Args:
        name: of the loss, for errors.
        reduction: of the values.
        sample_weight: one weight for each value, or for each entry of the leading axes.
        preds: what the model computed.
        others: more arrays; None among them is kept.
    """

    __slots__ = ("dtype", "engine", "name", "others", "preds", "reduction", "sample_weight", "wide")

    engine: Engine
    others: list[Any]

    def __init__(self, name: str, reduction: str, sample_weight: Array | None, preds: Array, *others: Any) -> None:
        check_reduction(name, reduction)
        self.name, self.reduction = name, reduction
        self.engine, preds, sample_weight, *rest = many(preds, sample_weight, *others)
        preds = adopt(self.engine, preds)
        self.others = [x if x is None else adopt(self.engine, x) for x in rest]
        check_floating(name, self.engine, preds)
        self.dtype = self.engine.arrays.dtype_name(preds)
        self.wide = "float32" if self.dtype in _HALF else self.dtype
        self.preds = self.widened(preds)
        self.sample_weight = None if sample_weight is None else self.widened(adopt(self.engine, sample_weight))

    def widened(self, x: Array) -> Array:
        """``x`` in the dtype that the loss is computed in."""
        return x if self.engine.arrays.dtype_name(x) == self.wide else self.engine.arrays.astype(x, self.wide)

    def matching(self, x: Array, what: str = "targets") -> Array:
        """``x``, which has the shape of the predictions, in the dtype that the loss is computed in."""
        if tuple(self.preds.shape) != tuple(x.shape):
            raise ShapeError(
                f"{self.name} got predictions and {what} of different shapes.",
                got=f"{describe_value(self.preds)} and {describe_value(x)}",
                expected=f"{what} of the shape {tuple(self.preds.shape)}",
                fix="reshape one of them; nothing is broadcast here",
            )
        return self.widened(x)

    def reduce(self, values: Array, counts: Array | None = None) -> Array:
        """The reduced ``values``, in the dtype of the predictions.

        ``counts`` says how much each value counts in a mean; the values have been multiplied by it already.
        """
        reduced = self._reduced(values, counts)
        return reduced if self.dtype == self.wide else self.engine.arrays.astype(reduced, self.dtype)

    def _reduced(self, values: Array, counts: Array | None) -> Array:
        weight = self._weight(values)
        if weight is not None:
            # Where the weight is 0 the value is left out, also one that is not finite.
            values = unp.where(unp.equal(weight, 0), 0.0, unp.multiply(values, weight))
        if self.reduction == "none":
            return values
        if self.reduction == "sum":
            return unp.sum(values)
        if self.reduction == "weighted mean" and weight is not None:
            weight = unp.broadcast_to(weight, tuple(values.shape))
            counts = weight if counts is None else unp.multiply(counts, weight)
        return unp.mean(values) if counts is None else ratio(unp.sum(values), unp.sum(counts))

    def _weight(self, values: Array) -> Array | None:
        weight = self.sample_weight
        if weight is None:
            return None
        shape, own = tuple(values.shape), tuple(weight.shape)
        if own != shape[: len(own)]:
            raise ShapeError(
                f"{self.name} got a `sample_weight` that does not fit its values.",
                got=f"sample_weight = {describe_value(weight)}, for values of the shape {shape}",
                expected="the shape of the values, or that of their leading axes",
                fix="pass one weight for each example",
            )
        return unp.reshape(weight, own + (1,) * (len(shape) - len(own)))


def pair(name: str, preds: Array, target: Array, reduction: str, sample_weight: Array | None) -> Call:
    """The call of a loss of predictions and targets of one shape; ``call.others`` has the targets."""
    call = Call(name, reduction, sample_weight, preds, target)
    call.others = [call.matching(call.others[0])]
    return call


def ratio(one: Array, other: Array) -> Array:
    """``one / other``, and 0 where ``other`` is 0."""
    is_zero = unp.equal(other, 0)
    return unp.where(is_zero, 0.0, unp.divide(one, unp.where(is_zero, 1.0, other)))


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
    """``reduction`` is one of the four."""
    if reduction not in _REDUCTIONS:
        raise OptionError(
            f"{name} does not know this reduction.",
            got=f"reduction = {reduction!r}",
            expected='"mean", "sum", "none" or "weighted mean"',
            fix='"mean" is over all examples; "none" returns one value for each',
        )


def check_share(name: str, option: str, value: float) -> None:
    """An option is a number in [0, 1]."""
    if not 0 <= value <= 1:
        raise OptionError(
            f"`{option}` of {name} is not a share.",
            got=f"{option} = {value!r}",
            expected=f"0 <= {option} <= 1",
            fix=f"leave `{option}` away for the usual value",
        )
