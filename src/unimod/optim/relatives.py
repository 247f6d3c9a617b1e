"""Optimizers that are near Adam: AdaBelief, Adan, Yogi, NovoGrad and Lion. Names, formulas and defaults are optax's."""

from __future__ import annotations

from typing import Any

from unimod.optim.base import Rate
from unimod.optim.chain import Chain, chain
from unimod.optim.decay import Mask, decayed
from unimod.optim.directions import scale_by_adan, scale_by_belief, scale_by_lion, scale_by_novograd, scale_by_yogi
from unimod.optim.scheduled import ScaleByLearningRate


def adabelief(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-16,
    eps_root: float = 1e-16,
    nesterov: bool = False,
) -> Chain:
    """Adam with the squares of how far gradients are from their mean. Formula and source: :func:`scale_by_belief`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.adabelief(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.773, -1.772]
    """
    direction = scale_by_belief(b1=b1, b2=b2, eps=eps, eps_root=eps_root, nesterov=nesterov)
    return chain(direction, ScaleByLearningRate(learning_rate))


def adan(
    learning_rate: Rate,
    *,
    b1: float = 0.98,
    b2: float = 0.92,
    b3: float = 0.99,
    eps: float = 1e-8,
    eps_root: float = 1e-8,
    weight_decay: Rate = 0.0,
    mask: Mask | None = None,
) -> Chain:
    """Adaptive Nesterov momentum, with decoupled weight decay. Formula and source: :func:`scale_by_adan`.

    ``mask`` says which parameters decay; see :func:`add_decayed_weights`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.adan(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.8, -1.8]
    """
    direction = scale_by_adan(b1=b1, b2=b2, b3=b3, eps=eps, eps_root=eps_root)
    return chain(direction, *decayed(weight_decay, mask), ScaleByLearningRate(learning_rate))


def yogi(learning_rate: Rate, *, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-3) -> Chain:
    """Adam with a second moment that changes slowly. Formula and source: :func:`scale_by_yogi`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.yogi(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.801, -1.8]
    """
    return chain(scale_by_yogi(b1=b1, b2=b2, eps=eps), ScaleByLearningRate(learning_rate))


def novograd(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.25,
    eps: float = 1e-6,
    eps_root: float = 0.0,
    weight_decay: float = 0.0,
) -> Chain:
    """Momentum of gradients over the norm of their whole array. Formula and source: :func:`scale_by_novograd`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.novograd(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.871, -1.742]
    """
    direction = scale_by_novograd(b1=b1, b2=b2, eps=eps, eps_root=eps_root, weight_decay=weight_decay)
    return chain(direction, ScaleByLearningRate(learning_rate))


def lion(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.99,
    mu_dtype: Any = None,
    weight_decay: Rate = 1e-3,
    mask: Mask | None = None,
) -> Chain:
    """The sign of a momentum, with decoupled weight decay. Formula and source: :func:`scale_by_lion`.

    ``mask`` says which parameters decay; see :func:`add_decayed_weights`. A good learning rate is 3 to 10 times smaller
    than Adam's.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.lion(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.8, -1.8]
    """
    direction = scale_by_lion(b1=b1, b2=b2, mu_dtype=mu_dtype)
    return chain(direction, *decayed(weight_decay, mask), ScaleByLearningRate(learning_rate))
