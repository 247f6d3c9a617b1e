"""The formulas of the transformations, on lists of arrays: what an engine does that has no such transformation itself.

Names, options, formulas and the fields of a state are optax's, so that a state moves between engines.
"""

from unimod.optim._formulas import basic, moments
from unimod.optim._formulas._table import FORMULAS, Formula

__all__ = ["FORMULAS", "Formula", "basic", "moments"]
