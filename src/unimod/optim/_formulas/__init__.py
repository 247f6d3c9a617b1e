"""The formulas of the transformations, on lists of arrays: what an engine does that has no such transformation itself.

Names, options, formulas and the fields of a state are optax's, so that a state moves between engines.
"""

from unimod.optim._formulas import adaptive, basic, moments, rectified, signs, torch_definitions
from unimod.optim._formulas import averaging as averaging
from unimod.optim._formulas import clipping as clipping
from unimod.optim._formulas import curvature as curvature
from unimod.optim._formulas import delayed as delayed
from unimod.optim._formulas import distance as distance
from unimod.optim._formulas import dual as dual
from unimod.optim._formulas import factored as factored
from unimod.optim._formulas import free as free
from unimod.optim._formulas import layerwise as layerwise
from unimod.optim._formulas import linesearch as linesearch
from unimod.optim._formulas import matrices as matrices
from unimod.optim._formulas import mending as mending
from unimod.optim._formulas import mixtures as mixtures
from unimod.optim._formulas import momentum_models as momentum_models
from unimod.optim._formulas import noise as noise
from unimod.optim._formulas import plateau as plateau
from unimod.optim._formulas import quasi_newton as quasi_newton
from unimod.optim._formulas._table import FORMULAS, Formula

__all__ = ["FORMULAS", "Formula", "adaptive", "basic", "moments", "rectified", "signs", "torch_definitions"]
