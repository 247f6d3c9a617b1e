"""Losses of real-valued predictions."""

from __future__ import annotations

import math
from typing import Any

import unimod.numpy as unp
from unimod.losses._reduce import Call, pair
from unimod.nn import _checks

Array = Any


def mean_squared_error(
    preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None
) -> Array:
    """``(preds - target)^2``, without a factor of 1/2.

    Args:
        preds: floating, any shape.
        target: of the same shape.
        reduction: ``"mean"``, ``"sum"``, ``"none"``, or ``"weighted mean"`` (divided by the sum of the weights).
        sample_weight: factors of the values, of their shape or that of their leading axes.

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
    call = pair("mean_squared_error", preds, target, reduction, sample_weight)
    return call.reduce(unp.square(_residual(call)))


def mean_absolute_error(
    preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None
) -> Array:
    """``|preds - target|``, with the derivative 0 where they are equal.

    Arguments, result and errors as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> float(um.losses.mean_absolute_error(um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])))
        1.0
    """
    call = pair("mean_absolute_error", preds, target, reduction, sample_weight)
    return call.reduce(unp.abs(_residual(call)))


def mean_absolute_percentage_error(
    preds: Array,
    target: Array,
    *,
    epsilon: float = 1e-7,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``100 * |preds - target| / max(|target|, epsilon)``.

    Arguments, result and errors as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])
        >>> float(um.losses.mean_absolute_percentage_error(preds, target))
        25.0
    """
    call = pair("mean_absolute_percentage_error", preds, target, reduction, sample_weight)
    size = unp.maximum(unp.abs(call.others[0]), epsilon)
    return call.reduce(unp.multiply(unp.divide(unp.abs(_residual(call)), size), 100.0))


def mean_squared_logarithmic_error(
    preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None
) -> Array:
    """``(log(1 + preds) - log(1 + target))^2``, for values above -1.

    Arguments, result and errors as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.0, 1.0]), um.numpy.asarray([0.0, 3.0])
        >>> round(float(um.losses.mean_squared_logarithmic_error(preds, target)), 4)
        0.2402
    """
    call = pair("mean_squared_logarithmic_error", preds, target, reduction, sample_weight)
    return call.reduce(unp.square(unp.subtract(unp.log1p(call.preds), unp.log1p(call.others[0]))))


def huber(
    preds: Array, target: Array, *, delta: float = 1.0, reduction: str = "mean", sample_weight: Array | None = None
) -> Array:
    """``r^2 / 2`` where ``|r| <= delta``, else ``delta * (|r| - delta / 2)``, with ``r = preds - target``.

    Arguments, result and errors as in :func:`mean_squared_error`, and ``delta > 0``.

    Example:
        >>> import unimod as um
        >>> huber = um.losses.huber(um.numpy.asarray([0.5, 3.0]), um.numpy.asarray([0.0, 0.0]), reduction="none")
        >>> huber.tolist()
        [0.125, 2.5]

    Source: Huber (1964), Annals of Mathematical Statistics 35; ``torch.nn.functional.huber_loss``.
    """
    _checks.positive("huber", "delta", delta)
    call = pair("huber", preds, target, reduction, sample_weight)
    return call.reduce(_huber(_residual(call), delta))


def smooth_l1(
    preds: Array, target: Array, *, beta: float = 1.0, reduction: str = "mean", sample_weight: Array | None = None
) -> Array:
    """``r^2 / (2 beta)`` where ``|r| <= beta``, else ``|r| - beta / 2``: :func:`huber` with that delta, over beta.

    Arguments, result and errors as in :func:`mean_squared_error`, and ``beta > 0``.

    Example:
        >>> import unimod as um
        >>> um.losses.smooth_l1(um.numpy.asarray([0.5, 3.0]), um.numpy.asarray([0.0, 0.0]), reduction="none").tolist()
        [0.125, 2.5]

    Source: Girshick (2015), "Fast R-CNN"; ``torch.nn.functional.smooth_l1_loss``.
    """
    _checks.positive("smooth_l1", "beta", beta)
    call = pair("smooth_l1", preds, target, reduction, sample_weight)
    return call.reduce(unp.divide(_huber(_residual(call), beta), beta))


