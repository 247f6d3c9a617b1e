"""Losses of real-valued predictions."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.errors import OptionError
from unimod.losses._reduce import pair, reduce

Array = Any


def mean_squared_error(preds: Array, target: Array, *, reduction: str = "mean") -> Array:
    """``(preds - target)^2``, without a factor of 1/2.

    Args:
        preds: floating, any shape.
        target: of the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or the shape of ``preds`` for ``"none"``; in the dtype of ``preds``.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: ``preds`` is not floating.
        OptionError: ``reduction`` is unknown.

    Example:
        >>> import unimod as um
        >>> float(um.losses.mean_squared_error(um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])))
        2.0
    """
    preds, target = pair("mean_squared_error", preds, target, reduction)
    return reduce(unp.square(unp.subtract(preds, target)), reduction)


def mean_absolute_error(preds: Array, target: Array, *, reduction: str = "mean") -> Array:
    """``|preds - target|``, with the derivative 0 where they are equal.

    Arguments, result and errors as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> float(um.losses.mean_absolute_error(um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])))
        1.0
    """
    preds, target = pair("mean_absolute_error", preds, target, reduction)
    return reduce(unp.abs(unp.subtract(preds, target)), reduction)


def mean_absolute_percentage_error(
    preds: Array, target: Array, *, reduction: str = "mean", epsilon: float = 1e-7
) -> Array:
    """``100 * |preds - target| / max(|target|, epsilon)``.

    Arguments, result and errors as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])
        >>> float(um.losses.mean_absolute_percentage_error(preds, target))
        25.0
    """
    preds, target = pair("mean_absolute_percentage_error", preds, target, reduction)
    ratio = unp.divide(unp.abs(unp.subtract(preds, target)), unp.maximum(unp.abs(target), epsilon))
    return reduce(unp.multiply(ratio, 100.0), reduction)


def mean_squared_logarithmic_error(preds: Array, target: Array, *, reduction: str = "mean") -> Array:
    """``(log(1 + preds) - log(1 + target))^2``, for values above -1.

    Arguments, result and errors as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.0, 1.0]), um.numpy.asarray([0.0, 3.0])
        >>> round(float(um.losses.mean_squared_logarithmic_error(preds, target)), 4)
        0.2402
    """
    preds, target = pair("mean_squared_logarithmic_error", preds, target, reduction)
    return reduce(unp.square(unp.subtract(unp.log1p(preds), unp.log1p(target))), reduction)


def huber(preds: Array, target: Array, *, delta: float = 1.0, reduction: str = "mean") -> Array:
    """``r^2 / 2`` where ``|r| <= delta``, else ``delta * (|r| - delta / 2)``, with ``r = preds - target``.

    Arguments, result and errors as in :func:`mean_squared_error`, and ``delta > 0``.

    Example:
        >>> import unimod as um
        >>> huber = um.losses.huber(um.numpy.asarray([0.5, 3.0]), um.numpy.asarray([0.0, 0.0]), reduction="none")
        >>> huber.tolist()
        [0.125, 2.5]

    Source: Huber (1964), Annals of Mathematical Statistics 35; ``torch.nn.functional.huber_loss``.
    """
    if not delta > 0:
        raise OptionError(
            "`delta` of huber is not positive.",
            got=f"delta = {delta!r}",
            expected="delta > 0",
            fix="`delta` is the residual from which the loss grows linearly",
        )
    preds, target = pair("huber", preds, target, reduction)
    residual = unp.subtract(preds, target)
    distance = unp.abs(residual)
    square = unp.multiply(unp.square(residual), 0.5)
    line = unp.multiply(unp.subtract(distance, 0.5 * delta), delta)
    return reduce(unp.where(unp.less_equal(distance, delta), square, line), reduction)
