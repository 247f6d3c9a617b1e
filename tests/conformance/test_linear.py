"""The linear function and layer of each engine, against float64 and against errors that read the same.

Bounds are in units of ``EPS * (sum |x||kernel| + |bias|)``: a sum of n products rounds at most n times by EPS / 2.
"""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod import errors
from unimod.backends import _registry
from unimod.nn import functional

EPS = float(np.finfo(np.float32).eps)
SHAPES = [(5,), (3, 5), (2, 3, 5), (2, 1, 3, 5), (0, 5), (2, 0, 5)]


def array(backend, x, dtype="float32"):
    return _registry.load(backend).arrays.asarray(x, dtype)


def host(backend, x, dtype="float32"):
    engine = um.engine_of(x)
    assert engine.name == backend
    assert um.dtype_of(x) == dtype
    return np.asarray(engine.arrays.to_numpy(engine.arrays.astype(x, "float32")), np.float64)


def draw(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def within(actual, reference, magnitude):
    assert actual.shape == reference.shape
    assert np.all(np.abs(actual - reference) <= 8 * EPS * magnitude + 1e-30)


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values(any_backend, shape, has_bias):
    x, kernel, bias = draw(*shape), draw(5, 4), draw(4)
    y = functional.linear(*(array(any_backend, v) for v in ((x, kernel, bias) if has_bias else (x, kernel))))
    wide = [v.astype(np.float64) for v in (x, kernel, bias * has_bias)]
    magnitude = np.abs(wide[0]) @ np.abs(wide[1]) + np.abs(wide[2])
    within(host(any_backend, y), wide[0] @ wide[1] + wide[2], magnitude)


@pytest.mark.parametrize("shape", SHAPES[:3], ids=str)
def test_derivatives(backend, shape):
    x, kernel, bias, weight = draw(*shape), draw(5, 4), draw(4), draw(*shape[:-1], 4)

    def loss(x, kernel, bias):
        return um.numpy.sum(functional.linear(x, kernel, bias) * array(backend, weight))

    grads = um.grad(loss, (0, 1, 2))(*(array(backend, v) for v in (x, kernel, bias)))
    rows, back = x.reshape(-1, 5).astype(np.float64), weight.reshape(-1, 4).astype(np.float64)
    expected = (back @ kernel.T.astype(np.float64)).reshape(shape), rows.T @ back, back.sum(0)
    sizes = (np.abs(back) @ np.abs(kernel.T)).reshape(shape), np.abs(rows.T) @ np.abs(back), np.abs(back).sum(0)
    for got, reference, magnitude in zip(grads, expected, sizes, strict=True):
        within(host(backend, got), reference, magnitude)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_keeps_its_dtype(any_backend, dtype):
    x, kernel, bias = (array(any_backend, v, dtype) for v in (draw(3, 5), draw(5, 4), draw(4)))
    y = host(any_backend, functional.linear(x, kernel, bias), dtype)
    wide = [host(any_backend, v, dtype) for v in (x, kernel, bias)]
    steps = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
    # One rounding of the product and one of the sum.
    magnitude = np.abs(wide[0]) @ np.abs(wide[1]) + np.abs(wide[2])
    assert np.all(np.abs(y - (wide[0] @ wide[1] + wide[2])) <= 2 * steps[dtype] * magnitude)


WRONG = [
    # x, kernel, bias, dtype of the bias, error, what its text says
    ((3, 4), (5, 4), None, "float32", errors.ShapeError, r"x = f32\[3, 4\] on \w+, kernel = f32\[5, 4\]"),
    ((), (5, 4), None, "float32", errors.ShapeError, "cannot multiply"),
    ((3, 5), (2, 5, 4), None, "float32", errors.ShapeError, "cannot multiply"),
    ((3, 5), (5, 4), (5,), "float32", errors.ShapeError, "`bias` of another shape"),
    ((3, 5), (5, 4), (1,), "float32", errors.ShapeError, "`bias` of another shape"),
    ((3, 5), (5, 4), (4,), "float16", errors.DTypeError, "a bias of different dtypes"),
]


@pytest.mark.parametrize(("x", "kernel", "bias", "dtype", "error", "text"), WRONG)
def test_wrong_arguments_are_refused(any_backend, x, kernel, bias, dtype, error, text):
    arrays = [array(any_backend, np.ones(shape)) for shape in (x, kernel)]
    last = None if bias is None else array(any_backend, np.ones(bias), dtype)
    with pytest.raises(error, match=text):
        functional.linear(*arrays, last)


def test_wrong_dtypes_are_refused(any_backend):
    x, kernel = array(any_backend, np.ones((3, 5)), "int32"), array(any_backend, np.ones((5, 4)))
    with pytest.raises(errors.DTypeError, match="floating-point"):
        functional.linear(x, kernel)
    with pytest.raises(errors.DTypeError, match="a kernel of different dtypes"):
        functional.linear(array(any_backend, np.ones((3, 5)), "float16"), kernel)


def test_the_layer_says_what_it_was_built_for(any_backend):
    layer = um.nn.Linear(3, 4).init(0, backend=any_backend)
    with pytest.raises(errors.ShapeError, match="Linear got 5 features on the last axis of `x`, but was built for 3"):
        layer(array(any_backend, np.ones((2, 5))))
    with pytest.raises(errors.DTypeError, match="Linear got an array of another dtype"):
        layer(array(any_backend, np.ones((2, 3)), "float16"))
    with pytest.raises(errors.DTypeError, match="Linear got an array of another dtype"):
        layer(np.ones((2, 3), np.float16))
    y = layer(np.ones((2, 3), np.float32))
    assert host(any_backend, y).shape == (2, 4)
