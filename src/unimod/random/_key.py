"""The key of a random stream: an opaque object that holds two words of 32 bits, or an array of such pairs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, ClassVar

from unimod import config
from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.errors import DTypeError, ShapeError


class Key:
    """A random key, or an array of keys.

    Keys are made by :func:`unimod.random.key` and :func:`unimod.random.split`, never changed, and used once. There is
    no arithmetic on them. A key is a pytree node with one leaf, its ``data``; tree functions may put anything there.

    Args:
        data: a native array, uint32[..., 2].

    Example:
        >>> import unimod as um
        >>> keys = um.random.split(um.random.key(0), 3)
        >>> keys.shape, len(keys), keys[0].shape
        ((3,), 3, ())
    """

    __slots__ = ("data",)
    impl: ClassVar[str] = "threefry2x32"
    data: Any

    def __init__(self, data: Any) -> None:
        object.__setattr__(self, "data", data)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a Key cannot be changed; make a new one by split or fold_in")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Key cannot be changed")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array of keys; () for one key."""
        return tuple(self.data.shape[:-1])

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError(
                "A single key has no length.",
                got=f"key = {self!r}",
                expected="an array of keys",
                fix="make several keys by um.random.split(key, num)",
            )
        return self.shape[0]

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Key]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Key:
        parts = index if isinstance(index, tuple) else (index,)
        is_open = any(part is Ellipsis for part in parts)
        if sum(part is not None and part is not Ellipsis for part in parts) > len(self.shape):
            raise ShapeError(
                "Too many indices for an array of keys.",
                got=f"{len(parts)} indices for {self!r}",
                expected=f"at most {len(self.shape)}",
            )
        # The words of a key stay together.
        return Key(self.data[(*parts, slice(None)) if is_open else (*parts, Ellipsis, slice(None))])

    def __repr__(self) -> str:
        engine = _registry.of_type(type(self.data))
        if engine is None:
            return f"Key({self.data!r})"
        shape = f"[{', '.join(map(str, self.shape))}]" if self.shape else ""
        return f"Key{shape} on {engine.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        engine = _registry.of_type(type(self.data))
        if engine is None:
            return (Key, (self.data,))
        return (_rebuild, (engine.name, engine.arrays.to_numpy(self.data)))

    def __copy__(self) -> Key:
        return Key(self.data)

    def __deepcopy__(self, memo: dict[int, Any]) -> Key:
        engine = _registry.of_type(type(self.data))
        return Key(copy.deepcopy(self.data, memo) if engine is None else engine.arrays.copy(self.data))


def _rebuild(backend: str, words: Any) -> Key:
    return Key(_registry.load(backend).arrays.asarray(words, "uint32"))


def single(name: str, key: Key) -> tuple[Engine, Any]:
    """The engine and the data of the one key that the function ``name`` was given.

    Raises:
        DTypeError: it is not a key.
        ShapeError: it is an array of keys.
    """
    engine = _registry.of_type(type(key.data)) if isinstance(key, Key) else None
    if engine is None:
        raise not_a_key(name, key)
    if len(key.data.shape) != 1:
        raise ShapeError(
            f"`{name}` takes one key, but got an array of keys.",
            got=f"key = {key!r}",
            expected="a key of shape ()",
            fix=f"take one, keys[0], or map over them: um.vmap(lambda key: um.random.{name}(key, ...))(keys)",
        )
    return engine, key.data


def not_a_key(name: str, value: Any) -> DTypeError:
    """The error for something that was passed in place of a key."""
    fix = "make a key from a seed: um.random.key(0)"
    if isinstance(value, int):
        fix = f"make a key from the seed: um.random.key({value})"
    elif config.is_array(value):
        fix = "um.random.wrap_key_data(array) makes keys of uint32[..., 2]; um.random.key(seed) makes one from a seed"
    return DTypeError(
        f"`{name}` needs a key.",
        got=f"key = {config.describe_value(value)}",
        expected="a Key, as um.random.key makes it",
        fix=fix,
    )
