"""Which dtype results have, what a dtype is, and what it can hold."""

from __future__ import annotations

import dataclasses
from typing import Any

from unimod.backends._host import limits
from unimod.backends._promotion import WEAK, promote, promote_scalar
from unimod.config import engine_of, is_array
from unimod.dtypes import DType
from unimod.errors import DTypeError, OptionError
from unimod.numpy._options import dtype_name
from unimod.numpy.conversion import dtype_of

# bits of the fraction, and the greatest and smallest exponents of 2
_FLOATS = {
    "float16": (10, 15, -14),
    "bfloat16": (7, 127, -126),
    "float32": (23, 127, -126),
    "float64": (52, 1023, -1022),
}
_PARTS = {"complex64": DType("float32"), "complex128": DType("float64")}
KINDS = {
    "bool": {"bool"},
    "signed integer": {"int"},
    "unsigned integer": {"uint"},
    "integral": {"int", "uint"},
    "real floating": {"float"},
    "complex floating": {"complex"},
    "numeric": {"int", "uint", "float", "complex"},
}
"""The kinds of dtypes that the standard names, and the kinds of :class:`unimod.DType` in each."""


def _dtype(one: Any) -> DType:
    return dtype_of(one) if is_array(one) else DType(dtype_name(one))


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype in which arrays, dtypes and Python scalars meet; a scalar changes the kind, never the width.

    An array without axes counts as any other array.

    Raises:
        DTypeError: float8 meets another dtype.
        OptionError: there are no arguments.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.result_type("int32", "float16"), unp.result_type("float16", 1.0), unp.result_type("int8", 1.0)
        (float16, float16, float32)

    Source: https://data-apis.org/array-api/2024.12/API_specification/type_promotion.html
    Differences: where the standard defines nothing (int32 and float16), JAX's lattice decides.
    """
    if not arrays_and_dtypes:
        raise OptionError("result_type needs an array, a dtype or a number.", got="no arguments")
    found = ""
    for one in arrays_and_dtypes:
        if type(one) not in WEAK:
            name = str(_dtype(one))
            found = promote(found, name) if found else name
    for one in arrays_and_dtypes:
        if type(one) in WEAK:
            found = promote_scalar(found or "bool", type(one))
    return DType(found)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether ``from_``, a dtype or an array, becomes ``to`` where the two meet.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.can_cast("int8", "int32"), unp.can_cast("float32", "int32")
        (True, False)

    Source: https://data-apis.org/array-api/2024.12/API_specification/generated/array_api.can_cast.html
    Differences: it follows :func:`result_type`, so that int32 can be cast to float16, which numpy denies.
    """
    source, target = _dtype(from_), DType(dtype_name(to))
    return source == target or promote(str(source), str(target)) == target


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind, or is another dtype; of a tuple, whether one of them holds.

    The kinds are ``"bool"``, ``"signed integer"``, ``"unsigned integer"``, ``"integral"``, ``"real floating"``,
    ``"complex floating"`` and ``"numeric"``.

    Raises:
        OptionError: nothing is known by the name of the kind.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.isdtype(unp.int8, "integral"), unp.isdtype("float32", ("bool", unp.float64))
        (True, False)
    """
    name = DType(dtype_name(dtype))
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return any(_is_of(name, one) for one in kinds)


def _is_of(name: DType, kind: Any) -> bool:
    if isinstance(kind, str) and kind in KINDS:
        return name.kind in KINDS[kind]
    try:
        return name == DType(dtype_name(kind))
    except DTypeError as error:
        expected = f"a dtype, or one of {', '.join(map(repr, KINDS))}"
        raise OptionError(f"There is no kind of dtypes called {kind!r}.", expected=expected) from error


@dataclasses.dataclass(frozen=True)
class FloatInfo:
    """The limits of a floating-point dtype: ``eps`` is the distance from 1 to the next number.

    ``dtype`` is the dtype object that the engine's arrays have.
    """

    dtype: Any
    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float


@dataclasses.dataclass(frozen=True)
class IntInfo:
    """The limits of an integer dtype; ``dtype`` is the dtype object that the engine's arrays have."""

    dtype: Any
    bits: int
    max: int
    min: int


def finfo(type: Any, /) -> FloatInfo:
    """The limits of a floating-point dtype, or of that of an array; of a complex one, those of its two parts.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.finfo("bfloat16").eps, unp.finfo("float16").max, unp.finfo("complex64").dtype == unp.float32
        (0.0078125, 65504.0, True)
    """
    name = _dtype(type)
    name = _PARTS.get(name, name)
    if name not in _FLOATS:
        known = ", ".join([*_FLOATS, *_PARTS])
        raise DTypeError("finfo is about floating-point dtypes.", got=str(name), expected=f"one of {known}")
    fraction, high, low = _FLOATS[name]
    greatest = (2.0 - 2.0**-fraction) * 2.0**high
    return FloatInfo(_native(type, name), name.bits, 2.0**-fraction, greatest, -greatest, 2.0**low)


def iinfo(type: Any, /) -> IntInfo:
    """The limits of an integer dtype, or of that of an array.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.iinfo("int8").min, unp.iinfo("uint8").max
        (-128, 255)
    """
    name = _dtype(type)
    if name.kind not in ("int", "uint"):
        raise DTypeError("iinfo is about integer dtypes.", got=str(name), expected="an integer dtype")
    low, high = limits(name)
    return IntInfo(_native(type, name), name.bits, high, low)


def _native(like: Any, name: DType) -> Any:
    """The dtype object of that name of the engine of ``like``, else of the chosen one."""
    try:
        return engine_of(like).arrays.full((), 0, name).dtype
    except DTypeError:  # of 64 bits, which the engine does not allow now
        return name
