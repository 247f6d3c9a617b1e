"""A stream of random keys, as part of a model."""

from __future__ import annotations

from typing import Any

from unimod import random
from unimod.core.initializer import Initializer
from unimod.core.kinds import Rng
from unimod.core.module import Module
from unimod.errors import NotInitializedError


class RngSeq(Module):
    """A stream of keys: each call gives a new one. Its state is an ``Rng`` leaf, the same on every engine.

    It moves on in evaluation mode too, and also where it is frozen. ``KeySeq`` is another name of it.

    Args:
        seed: an int or a key to start from; None: the key is given by ``init``.

    Example:
        >>> import unimod as um
        >>> stream = um.nn.RngSeq(0)
        >>> first, second = stream.next(), stream()
        >>> um.random.key_data(first).tolist() == um.random.key_data(second).tolist()
        False
        >>> stream.next(3).shape
        (3,)
    """

    def __init__(self, seed: Any = None) -> None:
        if seed is not None and not isinstance(seed, random.Key):
            seed = random.key(seed)
        self.key: Any = Rng(Initializer(_itself, (2,), "uint32") if seed is None else seed)

    def next(self, num: int | None = None) -> Any:
        """A new key; with ``num`` an array of so many.

        Raises:
            NotInitializedError: there is no key to start from yet.
        """
        if isinstance(self.key, Initializer):
            raise NotInitializedError(
                "RngSeq has no key to start from.", fix="model = model.init(seed), or build it with a seed: RngSeq(0)"
            )
        keys = random.split(self.key, 2 if num is None else num + 1)
        self.key = keys[0]
        return keys[1] if num is None else keys[1:]

    def __call__(self, num: int | None = None) -> Any:
        """:meth:`next`."""
        return self.next(num)


KeySeq = RngSeq


def _itself(key: Any) -> Any:
    return key
