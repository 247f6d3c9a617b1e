"""The penalties as objects."""

from __future__ import annotations

from unimod.core.filters import Filter
from unimod.regularizers import _functions
from unimod.regularizers._base import Regularizer


class L1(Regularizer):
    """:func:`l1` with its options.

    Args:
        rate: the factor.
        filters: which leaves, as in :class:`Regularizer`.
        name: what logs call it.

    Example:
        >>> import unimod as um
        >>> float(um.regularizers.L1(0.5)(um.numpy.asarray([1.0, -3.0])))
        2.0
    """

    function = staticmethod(_functions.l1)
    options = ("rate",)

    def __init__(self, rate: float = 0.01, *, filters: tuple[Filter, ...] = (), name: str | None = None) -> None:
        super().__init__(filters, name=name)
        self.rate = rate


class L2(Regularizer):
    """:func:`l2` with its options, which are those of :class:`L1`.

    Example:
        >>> import unimod as um
        >>> model = um.nn.Linear(2, 3).init(0)
        >>> um.regularizers.L2(0.5, filters=("kernel",))(parameters=model).shape == ()
        True
    """

    function = staticmethod(_functions.l2)
    options = ("rate",)

    def __init__(self, rate: float = 0.01, *, filters: tuple[Filter, ...] = (), name: str | None = None) -> None:
        super().__init__(filters, name=name)
        self.rate = rate


class L1L2(Regularizer):
    """:func:`l1_l2` with its options.

    Args:
        l1_rate: the factor of the absolute values.
        l2_rate: the factor of the squares.
        filters: which leaves, as in :class:`Regularizer`.
        name: what logs call it.

    Example:
        >>> import unimod as um
        >>> float(um.regularizers.L1L2(1.0, 0.5)(um.numpy.asarray([1.0, -3.0])))
        9.0
    """

    function = staticmethod(_functions.l1_l2)
    options = ("l1_rate", "l2_rate")

    def __init__(
        self,
        l1_rate: float = 0.01,
        l2_rate: float = 0.01,
        *,
        filters: tuple[Filter, ...] = (),
        name: str | None = None,
    ) -> None:
        super().__init__(filters, name=name)
        self.l1_rate, self.l2_rate = l1_rate, l2_rate


class Orthogonal(Regularizer):
    """:func:`orthogonal` with its options.

    Args:
        rate: the factor.
        mode: ``"columns"`` or ``"rows"``.
        filters: which leaves, as in :class:`Regularizer`.
        name: what logs call it.

    Example:
        >>> import unimod as um
        >>> float(um.regularizers.Orthogonal(1.0)(um.numpy.ones((1, 2))))
        2.0
    """

    function = staticmethod(_functions.orthogonal)
    options = ("rate", "mode")

    def __init__(
        self,
        rate: float = 0.01,
        *,
        mode: str = "columns",
        filters: tuple[Filter, ...] = (),
        name: str | None = None,
    ) -> None:
        super().__init__(filters, name=name)
        self.rate, self.mode = rate, mode