def log_cosh(preds: Array, target: Array, *, reduction: str = "mean", sample_weight: Array | None = None) -> Array:
    """``log(cosh(preds - target))``: near ``r^2 / 2`` for small residuals, near ``|r| - log 2`` for large ones.

    Exact to the dtype also near 0, and without overflow. Arguments, result and errors as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 200.0]), um.numpy.asarray([0.0, 0.0])
        >>> [round(v, 3) for v in um.losses.log_cosh(preds, target, reduction="none").tolist()]
        [0.434, 199.307]
    """
    call = pair("log_cosh", preds, target, reduction, sample_weight)
    residual = _residual(call)
    is_small = unp.less(unp.abs(residual), 1.0)
    small, large = unp.where(is_small, residual, 0.0), unp.abs(unp.where(is_small, 1.0, residual))
    near = unp.log1p(unp.multiply(unp.square(unp.sinh(unp.multiply(small, 0.5))), 2.0))
    far = unp.subtract(unp.add(large, unp.log1p(unp.exp(unp.multiply(large, -2.0)))), math.log(2.0))
    return call.reduce(unp.where(is_small, near, far))


def poisson(
    preds: Array,
    target: Array,
    *,
    log_input: bool = True,
    full: bool = False,
    epsilon: float = 1e-8,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """The negative log-likelihood of counts: ``exp(preds) - target * preds`` for logarithms of rates.

    For rates (``log_input=False``) ``preds - target * log(preds + epsilon)``; ``full`` adds Stirling's approximation
    ``target log target - target + log(2 pi target) / 2`` of ``log target!`` where the target exceeds 1.

    Arguments, result and errors as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> float(um.losses.poisson(um.numpy.asarray([0.0, 0.0]), um.numpy.asarray([3.0, 5.0])))
        1.0

    Source: ``torch.nn.functional.poisson_nll_loss``.
    """
    call = pair("poisson", preds, target, reduction, sample_weight)
    (target,) = call.others
    rate = unp.exp(call.preds) if log_input else call.preds
    log_rate = call.preds if log_input else unp.log(unp.add(call.preds, epsilon))
    values = unp.subtract(rate, unp.multiply(target, log_rate))
    return call.reduce(unp.add(values, _log_factorial(target)) if full else values)


def gaussian_nll(
    preds: Array,
    target: Array,
    var: Array,
    *,
    full: bool = False,
    epsilon: float = 1e-6,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """``(log(v) + (preds - target)^2 / v) / 2`` with ``v = max(var, epsilon)``; ``full`` adds ``log(2 pi) / 2``.

    Arguments, result and errors as in :func:`mean_squared_error`.

    Args:
        preds: floating, any shape: the means.
        target: of the same shape.
        var: the variances, of the same shape.
        full: whether to add the constant.
        epsilon: the least variance.
        reduction: as in :func:`mean_squared_error`.
        sample_weight: as in :func:`mean_squared_error`.

    Example:
        >>> import unimod as um
        >>> one = um.numpy.ones((2,))
        >>> float(um.losses.gaussian_nll(one, one * 3, one))
        2.0

    Differences: below ``epsilon`` the derivative by the variance is 0; torch's is that at ``epsilon``.

    Source: Nix and Weigend (1994), "Estimating the mean and variance of the target probability distribution".
    """
    _checks.positive("gaussian_nll", "epsilon", epsilon)
    call = Call("gaussian_nll", reduction, sample_weight, preds, target, var)
    target, var = call.matching(call.others[0]), unp.maximum(call.matching(call.others[1], "variances"), epsilon)
    square = unp.square(unp.subtract(call.preds, target))
    values = unp.multiply(unp.add(unp.log(var), unp.divide(square, var)), 0.5)
    return call.reduce(unp.add(values, 0.5 * math.log(2 * math.pi)) if full else values)


def _residual(call: Call) -> Array:
    return unp.subtract(call.preds, call.others[0])


def _huber(residual: Array, delta: float) -> Array:
    distance = unp.abs(residual)
    square = unp.multiply(unp.square(residual), 0.5)
    line = unp.multiply(unp.subtract(distance, 0.5 * delta), delta)
    return unp.where(unp.less_equal(distance, delta), square, line)


def _log_factorial(n: Array) -> Array:
    is_large = unp.greater(n, 1.0)
    safe = unp.where(is_large, n, 1.0)
    terms = unp.subtract(unp.multiply(safe, unp.log(safe)), safe)
    return unp.where(is_large, unp.add(terms, unp.multiply(unp.log(unp.multiply(safe, 2 * math.pi)), 0.5)), 0.0)
