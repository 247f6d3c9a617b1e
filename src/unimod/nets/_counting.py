"""Counting numbers before there are any."""

from __future__ import annotations

import math
from typing import Any

from unimod.core import tree
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.errors import NotInitializedError


def count_parameters(model: Module) -> int:
    """How many trained numbers a model has; of one that was not initialized it is known from the shapes alone.

    A leaf that is shared counts once; what is frozen counts too.

    Args:
        model: any module.

    Raises:
        NotInitializedError: a size is still missing.

    Example:
        >>> import unimod as um
        >>> um.nets.count_parameters(um.nn.Linear(3, 4)), um.nets.count_parameters(um.nn.Linear(3, 4).init(0))
        (16, 16)
    """
    return sum(math.prod(_shape(leaf)) for leaf in tree.leaves(model.filter(Parameter)))


def _shape(leaf: Any) -> tuple[int, ...]:
    if not isinstance(leaf, Initializer):
        return tuple(leaf.shape)
    if leaf.shape is None:
        raise NotInitializedError(
            "The size of a leaf is not known yet, so it cannot be counted.",
            fix="give all sizes when building the model, or call init with example inputs first",
        )
    return leaf.shape
