"""Muon: orthogonal updates of matrices, and AdamW for everything else."""

from __future__ import annotations

import dataclasses
from typing import Any

from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.errors import OptionError
from unimod.optim.base import Rate, Transformation
from unimod.optim.chain import chain
from unimod.optim.decay import add_decayed_weights
from unimod.optim.dimension_numbers import kept_spec, layouts
from unimod.optim.masking import Partition, partition
from unimod.optim.optimizers import adamw, scale_by_learning_rate
from unimod.optim.primitive import Primitive
from unimod.optim.relaid import Relaid

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
    weight_dimension_numbers: Any = None,
) -> Transformation:
    r"""Of each matrix the mean of its gradients, made orthogonal: all singular values become nearly 1.

    The mean :math:`X` of the gradients, over its norm, goes through the iteration of Newton and Schulz,

    .. math:: A = X X^H, \quad X \leftarrow a X + (b A + c A^2) X

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
        weight_dimension_numbers: how each parameter is a matrix or a stack of these: :class:`MuonDimensionNumbers` for
            all, a tree of them, or a function that gets the parameters and gives one; None: all are matrices. With them
            the state is that of ``opt.inner``, in which parameters are matrices or stacks of shape (n, rows, columns).

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
    direction = Primitive(
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
    return _of_matrices(direction, weight_dimension_numbers)


class AsMatrices(Relaid):
    """A transformation of matrices, or of stacks of these, in the place of arrays with more axes."""

    called = "muon"
    spec: Any = static()
    layouts: Any = static()

    def __init__(self, inner: Transformation, spec: Any) -> None:
        super().__init__(inner)
        self.spec, self.layouts = kept_spec(spec), None

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """Find what the rows and columns are."""
        new = walk.rebuilt(self)
        new.layouts = layouts(self.spec, leaves, structure)
        return super(AsMatrices, new).init_flat(engine, leaves, structure)

    def there(self, xs: list[Any]) -> list[Any]:
        """Matrices."""
        return [x if how is None else how.matrices(x) for x, how in zip(xs, self.layouts, strict=True)]

    def back(self, new: list[Any], xs: list[Any]) -> list[Any]:
        """Arrays of these."""
        return [x if how is None else how.array(x) for x, how in zip(new, self.layouts, strict=True)]

    def lay(self, structure: Child, xs: list[Any]) -> Any:
        """The same: one matrix, or stack, for each parameter."""
        return structure


def _of_matrices(part: Transformation, numbers: Any) -> Transformation:
    return part if numbers is None else AsMatrices(part, numbers)


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


def scale_by_shape(*, weight_dimension_numbers: Any = None, consistent_rms: float | None = None) -> Transformation:
    r"""The update of a matrix (m, n) times :math:`\sqrt{\max(1, n / m)}`, so that a rate fits matrices of all widths.

    With ``consistent_rms`` times :math:`\sqrt{\max(m, n)}` and that number: the root mean square of an orthogonal
    update is then that number for all shapes. ``weight_dimension_numbers`` is as in :func:`scale_by_muon`. No state.

    Source: Bernstein, "Deriving Muon", 2025; Liu et al., "Muon is Scalable for LLM Training", 2025, section 2.2.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((1, 4))
        >>> updates, _ = um.optim.scale_by_shape().init(x).update(x)
        >>> [float(u) for u in updates[0]]
        [2.0, 2.0, 2.0, 2.0]
    """
    return _of_matrices(Primitive("scale_by_shape", consistent_rms=consistent_rms), weight_dimension_numbers)


@dataclasses.dataclass(frozen=True)
class _Labels:
    """``"muon"`` for what dimension numbers make a matrix, else ``"adam"``."""

    spec: Any

    def __call__(self, params: Any) -> Any:
        leaves, structure = walk.flatten(params)
        found = layouts(self.spec, leaves, structure)
        return walk.unflatten(structure, ["adam" if how is None else "muon" for how in found])


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
    muon_weight_dimension_numbers: Any = None,
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
        muon_weight_dimension_numbers: which parameters are matrices or stacks of them:
            :class:`MuonDimensionNumbers` for all with two axes or more, a tree of them with None for the others, or a
            function that gets the parameters and gives such a tree; None: those with two axes are matrices.
        muon_params: instead the labels ``"muon"`` and ``"adam"``, as :func:`partition` takes them.

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
            weight_dimension_numbers=muon_weight_dimension_numbers,
        ),
        scale_by_shape(weight_dimension_numbers=muon_weight_dimension_numbers, consistent_rms=consistent_rms),
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
    labels = _Labels(kept_spec(muon_weight_dimension_numbers)) if muon_params is None else muon_params
    return partition({"muon": matrices, "adam": rest}, labels)
