"""Random keys of a run: by path for first values, by path and counter for what is drawn on the way."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
import unimod.random as random
from unimod import config
from unimod.core import init, paths
from unimod.errors import DTypeError, NotInitializedError
from unimod.stateful import _names


class Keys:
    """Where the random keys of a run come from.

    Args:
        root: of first values: an entry gets the key that a module with the same path gives its leaf.
        stream: of draws (default: ``root``).
    """

    def __init__(self, root: random.Key | None, stream: random.Key | None = None) -> None:
        self.root, self.stream = root, root if stream is None else stream
        self.counts: dict[str, int] = {}

    def copy(self) -> Keys:
        """The same, at the same place; it goes on by itself."""
        new = Keys(self.root, self.stream)
        new.counts = dict(self.counts)
        return new

    def first(self, path: str) -> random.Key:
        """The key of the first value of an entry: no other entry has a say in it."""
        return init.key_at(_given(self.root, path), _names.parts(path))

    def next_first(self, path: str) -> random.Key:
        """The next key for the first value of one entry; the first of them is that of :meth:`first`."""
        count = self._count(f"first {path}")
        return self.first(path) if count == 0 else random.fold_in(self.first(path), count)

    def draw(self, path: str) -> random.Key:
        """The next key at a path: no other path has a say in it."""
        text = f"unimod.stateful: drawn at {paths.dotted(_names.parts(path))}"
        key = random.fold_in(_given(self.stream, path), random.stable_hash(text))
        return random.fold_in(key, self._count(path))

    def _count(self, name: str) -> int:
        count = self.counts.get(name, 0)
        self.counts[name] = count + 1
        return count


def _given(key: random.Key | None, path: str) -> random.Key:
    if key is None:
        raise no_seed(path)
    return key


def no_seed(path: str) -> NotInitializedError:
    """The error for a key in a run without a seed."""
    return NotInitializedError(
        "A random key is asked for, and this run got no seed.", where=path, fix="pass seed=0, or seed=key"
    )


def from_seed(seed: Any, backend: str) -> random.Key | None:
    """The key of a seed: an int, an integer array (under ``jit`` an int becomes one), a key or its two words.

    Raises:
        DTypeError: it is something else.
    """
    if seed is None or isinstance(seed, random.Key):
        return seed
    if not config.is_array(seed):
        return random.key(seed, backend=backend)
    dtype, shape = config.dtype_of(seed), tuple(seed.shape)
    if dtype == "uint32" and shape == (2,):
        return random.wrap_key_data(seed)
    if shape or dtype.kind not in ("int", "uint"):
        raise DTypeError(
            "A seed is an integer or a key.",
            got=f"seed = {config.describe_value(seed)}",
            expected="an int, a key, or an integer array of shape ()",
        )
    high = seed >> 32 if dtype in ("int64", "uint64") else unp.zeros_like(seed)
    low = seed & 0xFFFFFFFF if dtype in ("int64", "uint64") else seed
    return random.wrap_key_data(unp.stack([unp.astype(high, "uint32"), unp.astype(low, "uint32")]))
