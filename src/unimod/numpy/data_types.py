"""Which dtype results have, and what a dtype can hold."""

from __future__ import annotations

import dataclasses
from typing import Any

from unimod.backends._promotion import WEAK, promote, promote_scalar
from unimod.config import is_array
from unimod.dtypes import DType
from unimod.errors import DTypeError
from unimod.numpy._options import dtype_name
from unimod.numpy.creation import dtype_of

# bits of the fraction, and the greatest and smallest exponents of 2
_FLOATS = {
    "float16": (10, 15, -14),
    "bfloat16": (7, 127, -126),
    "float32": (23, 127, -126),
    "float64": (52, 1023, -1022),
}


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype in which arrays, dtypes and Python scalars meet; a scalar changes the kind, never the width.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.result_type("int32", "float16"), unp.result_type("float16", 1.0), unp.result_type("int8", 1.0)
        (float16, float16, float32)
    """
    found = ""
    for one in arrays_and_dtypes:
        if type(one) not in WEAK:
            name = str(dtype_of(one)) if is_array(one) else dtype_name(one)
            found = promote(found, name) if found else name
    for one in arrays_and_dtypes:
        if type(one) in WEAK:
            found = promote_scalar(found or "bool", type(one))
    return DType(found)


@dataclasses.dataclass(frozen=True)
class FloatInfo:
    """The limits of a floating-point dtype: ``eps`` is the distance from 1 to the next number."""

    dtype: DType
    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float


@dataclasses.dataclass(frozen=True)
class IntInfo:
    """The limits of an integer dtype."""

    dtype: DType
    bits: int
    max: int
    min: int


def finfo(dtype: Any, /) -> FloatInfo:
    """The limits of a floating-point dtype, or of that of an array.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.finfo("bfloat16").eps, unp.finfo("float16").max
        (0.0078125, 65504.0)
    """
    name = dtype_of(dtype) if is_array(dtype) else DType(dtype_name(dtype))
    if name not in _FLOATS:
        raise DTypeError(
            "finfo is about floating-point dtypes.", got=str(name), expected=f"one of {', '.join(_FLOATS)}"
        )
    fraction, high, low = _FLOATS[name]
    greatest = (2.0 - 2.0**-fraction) * 2.0**high
    return FloatInfo(name, name.bits, 2.0**-fraction, greatest, -greatest, 2.0**low)


def iinfo(dtype: Any, /) -> IntInfo:
    """The limits of an integer dtype, or of that of an array.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.iinfo("int8").min, unp.iinfo("uint8").max
        (-128, 255)
    """
    name = dtype_of(dtype) if is_array(dtype) else DType(dtype_name(dtype))
    if name.kind not in ("int", "uint"):
        raise DTypeError("iinfo is about integer dtypes.", got=str(name), expected="an integer dtype")
    if name.kind == "uint":
        return IntInfo(name, name.bits, 2**name.bits - 1, 0)
    return IntInfo(name, name.bits, 2 ** (name.bits - 1) - 1, -(2 ** (name.bits - 1)))
