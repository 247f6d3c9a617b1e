"""Penalties of parameters: functions of a module or of any tree of arrays, and objects with their options."""

from unimod.regularizers._base import Regularizer
from unimod.regularizers._classes import L1, L1L2, L2, Orthogonal
from unimod.regularizers._functions import l1, l1_l2, l2, orthogonal

__all__ = ["L1", "L1L2", "L2", "Orthogonal", "Regularizer", "l1", "l1_l2", "l2", "orthogonal"]
