"""The array namespace: NumPy's functions under the names of the Array API standard, on native arrays of any engine.

A function looks at its arrays and works on their engine; arrays go in and come out as they are, without a wrapper.
Arguments may also be Python numbers and lists, which become arrays of that engine, or of the chosen one.

Example:
    >>> import unimod.numpy as unp
    >>> x = unp.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> unp.sum(unp.square(x), axis=0).tolist()
    [10.0, 20.0]
"""

from typing import TYPE_CHECKING

from unimod._lazy import attach
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
from unimod.numpy import _composed as _composed  # completes the engines, as _defaults does
from unimod.numpy import _defaults as _defaults
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
from unimod.numpy.axes import (
    flip,
    fliplr,
    flipud,
    matrix_transpose,
    moveaxis,
    permute_dims,
    roll,
    rot90,
    swapaxes,
)
from unimod.numpy.bitwise import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
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
    isneginf,
    isposinf,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
    signbit,
)
from unimod.numpy.constants import e, inf, nan, newaxis, pi
from unimod.numpy.conversion import asarray, copy, dtype_of, from_dlpack, to_device, to_numpy
from unimod.numpy.covariance import corrcoef, cov
from unimod.numpy.creation import (
    empty,
    empty_like,
    eye,
    full,
    full_like,
    identity,
    ones,
    ones_like,
    tri,
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
from unimod.numpy.data_types import FloatInfo, IntInfo, can_cast, finfo, iinfo, isdtype, result_type
from unimod.numpy.dynamic import dynamic_index, dynamic_slice, dynamic_update_slice
from unimod.numpy.exponential import (
    cbrt,
    exp,
    exp2,
    expm1,
    hypot,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    rsqrt,
    sqrt,
)
from unimod.numpy.finding import argwhere, flatnonzero, nonzero, searchsorted
from unimod.numpy.floating import copysign, fmax, fmin, fmod, heaviside, nextafter
from unimod.numpy.gathering import one_hot, put_along_axis, scatter, take, take_along_axis
from unimod.numpy.grids import diag_indices, fromfunction, indices, meshgrid, tril_indices, triu_indices
from unimod.numpy.histograms import bincount, digitize, histogram, histogram_bin_edges
from unimod.numpy.indexing import at, getitem
from unimod.numpy.inspection import NamespaceInfo
from unimod.numpy.inspection import __array_namespace_info__ as __array_namespace_info__
from unimod.numpy.interpolation import interp
from unimod.numpy.joining import (
    array_split,
    concat,
    dstack,
    hstack,
    split,
    stack,
    unstack,
    vstack,
)
from unimod.numpy.linear_algebra import (
    cross,
    diag,
    diagonal,
    einsum,
    inner,
    kron,
    matmul,
    outer,
    tensordot,
    trace,
    vdot,
    vecdot,
)
from unimod.numpy.manipulation import (
    astype,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_arrays,
    broadcast_shapes,
    broadcast_to,
    expand_dims,
    ndim,
    ravel,
    reshape,
    shape,
    size,
    squeeze,
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
from unimod.numpy.numerical import gradient, nan_to_num, trapezoid, unwrap
from unimod.numpy.padding import pad
from unimod.numpy.polynomials import convolve, correlate, polyval, vander
from unimod.numpy.ranges import arange, geomspace, linspace, logspace
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
from unimod.numpy.repeating import repeat, tile
from unimod.numpy.rounding import (
    angle,
    ceil,
    clip,
    conj,
    floor,
    imag,
    iscomplex,
    isreal,
    real,
    round,
    sign,
    trunc,
)
from unimod.numpy.searching import where
from unimod.numpy.segments import segment_max, segment_mean, segment_min, segment_prod, segment_sum
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
from unimod.numpy.special import digamma, entr, erf, erfc, erfinv, expit, lgamma, logit, sinc, xlog1py, xlogy
from unimod.numpy.statistics import average, median, percentile, ptp, quantile
from unimod.numpy.triangles import tril, triu
from unimod.numpy.trigonometry import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    deg2rad,
    rad2deg,
    sin,
    sinh,
    tan,
    tanh,
)

__array_api_version__ = "2024.12"

if TYPE_CHECKING:
    from unimod.numpy import fft, linalg

# The extensions are imported when they are first asked for.
__getattr__, __dir__ = attach(__name__, {"numpy.fft": "", "numpy.linalg": ""})

__all__ = [
    "asarray", "from_dlpack", "to_device", "copy", "to_numpy", "dtype_of", "zeros", "ones", "empty", "full", "eye",
    "identity", "tri", "zeros_like", "ones_like", "empty_like", "full_like", "arange", "linspace", "logspace",
    "geomspace", "meshgrid", "indices", "fromfunction", "tril_indices", "triu_indices", "diag_indices",
    "astype", "reshape", "ravel", "expand_dims", "squeeze", "broadcast_to", "broadcast_arrays", "broadcast_shapes",
    "atleast_1d", "atleast_2d", "atleast_3d", "ndim", "shape", "size", "permute_dims", "matrix_transpose", "swapaxes",
    "moveaxis", "flip", "fliplr", "flipud", "rot90", "roll", "tril", "triu",
    "concat", "stack", "hstack", "vstack", "dstack", "unstack", "split", "array_split", "pad", "repeat", "tile",
    "where", "take", "take_along_axis", "one_hot", "sort", "argsort",
    "at", "getitem", "scatter", "put_along_axis", "dynamic_slice", "dynamic_update_slice", "dynamic_index",
    "segment_sum", "segment_prod", "segment_mean", "segment_max", "segment_min",
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
    "matmul", "einsum", "tensordot", "vecdot", "vdot", "outer", "inner", "kron", "cross", "diag", "diagonal", "trace",
    "linalg",
    "fft",
    "convolve", "correlate", "polyval", "vander", "interp", "trapezoid", "gradient", "nan_to_num", "unwrap",
    "bincount", "digitize", "histogram", "histogram_bin_edges", "cov", "corrcoef",
    "result_type", "can_cast", "isdtype", "NamespaceInfo", "FloatInfo", "IntInfo", "finfo", "iinfo",
    "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert", "bitwise_left_shift", "bitwise_right_shift",
    "copysign", "nextafter", "signbit", "fmod", "fmax", "fmin", "heaviside", "isposinf", "isneginf",
    "isreal", "iscomplex", "angle", "exp2", "cbrt", "hypot", "logaddexp", "logaddexp2", "deg2rad", "rad2deg",
    "erfc", "erfinv", "lgamma", "digamma", "logit", "expit", "xlogy", "xlog1py", "entr", "sinc",
    "e", "inf", "nan", "newaxis", "pi",
    "bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
    "float32", "float64", "complex64", "complex128",
]  # fmt: skip
