"""Making keys: from seeds, from other keys, and from arrays that were keys before."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Sequence
from typing import Any

from unimod import config
from unimod.backends import _registry
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.random._key import Key, not_a_key, single
from unimod.random._options import engine_beside, normalized_shape

_LIMIT = 2**64


def key(seed: int, *, backend: str | None = None, device: str | None = None) -> Key:
    """The key of a seed. The same seed gives the same stream on every engine.

    Args:
        seed: an integer, ``0 <= seed < 2**64``; its upper and lower half are the two words of the key.
        backend: the engine, if not the chosen one.
        device: the device, if not the engine's default.

    Raises:
        DTypeError: the seed is not an integer.
        OptionError: the seed is negative or too large.

    Example:
        >>> import unimod as um
        >>> um.random.key_data(um.random.key(2**32 + 5)).tolist()
        [1, 5]
    """
    high, low = words_of(seed)
    return Key(config.default_engine(backend).random.key(high, low, device))


def words_of(seed: int) -> tuple[int, int]:
    """The two words of a seed, checked."""
    try:
        value = operator.index(seed)
    except TypeError:
        raise DTypeError(
            "A seed is an integer.", got=f"seed = {config.describe_value(seed)}", expected="0 <= seed < 2**64"
        ) from None
    if not 0 <= value < _LIMIT:
        raise OptionError(
            "A seed has 64 bits and no sign.",
            got=f"seed = {value}",
            expected="0 <= seed < 2**64",
            fix="take it modulo 2**64: um.random.key(seed % 2**64)",
        )
    return value >> 32, value & 0xFFFFFFFF


def split(key: Key, num: int | Sequence[int] = 2) -> Key:
    """New keys, independent of each other and of what else is made of ``key``.

    Args:
        key: one key.
        num: how many, or the shape of the array of keys.

    Raises:
        DTypeError: ``key`` is not a key.
        ShapeError: ``key`` is an array of keys, or ``num`` is not a shape.

    Example:
        >>> import unimod as um
        >>> first, second = um.random.split(um.random.key(0))
        >>> um.random.key_data(first).tolist()
        [1797259609, 2579123966]
    """
    engine, data = single("split", key)
    return Key(engine.random.split(data, normalized_shape("split", num)))


def fold_in(key: Key, data: Any) -> Key:
    """A new key that depends on ``key`` and on a number, such as the number of the step.

    Args:
        key: one key.
        data: an integer, or an integer array of shape (); only its lower 32 bits count.

    Raises:
        DTypeError: ``key`` is not a key, or ``data`` is not an integer.
        ShapeError: ``key`` is an array of keys, or ``data`` has axes.

    Example:
        >>> import unimod as um
        >>> um.random.key_data(um.random.fold_in(um.random.key(0), 7)).tolist()
        [2716826189, 292468403]
    """
    engine, words = single("fold_in", key)
    if type(data) is int:
        return Key(engine.random.fold_in(words, data))
    return Key(engine.random.fold_in(words, _folded(words, data)))


def _folded(words: Any, data: Any) -> Any:
    if not config.is_array(data):
        return _index("fold_in", data)
    if tuple(data.shape) != ():
        raise ShapeError(
            "`fold_in` takes one number.",
            got=f"data = {config.describe_value(data)}",
            expected="an integer of shape ()",
            fix="map over the numbers: um.vmap(um.random.fold_in, in_axes=(None, 0))(key, data)",
        )
    if config.dtype_of(data).kind not in ("int", "uint"):
        raise DTypeError("`fold_in` takes an integer.", got=f"data = {config.describe_value(data)}")
    engine = engine_beside(words, data)
    return data if _registry.of_type(type(data)) is engine else int(data)


def _index(name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise DTypeError(f"`{name}` takes an integer.", got=f"data = {value!r}") from None


def key_data(key: Key) -> Any:
    """The words of a key, or of an array of keys: a native array, uint32[..., 2].

    Example:
        >>> import unimod as um
        >>> um.random.key_data(um.random.key(3)).tolist()
        [0, 3]
    """
    if not isinstance(key, Key):
        raise not_a_key("key_data", key)
    return key.data


def wrap_key_data(array: Any) -> Key:
    """The key, or the array of keys, of an array uint32[..., 2], such as that of ``jax.random.key_data``.

    Raises:
        DTypeError: it is not an array of uint32.
        ShapeError: its last axis does not have the length 2.

    Example:
        >>> import unimod as um
        >>> key = um.random.key(3)
        >>> um.random.wrap_key_data(um.random.key_data(key)).shape
        ()
    """
    if not config.is_array(array) or config.dtype_of(array) != "uint32":
        raise DTypeError(
            "Keys are made of an array of uint32.",
            got=f"array = {config.describe_value(array)}",
            expected="array = u32[..., 2]",
        )
    if tuple(array.shape[-1:]) != (2,):
        raise ShapeError(
            "A key has two words.", got=f"array = {config.describe_value(array)}", expected="array = u32[..., 2]"
        )
    return Key(array)


def stable_hash(text: str) -> int:
    """A number of 32 bits that depends on the text alone: not on the process, the machine or the engine.

    ``fold_in(key, stable_hash(path))`` gives each leaf of a model a key of its own.

    Example:
        >>> import unimod as um
        >>> um.random.stable_hash("layers.0.kernel")
        1691274400
    """
    return int.from_bytes(hashlib.blake2s(text.encode(), digest_size=4).digest(), "little")
