"""Optimizers and the transformations that they are made of: one specification, an execution on each engine."""

from unimod.optim.apply import apply_gradients
from unimod.optim.optimizers import (
    adam,
    adamw,
    add_decayed_weights,
    momentum,
    scale,
    scale_by_adam,
    scale_by_learning_rate,
    sgd,
    trace,
)
from unimod.optim.transformation import Chain, Primitive, ScaleByLearningRate, Transformation, chain

__all__ = [
    "Chain",
    "Primitive",
    "ScaleByLearningRate",
    "Transformation",
    "adam",
    "adamw",
    "add_decayed_weights",
    "apply_gradients",
    "chain",
    "momentum",
    "scale",
    "scale_by_adam",
    "scale_by_learning_rate",
    "sgd",
    "trace",
]
