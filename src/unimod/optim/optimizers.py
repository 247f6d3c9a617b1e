"""The optimizers, each a chain of transformations. Names, formulas and defaults are optax's."""

from __future__ import annotations

from unimod.optim.transformation import Chain, Primitive, Rate, ScaleByLearningRate, Transformation, chain


def scale_by_adam(
    *, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, eps_root: float = 0.0, nesterov: bool = False
) -> Transformation:
    r"""The direction of Adam.

    .. math:: m_t = b_1 m + (1 - b_1) g, \quad v_t = b_2 v + (1 - b_2) g^2, \quad
        u = \frac{m_t / (1 - b_1^t)}{\sqrt{v_t / (1 - b_2^t) + \epsilon_{root}} + \epsilon}

    State: ``count`` (int32 scalar), ``mu`` and ``nu`` (like the parameters).

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015.
    """
    return Primitive("scale_by_adam", b1=b1, b2=b2, eps=eps, eps_root=eps_root, nesterov=nesterov)


def trace(decay: float, *, nesterov: bool = False) -> Transformation:
    r"""A decaying sum of gradients, :math:`t = g + d\,t`; with ``nesterov`` the result is :math:`g + d\,t`."""
    return Primitive("trace", decay=decay, nesterov=nesterov)


def add_decayed_weights(weight_decay: float) -> Transformation:
    """``updates + weight_decay * params``."""
    return Primitive("add_decayed_weights", weight_decay=weight_decay)


def scale(step_size: float) -> Transformation:
    """``step_size * updates``."""
    return Primitive("scale", step_size=step_size)


def scale_by_learning_rate(learning_rate: Rate) -> Transformation:
    """``-learning_rate * updates``, for a number or a schedule (a function of the 0-based step)."""
    return ScaleByLearningRate(learning_rate)


def sgd(learning_rate: Rate, momentum: float = 0.0, *, nesterov: bool = False) -> Chain:
    """Stochastic gradient descent, with momentum where it is not zero.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.sgd(0.1).init(x)
        >>> x, opt = opt.step(x, 2 * x)
        >>> round(float(x), 6)
        0.8
    """
    parts = [trace(momentum, nesterov=nesterov)] if momentum else []
    return chain(*parts, scale_by_learning_rate(learning_rate))


def momentum(learning_rate: Rate, momentum: float = 0.9, *, nesterov: bool = False) -> Chain:
    """Gradient descent with (Nesterov) momentum: ``sgd`` with a decay of 0.9."""
    return chain(trace(momentum, nesterov=nesterov), scale_by_learning_rate(learning_rate))


def adam(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    nesterov: bool = False,
) -> Chain:
    """Adam. Formula and source: :func:`scale_by_adam`.

    Example:
        >>> import unimod as um
        >>> x = {"w": um.numpy.ones((2,))}
        >>> opt = um.optim.adam(0.1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x["w"]], int(opt[0].count)
        ([0.9, 0.9], 1)
    """
    direction = scale_by_adam(b1=b1, b2=b2, eps=eps, eps_root=eps_root, nesterov=nesterov)
    return chain(direction, scale_by_learning_rate(learning_rate))


def adamw(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    weight_decay: float = 1e-4,
    nesterov: bool = False,
) -> Chain:
    """Adam with decoupled weight decay: the decay is multiplied by the learning rate, not by Adam's scale.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    """
    direction = scale_by_adam(b1=b1, b2=b2, eps=eps, eps_root=eps_root, nesterov=nesterov)
    return chain(direction, add_decayed_weights(weight_decay), scale_by_learning_rate(learning_rate))
