"""Muon: orthogonal updates of matrices, and AdamW for everything else."""

from __future__ import annotations

from typing import Any

from unimod.errors import OptionError
from unimod.optim.transformation import Primitive, Transformation

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
        [[0.7, 0.0], [0.0, 0.83]]
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
