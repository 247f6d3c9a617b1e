"""The dtype of a result: JAX's lattice, which is also the Array API's where that defines one.

Python scalars are weak: they change the kind of a result, never its width.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from unimod.dtypes import DType
from unimod.errors import DTypeError

_ORDER = {"bool": 0, "uint": 1, "int": 2, "float": 3, "complex": 4}
_WEAK = {bool: "bool", int: "int32", float: "float32", complex: "complex64"}

WEAK = _WEAK.keys()
"""The Python types that adapt to the arrays beside them; those of engines are among them as soon as they are loaded."""


def add_weak(cls: type, like: type) -> None:
    """Let the numbers of a class of an engine, such as sizes that a trace leaves open, adapt as those of ``like``."""
    _WEAK[cls] = _WEAK[like]


def is_int(x: Any) -> bool:
    """Whether ``x`` is a Python int, or a number that stands for one in a trace."""
    return isinstance(x, int) or _WEAK.get(type(x)) == "int32"


@cache
def promote(first: str, second: str) -> str:
    """The dtype of ``x + y`` for arrays of these dtypes.

    Example:
        >>> from unimod.backends._promotion import promote
        >>> promote("int32", "float16"), promote("float16", "bfloat16"), promote("int8", "uint8")
        ('float16', 'float32', 'int16')
    """
    low, high = sorted((DType(first), DType(second)), key=lambda name: (_ORDER[name.kind], name.bits))
    if low == high or low.kind == "bool":
        return str(high)
    if low.startswith("float8") or high.startswith("float8"):
        raise _no_meeting(low, high)
    if low.kind == high.kind:
        return "float32" if low.bits == high.bits else str(high)
    if low.kind == "uint" and high.kind == "int":
        return _signed(low.bits, high.bits)
    if low == "float64" and high.kind == "complex":
        return "complex128"
    return str(high)


def _no_meeting(low: str, high: str) -> DTypeError:
    return DTypeError(
        "float8 numbers are for storage: they meet no other dtype.",
        got=f"{low} and {high}",
        fix='cast first: astype(x, "float32")',
    )


def _signed(unsigned_bits: int, signed_bits: int) -> str:
    if signed_bits > unsigned_bits:
        return f"int{signed_bits}"
    return f"int{2 * unsigned_bits}" if unsigned_bits < 64 else "float32"


def promote_scalar(name: str, scalar: type) -> str:
    """The dtype of an array of dtype ``name`` after it met a Python scalar of this type.

    Example:
        >>> from unimod.backends._promotion import promote_scalar
        >>> promote_scalar("bfloat16", float), promote_scalar("int8", float), promote_scalar("bool", int)
        ('bfloat16', 'float32', 'int32')
    """
    return _promote_weak(name, _WEAK[scalar])


@cache
def _promote_weak(name: str, scalar: str) -> str:
    dtype, weak = DType(name), DType(scalar)
    if _ORDER[dtype.kind] > _ORDER[weak.kind] or dtype.kind == weak.kind or (weak == "int32" and dtype.kind == "uint"):
        return name
    return "complex128" if weak == "complex64" and name == "float64" else str(weak)


def inexact(name: str) -> str:
    """The dtype in which functions such as ``exp`` work: float32 for bool and integers."""
    return name if _ORDER[DType(name).kind] > 2 else "float32"


def accumulator(name: str) -> str:
    """The dtype of sums and products: int32 for bool and for integers of up to 32 bits."""
    dtype = DType(name)
    return name if _ORDER[dtype.kind] > 2 or dtype.bits == 64 else "int32"


def drops_imaginary(source: str, target: str) -> bool:
    """Whether a cast would lose the imaginary part; to bool it does not, which asks whether a number is 0."""
    return _ORDER[DType(source).kind] == 4 and _ORDER[DType(target).kind] in (1, 2, 3)


def imaginary(target: str) -> DTypeError:
    """The error for a cast that would lose the imaginary part."""
    return DTypeError(
        "A cast would lose the imaginary parts.",
        got=f"complex numbers and the dtype {target}",
        expected="a complex dtype, or bool",
        fix="take the real part first: astype(real(x), dtype)",
    )
