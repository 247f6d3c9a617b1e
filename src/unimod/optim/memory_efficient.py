"""Adafactor: second moments of matrices from those of their rows and columns."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod.optim.base import Schedule
from unimod.optim.decay import add_decayed_weights
from unimod.optim.layerwise import scale_by_param_block_rms
from unimod.optim.optimizers import scale
from unimod.optim.rates import PositiveRate
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain


def scale_by_factored_rms(
    *,
    factored: bool = True,
    decay_rate: float = 0.8,
    step_offset: int = 0,
    min_dim_size_to_factor: int = 128,
    epsilon: float = 1e-30,
    decay_rate_fn: Callable[[Any, float], Any] | None = None,
) -> Transformation:
    r"""The gradient over its root mean square, of which for matrices only rows and columns are kept.

    With :math:`d_t = 1 - t^{-\text{decay\_rate}}` the means of :math:`g^2 + \epsilon` over columns and rows decay,

    .. math:: r = d_t r + (1 - d_t) \mathrm{mean}_j(g^2), \quad c = d_t c + (1 - d_t) \mathrm{mean}_i(g^2), \quad
        u = \frac{g}{\sqrt{r c^T / \mathrm{mean}(r)}}

    over the two largest axes, where both have ``min_dim_size_to_factor`` elements; elsewhere all of :math:`g^2` decays.

    State: ``count`` (int32 scalar), ``v_row`` and ``v_col`` (like the parameters without their largest and their second
    largest axis), ``v`` (like the parameters); what is not used has the shape (1,).

    Args:
        factored: whether anything is kept as rows and columns.
        decay_rate: the exponent of the decay.
        step_offset: the number of the first step.
        min_dim_size_to_factor: the size from which on axes are factored.
        epsilon: added to the square of the gradient.
        decay_rate_fn: gives :math:`d_t` for the 0-based step, less ``step_offset``, and ``decay_rate``; None: the
            formula above.

    Source: Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018, algorithm 4.

    Example:
        >>> import unimod as um
        >>> opt = um.optim.scale_by_factored_rms(min_dim_size_to_factor=2).init(um.numpy.ones((2, 3)))
        >>> tuple(opt.v_row.shape), tuple(opt.v_col.shape), tuple(opt.v.shape)
        ((2,), (3,), (1,))
    """
    chosen = {} if decay_rate_fn is None else {"decay": _decay(decay_rate_fn, step_offset, decay_rate)}
    return Primitive(
        "scale_by_factored_rms",
        factored=factored,
        decay_rate=decay_rate,
        step_offset=step_offset,
        min_dim_size_to_factor=min_dim_size_to_factor,
        epsilon=epsilon,
        **chosen,
    )


@functools.cache  # equal options make equal functions, and so equal structures
def _decay(decay_rate_fn: Callable[[Any, float], Any], step_offset: int, decay_rate: float) -> Schedule:
    return lambda count: decay_rate_fn(count - step_offset, decay_rate)


def adafactor(
    learning_rate: Rate | None = None,
    *,
    min_dim_size_to_factor: int = 128,
    decay_rate: float = 0.8,
    decay_offset: int = 0,
    multiply_by_parameter_scale: bool = True,
    clipping_threshold: float | None = 1.0,
    momentum: float | None = None,
    dtype_momentum: str = "float32",
    weight_decay_rate: Rate | None = None,
    eps: float = 1e-30,
    factored: bool = True,
    weight_decay_mask: Any = None,
) -> Chain:
    """Adam's scale without its memory: for a matrix (m, n) the second moments are m + n numbers.

    The parts: ``scale_by_factored_rms`` (its state), ``clip_by_block_rms``, the learning rate,
    ``scale_by_param_block_rms``, ``ema`` (state ``count``, ``ema``), ``add_decayed_weights``, ``scale``; those whose
    option is None or False are left out.

    Args:
        learning_rate: a number or a schedule; None: the update has the size of the parameters themselves.
        min_dim_size_to_factor: matrices with fewer rows or columns are not factored.
        decay_rate: the exponent of the decay of second moments.
        decay_offset: the number of the first step.
        multiply_by_parameter_scale: whether updates are in proportion to the parameters.
        clipping_threshold: the largest root mean square of an update, before the learning rate.
        momentum: decay of the mean of updates.
        dtype_momentum: the dtype of this mean.
        weight_decay_rate: what part of the parameters is subtracted in each step.
        eps: added to squared gradients.
        factored: whether matrices are kept as rows and columns.
        weight_decay_mask: which parameters decay.

    Source: Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018.

    Differences: ``torch.optim.Adafactor`` factors all matrices: that is ``min_dim_size_to_factor=1``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -1.0])
        >>> opt = um.optim.adafactor(0.1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x], int(opt[0].count)
        ([0.9, -0.9], 1)
    """
    parts: list[Transformation] = []
    if clipping_threshold is not None:
        parts.append(Primitive("clip_by_block_rms", threshold=clipping_threshold))
    if learning_rate is not None:
        parts.append(PositiveRate(learning_rate))
    if multiply_by_parameter_scale:
        parts.append(scale_by_param_block_rms())
    if momentum is not None:
        parts.append(Primitive("ema", decay=momentum, debias=False, accumulator_dtype=dtype_momentum))
    if weight_decay_rate is not None:
        parts.append(add_decayed_weights(weight_decay_rate, mask=weight_decay_mask))
    direction = scale_by_factored_rms(
        factored=factored,
        decay_rate=decay_rate,
        step_offset=decay_offset,
        min_dim_size_to_factor=min_dim_size_to_factor,
        epsilon=eps,
    )
    return chain(direction, *parts, scale(-1.0))
