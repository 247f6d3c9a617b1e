"""A learning rate that shrinks where the loss stops falling."""

from __future__ import annotations

from unimod.errors import OptionError
from unimod.optim.transformation import Primitive, Transformation


def reduce_on_plateau(
    *,
    factor: float = 0.1,
    patience: int = 10,
    rtol: float = 1e-4,
    atol: float = 0.0,
    cooldown: int = 0,
    accumulation_size: int = 1,
    min_scale: float = 0.0,
) -> Transformation:
    """Updates times a factor that shrinks where a value stops falling: ``opt.step(params, grads, value=loss)``.

    A value is better than the best one where it is less than ``(1 - rtol) * best - atol``. When ``patience`` values in
    a row have not been, the factor is multiplied by ``factor``.

    State: ``scale`` (in the narrowest dtype of the parameters), ``best_value`` and ``avg_value`` (in the widest),
    ``plateau_count``, ``cooldown_count`` and ``count`` (int32): scalars.

    Args:
        factor: between 0 and 1.
        patience: how many values in a row are waited for.
        rtol: by which part a value has to be less.
        atol: by how much it has to be less.
        cooldown: how many values are not counted after the factor has shrunk.
        accumulation_size: how many values make one, their mean; more than 1 for the losses of batches.
        min_scale: the least factor.

    Raises:
        OptionError: ``factor`` is not between 0 and 1, a tolerance is negative or ``rtol`` above 1, or both are 0.

    Differences: ``torch.optim.lr_scheduler.ReduceLROnPlateau`` waits for one value more than its ``patience``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0])
        >>> opt = um.optim.reduce_on_plateau(factor=0.5, patience=2).init(x)
        >>> for value in (3.0, 3.0, 3.0, 3.0):
        ...     updates, opt = opt.update(x, value=value)
        ...     print(float(updates[0]))
        1.0
        1.0
        0.5
        0.5
    """
    _check(factor, rtol, atol)
    return Primitive(
        "reduce_on_plateau",
        factor=factor,
        patience=patience,
        rtol=rtol,
        atol=atol,
        cooldown=cooldown,
        accumulation_size=accumulation_size,
        min_scale=min_scale,
    )


def _check(factor: float, rtol: float, atol: float) -> None:
    if not 0 < factor < 1:
        raise OptionError(
            "reduce_on_plateau multiplies by a factor between 0 and 1.",
            got=f"factor = {factor!r}",
            expected="0 < factor < 1",
        )
    if not (0 <= rtol <= 1 and atol >= 0) or rtol == atol == 0:
        raise OptionError(
            "reduce_on_plateau needs a tolerance, so that something counts as better.",
            got=f"rtol = {rtol!r}, atol = {atol!r}",
            expected="0 <= rtol <= 1 and atol >= 0, not both 0",
        )


def normalize() -> Transformation:
    """Updates over their norm, all arrays taken together; 0 stays 0. There is no state.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> [round(float(v), 4) for v in um.optim.normalize().init(x).update(x)[0]]
        [0.6, 0.8]

    Differences: optax gives NaN for updates of 0. ``normalize_by_update_norm`` has a factor and an epsilon too.
    """
    return Primitive("normalize")
