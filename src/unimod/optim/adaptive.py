"""Optimizers that divide by the root of summed or averaged squares. Names, formulas and defaults are optax's.

``weight_decay`` is added to the gradients, as in ``torch.optim``.
"""

from __future__ import annotations

from unimod.optim.base import Rate, Transformation
from unimod.optim.chain import Chain, chain
from unimod.optim.decay import Mask, changed_gradients
from unimod.optim.definition import Definition, default, is_torch
from unimod.optim.primitive import Primitive
from unimod.optim.scheduled import ScaleByLearningRate
from unimod.optim.squares import scale_by_adadelta, scale_by_rms, scale_by_rss, scale_by_sm3, scale_by_stddev


def adagrad(
    learning_rate: Rate,
    *,
    initial_accumulator_value: float | None = None,
    eps: float | None = None,
    weight_decay: Rate = 0.0,
    maximize: bool = False,
    definition: Definition = "optax",
) -> Chain:
    """Over the root of the sum of all squares. Formula and source: :func:`scale_by_rss`.

    Args:
        learning_rate: a number, or a schedule (a function of the 0-based step); ``torch.optim.Adagrad`` with a
            ``lr_decay`` has the schedule ``lr / (1 + step * lr_decay)``.
        initial_accumulator_value: what the sum begins with; by default 0.1, with ``definition="torch"`` 0.
        eps: added under the root, by default 1e-7; with ``definition="torch"`` to the root, by default 1e-10.
        weight_decay: times the parameters, added to the gradients.
        maximize: ascend.
        definition: ``"torch"`` for that of ``torch.optim.Adagrad``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.adagrad(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.839, -1.833]
    """
    of_torch = is_torch("adagrad", definition)
    first = default(initial_accumulator_value, 0.0, 0.1, of_torch)
    eps = default(eps, 1e-10, 1e-7, of_torch)
    direction = (
        Primitive("scale_by_torch_rss", initial_accumulator_value=first, eps=eps)
        if of_torch
        else scale_by_rss(initial_accumulator_value=first, eps=eps)
    )
    return chain(*changed_gradients(maximize, weight_decay), direction, ScaleByLearningRate(learning_rate))


def adadelta(
    learning_rate: Rate = 1.0,
    *,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: Rate = 0.0,
    weight_decay_mask: Mask | None = None,
    maximize: bool = False,
) -> Chain:
    """Gradients in the scale of the updates. Formula and source: :func:`scale_by_adadelta`.

    Args:
        learning_rate: a number or a schedule.
        rho: decay of both means.
        eps: added under both roots.
        weight_decay: times the parameters, added to the gradients.
        weight_decay_mask: which parameters decay; see :func:`add_decayed_weights`.
        maximize: ascend.

    Differences: optax has no learning rate by default, and then no minus either, so that it ascends.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.adadelta(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.999, -1.999]
    """
    before = changed_gradients(maximize, weight_decay, weight_decay_mask)
    return chain(*before, scale_by_adadelta(rho=rho, eps=eps), ScaleByLearningRate(learning_rate))


def rmsprop(
    learning_rate: Rate,
    *,
    decay: float | None = None,
    eps: float = 1e-8,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool | None = None,
    centered: bool = False,
    momentum: float | None = None,
    nesterov: bool = False,
    bias_correction: bool = False,
    weight_decay: Rate = 0.0,
    maximize: bool = False,
    definition: Definition = "optax",
) -> Chain:
    """Over the root of the mean square. Formulas and sources: :func:`scale_by_rms`, :func:`scale_by_stddev`.

    Args:
        learning_rate: a number or a schedule.
        decay: of the mean; by default 0.9, with ``definition="torch"`` 0.99.
        eps: added under the root, or to it.
        initial_scale: what the mean begins with.
        eps_in_sqrt: whether ``eps`` is under the root; by default it is, with ``definition="torch"`` it is not.
        centered: divide by the standard deviation.
        momentum: the decay of a sum of updates; None: there is none.
        nesterov: with Nesterov's momentum.
        bias_correction: whether the mean is corrected.
        weight_decay: times the parameters, added to the gradients.
        maximize: ascend.
        definition: ``"torch"`` for that of ``torch.optim.RMSprop``; there the learning rate comes after the momentum,
            which is the same as long as the rate is.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.rmsprop(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.499, -1.474]
    """
    of_torch = is_torch("rmsprop", definition)
    decay, inside = default(decay, 0.99, 0.9, of_torch), default(eps_in_sqrt, False, True, of_torch)
    scale = scale_by_stddev if centered else scale_by_rms
    direction = scale(
        decay=decay, eps=eps, initial_scale=initial_scale, eps_in_sqrt=inside, bias_correction=bias_correction
    )
    traced: list[Transformation] = []
    if momentum is not None:
        traced = [Primitive("trace", decay=momentum, nesterov=nesterov)]
    rate = [ScaleByLearningRate(learning_rate)]
    ending = [*traced, *rate] if of_torch else [*rate, *traced]
    return chain(*changed_gradients(maximize, weight_decay), direction, *ending)


def sm3(learning_rate: Rate, momentum: float = 0.9) -> Chain:
    """Adagrad with little memory. Formula and source: :func:`scale_by_sm3`, of which ``momentum`` is ``b1``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.sm3(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.974, -1.974]
    """
    return chain(scale_by_sm3(b1=momentum), ScaleByLearningRate(learning_rate))
