"""Gradient descent, with momentum or by signs. Names, formulas and defaults are optax's."""

from __future__ import annotations

from typing import Any

from unimod.dtypes import DType
from unimod.errors import OptionError
from unimod.optim.base import Rate, Transformation
from unimod.optim.chain import Chain, chain
from unimod.optim.decay import changed_gradients
from unimod.optim.definition import Definition, is_torch
from unimod.optim.primitive import Primitive
from unimod.optim.scheduled import ScaleByLearningRate
from unimod.optim.squares import Rprop, scale_by_rprop, scale_by_sign


def trace(decay: Rate, *, nesterov: bool = False, accumulator_dtype: Any = None) -> Primitive:
    r"""A decaying sum of gradients, :math:`t = g + d\,t`; with ``nesterov`` the result is :math:`g + d\,t`.

    Args:
        decay: :math:`d`.
        nesterov: whether the result looks ahead.
        accumulator_dtype: the dtype in which the sum is kept; None: that of the parameters.

    State: ``trace``, like the parameters.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.trace(0.9).init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [1.9, -3.8]
    """
    dtype = {} if accumulator_dtype is None else {"accumulator_dtype": str(DType(accumulator_dtype))}
    return Primitive("trace", decay=decay, nesterov=nesterov, **dtype)


def sgd(
    learning_rate: Rate,
    momentum: Rate | None = None,
    *,
    nesterov: bool = False,
    accumulator_dtype: Any = None,
    dampening: float = 0.0,
    weight_decay: Rate = 0.0,
    maximize: bool = False,
) -> Chain:
    """Stochastic gradient descent.

    Args:
        learning_rate: a number, or a schedule (a function of the 0-based step).
        momentum: the decay of the sum of gradients; None: there is none.
        nesterov: with Nesterov's momentum.
        accumulator_dtype: the dtype in which the sum is kept; None: that of the parameters.
        dampening: the share of each gradient but the first that the sum leaves out, as in ``torch.optim.SGD``.
        weight_decay: times the parameters, added to the gradients.
        maximize: ascend.

    Raises:
        OptionError: ``dampening`` without momentum, or with Nesterov's.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.sgd(0.1).init(x)
        >>> x, opt = opt.step(x, 2 * x)
        >>> round(float(x), 6)
        0.8
    """
    before = changed_gradients(maximize, weight_decay)
    return chain(
        *before, *_momentum(momentum, nesterov, accumulator_dtype, dampening), ScaleByLearningRate(learning_rate)
    )


def _momentum(decay: Rate | None, nesterov: bool, dtype: Any, dampening: float) -> list[Transformation]:
    if isinstance(dampening, (int, float)) and dampening == 0:
        return [] if decay is None else [trace(decay, nesterov=nesterov, accumulator_dtype=dtype)]
    if decay is None or nesterov or dtype is not None:
        raise OptionError(
            "Dampening is of a momentum, and not of Nesterov's, nor of one in another dtype.",
            got=f"dampening = {dampening!r}, momentum = {decay!r}, nesterov = {nesterov}",
            fix="pass momentum=0.9 and nesterov=False, or leave the dampening at 0",
        )
    return [Primitive("dampened_trace", decay=decay, dampening=dampening)]


def momentum(learning_rate: Rate, momentum: float = 0.9, *, nesterov: bool = False) -> Chain:
    """Gradient descent with (Nesterov) momentum: ``sgd`` with a decay of 0.9.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.momentum(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.72, -1.44]
    """
    return sgd(learning_rate, momentum, nesterov=nesterov)


def sign_sgd(learning_rate: Rate) -> Chain:
    """Descent by the signs of the gradients.

    Source: Bernstein et al., "signSGD: Compressed Optimisation for Non-Convex Problems", 2018.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.sign_sgd(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.8, -1.8]
    """
    return chain(scale_by_sign(), ScaleByLearningRate(learning_rate))


def signum(learning_rate: Rate, *, beta: float = 0.9, accumulator_dtype: Any = None) -> Chain:
    r"""Descent by the signs of a mean of gradients, :math:`m_t = \beta m + (1 - \beta) g`.

    ``accumulator_dtype`` is the dtype in which the mean is kept; None: that of the parameters.

    Source: Bernstein et al., "signSGD: Compressed Optimisation for Non-Convex Problems", 2018.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.signum(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.8, -1.8]
    """
    dtype = {} if accumulator_dtype is None else {"accumulator_dtype": str(DType(accumulator_dtype))}
    return chain(
        Primitive("ema", decay=beta, debias=False, **dtype), scale_by_sign(), ScaleByLearningRate(learning_rate)
    )


def rprop(
    learning_rate: float,
    *,
    eta_minus: float = 0.5,
    eta_plus: float = 1.2,
    min_step_size: float = 1e-6,
    max_step_size: float = 50.0,
    maximize: bool = False,
    definition: Definition = "optax",
) -> Chain:
    """Descent by signs, with a step size for each number. Formula and source: :func:`scale_by_rprop`.

    With ``definition="torch"`` as in ``torch.optim.Rprop``: the step of the gradient itself is taken, not that of the
    one before, and the first step is not 0.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.rprop(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.9, -1.9]
    """
    if is_torch("rprop", definition):
        direction: Primitive = Rprop(
            "scale_by_torch_rprop",
            learning_rate=learning_rate,
            eta_minus=eta_minus,
            eta_plus=eta_plus,
            min_step_size=min_step_size,
            max_step_size=max_step_size,
        )
    else:
        direction = scale_by_rprop(
            learning_rate,
            eta_minus=eta_minus,
            eta_plus=eta_plus,
            min_step_size=min_step_size,
            max_step_size=max_step_size,
        )
    return chain(*changed_gradients(maximize), direction, Primitive("scale", step_size=-1.0))
