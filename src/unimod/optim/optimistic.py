"""Optimistic steps, which go against the last gradient: for games."""

from __future__ import annotations

from typing import Any

from unimod.optim.base import Hyper
from unimod.optim.chain import OneRate
from unimod.optim.optimizers import scale_by_adam, scale_by_learning_rate
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain


def scale_by_optimistic_gradient(*, alpha: Rate = 1.0, beta: Rate = 1.0) -> Transformation:
    r"""The optimistic gradient, :math:`u = (\alpha + \beta) g_t - \beta g_{t-1}`; the first one has itself before it.

    State: ``is_initial_step`` (bool scalar), ``previous_gradient`` (like the parameters).

    Source: Mokhtari et al., "A Unified Analysis of Extra-gradient and Optimistic Gradient Methods for Saddle Point
    Problems: Proximal Point Approach", 2019.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((1,))
        >>> opt = um.optim.scale_by_optimistic_gradient().init(x)
        >>> _, opt = opt.update(um.numpy.asarray([1.0]))
        >>> updates, opt = opt.update(um.numpy.asarray([3.0]))
        >>> float(updates[0])
        5.0
    """
    return Primitive("scale_by_optimistic_gradient", alpha=alpha, beta=beta)


def optimistic_gradient_descent(learning_rate: Rate, *, alpha: Rate = 1.0, beta: Rate = 1.0) -> Chain:
    r"""Descent along :math:`(\alpha + \beta) g_t - \beta g_{t-1}`.

    The parts: :func:`scale_by_optimistic_gradient` and its state, ``scale_by_learning_rate``.

    Source: Mokhtari et al., "A Unified Analysis of Extra-gradient and Optimistic Gradient Methods for Saddle Point
    Problems: Proximal Point Approach", 2019.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0])
        >>> opt = um.optim.optimistic_gradient_descent(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> round(float(x[0]), 4)
        0.82
    """
    return chain(scale_by_optimistic_gradient(alpha=alpha, beta=beta), scale_by_learning_rate(learning_rate))


def optimistic_adam(
    learning_rate: Rate,
    *,
    optimism: Rate | None = None,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    nesterov: bool = True,
) -> Chain:
    """Adam whose direction is optimistic: it is multiplied by the learning rate, its change by the optimism.

    The parts: ``scale_by_adam`` (state ``count``, ``mu``, ``nu``), ``scale_by_optimistic_gradient`` (state
    ``is_initial_step``, ``previous_gradient``), ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule.
        optimism: by how much the last direction is subtracted, a number or a schedule; None: the learning rate.
        b1: decay of the first moment.
        b2: decay of the second moment.
        eps: added to the root of the second moment.
        eps_root: added under the root.
        mu_dtype: the dtype in which the first moment is kept; None: that of the parameters.
        nesterov: whether the first moment looks ahead.

    Source: Daskalakis et al., "Training GANs with Optimism", 2017.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0])
        >>> opt = um.optim.optimistic_adam(0.1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> round(float(x[0]), 4)
        0.8526
    """
    direction = scale_by_adam(b1=b1, b2=b2, eps=eps, eps_root=eps_root, mu_dtype=mu_dtype, nesterov=nesterov)
    beta, of_step = (learning_rate, _both) if optimism is None else (optimism, _first)
    optimistic = scale_by_optimistic_gradient(alpha=learning_rate, beta=beta)
    return OneRate(of_step, direction, optimistic, scale_by_learning_rate(1.0))


def _first(learning_rate: Any) -> dict[int, Hyper]:
    return {1: {"alpha": learning_rate}}


def _both(learning_rate: Any) -> dict[int, Hyper]:
    return {1: {"alpha": learning_rate, "beta": learning_rate}}


def optimistic_adam_v2(
    learning_rate: Rate,
    *,
    alpha: Rate = 1.0,
    beta: Rate = 1.0,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    nesterov: bool = True,
) -> Chain:
    """Adam whose direction is optimistic, by a learning rate or a schedule. The parts are those of ``optimistic_adam``.

    Args:
        learning_rate: a number or a schedule.
        alpha: the weight of the direction.
        beta: the weight of its change.
        b1: decay of the first moment.
        b2: decay of the second moment.
        eps: added to the root of the second moment.
        eps_root: added under the root.
        mu_dtype: the dtype in which the first moment is kept; None: that of the parameters.
        nesterov: whether the first moment looks ahead.

    Source: Daskalakis et al., "Training GANs with Optimism", 2017.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0])
        >>> opt = um.optim.optimistic_adam_v2(0.1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> round(float(x[0]), 4)
        0.8526
    """
    direction = scale_by_adam(b1=b1, b2=b2, eps=eps, eps_root=eps_root, mu_dtype=mu_dtype, nesterov=nesterov)
    return chain(direction, scale_by_optimistic_gradient(alpha=alpha, beta=beta), scale_by_learning_rate(learning_rate))
