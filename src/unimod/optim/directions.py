"""Directions by the first and second moments of gradients: what Adam and its relatives scale by.

All are defined as in optax. ``count`` is an int32 scalar, other parts of a state are like the parameters.
"""

from __future__ import annotations

from typing import Any

from unimod.dtypes import DType
from unimod.errors import OptionError
from unimod.optim.primitive import Primitive


def _dtype(mu_dtype: Any) -> dict[str, str]:
    return {} if mu_dtype is None else {"mu_dtype": str(DType(mu_dtype))}


def _check_mode(mode: str) -> None:
    if mode not in ("hard", "smooth", "refined"):
        raise OptionError(
            "Lion does not know this mode.", got=f"mode = {mode!r}", expected='"hard", "smooth" or "refined"'
        )


def scale_by_adam(
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    nesterov: bool = False,
) -> Primitive:
    r"""The direction of Adam.

    .. math:: m_t = b_1 m + (1 - b_1) g, \quad v_t = b_2 v + (1 - b_2) g^2, \quad
        u = \frac{m_t / (1 - b_1^t)}{\sqrt{v_t / (1 - b_2^t) + \epsilon_{root}} + \epsilon}

    Args:
        b1: decay of the first moment.
        b2: decay of the second moment.
        eps: added to the root.
        eps_root: added under the root; not 0 where the update is differentiated at a gradient of 0.
        mu_dtype: the dtype in which the first moment is kept; None: that of the parameters.
        nesterov: the first moment is that after another step with the same gradient.

    State: ``count``, ``mu`` and ``nu``.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015; Dozat, "Incorporating Nesterov Momentum
    into Adam", 2016.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones(2)
        >>> updates, opt = um.optim.scale_by_adam(mu_dtype="bfloat16").init(x).update(x)
        >>> [round(float(v), 4) for v in updates], str(um.dtype_of(opt.mu)), int(opt.count)
        ([1.0, 1.0], 'bfloat16', 1)
    """
    return Primitive("scale_by_adam", b1=b1, b2=b2, eps=eps, eps_root=eps_root, **_dtype(mu_dtype), nesterov=nesterov)


