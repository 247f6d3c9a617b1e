"""Adam's relatives that divide by the second moment of the step before: ACProp and ADOPT."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.dtypes import DType
from unimod.optim.decay import add_decayed_weights
from unimod.optim.optimizers import scale_by_learning_rate
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain


def scale_by_acprop(*, b1: Rate = 0.9, b2: Rate = 0.999, eps: Rate = 1e-16, eps_root: Rate = 1e-16) -> Transformation:
    r"""The direction of ACProp: gradients over the second moment that AdaBelief had before them.

    .. math:: m_t = b_1 m + (1 - b_1) g, \quad s_t = b_2 s + (1 - b_2) (g - m_{t-1})^2 + \epsilon_{root}, \quad
        u = \frac{g}{\sqrt{s_{t-1} / (1 - b_2^{t-1})} + \epsilon}

    and :math:`u = g` at the first step.

    State: ``count`` (int32 scalar), ``mu`` and ``nu`` (like the parameters).

    Args:
        b1: decay of the mean of gradients.
        b2: decay of the squares of surprises.
        eps: added to the root.
        eps_root: added to the squares.

    Source: Zhuang et al., "Momentum Centering and Asynchronous Update for Adaptive Gradient Methods", 2021.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_acprop().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x)
        >>> [round(float(v), 4) for v in updates]
        [1.0, -1.0]
    """
    return Primitive("scale_by_acprop", b1=b1, b2=b2, eps=eps, eps_root=eps_root)


def acprop(
    learning_rate: Rate,
    *,
    b1: Rate = 0.9,
    b2: Rate = 0.999,
    eps: Rate = 1e-16,
    eps_root: Rate = 1e-16,
    weight_decay: Rate = 0.0,
    mask: Any = None,
) -> Chain:
    """AdaBelief without momentum, whose denominator does not depend on the newest gradient.

    The parts: :func:`scale_by_acprop` and its state, ``add_decayed_weights``, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule.
        b1: decay of the mean of gradients.
        b2: decay of the squares of surprises.
        eps: added to the root.
        eps_root: added to the squares.
        weight_decay: what part of the parameters is added to the direction.
        mask: which parameters decay.

    Source: Zhuang et al., "Momentum Centering and Asynchronous Update for Adaptive Gradient Methods", 2021.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.acprop(0.5).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [0.5, -1.0]
    """
    direction = scale_by_acprop(b1=b1, b2=b2, eps=eps, eps_root=eps_root)
    return chain(direction, add_decayed_weights(weight_decay, mask), scale_by_learning_rate(learning_rate))


def scale_by_adopt(
    *,
    b1: Rate = 0.9,
    b2: Rate = 0.9999,
    eps: Rate = 1e-6,
    mu_dtype: Any = None,
    nesterov: bool = False,
    use_clipping: bool = True,
    clip_value_fn: Callable[[Any], Any] | None = None,
) -> Transformation:
    r"""The direction of ADOPT.

    .. math:: m_t = b_1 m + (1 - b_1)\,\mathrm{clip}\left(\frac{g}{\max(\sqrt{v_{t-1}}, \epsilon)}, c_t\right), \quad
        v_t = b_2 v + (1 - b_2) g^2, \quad u = m_t

    The first step only sets :math:`v_0 = g^2`.

    State: ``count`` (int32 scalar), ``mu`` (in ``mu_dtype``) and ``nu`` (like the parameters).

    Args:
        b1: decay of the first moment.
        b2: decay of the second moment.
        eps: the least root.
        mu_dtype: the dtype in which the first moment is kept; None: that of the parameters.
        nesterov: whether the first moment looks ahead.
        use_clipping: whether quotients are cut to :math:`\pm c_t`.
        clip_value_fn: gives the bound :math:`c_t` for the 0-based step; None: :math:`t^{1/4}`.

    Raises:
        DTypeError: a parameter is complex.

    Source: Taniguchi et al., "ADOPT: Modified Adam Can Converge with Any b2 with the Optimal Rate", 2024.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_adopt().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x)
        >>> [round(float(v), 4) for v in updates]
        [0.1, -0.1]
    """
    chosen = {} if clip_value_fn is None else {"clip_value": clip_value_fn}
    dtype = {} if mu_dtype is None else {"mu_dtype": str(DType(mu_dtype))}
    return Primitive(
        "scale_by_adopt", b1=b1, b2=b2, eps=eps, **dtype, nesterov=nesterov, use_clipping=use_clipping, **chosen
    )


def adopt(
    learning_rate: Rate,
    *,
    b1: Rate = 0.9,
    b2: Rate = 0.9999,
    eps: Rate = 1e-6,
    mu_dtype: Any = None,
    nesterov: bool = False,
    use_clipping: bool = True,
    clip_value_fn: Callable[[Any], Any] | None = None,
) -> Chain:
    """Adam in another order, which converges whatever the decay of the second moment is.

    The parts: :func:`scale_by_adopt` and its state, ``scale_by_learning_rate``. Options are those of the first.

    Source: Taniguchi et al., "ADOPT: Modified Adam Can Converge with Any b2 with the Optimal Rate", 2024.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.adopt(0.5).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [0.95, -1.95]
    """
    direction = scale_by_adopt(
        b1=b1,
        b2=b2,
        eps=eps,
        mu_dtype=mu_dtype,
        nesterov=nesterov,
        use_clipping=use_clipping,
        clip_value_fn=clip_value_fn,
    )
    return chain(direction, scale_by_learning_rate(learning_rate))
