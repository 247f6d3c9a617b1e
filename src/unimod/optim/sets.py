"""Optimizers of which optax keeps most apart, and what measures or changes others."""

from unimod.optim.averaged import asgd
from unimod.optim.delayed import acprop, adopt, scale_by_acprop, scale_by_adopt
from unimod.optim.dimension_numbers import GaLoreDimensionNumbers, MuonDimensionNumbers
from unimod.optim.freezing import freeze, selective_transform
from unimod.optim.from_state import value_and_grad_from_state
from unimod.optim.galore import galore, scale_by_galore
from unimod.optim.hyperparams import inject_hyperparams
from unimod.optim.madgrad import madgrad, scale_by_madgrad
from unimod.optim.mechanic import mechanize
from unimod.optim.momo import momo, momo_adam
from unimod.optim.monitoring import measure_with_ema, monitor, snapshot
from unimod.optim.plateau import normalize, reduce_on_plateau
from unimod.optim.relaid import flatten, split_real_and_imaginary
from unimod.optim.sharpness import sam
from unimod.optim.sophia import hutchinson_estimator_diag_hessian, scale_by_sophia, sophia

__all__ = [
    "GaLoreDimensionNumbers",
    "MuonDimensionNumbers",
    "acprop",
    "adopt",
    "asgd",
    "flatten",
    "freeze",
    "galore",
    "hutchinson_estimator_diag_hessian",
    "inject_hyperparams",
    "madgrad",
    "measure_with_ema",
    "mechanize",
    "momo",
    "momo_adam",
    "monitor",
    "normalize",
    "reduce_on_plateau",
    "sam",
    "scale_by_acprop",
    "scale_by_adopt",
    "scale_by_galore",
    "scale_by_madgrad",
    "scale_by_sophia",
    "selective_transform",
    "snapshot",
    "sophia",
    "split_real_and_imaginary",
    "value_and_grad_from_state",
]
