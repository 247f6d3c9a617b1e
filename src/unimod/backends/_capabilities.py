"""What an engine may be able to do. An engine lists what it has in ``facts.CAPABILITIES``."""

from __future__ import annotations

from typing import Final

GRAD: Final = "grad"
JIT: Final = "jit"
VMAP: Final = "vmap"
FLOAT64: Final = "float64"
BFLOAT16: Final = "bfloat16"
OPTIM: Final = "optim"
UNSIGNED: Final = "unsigned"
"""Arithmetic of uint16, uint32 and uint64; every engine holds and moves such arrays."""
STRICT: Final = "strict"
"""Elementwise functions refuse dtypes for which they are not; other engines are asked before the call."""
STRIDES: Final = "strides"
"""Arrays may lie in memory in any order, as views of others do."""
EAGER: Final = "eager"
"""Operations run as they are; other engines compile each of them for the shapes that it meets."""

ALL: Final = frozenset({GRAD, JIT, VMAP, FLOAT64, BFLOAT16, OPTIM, UNSIGNED, STRICT, STRIDES, EAGER})
