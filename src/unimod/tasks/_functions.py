"""Functions with known minima."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
import unimod.random as random
from unimod.tasks._task import Task


def quadratic(size: int = 10, condition: float = 10.0) -> Task:
    """``0.5 * sum(c * x**2)`` with curvatures ``c`` from 1 to ``condition``, from a standard normal start.

    Args:
        size: the number of parameters.
        condition: the largest curvature.

    Example:
        >>> import unimod as um
        >>> task = um.tasks.get("quadratic", size=2)
        >>> float(task.loss(um.numpy.asarray([1.0, 1.0]), None))
        5.5
    """

    def loss(x: Any, batch: Any) -> Any:
        curvatures = unp.astype(unp.linspace(1.0, condition, size), "float32")
        return 0.5 * unp.sum(curvatures * unp.square(x))

    return Task("quadratic", lambda seed: random.normal(_key(seed), (size,)), loss, minimum=0.0)


def rosenbrock() -> Task:
    """``(1 - x)**2 + 100 * (y - x**2)**2``, a curved valley with its minimum at (1, 1), from (-1.2, 1).

    Example:
        >>> import unimod as um
        >>> task = um.tasks.get("rosenbrock")
        >>> [float(v) for v in um.grad(task.loss)(um.numpy.asarray([1.0, 1.0]), None)]
        [0.0, 0.0]

    Source: Rosenbrock, "An automatic method for finding the greatest or least value of a function", 1960.
    """

    def loss(x: Any, batch: Any) -> Any:
        return unp.square(1.0 - x[0]) + 100.0 * unp.square(x[1] - unp.square(x[0]))

    return Task("rosenbrock", lambda seed: unp.asarray([-1.2, 1.0], dtype="float32"), loss, minimum=0.0)


def _key(seed: Any) -> Any:
    return seed if isinstance(seed, random.Key) else random.key(seed)
