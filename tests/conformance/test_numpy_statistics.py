"""Reductions with options, order statistics, and running reductions: edges, dtypes, ties and errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.testing import checks
from unimod.testing.cases import statistics

pytestmark = pytest.mark.thin(2)

NAN, INF = math.nan, math.inf
REDUCTIONS = (
    "sum", "mean", "max", "any", "argmin", "median", "ptp", "average", "var", "logsumexp", "count_nonzero", "nansum",
    "nanmax", "nanmean", "nanmedian", "nanvar", "nanargmax", "nanprod", "cumsum", "cummax", "cumulative_logsumexp",
)  # fmt: skip


def native(backend, x, dtype="float32"):
    return unp.asarray(x, dtype=dtype, backend=backend)


def listed(x):
    return unp.to_numpy(x).tolist()


def assert_array(x, backend, dtype, values):
    assert _registry.of_type(type(x)).name == backend
    assert str(unp.dtype_of(x)) == dtype
    assert tuple(x.shape) == np.shape(values)
    np.testing.assert_array_equal(unp.to_numpy(x).astype(np.float64), values)


# Reductions


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint8", "float16", "float32", "bool"])
def test_sums_are_given_in_the_dtype_that_was_asked_for(any_backend, dtype):
    x = native(any_backend, [[1, 2], [3, 0]], "int32")
    wanted = [True, True] if dtype == "bool" else [4, 2]
    assert_array(unp.sum(x, 0, dtype=dtype), any_backend, dtype, wanted)
    assert_array(unp.cumulative_sum(x[0], dtype=dtype), any_backend, dtype, [1, 1 if dtype == "bool" else 3])


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "uint8", "int32"])
def test_sums_of_integers_are_int32(any_backend, dtype):
    x = native(any_backend, [1, 0, 1], dtype)
    assert_array(unp.sum(x), any_backend, "int32", 2)
    assert_array(unp.prod(x), any_backend, "int32", 0)
    assert_array(unp.cumulative_sum(x), any_backend, "int32", [1, 1, 2])
    assert_array(unp.cumulative_prod(x, include_initial=True), any_backend, "int32", [1, 1, 0, 0])
    assert_array(unp.mean(x[:2]), any_backend, "float32", 0.5)


def test_reductions_of_nothing(any_backend):
    x = native(any_backend, np.zeros((0, 2), np.float32))
    assert_array(unp.sum(x, 0), any_backend, "float32", [0, 0])
    assert_array(unp.prod(x), any_backend, "float32", 1)
    assert_array(unp.any(x), any_backend, "bool", False)
    assert_array(unp.all(x, 0), any_backend, "bool", [True, True])
    assert_array(unp.max(x, 0, initial=3), any_backend, "float32", [3, 3])
    assert_array(unp.min(x, 1), any_backend, "float32", [])
    assert_array(unp.nansum(x, 0), any_backend, "float32", [0, 0])
    assert_array(unp.nanmean(x, 0), any_backend, "float32", [NAN, NAN])


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin", "median", "ptp", "nanmax", "nanmedian"])
def test_what_nothing_has_not(any_backend, name):
    with pytest.raises(ShapeError, match=r"of no elements is not defined"):
        getattr(unp, name)(native(any_backend, []))


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin", "ptp", "median", "nanmax", "cummax", "nanmedian"])
def test_complex_numbers_have_no_order(any_backend, name):
    with pytest.raises(DTypeError, match=r"needs numbers that have an order.\n  got:      complex64"):
        getattr(unp, name)(native(any_backend, [1j, 2], "complex64"))


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [2, -3])
def test_an_axis_that_is_not_there(any_backend, name, axis):
    with pytest.raises(ShapeError, match=rf"got the axis {axis}, which the array does not have"):
        getattr(unp, name)(native(any_backend, [[1.0, 2.0]]), axis)


def test_lists_become_arrays_before_an_error_is_told():
    with pytest.raises(
        ShapeError, match=r"got the axis 1, which the array does not have.\n  got:      axis=1 for f32.2."
    ):
        unp.sum([1.0, 2.0], 1)


def test_a_mask_spreads_over_the_array(any_backend):
    x = native(any_backend, [[1.0, 2.0], [3.0, 4.0]])
    mask = native(any_backend, [True, False], "bool")
    assert_array(unp.sum(x, where=mask), any_backend, "float32", 4)
    assert_array(unp.mean(x, where=mask), any_backend, "float32", 2)
    assert_array(unp.mean(x, 0, where=mask), any_backend, "float32", [2, NAN])
    assert_array(unp.max(x, 0, where=mask, initial=-1), any_backend, "float32", [3, -1])
    assert_array(unp.all(x > 1, 0, where=mask), any_backend, "bool", [False, True])
    assert_array(unp.any(x > 5, where=mask, keepdims=True), any_backend, "bool", [[False]])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "float16", "bfloat16"])
def test_extremes_of_the_chosen_in_every_dtype(any_backend, dtype):
    x, mask = native(any_backend, [5, 1, 9], dtype), native(any_backend, [True, True, False], "bool")
    assert_array(unp.max(x, where=mask, initial=0), any_backend, dtype, 5)
    assert_array(unp.min(x, where=mask, initial=100), any_backend, dtype, 1)


def test_a_mask_beside_an_extreme_needs_a_value(any_backend):
    with pytest.raises(OptionError, match=r"^max of chosen elements has no value where none is chosen"):
        unp.max(native(any_backend, [1.0]), where=native(any_backend, [True], "bool"))


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_share_the_gradient(backend, name):
    x = native(backend, [2.0, 2.0, 2.0, 2.0])
    for axis in (None, 0):
        assert listed(um.grad(lambda v, axis=axis: getattr(unp, name)(v, axis))(x)) == [0.25] * 4


# Order statistics


def test_quantiles_have_the_shape_of_q_first(any_backend):
    x = native(any_backend, np.arange(24.0).reshape(2, 3, 4))
    assert tuple(unp.quantile(x, 0.5).shape) == ()
    assert tuple(unp.quantile(x, [0.1, 0.2], 1).shape) == (2, 2, 4)
    assert tuple(unp.quantile(x, [[0.1], [0.2]], (0, -1), keepdims=True).shape) == (2, 1, 1, 3, 1)
    assert tuple(unp.quantile(x, []).shape) == (0,)
    assert tuple(unp.median(x, (0, 1)).shape) == (4,)


def test_half_way_the_nearest_is_at_an_even_place(any_backend):
    x = native(any_backend, [0.0, 10.0, 20.0, 30.0, 40.0])
    q = [0.125, 0.375, 0.625, 0.875]
    assert_array(unp.quantile(x, q, method="nearest"), any_backend, "float32", [0, 20, 20, 40])
    shares = native(any_backend, q)
    assert_array(unp.quantile(x, shares, method="nearest"), any_backend, "float32", [0, 20, 20, 40])


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "nearest", "midpoint"])
def test_a_q_of_the_engine_is_as_one_of_python(any_backend, method):
    x, q = native(any_backend, [3.0, 1.0, 7.0, 4.0, 9.0]), [0.0, 0.25, 0.5, 0.8125, 1.0]
    wanted = unp.to_numpy(unp.quantile(x, q, method=method))
    np.testing.assert_array_equal(unp.to_numpy(unp.quantile(x, native(any_backend, q), method=method)), wanted)


def test_quantiles_among_infinities_and_nan(any_backend):
    x = native(any_backend, [[-INF, 1.0, INF, INF], [NAN, 1.0, 2.0, 3.0]])
    assert_array(unp.quantile(x, [0.0, 0.9, 1.0], 1), any_backend, "float32", [[-INF, NAN], [INF, NAN], [INF, NAN]])
    assert_array(unp.nanmedian(x, 1), any_backend, "float32", [INF, 2])
    assert_array(unp.median(x[:, 1:], 1), any_backend, "float32", [INF, 2])


def test_the_median_shares_its_gradient_between_the_middle_two(backend):
    assert listed(um.grad(unp.median)(native(backend, [4.0, 1.0, 2.0, 9.0]))) == [0.5, 0.0, 0.5, 0.0]
    assert listed(um.grad(unp.median)(native(backend, [2.0, 2.0]))) == [0.5, 0.5]
    assert listed(um.grad(unp.nanmedian)(native(backend, [4.0, NAN, 2.0]))) == [0.5, 0.0, 0.5]


def test_quantile_refuses_what_it_does_not_know(any_backend):
    x = native(any_backend, [1.0, 2.0])
    with pytest.raises(OptionError, match=r"^quantile knows no method 'cubic'"):
        unp.quantile(x, 0.5, method="cubic")
    with pytest.raises(OptionError, match=r"^percentile got a q outside its range.\n  got:      q=101"):
        unp.percentile(x, 101)
    with pytest.raises(OptionError, match=r"^quantile got a q outside its range"):
        unp.quantile(x, [0.5, NAN])


def test_average_refuses_weights_that_do_not_fit(any_backend):
    x = native(any_backend, [[1.0, 2.0]])
    for weights, axis in (([1.0, 1.0, 1.0], 1), ([1.0, 1.0], None)):
        with pytest.raises(ShapeError, match=r"^average got weights that do not fit"):
            unp.average(x, axis, weights=native(any_backend, weights))


# Without nan


def test_of_nothing_but_nan(any_backend):
    x = native(any_backend, [[NAN, NAN], [1.0, NAN]])
    for name, first in (("nansum", 0), ("nanprod", 1), ("nanmean", NAN), ("nanmax", NAN), ("nanmedian", NAN)):
        assert_array(getattr(unp, name)(x, 1), any_backend, "float32", [first, 1])
    assert_array(unp.nanvar(x, 1), any_backend, "float32", [NAN, 0])
    assert_array(unp.nanstd(x, 1, correction=1), any_backend, "float32", [NAN, NAN])
    assert_array(unp.nanargmax(x, 1), any_backend, "int32", [-1, 0])


def test_infinities_are_found_beside_nan(any_backend):
    x = native(any_backend, [NAN, -INF])
    assert_array(unp.nanargmax(x), any_backend, "int32", 1)
    assert_array(unp.nanargmin(-x), any_backend, "int32", 1)
    assert_array(unp.nanmax(x), any_backend, "float32", -INF)


@pytest.mark.parametrize("name", ["nansum", "nanmean", "nanmax", "nanmedian", "nanstd", "nanargmin"])
def test_integers_have_no_nan(any_backend, name):
    x = native(any_backend, [[3, 1], [2, 2]], "int32")
    plain = getattr(unp, name.removeprefix("nan"))(x, 1)
    found = getattr(unp, name)(x, 1)
    assert str(unp.dtype_of(found)) == str(unp.dtype_of(plain))
    assert listed(found) == listed(plain)


def test_the_gradient_of_nan_is_zero(backend):
    x = native(backend, [1.0, NAN, 1.0])
    assert listed(um.grad(unp.nansum)(x)) == [1.0, 0.0, 1.0]
    assert listed(um.grad(unp.nanmean)(x)) == [0.5, 0.0, 0.5]
    assert listed(um.grad(unp.nanstd)(x)) == [0.0, 0.0, 0.0]
    assert listed(um.grad(unp.nanmax)(x)) == [0.5, 0.0, 0.5]


# Running


def test_running_reductions_of_nothing(any_backend):
    x = native(any_backend, np.zeros((2, 0), np.float32))
    for name in ("cummax", "cummin", "cumulative_logsumexp", "cumsum"):
        assert_array(getattr(unp, name)(x, 1), any_backend, "float32", np.zeros((2, 0)))
    assert_array(unp.cumulative_sum(x, axis=1, include_initial=True), any_backend, "float32", [[0], [0]])
    assert_array(unp.diff(x, axis=1), any_backend, "float32", np.zeros((2, 0)))


def test_nan_stays(any_backend):
    x = native(any_backend, [1.0, NAN, 3.0])
    for name in ("cummax", "cummin", "cumulative_logsumexp"):
        assert_array(getattr(unp, name)(x), any_backend, "float32", [1, NAN, NAN])


def test_running_logsumexp_at_infinities(any_backend):
    x = native(any_backend, [-INF, -INF, 1.0, INF, 0.0])
    assert_array(unp.cumulative_logsumexp(x), any_backend, "float32", [-INF, -INF, 1, INF, INF])


def test_the_gradient_of_running_logsumexp_is_zero_at_minus_infinity(backend):
    x = native(backend, [-INF, -INF, 1.0, -INF])
    assert listed(um.grad(lambda v: unp.cumulative_logsumexp(v)[3])(x)) == [0.0, 0.0, 1.0, 0.0]
    assert listed(um.grad(lambda v: unp.cumulative_logsumexp(v)[0])(x)) == [0.0, 0.0, 0.0, 0.0]


def test_running_reductions_of_the_standard_need_an_axis(any_backend):
    for x in (native(any_backend, [[1.0]]), native(any_backend, 1.0)):
        with pytest.raises(OptionError, match=r"^cumulative_sum needs an axis where there is not exactly one"):
            unp.cumulative_sum(x)


def test_differences(any_backend):
    x = native(any_backend, [[True, False, False]], "bool")
    assert_array(unp.diff(x), any_backend, "bool", [[True, False]])
    y = native(any_backend, [1, 4, 9], "int32")
    assert_array(unp.diff(y, n=0), any_backend, "int32", [1, 4, 9])
    assert_array(unp.diff(y, n=5), any_backend, "int32", [])
    assert_array(unp.diff(y, prepend=0, append=0), any_backend, "int32", [1, 3, 5, -9])
    with pytest.raises(OptionError, match=r"negative number of times"):
        unp.diff(y, n=-1)
    with pytest.raises(ShapeError, match=r"which the array does not have"):
        unp.diff(native(any_backend, 1.0))


# What the front does where an engine has no function of its own

NATIVE = ("cummax", "cummin", "cumulative_logsumexp")
ROWS = [case for case in statistics.CASES if case.target.removeprefix("numpy.") in NATIVE]


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
def test_without_a_native_function(any_backend, case, monkeypatch):
    for name in NATIVE:
        monkeypatch.delattr(_registry.load(any_backend).math, name, raising=False)
    checks.value(case, any_backend, "float32")
    if any_backend != "numpy":
        checks.mapped(case, any_backend, "float32")
        if case.wrt:
            checks.gradient(case, any_backend, "float32")
