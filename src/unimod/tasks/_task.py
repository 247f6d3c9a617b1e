"""What a task is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import unimod.random as random

Batch = Any


@dataclasses.dataclass(frozen=True)
class Task:
    """A problem: where to start, what to minimise, and on what.

    Attributes:
        name: what it is called.
        init: function of a seed or key that gives the first parameters: a tree of arrays, or a model.
        loss: function ``(params, batch) -> scalar``.
        data: everything there is to learn from, a tuple of arrays of one length; None where the loss needs none.
        minimum: the least value of the loss, where it is known.
        accuracy: function ``(params, batch) -> scalar`` for classification, else None.
    """

    name: str
    init: Callable[[Any], Any]
    loss: Callable[[Any, Batch], Any]
    data: tuple[Any, ...] | None = None
    minimum: float | None = None
    accuracy: Callable[[Any, Batch], Any] | None = None

    def batches(self, size: int, *, seed: int = 0, epochs: int = 1) -> Iterator[Batch]:
        """Batches of the data in random order; what is left at the end of an epoch is dropped.

        Args:
            size: examples in a batch.
            seed: of the order.
            epochs: how often to go through the data.

        Example:
            >>> import unimod as um
            >>> task = um.tasks.get("regression", num_examples=100)
            >>> [tuple(x.shape) for x, y in task.batches(40)]
            [(40, 4), (40, 4)]
        """
        for epoch in range(epochs if self.data is not None else 0):
            yield from self._epoch(size, random.fold_in(random.key(seed), epoch))

    def _epoch(self, size: int, key: Any) -> Iterator[Batch]:
        assert self.data is not None
        order = random.permutation(key, len(self.data[0]))
        for start in range(0, len(self.data[0]) - size + 1, size):
            chosen = order[start : start + size]
            yield tuple(array[chosen] for array in self.data)
