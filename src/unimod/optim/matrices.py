"""Muon: orthogonal updates of matrices, and AdamW for everything else."""

from __future__ import annotations

from typing import Any

from unimod.core import tree
from unimod.errors import OptionError
from unimod.optim.base import Rate, Transformation
from unimod.optim.chain import chain
from unimod.optim.decay import add_decayed_weights
from unimod.optim.masking import Partition, partition
from unimod.optim.optimizers import adamw, scale_by_learning_rate
from unimod.optim.primitive import Primitive

Coefficients = tuple[float, float, float] | tuple[tuple[float, float, float], ...]

STANDARD: Coefficients = (3.4445, -4.775, 2.0315)
_PRESETS: dict[str, Coefficients] = {
    "standard": STANDARD,
    "dion": (
        (4.0848, -6.8946, 2.9270),
        (3.9505, -6.3029, 2.6377),
        (3.7418, -5.5913, 2.3037),
        (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012),
    ),
}
_PRECONDITIONINGS = ("frobenius", "spectral", "aol", "schatten")


def scale_by_muon(
    *,
    ns_coeffs: Coefficients | str = STANDARD,
    ns_steps: int = 5,
    beta: float = 0.95,
    eps: float = 1e-8,
    mu_dtype: Any = None,
    nesterov: bool = True,
    adaptive: bool = False,
    preconditioning: str = "frobenius",
) -> Transformation:
    r"""Of each matrix the mean of its gradients, made orthogonal: all singular values become nearly 1.

    The mean :math:`X` of the gradients, over its norm, goes through the iteration of Newton and Schulz,

    .. math:: A = X X^T, \quad X \leftarrow a X + (b A + c A^2) X

    State: ``count`` (int32 scalar), ``mu`` (like the parameters), ``ns_coeffs`` (the coefficients, (3,) or (n, 3)).

    Args:
        ns_coeffs: the coefficients a, b, c; or of each step; or ``"standard"`` or ``"dion"``.
        ns_steps: the number of iterations.
        beta: decay of the mean.
        eps: added to the norm.
        mu_dtype: the dtype of the mean; None: that of the parameter.
        nesterov: whether the mean looks ahead.
        adaptive: whether the result is multiplied by its inner product with the mean.
        preconditioning: what makes the singular values at most 1 before: ``"frobenius"`` and ``"spectral"`` divide by
            these norms, ``"aol"`` scales the rows, ``"schatten"`` divides by the root of the norm of :math:`A`.

    Raises:
        OptionError: there is no such set of coefficients or preconditioning, or there are too few coefficients.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([[2.0, 0.0], [0.0, 1.0]])
        >>> updates, _ = um.optim.scale_by_muon().init(x).update(x)
        >>> [[round(float(v), 2) for v in row] for row in updates]
        [[0.69, 0.0], [0.0, 1.11]]
    """
    if isinstance(ns_coeffs, str):
        if ns_coeffs not in _PRESETS:
            raise OptionError(
                "Muon has no coefficients of that name.", got=f"ns_coeffs = {ns_coeffs!r}", expected=", ".join(_PRESETS)
            )
        ns_coeffs = _PRESETS[ns_coeffs]
    _check(ns_coeffs, ns_steps, preconditioning)
    return Primitive(
        "scale_by_muon",
        ns_coeffs=ns_coeffs,
        ns_steps=ns_steps,
        beta=beta,
        eps=eps,
        mu_dtype=None if mu_dtype is None else str(mu_dtype),
        nesterov=nesterov,
        adaptive=adaptive,
        preconditioning=preconditioning,
    )


def _check(coefficients: Any, steps: int, preconditioning: str) -> None:
    rows = coefficients if isinstance(coefficients[0], tuple) else (coefficients,) * steps
    if any(len(row) != 3 for row in rows) or len(rows) > steps:
        raise OptionError(
            "Muon needs three coefficients, or three for each step.",
            got=f"ns_coeffs = {coefficients!r}, ns_steps = {steps}",
            expected="(a, b, c), or at most ns_steps of these",
        )
    if preconditioning not in _PRECONDITIONINGS:
        raise OptionError(
            "Muon has no such preconditioning.",
            got=f"preconditioning = {preconditioning!r}",
            expected=", ".join(_PRECONDITIONINGS),
        )


