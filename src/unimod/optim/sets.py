"""Optimizers of which optax keeps most apart, and what measures or changes others."""

from unimod.optim.delayed import acprop, adopt, scale_by_acprop, scale_by_adopt
from unimod.optim.madgrad import madgrad, scale_by_madgrad
from unimod.optim.momo import momo, momo_adam
from unimod.optim.plateau import normalize, reduce_on_plateau

__all__ = [
    "acprop",
    "adopt",
    "madgrad",
    "momo",
    "momo_adam",
    "normalize",
    "reduce_on_plateau",
    "scale_by_acprop",
    "scale_by_adopt",
    "scale_by_madgrad",
]
