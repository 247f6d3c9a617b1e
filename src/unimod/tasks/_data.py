"""Problems on data that is made, the same on every engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
import unimod.random as random
from unimod import nn
from unimod.losses import cross_entropy
from unimod.tasks._task import Task


def regression(num_examples: int = 256, num_features: int = 4, noise: float = 0.1, seed: int = 0) -> Task:
    """A linear layer that is to find the linear map, with noise, behind the data.

    Args:
        num_examples: how many there are.
        num_features: the size of an input.
        noise: the deviation of the noise.
        seed: of the data.

    Example:
        >>> import unimod as um
        >>> task = um.tasks.get("regression")
        >>> task.loss(task.init(0), task.data).shape == ()
        True
    """
    keys = random.split(random.key(seed), 3)
    x = random.normal(keys[0], (num_examples, num_features))
    y = unp.matmul(x, random.normal(keys[1], (num_features, 1))) + noise * random.normal(keys[2], (num_examples, 1))

    def loss(model: Any, batch: Any) -> Any:
        return unp.mean(unp.square(model(batch[0]) - batch[1]))

    return Task("regression", nn.Linear(num_features, 1).init, loss, (x, y))


def spirals(num_examples: int = 256, noise: float = 0.05, hidden: Sequence[int] = (16, 16), seed: int = 0) -> Task:
    """Two spirals in the plane, to be told apart by a multi-layer perceptron.

    Args:
        num_examples: how many points there are.
        noise: the deviation of their coordinates.
        hidden: the sizes of the hidden layers.
        seed: of the data.

    Example:
        >>> import unimod as um
        >>> task = um.tasks.get("spirals")
        >>> float(task.accuracy(task.init(0), task.data)) <= 1.0
        True
    """
    labels = unp.arange(num_examples, dtype="int32") % 2
    turn = unp.sqrt(random.uniform(random.key(seed), (num_examples,))) * (3 * math.pi)
    angle = turn + math.pi * unp.astype(labels, "float32")
    points = unp.stack([turn * unp.cos(angle), turn * unp.sin(angle)], axis=-1) / (3 * math.pi)
    points = points + noise * random.normal(random.fold_in(random.key(seed), 1), (num_examples, 2))
    return classification("spirals", points, labels, (2, *hidden, 2))


def classification(name: str, x: Any, labels: Any, features: Sequence[int]) -> Task:
    """A task of telling labelled points apart with a multi-layer perceptron."""

    def loss(model: Any, batch: Any) -> Any:
        return cross_entropy(model(batch[0]), batch[1])

    def accuracy(model: Any, batch: Any) -> Any:
        return unp.mean(unp.astype(unp.argmax(model(batch[0]), axis=-1) == batch[1], "float32"))

    return Task(name, nn.MLP(list(features)).init, loss, (x, labels), accuracy=accuracy)
