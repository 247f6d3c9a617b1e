"""AdEMAMix: a fast and a slow mean of the gradients."""

from __future__ import annotations

from typing import Any

from unimod.dtypes import DType
from unimod.optim.decay import add_decayed_weights
from unimod.optim.optimizers import scale_by_learning_rate
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain


def scale_by_ademamix(
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    b3: Rate = 0.9999,
    alpha: Rate = 6.0,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
) -> Transformation:
    r"""The direction of AdEMAMix.

    .. math:: u = \frac{m_1 / (1 - b_1^t) + \alpha m_2}{\sqrt{v / (1 - b_2^t) + \epsilon_{root}} + \epsilon}

    for the means :math:`m_1`, :math:`m_2` of gradients with the decays :math:`b_1`, :math:`b_3`, and :math:`v` of their
    squares.

    State: ``count`` and ``count_m2`` (int32 scalars), ``m1``, ``m2`` and ``nu`` (like the parameters).

    Args:
        b1: decay of the fast mean.
        b2: decay of the second moment.
        b3: decay of the slow mean; a number or a schedule.
        alpha: weight of the slow mean; a number or a schedule.
        eps: added to the root of the second moment.
        eps_root: added under the root.
        mu_dtype: the dtype in which the means of gradients are kept; None: that of the parameters.

    Source: Pagliardini et al., "The AdEMAMix Optimizer: Better, Faster, Older", 2024.

    Differences: optax begins in ``mu_dtype``, the second moment too, and goes on in that of the parameters.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((2,))
        >>> updates, opt = um.optim.scale_by_ademamix(b3=0.5, alpha=4.0).init(x).update(x)
        >>> [round(float(u), 4) for u in updates], int(opt.count_m2)
        ([3.0, 3.0], 1)
    """
    dtype = {} if mu_dtype is None else {"mu_dtype": str(DType(mu_dtype))}
    return Primitive("scale_by_ademamix", b1=b1, b2=b2, b3=b3, alpha=alpha, eps=eps, eps_root=eps_root, **dtype)


def ademamix(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    b3: Rate = 0.9999,
    alpha: Rate = 5.0,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    weight_decay: float = 0.0,
    mask: Any = None,
) -> Chain:
    """AdamW with a second, slower mean of the gradients.

    The parts: :func:`scale_by_ademamix` and its state, ``add_decayed_weights``, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule.
        b1: decay of the fast mean.
        b2: decay of the second moment.
        b3: decay of the slow mean; a number or a schedule.
        alpha: weight of the slow mean; a number or a schedule.
        eps: added to the root of the second moment.
        eps_root: added under the root.
        mu_dtype: the dtype in which the means of gradients are kept; None: that of the parameters.
        weight_decay: what part of the parameters is added to the direction.
        mask: which parameters decay.

    Source: Pagliardini et al., "The AdEMAMix Optimizer: Better, Faster, Older", 2024.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((2,))
        >>> opt = um.optim.ademamix(0.1, b3=0.5, alpha=4.0).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [0.7, 0.7]
    """
    direction = scale_by_ademamix(b1=b1, b2=b2, b3=b3, alpha=alpha, eps=eps, eps_root=eps_root, mu_dtype=mu_dtype)
    return chain(direction, add_decayed_weights(weight_decay, mask=mask), scale_by_learning_rate(learning_rate))


def scale_by_simplified_ademamix(
    *, b1: float = 0.99, b2: float = 0.95, alpha: Rate = 0.0, eps: float = 1e-8, eps_root: float = 0.0
) -> Transformation:
    r"""The direction of the simplified AdEMAMix, with one sum of gradients in place of two means.

    .. math:: m_t = g + b_1 m, \quad u = \frac{m_t + \alpha g}{\sqrt{n / (1 - b_2^t) + \epsilon_{root}} + \epsilon}

    for the mean :math:`n` of squared gradients. State: ``t`` (int32 scalar), ``m`` and ``n`` (like the parameters).

    Source: Morwani et al., "Connections between Schedule-Free Optimizers, AdEMAMix, and Accelerated SGD Variants",
    2025.

    Differences: of complex gradients the mean is that of :math:`|g|^2`; optax squares the numbers themselves.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((2,))
        >>> updates, _ = um.optim.scale_by_simplified_ademamix(alpha=2.0).init(x).update(x)
        >>> [round(float(u), 4) for u in updates]
        [3.0, 3.0]
    """
    return Primitive("scale_by_simplified_ademamix", b1=b1, b2=b2, alpha=alpha, eps=eps, eps_root=eps_root)


def simplified_ademamix(
    learning_rate: Rate,
    *,
    b1: float = 0.99,
    b2: float = 0.95,
    alpha: Rate = 0.0,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    weight_decay: float = 0.0,
    mask: Any = None,
) -> Chain:
    """The simplified AdEMAMix with decoupled weight decay.

    The parts: :func:`scale_by_simplified_ademamix` and its state, ``add_decayed_weights``, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule.
        b1: decay of the sum of gradients.
        b2: decay of the second moment.
        alpha: weight of the gradient itself; a number or a schedule.
        eps: added to the root of the second moment.
        eps_root: added under the root.
        weight_decay: what part of the parameters is added to the direction.
        mask: which parameters decay.

    Source: Morwani et al., "Connections between Schedule-Free Optimizers, AdEMAMix, and Accelerated SGD Variants",
    2025.

    Differences: of complex gradients the mean is that of :math:`|g|^2`; optax squares the numbers themselves.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((2,))
        >>> opt = um.optim.simplified_ademamix(0.1, alpha=2.0).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [0.7, 0.7]
    """
    direction = scale_by_simplified_ademamix(b1=b1, b2=b2, alpha=alpha, eps=eps, eps_root=eps_root)
    return chain(direction, add_decayed_weights(weight_decay, mask=mask), scale_by_learning_rate(learning_rate))
