"""MoMo: momentum, and Adam, whose step sizes follow from the value of the loss."""

from __future__ import annotations

from unimod.optim.transformation import Primitive, Rate, Transformation


def momo(
    learning_rate: Rate = 1.0,
    *,
    beta: Rate = 0.9,
    lower_bound: Rate = 0.0,
    weight_decay: Rate = 0.0,
    adapt_lower_bound: bool = False,
) -> Transformation:
    r"""Momentum with a step size from the loss, which each step needs: ``opt.step(params, grads, value=loss)``.

    With the running means :math:`m` of gradients, :math:`\bar f` of losses and :math:`\gamma` of :math:`\langle g,
    x\rangle`, and without weight decay,

    .. math:: x \leftarrow x - \min\left(\eta, \frac{\max(\bar f - f_* - \gamma + \langle m, x\rangle, 0)}{|m|^2}\right)
        m

    State: ``exp_avg`` (like the parameters), ``barf``, ``gamma`` and ``lb`` (scalars in the narrowest dtype of the
    parameters), ``count`` (int32 scalar).

    Args:
        learning_rate: the largest step size, a number or a schedule.
        beta: decay of the means.
        lower_bound: of the loss, :math:`f_*`.
        weight_decay: what part of the parameters is subtracted, times the rate.
        adapt_lower_bound: whether the bound is estimated on the way, from ``lower_bound`` upwards.

    Source: Schaipp et al., "MoMo: Momentum Models for Adaptive Learning Rates", 2023.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.momo().init(x)
        >>> x, opt = opt.step(x, 2 * x, value=um.numpy.sum(x * x))
        >>> [float(v) for v in x]
        [1.5, 2.0]
    """
    return Primitive(
        "momo",
        learning_rate=learning_rate,
        beta=beta,
        lower_bound=lower_bound,
        weight_decay=weight_decay,
        adapt_lower_bound=adapt_lower_bound,
    )


def momo_adam(
    learning_rate: Rate = 1e-2,
    *,
    b1: Rate = 0.9,
    b2: Rate = 0.999,
    eps: Rate = 1e-8,
    lower_bound: Rate = 0.0,
    weight_decay: Rate = 0.0,
    adapt_lower_bound: bool = False,
) -> Transformation:
    """Adam with a step size from the loss, which each step needs: ``opt.step(params, grads, value=loss)``.

    State: ``exp_avg`` and ``exp_avg_sq`` (like the parameters), ``barf``, ``gamma`` and ``lb`` (scalars in the
    narrowest dtype of the parameters), ``count`` (int32 scalar).

    Args:
        learning_rate: the largest step size, a number or a schedule.
        b1: decay of the first moment, and of the means of losses.
        b2: decay of the second moment.
        eps: added to the root of the second moment.
        lower_bound: of the loss.
        weight_decay: what part of the parameters is subtracted, times the rate.
        adapt_lower_bound: whether the bound is estimated on the way, from ``lower_bound`` upwards.

    Source: Schaipp et al., "MoMo: Momentum Models for Adaptive Learning Rates", 2023.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.momo_adam(0.5).init(x)
        >>> x, opt = opt.step(x, 2 * x, value=um.numpy.sum(x * x))
        >>> [round(float(v), 4) for v in x]
        [2.5, 3.5]
    """
    return Primitive(
        "momo_adam",
        learning_rate=learning_rate,
        b1=b1,
        b2=b2,
        eps=eps,
        lower_bound=lower_bound,
        weight_decay=weight_decay,
        adapt_lower_bound=adapt_lower_bound,
    )
