"""MADGRAD: dual averaging with momentum and a step size for each number."""

from __future__ import annotations

from unimod.optim.decay import add_decayed_weights
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain


def scale_by_madgrad(learning_rate: Rate, *, momentum: Rate = 0.9, eps: Rate = 1e-6) -> Transformation:
    r"""The steps of MADGRAD; they take the sign of a step, and the learning rate, already.

    .. math:: \lambda_t = (\eta + \epsilon) \sqrt t, \quad s_t = s + \lambda_t g, \quad q_t = q + \lambda_t g^2, \quad
        z_t = x_0 - \frac{s_t}{\sqrt[3]{q_t} + \epsilon}, \quad x_t = \mu x + (1 - \mu) z_t

    State: ``count`` (int32 scalar), ``grad_sum_sq``, ``s`` and ``x0``, the first parameters (like the parameters).

    Args:
        learning_rate: a number or a schedule.
        momentum: the weight of the parameters in the mean with the place that the sums point to.
        eps: added to the cube root, and to the learning rate.

    Raises:
        DTypeError: a parameter is complex.

    Source: Defazio and Jelassi, "Adaptivity without Compromise: A Momentumized, Adaptive, Dual Averaged Gradient Method
    for Stochastic Optimization", 2021.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -1.0])
        >>> updates, _ = um.optim.scale_by_madgrad(0.125, momentum=0.5).init(x).update(x, x)
        >>> [round(float(v), 4) for v in updates]
        [-0.125, 0.125]
    """
    return Primitive("scale_by_madgrad", learning_rate=learning_rate, momentum=momentum, eps=eps)


def madgrad(learning_rate: Rate, *, momentum: Rate = 0.9, weight_decay: Rate = 0.0, eps: Rate = 1e-6) -> Chain:
    """Dual averaging with momentum and a step size for each number.

    The parts: ``add_decayed_weights``, :func:`scale_by_madgrad` and its state.

    Args:
        learning_rate: a number or a schedule.
        momentum: the weight of the parameters in the mean with the place that the sums point to.
        weight_decay: what part of the parameters is added to the gradients.
        eps: added to the cube root, and to the learning rate.

    Source: Defazio and Jelassi, "Adaptivity without Compromise: A Momentumized, Adaptive, Dual Averaged Gradient Method
    for Stochastic Optimization", 2021.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -1.0])
        >>> opt = um.optim.madgrad(0.125, momentum=0.5).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [0.875, -0.875]
    """
    return chain(add_decayed_weights(weight_decay), scale_by_madgrad(learning_rate, momentum=momentum, eps=eps))