def scale_by_amsgrad(
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> Primitive:
    r"""Adam with the largest second moment so far: :math:`\max(\hat v_{max}, \hat v_t)` in place of :math:`\hat v_t`.

    Options as in :func:`scale_by_adam`; without ``bias_correction_mu`` or ``bias_correction_nu`` that moment is used as
    it is, as in the paper. State: ``count``, ``mu``, ``nu`` and ``nu_max``.

    Source: Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond", 2018.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_amsgrad().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [1.0, -1.0]
    """
    return Primitive(
        "scale_by_amsgrad",
        b1=b1,
        b2=b2,
        eps=eps,
        eps_root=eps_root,
        **_dtype(mu_dtype),
        bias_correction_mu=bias_correction_mu,
        bias_correction_nu=bias_correction_nu,
    )


def scale_by_adamax(*, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Primitive:
    r"""Adam with a maximum: :math:`v_t = \max(b_2 v, |g| + \epsilon)` and :math:`u = m_t / (1 - b_1^t) / v_t`.

    State: ``count``, ``mu`` and ``nu``.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, section 7.1.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_adamax().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [1.0, -1.0]
    """
    return Primitive("scale_by_adamax", b1=b1, b2=b2, eps=eps)


def scale_by_belief(
    *, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-16, eps_root: float = 1e-16, nesterov: bool = False
) -> Primitive:
    r"""Adam with the squares of surprises: :math:`v_t = b_2 v + (1 - b_2) (g - m_t)^2 + \epsilon_{root}`.

    Options as in :func:`scale_by_adam`. State: ``count``, ``mu`` and ``nu``.

    Source: Zhuang et al., "AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients", 2020.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_belief().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [1.168, -1.168]
    """
    return Primitive("scale_by_belief", b1=b1, b2=b2, eps=eps, eps_root=eps_root, nesterov=nesterov)


def scale_by_yogi(
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-3,
    eps_root: float = 0.0,
    initial_accumulator_value: float = 1e-6,
) -> Primitive:
    r"""Adam with an additive second moment: :math:`v_t = v - (1 - b_2) \operatorname{sign}(v - g^2) g^2`.

    Both moments begin with ``initial_accumulator_value``; other options as in :func:`scale_by_adam`. State: ``count``,
    ``mu`` and ``nu``.

    Source: Zaheer et al., "Adaptive Methods for Nonconvex Optimization", 2018.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_yogi().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [0.999, -0.999]
    """
    return Primitive(
        "scale_by_yogi",
        b1=b1,
        b2=b2,
        eps=eps,
        eps_root=eps_root,
        initial_accumulator_value=initial_accumulator_value,
    )


def scale_by_radam(
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    threshold: float = 5.0,
    nesterov: bool = False,
) -> Primitive:
    r"""Rectified Adam: Adam's direction times :math:`r_t` from :math:`\rho_t` = ``threshold`` on, before it the mean.

    .. math:: \rho_\infty = \frac{2}{1 - b_2} - 1, \quad \rho_t = \rho_\infty - \frac{2 t b_2^t}{1 - b_2^t}, \quad
        r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}}

    In float32 this is computed in a form in which nothing cancels. Other options as in :func:`scale_by_adam`. State:
    ``count``, ``mu`` and ``nu``.

    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2020.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_radam().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [1.0, -2.0]
    """
    return Primitive("scale_by_radam", b1=b1, b2=b2, eps=eps, eps_root=eps_root, threshold=threshold, nesterov=nesterov)


def scale_by_adan(
    *, b1: float = 0.98, b2: float = 0.92, b3: float = 0.99, eps: float = 1e-8, eps_root: float = 0.0
) -> Primitive:
    r"""Adan: Nesterov's momentum by differences of gradients, :math:`d_t = g_t - g_{t-1}` (0 at the first step).

    .. math:: m_t = b_1 m + (1 - b_1) g, \quad v_t = b_2 v + (1 - b_2) d, \quad
        n_t = b_3 n + (1 - b_3) (g + (1 - b_2) d)^2, \quad
        u = \frac{\hat m_t + (1 - b_2) \hat v_t}{\sqrt{\hat n_t + \epsilon_{root}} + \epsilon}

    A hat is the correction by :math:`1 - b^t`. State: ``m``, ``v``, ``n``, ``g`` (the last gradient) and ``t`` (the
    count).

    Source: Xie et al., "Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models", 2022.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_adan().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [1.0, -1.0]
    """
    return Primitive("scale_by_adan", b1=b1, b2=b2, b3=b3, eps=eps, eps_root=eps_root)


def scale_by_novograd(
    *,
    b1: float = 0.9,
    b2: float = 0.25,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    weight_decay: float = 0.0,
    mu_dtype: Any = None,
) -> Primitive:
    r"""NovoGrad: momentum of gradients, each over the running norm of its whole array.

    .. math:: v_t = b_2 v + (1 - b_2) \|g\|^2, \quad
        m_t = b_1 m + \frac{g}{\sqrt{v_t + \epsilon_{root}} + \epsilon} + \lambda p, \quad u = m_t

    At the first step :math:`v_1 = \|g\|^2`. State: ``count``, ``mu`` (in ``mu_dtype``) and ``nu`` (scalars, one for
    each parameter).

    Source: Ginsburg et al., "Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training of Deep
    Networks", 2019.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_novograd().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [0.85, -1.699]
    """
    return Primitive(
        "scale_by_novograd",
        b1=b1,
        b2=b2,
        eps=eps,
        eps_root=eps_root,
        weight_decay=weight_decay,
        **_dtype(mu_dtype),
    )


def scale_by_lion(
    *, b1: float = 0.9, b2: float = 0.99, mu_dtype: Any = None, mode: str = "hard", smooth_beta: float = 1.0
) -> Primitive:
    r"""Lion: the sign of :math:`c = b_1 m + (1 - b_1) g`, where :math:`m_t = b_2 m + (1 - b_2) g`.

    Args:
        b1: decay in what the sign is taken of.
        b2: decay of the momentum.
        mu_dtype: the dtype in which the momentum is kept; None: that of the parameters.
        mode: ``"hard"``: the sign; ``"smooth"``: :math:`\tanh(\beta c)`; ``"refined"``: :math:`c`, cut off at -1 and 1.
        smooth_beta: the :math:`\beta` of the smooth mode.

    State: ``count`` and ``mu``.

    Raises:
        OptionError: the mode is another.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_lion().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [1.0, -1.0]
    """
    _check_mode(mode)
    return Primitive("scale_by_lion", b1=b1, b2=b2, **_dtype(mu_dtype), mode=mode, smooth_beta=smooth_beta)
