"""The array namespace against plain NumPy in float64: values, shapes, dtypes, native results, traces and batches."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import unimod.numpy as unp
from unimod.backends import _registry

pytestmark = pytest.mark.thin(2)

RNG = np.random.default_rng(20240607)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


X = floats(3, 4)
Y = floats(3, 4)
POSITIVE = np.exp(floats(3, 4)).astype(np.float32)
UNIT = np.tanh(floats(3, 4)).astype(np.float32)
BIG = floats(5, 300) + 100
TIES = RNG.integers(0, 5, size=(3, 40)).astype(np.float32)
INTS = RNG.integers(-9, 9, size=(3, 4)).astype(np.int32)
DIVISORS = np.array([[1, -2, 3, 5]], np.int32)
BOOLS = RNG.integers(0, 2, size=(3, 4)).astype(np.bool_)
OTHERS = BOOLS[::-1].copy()
SPECIAL = np.array([[0.0, -0.0, 1.5, np.nan], [np.inf, -np.inf, -2.0, 3.0]], np.float32)
MATRIX = floats(4, 5)
BATCH = floats(2, 3, 4)
SMALL = np.array([200, 100, 7, 255], np.uint8)


@dataclasses.dataclass(frozen=True)
class Row:
    """One call: its name in the namespace, plain NumPy's answer, and how far from it the result may be.

    ``ulp`` counts float32 units in the last place of the largest element: 0 for what is exact, 1 for arithmetic that is
    rounded once, 4 for the engines' own polynomials, and as many as there are roundings for what adds up.
    """

    name: str
    reference: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    dtype: str | None = None
    ulp: float = 0
    id: str = ""

    def __str__(self) -> str:
        return f"{self.name}{self.id and '-' + self.id}"


def row(name: str, reference: Callable[..., Any], *args: Any, **settings: Any) -> Row:
    extra = {key: settings.pop(key) for key in ("dtype", "ulp", "id") if key in settings}
    return Row(name, reference, args, settings, **extra)


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf)(x)


def logsumexp(x: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def one_hot(indices: np.ndarray, n: int) -> np.ndarray:
    return np.array([[float(i == c) for c in range(n)] for i in indices])


ELEMENTWISE = [
    row("add", np.add, X, Y, ulp=1),
    row("add", np.add, X, Y[0], ulp=1, id="broadcast"),
    row("add", np.add, X, 0.5, ulp=1, id="scalar"),
    row("add", np.add, INTS, 0.5, ulp=1, dtype="float32", id="int-and-float"),
    row("add", np.logical_or, BOOLS, OTHERS, id="bool"),
    row("subtract", np.subtract, X, Y, ulp=1),
    row("subtract", np.subtract, 1.0, X, ulp=1, id="from-scalar"),
    row("subtract", lambda x, y: x.astype(int) - y, BOOLS, OTHERS, dtype="int32", id="bool"),
    row("multiply", np.multiply, X, Y, ulp=1),
    row("multiply", np.multiply, 3, INTS, dtype="int32", id="scalar-first"),
    row("divide", np.divide, X, POSITIVE, ulp=1),
    row("divide", np.divide, INTS, DIVISORS, ulp=1, dtype="float32", id="int"),
    row("divide", np.divide, 1.0, POSITIVE, ulp=1, id="scalar-first"),
    row("floor_divide", np.floor_divide, INTS, DIVISORS, dtype="int32"),
    row("floor_divide", np.floor_divide, 10 * X, 0.75, id="float"),
    row("remainder", np.remainder, INTS, DIVISORS, dtype="int32"),
    row("remainder", np.remainder, X, 0.75, ulp=4, id="float"),
    row("pow", np.power, POSITIVE, X, ulp=8),
    row("pow", np.power, X, 3, ulp=4, id="cube"),
    row("pow", np.power, X, 0.0, id="zero"),
    row("pow", np.power, 2.0, X, ulp=8, id="scalar-first"),
    row("maximum", np.maximum, X, Y),
    row("maximum", np.maximum, SPECIAL, 0.0, id="nan"),
    row("minimum", np.minimum, X, Y),
    row("minimum", np.minimum, 0.0, X, id="scalar-first"),
    row("negative", np.negative, X),
    row("negative", lambda x: -x.astype(int), BOOLS, dtype="int32", id="bool"),
    row("abs", np.abs, SPECIAL),
    row("abs", np.abs, INTS, dtype="int32", id="int"),
    row("sign", np.sign, SPECIAL),
    row("sign", np.sign, INTS, dtype="int32", id="int"),
    row("square", np.square, X, ulp=1),
    row("reciprocal", lambda x: 1 / x, POSITIVE, ulp=1),
    row("positive", np.positive, X),
    row("clip", lambda x, a, b: np.clip(x, a, b), X, -0.5, 0.5),
    row("clip", lambda x, a: np.maximum(x, a), INTS, 0, dtype="int32", id="one-sided"),
    row("clip", np.clip, SPECIAL, -1.0, 2.0, id="nan"),
    *(row(name, getattr(np, name), 3 * X) for name in ("floor", "ceil", "trunc", "round")),
    *(row(name, getattr(np, name), INTS, dtype="int32", id="int") for name in ("floor", "ceil", "trunc", "round")),
    row("round", np.round, np.array([0.5, 1.5, 2.5, -0.5], np.float32), id="half"),
    row("conj", np.conj, X),
    row("real", np.real, X),
    row("imag", np.imag, X),
    *(row(name, getattr(np, name), X, ulp=4) for name in ("exp", "expm1", "sin", "cos", "sinh", "cosh", "tanh")),
    row("tan", np.tan, X, ulp=16),
    *(row(name, getattr(np, name), POSITIVE, ulp=4) for name in ("log", "log1p", "log2", "log10", "sqrt")),
    *(row(name, getattr(np, "arc" + name[1:]), UNIT, ulp=4) for name in ("asin", "acos", "atan", "atanh")),
    row("asinh", np.arcsinh, X, ulp=4),
    row("acosh", np.arccosh, POSITIVE + 1, ulp=4),
    row("atan2", np.arctan2, X, Y, ulp=4),
    row("atan2", np.arctan2, np.float32([0, -0.0, 0, 0]), np.float32([1, 1, -1, 0]), ulp=1, id="axes"),
    row("rsqrt", lambda x: 1 / np.sqrt(x), POSITIVE, ulp=2),
    row("erf", erf, X, ulp=4),
    row("exp", np.exp, INTS, ulp=4, dtype="float32", id="int"),
    *(row(name, getattr(np, name), INTS, INTS[::-1].copy()) for name in ("equal", "not_equal", "less", "less_equal")),
    *(row(name, getattr(np, name), X, 0.0) for name in ("greater", "greater_equal")),
    *(row("logical_" + name, getattr(np, "logical_" + name), BOOLS, OTHERS) for name in ("and", "or", "xor")),
    row("logical_and", np.logical_and, INTS, X, id="mixed"),
    row("logical_not", np.logical_not, INTS, dtype="bool"),
    *(row(name, getattr(np, name), SPECIAL, dtype="bool") for name in ("isnan", "isinf", "isfinite")),
    row("isclose", np.isclose, SPECIAL, SPECIAL),
    row("isclose", np.isclose, SPECIAL, SPECIAL, equal_nan=True, id="equal_nan"),
    row("allclose", np.allclose, X, X + 1e-7),
]

REDUCTIONS = [
    row("sum", np.sum, X, ulp=8),
    row("sum", np.sum, BATCH, axis=(0, 2), keepdims=True, ulp=8, id="axes"),
    row("sum", np.sum, BATCH, axis=(), id="no-axes"),
    row("sum", lambda x: np.sum(x, dtype=int), SMALL, dtype="int32", id="uint8"),
    row("sum", np.sum, BOOLS, axis=-1, dtype="int32", id="bool"),
    row("prod", np.prod, X, ulp=16),
    row("prod", np.prod, BATCH, axis=(0, -1), ulp=16, id="axes"),
    row("prod", np.prod, BATCH, axis=1, keepdims=True, ulp=8, id="keepdims"),
    row("prod", np.prod, DIVISORS, dtype="int32", id="int"),
    row("mean", np.mean, X, axis=0, ulp=4),
    row("mean", np.mean, INTS, ulp=4, dtype="float32", id="int"),
    row("var", np.var, X, axis=1, keepdims=True, ulp=8),
    # Two passes: of one pass nothing would be left where the mean is 100 standard deviations away.
    row("var", np.var, BIG, ulp=200, id="far-from-zero"),
    row("var", lambda x, correction: np.var(x, ddof=correction), X, correction=1, ulp=8, id="correction"),
    row("std", np.std, BATCH, axis=(0, 1), ulp=8),
    row("std", lambda x, axis, correction: np.std(x, axis, ddof=correction), X, axis=0, correction=1, ulp=8, id="one"),
    row("max", np.max, BATCH, axis=(0, 2)),
    row("max", np.max, INTS, keepdims=True, id="int"),
    row("max", np.max, SPECIAL, axis=1, id="nan"),
    row("min", np.min, BATCH, axis=1, keepdims=True),
    row("min", np.min, BOOLS, axis=0, id="bool"),
    row("any", np.any, BOOLS, axis=1),
    row("any", np.any, SMALL, dtype="bool", id="uint8"),
    row("all", np.all, INTS, axis=(0, 1), dtype="bool"),
    row("logsumexp", logsumexp, X, axis=1, ulp=8),
    row("logsumexp", logsumexp, X, keepdims=True, ulp=8, id="all"),
    row("logsumexp", lambda x: 1000 + np.log(2), np.full((1, 2), 1000, np.float32), ulp=2, id="large"),
    row("logsumexp", lambda x: -np.inf, np.full(3, -np.inf, np.float32), id="none"),
    row("argmax", np.argmax, TIES, axis=1, dtype="int32"),
    row("argmax", np.argmax, X, dtype="int32", id="all"),
    row("argmax", np.argmax, BOOLS, axis=0, keepdims=True, dtype="int32", id="bool"),
    row("argmin", np.argmin, TIES, axis=1, dtype="int32"),
    row("cumsum", np.cumsum, X, axis=1, ulp=8),
    row("cumsum", lambda x: np.cumsum(x, dtype=int), SMALL, dtype="int32", id="uint8"),
    row("cumprod", np.cumprod, X, axis=0, ulp=8),
    row("count_nonzero", np.count_nonzero, INTS, axis=1, dtype="int32"),
]

SHAPES = [
    row("reshape", np.reshape, X, (2, -1)),
    row("ravel", np.ravel, X),
    row("permute_dims", np.transpose, BATCH, (2, 0, 1)),
    row("matrix_transpose", lambda x: x.swapaxes(-1, -2), BATCH),
    row("swapaxes", np.swapaxes, BATCH, 0, -1),
    row("moveaxis", np.moveaxis, BATCH, 0, -1),
    row("expand_dims", np.expand_dims, X, axis=1),
    row("squeeze", np.squeeze, X[None, :, None], axis=(0, -2)),
    row("squeeze", np.squeeze, X[None], id="all"),
    row("broadcast_to", np.broadcast_to, X[0], (2, 3, 4)),
    row("broadcast_arrays", np.broadcast_arrays, X, X[:, :1]),
    row("flip", np.flip, BATCH),
    row("flip", np.flip, BATCH, axis=(0, -1), id="axes"),
    row("tril", lambda x, k: np.tril(x, k), MATRIX, k=1),
    row("triu", lambda x, k: np.triu(x, k), BATCH, k=-1),
    row("concat", lambda xs, axis: np.concatenate(xs, axis), [X, Y[:, :2]], axis=1),
    row("concat", lambda xs, axis: np.concatenate(xs, axis), [X, BATCH], axis=None, id="flat"),
    row("stack", lambda xs, axis: np.stack(xs, axis), [X, Y], axis=-1),
    row("unstack", lambda x, axis: tuple(np.moveaxis(x, axis, 0)), BATCH, axis=1),
    row("split", np.split, X, 2, axis=1),
    row("split", np.split, X, [1, 3], axis=-1, id="places"),
    row("pad", lambda x, w, value: np.pad(x, w, constant_values=value), X, [(1, 2), (0, 3)], value=0.5),
    row("pad", np.pad, BOOLS, 1, id="bool"),
    row("roll", np.roll, BATCH, 2, axis=1),
    row("roll", np.roll, X, -5, id="flat"),
    row("repeat", np.repeat, X, 3, axis=0),
    row("tile", np.tile, X, (2, 1, 3)),
    row("meshgrid", np.meshgrid, X[0], Y[0, :3]),
    row("meshgrid", np.meshgrid, X[0], Y[0, :3], INTS[0], indexing="ij", id="ij"),
    row("astype", lambda x, d: x.astype(d), 3 * X, "int32", dtype="int32"),
    row("astype", lambda x, d: x.astype(d), INTS, "bool", dtype="bool", id="bool"),
    row("copy", np.copy, X),
    row("where", np.where, BOOLS, X, Y),
    row("where", np.where, INTS, X, 0.0, id="int-condition"),
    row("where", np.where, BOOLS, 1, 0, dtype="int32", id="scalars"),
    row("take", np.take, X, np.array([[0, -1], [2, 1]], np.int32), axis=1),
    row("take", np.take, X, np.array(-1, np.int32), axis=0, id="one"),
    row("take", lambda x, i, axis, mode: np.take(x, i, axis, mode="wrap"), X, np.int32([5, -7]), axis=1, mode="wrap"),
    row("take", lambda x, i, axis, mode: np.take(x, i, axis, mode="clip"), X, np.int32([5, -7]), axis=1, mode="clip"),
    row("take", lambda x, i, axis, mode: np.full((3, 2), np.nan), X, np.int32([5, -7]), axis=1, mode="fill"),
    row("take_along_axis", np.take_along_axis, X, np.array([[0, -1]] * 3, np.int32), axis=1),
    row("one_hot", one_hot, np.array([2, 0, 9, -1], np.int32), 3, dtype="float32"),
    row("sort", lambda x, axis: np.sort(x, axis), TIES, axis=1),
    row("sort", lambda x, descending: -np.sort(-x), X, descending=True, id="descending"),
    row("sort", np.sort, SPECIAL, id="nan"),
    row("argsort", lambda x, axis: np.argsort(x, axis, stable=True), TIES, axis=1, dtype="int32"),
    row("argsort", lambda x, descending: np.argsort(-x, stable=True), TIES, descending=True, dtype="int32", id="down"),
]

PRODUCTS = [
    row("matmul", np.matmul, X, MATRIX, ulp=8),
    row("matmul", np.matmul, BATCH, MATRIX, ulp=8, id="batch"),
    row("matmul", np.matmul, X[0], MATRIX, ulp=8, id="row"),
    row("matmul", np.matmul, INTS, INTS.T.copy(), dtype="int32", id="int"),
    row("matmul", np.matmul, INTS, MATRIX, ulp=8, dtype="float32", id="promoted"),
    row("matmul", np.matmul, BOOLS, OTHERS.T.copy(), dtype="bool", id="bool"),
    row("einsum", np.einsum, "bij,jk->bki", BATCH, MATRIX, ulp=8),
    row("einsum", np.einsum, "...i,...i", X, Y, ulp=8, id="ellipsis"),
    row("tensordot", np.tensordot, BATCH, X, axes=2, ulp=8),
    row("tensordot", np.tensordot, BATCH, MATRIX, axes=([-1], [0]), ulp=8, id="pairs"),
    row("vecdot", lambda x, y: np.sum(x * y, -1), X, Y, ulp=8),
    row("vdot", np.vdot, X, Y, ulp=16),
    row("outer", np.outer, X[0], Y[1], ulp=1),
]

CREATION = [
    row("zeros", np.zeros, (2, 3), dtype="float32"),
    row("ones", np.ones, 3, dtype="float32"),
    row("empty", np.zeros, (2, 0), dtype="float32"),
    row("full", np.full, (2,), 7, dtype="int32"),
    row("full", np.full, (2,), True, dtype="bool", id="bool"),
    row("arange", np.arange, 5, dtype="int32"),
    row("arange", np.arange, 7, -4, -3, dtype="int32", id="backwards"),
    row("arange", lambda *a: np.arange(*a).astype(np.float32), 0.0, 1.0, 0.1, dtype="float32", id="float"),
    row("linspace", lambda *a: np.linspace(*a).astype(np.float32), 0, 1, 7, dtype="float32"),
    row("eye", lambda n, m, k: np.eye(n, m, k), 3, 4, k=-1, dtype="float32"),
    row("asarray", np.asarray, [[1.0, 2.0]], dtype="float32"),
    row("asarray", np.asarray, [1, 2], dtype="int32", id="int"),
    row("asarray", np.asarray, [True], dtype="bool", id="bool"),
    row("zeros_like", np.zeros_like, INTS, dtype="int32"),
    row("ones_like", np.ones_like, X),
    row("empty_like", np.zeros_like, X),
    row("full_like", np.full_like, X, 0.5),
]

ROWS = [*ELEMENTWISE, *REDUCTIONS, *SHAPES, *PRODUCTS, *CREATION]
by_row = pytest.mark.parametrize("case", ROWS, ids=str)


def test_the_rows_are_about_public_functions():
    """That every function has a row somewhere is asked of the tables of the suite."""
    assert {case.name for case in ROWS} <= set(unp.__all__)


def mapped(value: Any, function: Callable[[np.ndarray], Any]) -> Any:
    """``value`` with every numpy array in it replaced."""
    if isinstance(value, list):
        return [mapped(one, function) for one in value]
    return function(value) if isinstance(value, np.ndarray) else value


def arrays(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from arrays(one)
    elif isinstance(value, np.ndarray):
        yield value


def native(backend: str, x: np.ndarray) -> Any:
    return unp.asarray(x, dtype=x.dtype.name, backend=backend)


def wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64) if x.dtype == np.float32 else x


def listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


def answers(case: Row) -> list[np.ndarray]:
    options = dict(case.options)
    with np.errstate(all="ignore"):
        return [np.asarray(one) for one in listed(case.reference(*mapped(list(case.args), wide), **options))]


def dtype_expected(case: Row, answer: np.ndarray) -> str:
    if case.dtype is not None:
        return case.dtype
    return {"float64": "float32", "int64": "int32"}.get(answer.dtype.name, answer.dtype.name)


def assert_right(case: Row, backend: str, result: Any) -> None:
    answered, given = answers(case), listed(result)
    assert len(given) == len(answered)
    for got, answer in zip(given, answered, strict=True):
        assert _registry.of_type(type(got)).name == backend
        assert tuple(got.shape) == answer.shape
        assert str(unp.dtype_of(got)) == dtype_expected(case, answer)
        assert_near(unp.to_numpy(got), answer, case.ulp)


def assert_near(got: np.ndarray, answer: np.ndarray, ulp: float) -> None:
    finite = np.isfinite(answer)
    np.testing.assert_array_equal(got[~finite], answer[~finite].astype(np.float32))
    if ulp == 0 or not finite.any():
        np.testing.assert_array_equal(got[finite], answer[finite].astype(got.dtype))
        return
    unit = np.spacing(np.abs(answer[finite]).max().astype(np.float32))
    assert np.abs(got[finite] - answer[finite]).max() <= ulp * unit


@by_row
def test_a_result_is_that_of_numpy_in_float64(case, any_backend):
    result = getattr(unp, case.name)(*mapped(list(case.args), lambda x: native(any_backend, x)), **case.options)
    assert_right(case, any_backend, result)


TRACED = pytest.mark.parametrize("case", [case for case in ROWS if next(arrays(case.args), None) is not None], ids=str)


def flat_call(case: Row) -> Callable[..., Any]:
    """The call as a function of its arrays alone."""

    def call(*given: Any) -> Any:
        supply = iter(given)
        return getattr(unp, case.name)(*mapped(list(case.args), lambda x: next(supply)), **case.options)

    return call


def inputs(case: Row, backend: str) -> list[Any]:
    return [native(backend, x) for x in arrays(case.args)]


@pytest.mark.needs("torch")
@TRACED
def test_torch_traces_it_on_fake_tensors(case):
    from torch.fx.experimental.proxy_tensor import make_fx

    given = inputs(case, "torch")
    assert_right(case, "torch", make_fx(flat_call(case), tracing_mode="fake")(*given)(*given))


@pytest.mark.needs("torch")
@TRACED
def test_torch_maps_it_over_a_batch(case):
    import torch

    call, given = flat_call(case), inputs(case, "torch")
    mapped_ = torch.func.vmap(call)(*(torch.stack([x, x.flip(0) if x.dim() else x]) for x in given))
    assert_right(case, "torch", [one[0] for one in mapped_] if isinstance(mapped_, (list, tuple)) else mapped_[0])


@pytest.mark.needs("jax")
@TRACED
def test_jax_traces_it(case):
    import jax

    given = inputs(case, "jax")
    shapes = jax.eval_shape(flat_call(case), *given)
    for shape, answer in zip(listed(shapes), answers(case), strict=True):
        assert shape.shape == answer.shape
        assert shape.dtype.name == dtype_expected(case, answer)
        assert not getattr(shape, "weak_type", False)
