"""A learning rate whose sign comes later."""

from __future__ import annotations

from unimod.optim.scheduled import ScaleByLearningRate


class PositiveRate(ScaleByLearningRate):
    """``learning_rate * updates``."""

    sign = 1
