"""Adam and the optimizers that change one part of it. Names, formulas and defaults are optax's.

``weight_decay`` of ``adam``, ``nadam``, ``radam`` and ``adamax`` is added to the gradient, as in ``torch.optim``; that
of the optimizers with a ``w`` is decoupled: multiplied by the learning rate alone.
"""

from __future__ import annotations

from typing import Any

from unimod.errors import OptionError
from unimod.optim.base import Rate, Transformation
from unimod.optim.chain import Chain, chain
from unimod.optim.decay import Mask, changed_gradients, decayed
from unimod.optim.definition import Definition, is_torch
from unimod.optim.directions import scale_by_adam, scale_by_adamax, scale_by_amsgrad, scale_by_radam
from unimod.optim.primitive import Primitive
from unimod.optim.scheduled import ScaleByLearningRate


def _adam(b1: float, b2: float, eps: float, eps_root: float, mu_dtype: Any, nesterov: bool, amsgrad: bool) -> Primitive:
    if not amsgrad:
        return scale_by_adam(b1=b1, b2=b2, eps=eps, eps_root=eps_root, mu_dtype=mu_dtype, nesterov=nesterov)
    if nesterov or mu_dtype is not None or eps_root != 0.0:
        raise OptionError(
            "Adam with amsgrad has neither of nesterov, mu_dtype and eps_root.",
            got=f"nesterov = {nesterov}, mu_dtype = {mu_dtype!r}, eps_root = {eps_root!r}",
            expected="amsgrad=True with b1, b2 and eps",
            fix="um.optim.amsgrad takes eps_root and mu_dtype",
        )
    return Primitive("scale_by_torch_amsgrad", b1=b1, b2=b2, eps=eps)


def adam(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    nesterov: bool = False,
    weight_decay: Rate = 0.0,
    amsgrad: bool = False,
    maximize: bool = False,
) -> Chain:
    """Adam. Formula and source: :func:`scale_by_adam`.

    Args:
        learning_rate: a number, or a schedule (a function of the 0-based step).
        b1: decay of the first moment.
        b2: decay of the second moment.
        eps: added to the root.
        eps_root: added under the root.
        mu_dtype: the dtype in which the first moment is kept; None: that of the parameters.
        nesterov: with Nesterov's momentum (:func:`nadam`).
        weight_decay: times the parameters, added to the gradients.
        amsgrad: with the largest second moment so far, as ``torch.optim.Adam`` has it.
        maximize: ascend.

    Example:
        >>> import unimod as um
        >>> x = {"w": um.numpy.ones((2,))}
        >>> opt = um.optim.adam(0.1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x["w"]], int(opt[0].count)
        ([0.9, 0.9], 1)
    """
    direction = _adam(b1, b2, eps, eps_root, mu_dtype, nesterov, amsgrad)
    return chain(*changed_gradients(maximize, weight_decay), direction, ScaleByLearningRate(learning_rate))


def adamw(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    weight_decay: Rate | None = None,
    mask: Mask | None = None,
    nesterov: bool = False,
    amsgrad: bool = False,
    maximize: bool = False,
    definition: Definition = "optax",
) -> Chain:
    """Adam with decoupled weight decay: the decay is multiplied by the learning rate, not by Adam's scale.

    Args:
        learning_rate: a number, or a schedule (a function of the 0-based step).
        b1: decay of the first moment.
        b2: decay of the second moment.
        eps: added to the root.
        eps_root: added under the root.
        mu_dtype: the dtype in which the first moment is kept; None: that of the parameters.
        weight_decay: a number or a schedule; by default 1e-4, with ``definition="torch"`` 1e-2.
        mask: which parameters decay; see :func:`add_decayed_weights`.
        nesterov: with Nesterov's momentum (:func:`nadamw`).
        amsgrad: with the largest second moment so far, as ``torch.optim.AdamW`` has it.
        maximize: ascend.
        definition: whose default of ``weight_decay`` it is; the formulas are the same.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.adamw(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.8, -1.8]
    """
    usual = 1e-2 if is_torch("adamw", definition) else 1e-4
    decay = usual if weight_decay is None else weight_decay
    direction = _adam(b1, b2, eps, eps_root, mu_dtype, nesterov, amsgrad)
    return _decoupled(maximize, direction, decay, mask, learning_rate)


def _decoupled(maximize: bool, direction: Transformation, decay: Rate, mask: Mask | None, rate: Rate) -> Chain:
    return chain(*changed_gradients(maximize), direction, *decayed(decay, mask), ScaleByLearningRate(rate))


def _nadam(
    b1: float, b2: float, eps: float, eps_root: float, mu_dtype: Any, momentum_decay: float, of_torch: bool
) -> Primitive:
    if not of_torch:
        return scale_by_adam(b1=b1, b2=b2, eps=eps, eps_root=eps_root, mu_dtype=mu_dtype, nesterov=True)
    return Primitive("scale_by_torch_nadam", b1=b1, b2=b2, eps=eps, momentum_decay=momentum_decay)