def scale_by_shape(*, consistent_rms: float | None = None) -> Transformation:
    r"""The update of a matrix (m, n) times :math:`\sqrt{\max(1, n / m)}`, so that a rate fits matrices of all widths.

    With ``consistent_rms`` times :math:`\sqrt{\max(m, n)}` and that number: the root mean square of an orthogonal
    update is then that number for all shapes. No state.

    Source: Bernstein, "Deriving Muon", 2025; Liu et al., "Muon is Scalable for LLM Training", 2025, section 2.2.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((1, 4))
        >>> updates, _ = um.optim.scale_by_shape().init(x).update(x)
        >>> [float(u) for u in updates[0]]
        [2.0, 2.0, 2.0, 2.0]
    """
    return Primitive("scale_by_shape", consistent_rms=consistent_rms)


def _labels(params: Any) -> Any:
    return tree.map(lambda x: "muon" if len(x.shape) == 2 else "adam", params)


def muon(
    learning_rate: Rate,
    *,
    ns_coeffs: Coefficients | str = STANDARD,
    ns_steps: int = 5,
    beta: float = 0.95,
    eps: float = 1e-8,
    weight_decay: Rate = 0.0,
    weight_decay_mask: Any = None,
    mu_dtype: Any = None,
    nesterov: bool = True,
    adaptive: bool = False,
    preconditioning: str = "frobenius",
    adam_b1: float = 0.9,
    adam_b2: float = 0.999,
    adam_eps_root: float = 0.0,
    adam_weight_decay: float = 0.0,
    adam_learning_rate: Rate | None = None,
    consistent_rms: float | None = None,
    muon_params: Any = None,
) -> Partition:
    """Orthogonal updates for matrices, AdamW for all other parameters.

    The parts: ``opt["muon"]``, of :func:`scale_by_muon`, :func:`scale_by_shape`, ``add_decayed_weights`` and
    ``scale_by_learning_rate``, and ``opt["adam"]``, which is ``adamw``, with their states.

    Args:
        learning_rate: a number or a schedule.
        ns_coeffs: the coefficients of the iteration, as :func:`scale_by_muon` has them.
        ns_steps: the number of iterations.
        beta: decay of the mean of gradients.
        eps: added to norms, and to the root of Adam's second moment.
        weight_decay: what part of the matrices is added to their direction.
        weight_decay_mask: which of them decay.
        mu_dtype: the dtype of the means; None: that of the parameters.
        nesterov: whether the means look ahead.
        adaptive: whether updates are multiplied by their inner product with the mean.
        preconditioning: what comes before the iteration, as :func:`scale_by_muon` has it.
        adam_b1: decay of Adam's first moment.
        adam_b2: decay of Adam's second moment.
        adam_eps_root: added under Adam's root.
        adam_weight_decay: the decay of the parameters that Adam has.
        adam_learning_rate: Adam's rate; None: the same.
        consistent_rms: the root mean square of updates for all shapes, as :func:`scale_by_shape` has it.
        muon_params: the labels ``"muon"`` and ``"adam"``, as :func:`partition` takes them; None: parameters with two
            axes are matrices.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.

    Differences:
        ``torch.optim.Muon`` iterates in bfloat16, and has a weight decay of 0.1.

    Example:
        >>> import unimod as um
        >>> x = {"b": um.numpy.ones((2,)), "w": um.numpy.asarray([[2.0, 0.0], [0.0, 1.0]])}
        >>> opt = um.optim.muon(0.1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 2) for v in x["b"]], [round(float(v), 2) for v in x["w"][0]]
        ([0.85, 0.85], [1.93, 0.0])
    """
    matrices = chain(
        scale_by_muon(
            ns_coeffs=ns_coeffs,
            ns_steps=ns_steps,
            beta=beta,
            eps=eps,
            mu_dtype=mu_dtype,
            nesterov=nesterov,
            adaptive=adaptive,
            preconditioning=preconditioning,
        ),
        scale_by_shape(consistent_rms=consistent_rms),
        add_decayed_weights(weight_decay, mask=weight_decay_mask),
        scale_by_learning_rate(learning_rate),
    )
    rest = adamw(
        learning_rate if adam_learning_rate is None else adam_learning_rate,
        b1=adam_b1,
        b2=adam_b2,
        eps=eps,
        eps_root=adam_eps_root,
        weight_decay=adam_weight_decay,
        mu_dtype=mu_dtype,
        nesterov=nesterov,
    )
    return partition({"muon": matrices, "adam": rest}, _labels if muon_params is None else muon_params)
