"""Names of dtypes that mean the same on every engine.

A :class:`DType` is its name (a ``str``) and knows its kind and size, so that it can be handed to numpy and JAX as
it is, mapped to a torch dtype by the torch backend, and compared with a plain string and with the dtype objects of
every framework: ``x.dtype == um.float32`` holds for an array of any engine.

Example:
    >>> import numpy as np
    >>> import unimod as um
    >>> um.float32, um.float32.itemsize, um.bfloat16.short
    (float32, 4, 'bf16')
    >>> um.numpy.zeros(2).dtype == um.float32, np.dtype("int8") == um.int8, um.bool_ == np.bool_
    (True, True, True)
"""

from __future__ import annotations

import functools
from typing import Final

_SHORT = {"bool": "bool", "float": "f", "bfloat": "bf", "int": "i", "uint": "u", "complex": "c"}


class DType(str):
    """The name of a dtype, with its kind (``bool int uint float complex``) and its size in bytes."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other if isinstance(other, str) else _name(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    @property
    def kind(self) -> str:
        """``bool``, ``int``, ``uint``, ``float`` or ``complex``."""
        return _kind(self)

    @property
    def bits(self) -> int:
        """Bits of one element (8 for bool)."""
        if self == "bool":
            return 8
        if self.startswith("float8"):
            return 8
        return int(self.lstrip("abcdefghijklmnopqrstuvwxyz"))

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.bits // 8

    @property
    def short(self) -> str:
        """The short name that reprs and errors use, such as ``f32``."""
        if self == "bool" or self.startswith("float8"):
            return self.replace("float8", "f8")
        return f"{_SHORT[self.rstrip('0123456789')]}{self.bits}"

    def __repr__(self) -> str:
        return str(self)


@functools.cache
def _kind(name: str) -> str:
    base = name.rstrip("0123456789").split("_")[0]
    return "float" if base in ("bfloat", "float8") or base.startswith("float") else base


def _name(other: object) -> str:
    """The name of a framework's dtype; of anything else a text that is no dtype's name."""
    text = getattr(other, "name", None) or getattr(other, "__name__", None) or str(other)
    return str(text).removeprefix("torch.").removesuffix("_")


bool_: Final = DType("bool")
int8: Final = DType("int8")
int16: Final = DType("int16")
int32: Final = DType("int32")
int64: Final = DType("int64")
uint8: Final = DType("uint8")
uint16: Final = DType("uint16")
uint32: Final = DType("uint32")
uint64: Final = DType("uint64")
float16: Final = DType("float16")
bfloat16: Final = DType("bfloat16")
float32: Final = DType("float32")
float64: Final = DType("float64")
complex64: Final = DType("complex64")
complex128: Final = DType("complex128")

ALL: Final = (
    bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip
_INEXACT: Final = frozenset(name for name in ALL if name.kind in ("float", "complex"))


def is_inexact(name: str) -> bool:
    """Whether values of this dtype can be differentiated (real or complex floating point)."""
    return name in _INEXACT or DType(name).kind in ("float", "complex")


def describe(shape: tuple[int, ...], name: str) -> str:
    """The text ``f32[2, 5]`` for a shape and a dtype name."""
    return f"{DType(name).short}[{', '.join(map(str, shape))}]"
