"""The array namespace: NumPy's functions under the names of the Array API standard, on native arrays of any engine.

A function looks at its arrays and works on their engine; arrays go in and come out as they are, without a wrapper.
Arguments may also be Python numbers and lists, which become arrays of that engine, or of the chosen one.

Example:
    >>> import unimod.numpy as unp
    >>> x = unp.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> unp.sum(unp.square(x), axis=0).tolist()
    [10.0, 20.0]
"""

from unimod.dtypes import (
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from unimod.dtypes import bool_ as bool
from unimod.numpy.arithmetic import (
    abs,
    add,
    divide,
    floor_divide,
    maximum,
    minimum,
    multiply,
    negative,
    positive,
    pow,
    reciprocal,
    remainder,
    square,
    subtract,
)
from unimod.numpy.comparison import (
    allclose,
    equal,
    greater,
    greater_equal,
    isclose,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from unimod.numpy.constants import e, inf, nan, newaxis, pi
from unimod.numpy.creation import (
    arange,
    asarray,
    copy,
    dtype_of,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    to_numpy,
    zeros,
    zeros_like,
)
from unimod.numpy.cumulative import (
    cummax,
    cummin,
    cumprod,
    cumsum,
    cumulative_logsumexp,
    cumulative_prod,
    cumulative_sum,
    diff,
)
from unimod.numpy.data_types import FloatInfo, IntInfo, finfo, iinfo, result_type
from unimod.numpy.exponential import erf, exp, expm1, log, log1p, log2, log10, rsqrt, sqrt
from unimod.numpy.finding import argwhere, flatnonzero, nonzero, searchsorted
from unimod.numpy.joining import concat, meshgrid, pad, repeat, roll, split, stack, tile, unstack
from unimod.numpy.linear_algebra import einsum, matmul, outer, tensordot, vdot, vecdot
from unimod.numpy.manipulation import (
    astype,
    broadcast_arrays,
    broadcast_to,
    expand_dims,
    flip,
    matrix_transpose,
    moveaxis,
    permute_dims,
    ravel,
    reshape,
    squeeze,
    swapaxes,
    tril,
    triu,
)
from unimod.numpy.nan_reductions import (
    nanargmax,
    nanargmin,
    nanmax,
    nanmean,
    nanmedian,
    nanmin,
    nanprod,
    nanstd,
    nansum,
    nanvar,
)
from unimod.numpy.reductions import (
    all,
    any,
    argmax,
    argmin,
    count_nonzero,
    logsumexp,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    var,
)
from unimod.numpy.rounding import ceil, clip, conj, floor, imag, real, round, sign, trunc
from unimod.numpy.searching import one_hot, take, take_along_axis, where
from unimod.numpy.sets import (
    UniqueAll,
    UniqueCounts,
    UniqueInverse,
    intersect1d,
    isin,
    setdiff1d,
    union1d,
    unique,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
)
from unimod.numpy.sorting import argpartition, argsort, lexsort, partition, sort, top_k
from unimod.numpy.statistics import average, median, percentile, ptp, quantile
from unimod.numpy.trigonometry import acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, sin, sinh, tan, tanh

__all__ = [
    "asarray", "zeros", "ones", "empty", "full", "arange", "linspace", "eye", "zeros_like", "ones_like",
    "empty_like", "full_like", "copy", "to_numpy", "dtype_of",
    "astype", "reshape", "ravel", "permute_dims", "matrix_transpose", "swapaxes", "moveaxis", "expand_dims",
    "squeeze", "broadcast_to", "broadcast_arrays", "flip", "tril", "triu",
    "concat", "stack", "unstack", "split", "pad", "roll", "repeat", "tile", "meshgrid",
    "where", "take", "take_along_axis", "one_hot", "sort", "argsort",
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "pow", "maximum", "minimum", "negative",
    "abs", "square", "reciprocal", "positive",
    "sign", "floor", "ceil", "trunc", "round", "conj", "real", "imag", "clip",
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "erf",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or",
    "logical_xor", "logical_not", "isnan", "isinf", "isfinite", "isclose", "allclose",
    "sum", "prod", "mean", "var", "std", "max", "min", "any", "all", "logsumexp", "argmax", "argmin", "cumsum",
    "cumprod", "count_nonzero",
    "cumulative_sum", "cumulative_prod", "cummax", "cummin", "cumulative_logsumexp", "diff",
    "median", "quantile", "percentile", "ptp", "average", "nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax",
    "nanmin", "nanargmax", "nanargmin", "nanmedian",
    "lexsort", "top_k", "partition", "argpartition", "searchsorted", "nonzero", "argwhere", "flatnonzero",
    "unique_all", "unique_counts", "unique_inverse", "unique_values", "unique", "isin", "union1d", "intersect1d",
    "setdiff1d", "UniqueAll", "UniqueCounts", "UniqueInverse",
    "matmul", "einsum", "tensordot", "vecdot", "vdot", "outer",
    "result_type", "FloatInfo", "IntInfo", "finfo", "iinfo",
    "e", "inf", "nan", "newaxis", "pi",
    "bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
    "float32", "float64", "complex64", "complex128",
]  # fmt: skip