def nadam(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    weight_decay: Rate = 0.0,
    maximize: bool = False,
    momentum_decay: float = 4e-3,
    definition: Definition = "optax",
) -> Chain:
    r"""Adam with Nesterov's momentum: :func:`adam` with ``nesterov=True``.

    With ``definition="torch"`` as in ``torch.optim.NAdam``: the decay of the first moment in step t is
    :math:`\mu_t = b_1 (1 - 0.96^{t \psi} / 2)` for a ``momentum_decay`` of :math:`\psi`, and the moments are corrected
    by the product of these, which is kept in the state (``mu_product``); ``eps_root`` and ``mu_dtype`` are not used.

    Options as in :func:`adam`.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2016.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.nadam(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.742, -1.739]
    """
    direction = _nadam(b1, b2, eps, eps_root, mu_dtype, momentum_decay, is_torch("nadam", definition))
    return chain(*changed_gradients(maximize, weight_decay), direction, ScaleByLearningRate(learning_rate))


def nadamw(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    weight_decay: Rate = 1e-4,
    mask: Mask | None = None,
    maximize: bool = False,
    momentum_decay: float = 4e-3,
    definition: Definition = "optax",
) -> Chain:
    """:func:`nadam` with decoupled weight decay, as in :func:`adamw`.

    With ``definition="torch"`` as ``torch.optim.NAdam`` with ``decoupled_weight_decay``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.nadamw(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.742, -1.739]
    """
    direction = _nadam(b1, b2, eps, eps_root, mu_dtype, momentum_decay, is_torch("nadamw", definition))
    return _decoupled(maximize, direction, weight_decay, mask, learning_rate)


def radam(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    threshold: float = 5.0,
    nesterov: bool = False,
    weight_decay: Rate = 0.0,
    maximize: bool = False,
    definition: Definition = "optax",
) -> Chain:
    """Rectified Adam. Formula and source: :func:`scale_by_radam`.

    With ``definition="torch"`` as in ``torch.optim.RAdam``: ``eps`` is added to the root before it is corrected, and
    ``eps_root``, ``threshold`` and ``nesterov`` are not used. Other options as in :func:`adam`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.radam(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.805, -1.611]
    """
    if is_torch("radam", definition):
        direction = Primitive("scale_by_torch_radam", b1=b1, b2=b2, eps=eps)
    else:
        direction = scale_by_radam(b1=b1, b2=b2, eps=eps, eps_root=eps_root, threshold=threshold, nesterov=nesterov)
    return chain(*changed_gradients(maximize, weight_decay), direction, ScaleByLearningRate(learning_rate))


def adamax(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: Rate = 0.0,
    maximize: bool = False,
) -> Chain:
    """Adam with a running maximum of the gradients' sizes. Formula and source: :func:`scale_by_adamax`.

    ``weight_decay`` is added to the gradients; with ``maximize`` it ascends.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.adamax(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.805, -1.803]
    """
    direction = scale_by_adamax(b1=b1, b2=b2, eps=eps)
    return chain(*changed_gradients(maximize, weight_decay), direction, ScaleByLearningRate(learning_rate))


def adamaxw(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: Rate = 1e-4,
    mask: Mask | None = None,
    maximize: bool = False,
) -> Chain:
    """:func:`adamax` with decoupled weight decay, as in :func:`adamw`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.adamaxw(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.805, -1.802]
    """
    return _decoupled(maximize, scale_by_adamax(b1=b1, b2=b2, eps=eps), weight_decay, mask, learning_rate)


def amsgrad(
    learning_rate: Rate,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: Any = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
    weight_decay: Rate = 0.0,
    maximize: bool = False,
    definition: Definition = "optax",
) -> Chain:
    """Adam with the largest second moment so far. Formula and source: :func:`scale_by_amsgrad`.

    With ``definition="torch"`` as in ``torch.optim.Adam(amsgrad=True)``: the largest of the moments as they are,
    corrected afterwards; ``eps_root``, ``mu_dtype`` and the two options of the correction are not used. Other options
    as in :func:`adam`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.amsgrad(0.1).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [0.805, -1.803]
    """
    if is_torch("amsgrad", definition):
        direction = _adam(b1, b2, eps, 0.0, None, False, True)
    else:
        direction = scale_by_amsgrad(
            b1=b1,
            b2=b2,
            eps=eps,
            eps_root=eps_root,
            mu_dtype=mu_dtype,
            bias_correction_mu=bias_correction_mu,
            bias_correction_nu=bias_correction_nu,
        )
    return chain(*changed_gradients(maximize, weight_decay), direction, ScaleByLearningRate(learning_rate))
