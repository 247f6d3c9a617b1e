"""Gradient descent with noise."""

from __future__ import annotations

import unimod.random as um_random
from unimod.optim.optimizers import scale_by_learning_rate
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain
from unimod.random import Key
from unimod.random._making import words_of


def add_noise(eta: float, gamma: float, key: int | Key) -> Transformation:
    r"""Normal noise on the gradients, which becomes weaker from step to step.

    .. math:: u = g + \sqrt{\eta / t^\gamma}\, z, \quad z \sim N(0, 1)

    The noise is the same on every engine. State: ``count`` (int32 scalar) and ``rng_key``, the key of the next step.

    Args:
        eta: the variance of the noise in the first step.
        gamma: how fast the variance falls.
        key: the first key, or its seed.

    Source: Neelakantan et al., "Adding Gradient Noise Improves Learning for Very Deep Networks", 2015.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.zeros((2,))
        >>> updates, _ = um.optim.add_noise(1.0, 0.55, key=0).init(x).update(x)
        >>> [round(float(u), 3) for u in updates]
        [0.199, -0.77]
    """
    return Primitive("add_noise", eta=eta, gamma=gamma, key=words(key))


def words(key: int | Key) -> tuple[int, int]:
    """The two words of a key or a seed."""
    if isinstance(key, Key):
        high, low = (int(word) for word in um_random.key_data(key))
        return high, low
    return words_of(key)


def noisy_sgd(learning_rate: Rate, *, eta: float = 0.01, gamma: float = 0.55, key: int | Key) -> Chain:
    """Gradient descent with normal noise on the gradients. The parts: ``add_noise``, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule.
        eta: the variance of the noise in the first step.
        gamma: how fast the variance falls.
        key: the first key, or its seed.

    Source: Neelakantan et al., "Adding Gradient Noise Improves Learning for Very Deep Networks", 2015.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.zeros((2,))
        >>> opt = um.optim.noisy_sgd(0.5, eta=1.0, key=0).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 3) for v in x]
        [-0.099, 0.385]
    """
    return chain(add_noise(eta, gamma, key), scale_by_learning_rate(learning_rate))
