"""The dtype of every result is the same on all engines: JAX's promotion lattice, float32 and int32 by default."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import DTypeError

pytestmark = pytest.mark.needs("jax", "torch", "numpy")

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "float16", "bfloat16", "float32")
ENGINES = ("jax", "torch", "numpy")
SCALARS = (True, 2, 0.5)
PAIRED = ("add", "multiply", "maximum")
FRACTIONAL = (
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal", "erf"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("mean", "var", "std", "logsumexp"),
)
COUNTING = ("negative", "abs", "sign", "square", "floor", "ceil", "trunc", "round")
QUESTIONS = ("isnan", "isinf", "isfinite", "logical_not")
TOTALS = ("sum", "prod")


def array(backend: str, dtype: str, shape: tuple[int, ...] = (2,)) -> Any:
    return unp.ones(shape, dtype=dtype, backend=backend)


def result(name: str, *args: Any) -> str:
    """The dtype of the result; on JAX by tracing, which also shows a dtype that is weak, and compiles nothing."""
    import jax

    arrays = [x for x in args if isinstance(x, jax.Array)]
    if not arrays:
        return str(unp.dtype_of(getattr(unp, name)(*args)))

    def call(*given: Any) -> Any:
        supply = iter(given)
        return getattr(unp, name)(*(next(supply) if isinstance(x, jax.Array) else x for x in args))

    shape = jax.eval_shape(call, *arrays)
    return f"weak {shape.dtype.name}" if shape.weak_type else shape.dtype.name


def everywhere(name: str, *args: Any) -> str:
    """The dtype of the result on all engines, where ``(dtype, shape)`` stands for an array."""
    found = {
        backend: result(name, *(array(backend, *x) if isinstance(x, tuple) else x for x in args)) for backend in ENGINES
    }
    assert len(set(found.values())) == 1, found
    return found["numpy"]


def lattice(first: str, second: str) -> str:
    """What JAX itself promotes to."""
    import jax.numpy as jnp

    return jnp.promote_types(first, second).name


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_two_arrays_meet_in_the_dtype_of_the_lattice(first, second):
    expected = lattice(first, second)
    for shapes in [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())]:
        pair = [(dtype, shape) for dtype, shape in zip((first, second), shapes, strict=True)]
        assert {everywhere(name, *pair) for name in PAIRED} == {expected}
        assert everywhere("where", ("bool", (2,)), *pair) == expected
        assert everywhere("divide", *pair) == lattice(expected, expected if "float" in expected else "float32")
        assert everywhere("less", *pair) == "bool"
    assert everywhere("matmul", (first, (2, 2)), (second, (2, 2))) == expected
    assert str(unp.result_type(first, second)) == expected


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_joined_arrays_meet_in_the_dtype_of_the_lattice(first, second):
    for backend in ENGINES:
        for shape in [(2,), (1, 2)]:
            pair = [array(backend, first, shape), array(backend, second, shape)]
            assert str(unp.dtype_of(unp.concat(pair))) == lattice(first, second)
            assert str(unp.dtype_of(unp.stack(pair))) == lattice(first, second)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scalar", SCALARS, ids=str)
def test_a_python_scalar_changes_the_kind_and_never_the_width(dtype, scalar):
    kinds = {True: DTYPES, 2: DTYPES[1:], 0.5: DTYPES[5:]}
    expected = dtype if dtype in kinds[scalar] else {2: "int32", 0.5: "float32"}[scalar]
    for shape in [(2,), ()]:
        assert {everywhere(name, (dtype, shape), scalar) for name in PAIRED} == {expected}
        assert {everywhere(name, scalar, (dtype, shape)) for name in PAIRED} == {expected}
        assert everywhere("where", ("bool", (2,)), (dtype, shape), scalar) == expected
        assert everywhere("subtract", (dtype, shape), scalar) == ("int32" if expected == "bool" else expected)
        assert everywhere("divide", scalar, (dtype, shape)) == (expected if "float" in expected else "float32")


@pytest.mark.parametrize("dtype", DTYPES)
def test_functions_of_one_array_give_the_same_dtype(dtype):
    x = (dtype, (2, 2))
    fractional = dtype if "float" in dtype else "float32"
    assert {name: everywhere(name, x) for name in FRACTIONAL} == dict.fromkeys(FRACTIONAL, fractional)
    counted = "int32" if dtype == "bool" else dtype
    assert {name: everywhere(name, x) for name in COUNTING} == dict.fromkeys(COUNTING, counted)
    assert {name: everywhere(name, x) for name in QUESTIONS} == dict.fromkeys(QUESTIONS, "bool")
    total = dtype if "float" in dtype else "int32"
    assert {name: everywhere(name, x) for name in TOTALS} == dict.fromkeys(TOTALS, total)
    assert {everywhere(name, x, 0) for name in ("cumsum", "cumprod")} == {total}
    assert {everywhere(name, x, 0) for name in ("max", "min", "sort", "flip")} == {dtype}
    assert {everywhere(name, x, 0) for name in ("argmax", "argmin", "argsort")} == {"int32"}
    assert {everywhere(name, x) for name in ("any", "all")} == {"bool"}
    assert {everywhere(name, x) for name in ("zeros_like", "ones_like", "tril", "triu", "copy")} == {dtype}


@pytest.mark.parametrize("dtype", DTYPES)
def test_functions_of_two_arrays_of_one_dtype(dtype):
    counted = "int32" if dtype == "bool" else dtype
    names = ("subtract", "floor_divide", "remainder", "pow")
    assert {everywhere(name, (dtype,), (dtype,)) for name in names} == {counted}
    assert everywhere("atan2", (dtype,), (dtype,)) == (dtype if "float" in dtype else "float32")


HOST_DATA = [(1, "int32"), (1.0, "float32"), (True, "bool"), (1j, "complex64"), ((1, 2.0), "float32")]
HOST_ARRAYS = {
    "float64": "float32", "int64": "int32", "complex128": "complex64", "uint64": "uint32",
    **{name: name for name in (*DTYPES, "uint16", "uint32", "complex64")},
}  # fmt: skip


@pytest.mark.parametrize(("value", "dtype"), HOST_DATA, ids=repr)
def test_python_data_have_32_bits(value, dtype, any_backend):
    assert str(unp.dtype_of(unp.asarray(value))) == dtype


@pytest.mark.parametrize("dtype", HOST_ARRAYS)
def test_host_arrays_have_at_most_32_bits_unless_asked(dtype, any_backend):
    x = np.ones(2).astype(unp.to_numpy(unp.zeros(1, dtype=dtype, backend="numpy")).dtype)
    assert str(unp.dtype_of(unp.asarray(x))) == HOST_ARRAYS[dtype]


def test_float64_is_kept_by_the_arithmetic_of_numpy():
    x = np.ones(3)
    assert unp.add(x, 1.0).dtype == unp.exp(x).dtype == unp.sum(x).dtype == np.float64


def test_jax_refuses_64_bits_while_they_are_switched_off():
    for make in (
        lambda: unp.zeros(2, dtype="float64", backend="jax"),
        lambda: unp.asarray([1], dtype="int64", backend="jax"),
        lambda: unp.astype(unp.ones(2, backend="jax"), "float64"),
    ):
        with pytest.raises(DTypeError, match="enable_x64"):
            make()


def test_jax_makes_64_bits_when_told_to_and_changes_no_default():
    with um.use_x64():
        ints = unp.arange(3, backend="jax")
        assert unp.zeros(2, dtype="float64", backend="jax").dtype == np.float64
        assert unp.asarray(0.5, backend="jax").dtype == unp.add(ints, 0.5).dtype == unp.exp(ints).dtype == np.float32
        assert unp.sum(ints).dtype == unp.argmax(ints).dtype == unp.argsort(ints).dtype == ints.dtype == np.int32


def test_the_default_dtype_of_torch_changes_no_result():
    import torch

    ints = unp.arange(3, backend="torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        results = [unp.add(ints, 0.5), unp.exp(ints), unp.divide(ints, ints), unp.mean(ints), unp.divide(1, ints)]
        assert {x.dtype for x in (*results, unp.zeros(2, backend="torch"))} == {torch.float32}
    finally:
        torch.set_default_dtype(before)


def test_a_dtype_is_a_name_or_any_engines_own():
    import jax.numpy as jnp
    import torch

    for dtype in ("float16", unp.float16, np.float16, np.dtype("float16"), jnp.float16, torch.float16):
        assert str(unp.dtype_of(unp.zeros(1, dtype=dtype, backend="numpy"))) == "float16"
    assert _registry.load("torch").arrays.dtype_name(torch.zeros(1, dtype=torch.bfloat16)) == "bfloat16"
    with pytest.raises(DTypeError, match="no dtype called 'flaot'"):
        unp.zeros(1, dtype="flaot", backend="numpy")
