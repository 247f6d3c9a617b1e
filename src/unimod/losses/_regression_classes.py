"""Losses of real-valued predictions, as objects."""

from __future__ import annotations

from typing import Any

from unimod.losses import _regression
from unimod.losses._base import Loss, On, part, part_of_weight

Array = Any


class MeanSquaredError(Loss):
    """:func:`mean_squared_error` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])
        >>> round(float(um.losses.MeanSquaredError()(preds, target)), 4)
        2.0
    """

    function = staticmethod(_regression.mean_squared_error)


class MeanAbsoluteError(Loss):
    """:func:`mean_absolute_error` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])
        >>> round(float(um.losses.MeanAbsoluteError()(preds, target)), 4)
        1.0
    """

    function = staticmethod(_regression.mean_absolute_error)


class MeanAbsolutePercentageError(Loss):
    """:func:`mean_absolute_percentage_error` with its options.

    Args:
        epsilon: the least size of a target.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])
        >>> round(float(um.losses.MeanAbsolutePercentageError()(preds, target)), 4)
        25.0
    """

    function = staticmethod(_regression.mean_absolute_percentage_error)
    options = ("epsilon",)

    def __init__(
        self,
        *,
        epsilon: float = 1e-7,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.epsilon = epsilon


class MeanSquaredLogarithmicError(Loss):
    """:func:`mean_squared_logarithmic_error` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.0, 1.0]), um.numpy.asarray([0.0, 3.0])
        >>> round(float(um.losses.MeanSquaredLogarithmicError()(preds, target)), 4)
        0.2402
    """

    function = staticmethod(_regression.mean_squared_logarithmic_error)


class Huber(Loss):
    """:func:`huber` with its options.

    Args:
        delta: the residual from which the loss grows linearly.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])
        >>> round(float(um.losses.Huber(delta=0.5)(preds, target)), 4)
        0.4375
    """

    function = staticmethod(_regression.huber)
    options = ("delta",)

    def __init__(
        self,
        *,
        delta: float = 1.0,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.delta = delta


class SmoothL1(Loss):
    """:func:`smooth_l1` with its options: :class:`Huber` over its delta.

    Args:
        beta: the residual from which the loss grows linearly.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 4.0])
        >>> round(float(um.losses.SmoothL1(beta=0.5)(preds, target)), 4)
        0.875
    """

    function = staticmethod(_regression.smooth_l1)
    options = ("beta",)

    def __init__(
        self,
        *,
        beta: float = 1.0,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.beta = beta


class LogCosh(Loss):
    """:func:`log_cosh` with its options.

    Options as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 3.0])
        >>> round(float(um.losses.LogCosh()(preds, target)), 4)
        0.2169
    """

    function = staticmethod(_regression.log_cosh)


class Poisson(Loss):
    """:func:`poisson` with its options.

    Args:
        log_input: whether predictions are logarithms of rates.
        full: whether to add Stirling's approximation.
        epsilon: added to rates before the logarithm.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> preds, target = um.numpy.asarray([0.0, 0.0]), um.numpy.asarray([3.0, 5.0])
        >>> round(float(um.losses.Poisson()(preds, target)), 4)
        1.0
    """

    function = staticmethod(_regression.poisson)
    options = (
        "log_input",
        "full",
        "epsilon",
    )

    def __init__(
        self,
        *,
        log_input: bool = True,
        full: bool = False,
        epsilon: float = 1e-8,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.log_input = log_input
        self.full = full
        self.epsilon = epsilon


class GaussianNLL(Loss):
    """:func:`gaussian_nll` with its options; called with means, targets and variances.

    Args:
        full: whether to add the constant.
        epsilon: the least variance.
        reduction, weight, on, name: as in :class:`Loss`.

    Example:
        >>> import unimod as um
        >>> one = um.numpy.ones((2,))
        >>> float(um.losses.GaussianNLL()(one, one * 3, one))
        2.0
    """

    function = staticmethod(_regression.gaussian_nll)
    options = (
        "full",
        "epsilon",
    )

    def __init__(
        self,
        *,
        full: bool = False,
        epsilon: float = 1e-6,
        reduction: str = "mean",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.full = full
        self.epsilon = epsilon

    def __call__(self, preds: Any, target: Any, var: Any, *, sample_weight: Array | None = None) -> Array:  # type: ignore[override]
        """The loss of means, targets and variances."""
        arrays = (part(x, self.on) for x in (preds, target, var))
        return self._of(*arrays, sample_weight=part_of_weight(sample_weight, self.on))
