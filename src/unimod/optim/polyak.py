"""Polyak's step size, which needs the value of the loss."""

from __future__ import annotations

from unimod.errors import OptionError
from unimod.optim.optimizers import sgd
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain


def scale_by_polyak(
    *, f_min: float = 0.0, max_learning_rate: float = 1.0, eps: float = 0.0, variant: str = "sps"
) -> Transformation:
    r"""Polyak's step size for a loss whose value comes with each step, ``opt.step(params, grads, value=loss)``.

    .. math:: u = g \min\left(\frac{f(x) - f_{min}}{|g|^2 + \epsilon}, \eta_{max}\right)

    and 0 where :math:`|g|^2 + \epsilon` is at most :math:`2^{-52}`. No state.

    Args:
        f_min: a lower bound of the loss.
        max_learning_rate: the largest step size.
        eps: added to the squared norm.
        variant: ``"sps"``, or ``"sps+"``: the step is 0 where the loss is below ``f_min``.

    Raises:
        OptionError: there is no such variant.

    Source: Loizou et al., "Stochastic Polyak Step-size for SGD", 2020; Garrigos et al., "Function Value Learning:
    Adaptive Learning Rates Based on the Polyak Stepsize and Function Splitting in ERM", 2023 (``"sps+"``).

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> updates, _ = um.optim.scale_by_polyak().init(x).update(2 * x, value=um.numpy.sum(x * x))
        >>> [float(u) for u in updates]
        [1.5, 2.0]
    """
    if variant not in ("sps", "sps+"):
        raise OptionError(
            "There is no such step size of Polyak.", got=f"variant = {variant!r}", expected="'sps' or 'sps+'"
        )
    return Primitive("scale_by_polyak", f_min=f_min, max_learning_rate=max_learning_rate, eps=eps, variant=variant)


def polyak_sgd(
    max_learning_rate: float = 1.0, *, scaling: Rate = 1.0, f_min: float = 0.0, eps: float = 0.0, variant: str = "sps"
) -> Chain:
    """Gradient descent with Polyak's step size. Each step needs the loss: ``opt.step(params, grads, value=loss)``.

    The parts: ``sgd(scaling)``, :func:`scale_by_polyak`. No state without a schedule.

    Args:
        max_learning_rate: the largest step size.
        scaling: a number or a schedule that multiplies the gradients before.
        f_min: a lower bound of the loss.
        eps: added to the squared norm of the gradients.
        variant: ``"sps"`` or ``"sps+"``.

    Source: Loizou et al., "Stochastic Polyak Step-size for SGD", 2020.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.polyak_sgd().init(x)
        >>> x, opt = opt.step(x, 2 * x, value=um.numpy.sum(x * x))
        >>> [float(v) for v in x]
        [1.5, 2.0]
    """
    step = scale_by_polyak(f_min=f_min, max_learning_rate=max_learning_rate, eps=eps, variant=variant)
    return chain(sgd(scaling), step)
