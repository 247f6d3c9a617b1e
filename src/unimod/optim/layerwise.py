"""Updates of each array scaled by its norm: LAMB, LARS, Fromage, and what they are made of."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.core.kinds import static
from unimod.core.module import Module
from unimod.optim.base import Hyper
from unimod.optim.chain import OneRate
from unimod.optim.masking import masked
from unimod.optim.optimizers import add_decayed_weights, scale_by_adam, scale_by_learning_rate, trace
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain


def scale_by_trust_ratio(*, min_norm: float = 0.0, trust_coefficient: float = 1.0, eps: float = 0.0) -> Transformation:
    r"""The update of each array as long as the array itself.

    .. math:: u = g \frac{c \max(|p|, n)}{\max(|g|, n) + \epsilon}

    for the trust coefficient :math:`c` and the least norm :math:`n`; where a norm is 0, :math:`u = g`. No state.

    Source: You et al., "Large Batch Training of Convolutional Networks", 2017, equation 6.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.scale_by_trust_ratio().init(x)
        >>> updates, opt = opt.update(um.numpy.asarray([0.0, 0.5]), x)
        >>> [float(u) for u in updates]
        [0.0, 5.0]
    """
    return Primitive("scale_by_trust_ratio", min_norm=min_norm, trust_coefficient=trust_coefficient, eps=eps)


def scale_by_param_block_norm(*, min_scale: float = 1e-3) -> Transformation:
    r"""The update of each array by the norm of the parameter, :math:`g \max(|p|, \text{min\_scale})`. No state.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> updates, _ = um.optim.scale_by_param_block_norm().init(x).update(um.numpy.ones((2,)), x)
        >>> [float(u) for u in updates]
        [5.0, 5.0]
    """
    return Primitive("scale_by_param_block_norm", min_scale=min_scale)


def scale_by_param_block_rms(*, min_scale: float = 1e-3) -> Transformation:
    r"""The update of each array by the root mean square of the parameter, at least ``min_scale``. No state.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([2.0, -2.0])
        >>> updates, _ = um.optim.scale_by_param_block_rms().init(x).update(um.numpy.ones((2,)), x)
        >>> [float(u) for u in updates]
        [2.0, 2.0]
    """
    return Primitive("scale_by_param_block_rms", min_scale=min_scale)


def lamb(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-6,
    eps_root: float = 0.0,
    weight_decay: Rate = 0.0,
    mask: Any = None,
) -> Chain:
    """Adam with weight decay, whose update of each array is as long as the array: for large batches.

    The parts: ``scale_by_adam`` (state ``count``, ``mu``, ``nu``), ``add_decayed_weights``, ``scale_by_trust_ratio``,
    ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule.
        b1: decay of the first moment.
        b2: decay of the second moment.
        eps: added to the root of the second moment.
        eps_root: added to the second moment, under the root.
        weight_decay: what part of the parameters is added to Adam's direction.
        mask: which parameters decay: a tree of bools, or a function of the parameters that makes one.

    Source: You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2019.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.lamb(0.1).init(x)
        >>> x, opt = opt.step(x, um.numpy.ones((2,)))
        >>> [round(float(v), 3) for v in x]
        [2.646, 3.646]
    """
    direction = scale_by_adam(b1=b1, b2=b2, eps=eps, eps_root=eps_root)
    decay = add_decayed_weights(weight_decay, mask=mask)
    return chain(direction, decay, scale_by_trust_ratio(), scale_by_learning_rate(learning_rate))


def lars(
    learning_rate: Rate,
    *,
    weight_decay: Rate = 0.0,
    weight_decay_mask: Any = True,
    trust_coefficient: float = 0.001,
    eps: float = 0.0,
    trust_ratio_mask: Any = True,
    momentum: float = 0.9,
    nesterov: bool = False,
) -> Chain:
    """Momentum on updates that are, for each array, in proportion to the norm of the array.

    The parts: ``add_decayed_weights``, ``scale_by_trust_ratio``, ``scale_by_learning_rate``, ``trace`` (state
    ``trace``).

    Args:
        learning_rate: a number or a schedule.
        weight_decay: what part of the parameters is added to the gradients.
        weight_decay_mask: which parameters decay: a tree of bools, or a function of the parameters that makes one.
        trust_coefficient: the length of an update, relative to its parameter.
        eps: added to the norm of the gradient.
        trust_ratio_mask: of which parameters the updates are scaled.
        momentum: decay of the sum of updates.
        nesterov: whether the momentum looks ahead.

    Source: You et al., "Large Batch Training of Convolutional Networks", 2017.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.lars(0.1, trust_coefficient=0.5).init(x)
        >>> x, opt = opt.step(x, um.numpy.asarray([0.0, 9.0]))
        >>> [round(float(v), 4) for v in x]
        [3.0, 3.75]
    """
    ratio = scale_by_trust_ratio(trust_coefficient=trust_coefficient, eps=eps)
    return chain(
        add_decayed_weights(weight_decay, mask=None if weight_decay_mask is True else weight_decay_mask),
        ratio if trust_ratio_mask is True else masked(ratio, trust_ratio_mask),
        scale_by_learning_rate(learning_rate),
        trace(momentum, nesterov=nesterov),
    )


def fromage(learning_rate: Rate, *, min_norm: float = 1e-6) -> Chain:
    r"""Steps of a fixed length relative to each array, after which the arrays do not grow.

    .. math:: p = \frac{1}{\sqrt{1 + \eta^2}} \left(p - \eta g \frac{|p|}{|g|}\right)

    The parts: ``scale_by_trust_ratio``, ``scale_by_learning_rate``, ``add_decayed_weights``. State only for a schedule.

    Args:
        learning_rate: a number or a schedule, :math:`\eta`.
        min_norm: the least norm of parameters and gradients.

    Source: Bernstein et al., "On the distance between two neural networks and the stability of learning", 2020.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.fromage(0.75).init(x)
        >>> x, opt = opt.step(x, um.numpy.asarray([0.0, 2.0]))
        >>> [round(float(v), 4) for v in x]
        [2.4, 0.2]
    """
    rate, decay = _fromage(learning_rate)
    ratio = scale_by_trust_ratio(min_norm=min_norm)
    return OneRate(_fromage_step, ratio, scale_by_learning_rate(rate), add_decayed_weights(decay))


def _fromage_step(learning_rate: Any) -> dict[int, Hyper]:
    rate, decay = _fromage(learning_rate)
    return {1: {"learning_rate": rate}, 2: {"weight_decay": decay}}


class _OfStep(Module):
    """The rate of Fromage's steps, or the decay after them, by a schedule."""

    schedule: Any
    is_decay: bool = static()

    def __init__(self, schedule: Any, is_decay: bool) -> None:
        self.schedule, self.is_decay = schedule, is_decay

    def __call__(self, count: Any) -> Any:
        rate = self.schedule(count)
        factor = unp.divide(1.0, unp.sqrt(unp.add(unp.square(rate), 1.0)))
        return unp.subtract(factor, 1.0) if self.is_decay else unp.multiply(rate, factor)


def _fromage(learning_rate: Rate) -> tuple[Rate, Rate]:
    if callable(learning_rate):
        return _OfStep(learning_rate, False), _OfStep(learning_rate, True)
    factor = 1 / (1 + learning_rate**2) ** 0.5
    return learning_rate * factor, factor - 1
