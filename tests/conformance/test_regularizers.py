"""Regularizers: which leaves they are of, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod import errors, regularizers
from unimod.backends import _registry


def array(backend, x, dtype="float32"):
    return _registry.load(backend).arrays.asarray(np.asarray(x), dtype)


def number(backend, x):
    engine = _registry.of_type(type(x))
    assert engine is not None
    assert engine.name == backend
    assert (engine.arrays.dtype_name(x), tuple(x.shape)) == ("float32", ())
    return float(x)


class Net(um.Module):
    def __init__(self, backend):
        self.first = um.nn.Linear(2, 2).init(0, backend=backend)
        self.norm = um.nn.BatchNorm(2).init(0, backend=backend)
        self.tied = self.first.share("kernel")
        self.steps = um.Parameter(array(backend, [3], "int32"))


def test_only_parameters_count_each_once(backend):
    net = Net(backend)
    kernel, scale = np.asarray(net.first.kernel, np.float64), np.ones(2)
    expected = (kernel**2).sum() + (scale**2).sum()
    np.testing.assert_allclose(number(backend, regularizers.l2(net, rate=1.0)), expected, rtol=1e-6)
    np.testing.assert_allclose(number(backend, regularizers.l2(net.parameters(), rate=1.0)), expected, rtol=1e-6)
    np.testing.assert_allclose(number(backend, regularizers.l2({"net": [net]}, rate=1.0)), expected, rtol=1e-6)


def test_filters_choose(backend):
    net = Net(backend)
    kernel = (np.asarray(net.first.kernel, np.float64) ** 2).sum()
    by_name = regularizers.L2(1.0, filters=(lambda field: field.name == "kernel",))
    np.testing.assert_allclose(number(backend, by_name(net)), kernel, rtol=1e-6)
    np.testing.assert_allclose(number(backend, regularizers.l2(net, "first.kernel", rate=1.0)), kernel, rtol=1e-6)
    assert number(backend, regularizers.l1(net, um.nn.BatchNorm, rate=0.5)) == 1.0


def test_frozen_parameters_do_not_count(backend):
    net = Net(backend)
    net.first.freeze(inplace=True)
    assert number(backend, regularizers.l2(net, rate=1.0)) == 2.0
    assert regularizers.l2(net.freeze()) == 0.0
    assert regularizers.orthogonal(net.freeze()) == 0.0
    assert regularizers.l1_l2({}) == 0.0


def test_derivatives(backend):
    x = {"w": array(backend, [[2.0, 0.0], [-1.0, 0.5]])}
    slopes = lambda fn: np.asarray(um.grad(fn)(x)["w"]).tolist()  # noqa: E731
    assert slopes(lambda p: regularizers.l1(p, rate=1.0)) == [[1.0, 0.0], [-1.0, 1.0]]
    assert slopes(lambda p: regularizers.l2(p, rate=1.0)) == [[4.0, 0.0], [-2.0, 1.0]]
    w = np.array([[2.0, 0.0], [-1.0, 0.5]])
    expected = 4 * w @ (w.T @ w - np.eye(2))
    np.testing.assert_allclose(slopes(lambda p: regularizers.orthogonal(p, rate=1.0)), expected, rtol=1e-6)


def test_orthogonal_matrices_cost_nothing(any_backend):
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 3)))[0]
    penalty = lambda x, **options: regularizers.orthogonal(array(any_backend, x), rate=1.0, **options)  # noqa: E731
    assert number(any_backend, penalty(matrix)) < 1e-10
    assert number(any_backend, penalty(matrix.T, mode="rows")) < 1e-10
    assert number(any_backend, penalty(matrix.reshape(2, 3, 3))) < 1e-10
    np.testing.assert_allclose(number(any_backend, penalty(matrix.T)), 3, rtol=1e-5)
    assert penalty(np.ones(3)) == 0.0
    with pytest.raises(errors.OptionError, match="mode"):
        penalty(matrix, mode="both")


def test_half_precision_is_added_up_in_float32(any_backend):
    ones = array(any_backend, np.ones(4096), "bfloat16")
    assert number(any_backend, regularizers.l2(ones, rate=1.0)) == 4096.0
    assert number(any_backend, regularizers.l1([ones, ones], rate=1.0)) == 8192.0


def test_objects_are_the_functions(any_backend):
    x = {"w": array(any_backend, [[2.0, -3.0]])}
    assert number(any_backend, regularizers.L1(2.0)(parameters=x)) == 10.0
    assert number(any_backend, regularizers.L1L2(1.0, 2.0)(x)) == 31.0
    assert number(any_backend, regularizers.Orthogonal(1.0, mode="rows")(x)) == 144.0
    assert regularizers.L1L2().log_name == "l1_l2"
    assert regularizers.Orthogonal(name="frame").log_name == "frame"
