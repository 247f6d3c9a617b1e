"""Gradient descent with a mean of the parameters beside them."""

from __future__ import annotations

from unimod.optim.base import Rate
from unimod.optim.chain import Chain, chain
from unimod.optim.decay import changed_gradients
from unimod.optim.primitive import Primitive


def asgd(
    learning_rate: Rate = 1e-2,
    *,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: Rate = 0.0,
    maximize: bool = False,
) -> Chain:
    r"""Averaged stochastic gradient descent, as ``torch.optim.ASGD`` defines it.

    .. math:: x_{t+1} = x_t - \eta_t (g_t + \lambda x_t), \qquad \eta_t = \frac{\gamma}{(1 + \lambda \gamma t)^\alpha}

    .. math:: a_{t+1} = a_t + \frac{x_{t+1} - a_t}{\max(1, t - t_0)}

    with steps :math:`t` from 0. The means :math:`a` are a state: ``model.update(opt[-1].ax)`` is the model with them.

    Args:
        learning_rate: :math:`\gamma`, a number, or a schedule (a function of the 0-based step).
        lambd: :math:`\lambda`, how fast the rate shrinks, and how strongly the parameters are drawn to 0.
        alpha: :math:`\alpha`, the power of the rate.
        t0: :math:`t_0`, the step from which on the parameters are averaged; before it the means are the parameters.
        weight_decay: times the parameters, added to the gradients.
        maximize: ascend.

    State: ``count`` (int32 scalar) and ``ax`` (like the parameters), those of ``opt[-1]``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.asgd(0.5, t0=0.0).init(x)
        >>> for _ in range(3):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x], [round(float(v), 3) for v in opt[-1].ax]
        ([0.125, -0.25], [0.187, -0.375])

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.

    Differences: with a schedule each step uses its own rate; torch keeps a rate that the step before has computed.
    """
    step = Primitive("averaged_descent", learning_rate=learning_rate, lambd=lambd, alpha=alpha, t0=t0)
    return chain(*changed_gradients(maximize, weight_decay), step)
