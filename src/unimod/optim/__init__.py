"""Optimizers and the transformations that they are made of: one specification, an execution on each engine."""

from unimod.optim import combining, further, optimizers, schedules, sets
from unimod.optim.combining import *  # noqa: F403 (their names stand in its own list)
from unimod.optim.further import *  # noqa: F403 (their names stand in its own list)
from unimod.optim.optimizers import *  # noqa: F403 (their names stand in its own list)
from unimod.optim.schedules import *  # noqa: F403 (their names stand in its own list)
from unimod.optim.sets import *  # noqa: F403 (their names stand in its own list)
from unimod.optim.transformation import Primitive, ScaleByLearningRate, Transformation

__all__ = ["Primitive", "ScaleByLearningRate", "Transformation", "schedules"]
__all__ += combining.__all__
__all__ += further.__all__
__all__ += optimizers.__all__
__all__ += schedules.__all__
__all__ += sets.__all__
