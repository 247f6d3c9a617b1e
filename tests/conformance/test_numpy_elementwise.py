"""Elementwise functions at zeros, infinities, nan and kinks, in all dtypes, and on what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import ShapeError

pytestmark = pytest.mark.thin(2)

INF, NAN = math.inf, math.nan

SPECIAL = {
    "floor_divide of inf": (unp.floor_divide, ([INF, INF, -INF], [2, -2, 2]), [INF, -INF, -INF]),
    "floor_divide by inf": (unp.floor_divide, ([5, -5, -5], [INF, INF, -INF]), [0.0, -0.0, 0.0]),
    "floor_divide of -0": (unp.floor_divide, ([-0.0, -0.0], [2, -2]), [-0.0, 0.0]),
    "floor_divide, inexact": (unp.floor_divide, ([1.0, -1.0], [0.1, 0.1]), [9, -10]),
    "remainder of 0": (unp.remainder, ([-0.0, 0.0, 4, -4], [2, -2, -2, 2]), [0.0, -0.0, -0.0, 0.0]),
    "remainder by inf": (unp.remainder, ([5, -5, 5], [INF, INF, -INF]), [5, INF, -INF]),
    "fmod": (unp.fmod, ([5, -5, 5, -5], [3, 3, -3, INF]), [2, -2, 2, -5]),
    "hypot": (unp.hypot, ([INF, NAN, NAN, 3e30], [NAN, -INF, 1, 4e30]), [INF, INF, NAN, 5e30]),
    "logaddexp": (unp.logaddexp, ([INF, -INF, -INF, NAN], [INF, -INF, 2, 1]), [INF, -INF, 2, NAN]),
    "copysign": (unp.copysign, ([1, -1, 0.0, INF], [-0.0, 0.0, -1, -2]), [-1, 1, -0.0, -INF]),
    "nextafter": (unp.nextafter, ([1, NAN, 0.0], [1, 1, -0.0]), [1, NAN, -0.0]),
    "fmax": (unp.fmax, ([NAN, 1, NAN], [1, NAN, NAN]), [1, 1, NAN]),
    "fmin": (unp.fmin, ([NAN, 1, 3], [1, NAN, 2]), [1, 1, 2]),
    "heaviside": (unp.heaviside, ([NAN, 0.0, -INF, INF], [1, 0.5, 1, 0]), [NAN, 0.5, 0, 1]),
    "xlogy": (unp.xlogy, ([0, 0, 0, 0], [0, -1, INF, NAN]), [0, 0, 0, NAN]),
    "xlog1py": (unp.xlog1py, ([0, 0, 0], [-1, INF, NAN]), [0, 0, NAN]),
}
SINGLE = {
    "sign": (unp.sign, [NAN, 0.0, -3], [NAN, 0.0, -1]),
    "trunc": (unp.trunc, [-0.5, 0.5, -INF], [-0.0, 0.0, -INF]),
    "ceil": (unp.ceil, [-0.5, INF, NAN], [-0.0, INF, NAN]),
    "round": (unp.round, [-0.5, 0.5, 2.5], [-0.0, 0.0, 2]),
    "erfinv": (unp.erfinv, [0.0, 1, -1, 2], [0.0, INF, -INF, NAN]),
    "erfc": (unp.erfc, [-INF, INF, NAN], [2, 0, NAN]),
    "lgamma": (unp.lgamma, [0.0, -2, INF], [INF, INF, INF]),
    "logit": (unp.logit, [0.0, 1, 2, 0.5], [-INF, INF, NAN, 0]),
    "entr": (unp.entr, [0.0, -1, NAN], [0, -INF, NAN]),
    "sinc": (unp.sinc, [0.0], [1]),
    "cbrt": (unp.cbrt, [0.0, INF, -INF, NAN], [0, INF, -INF, NAN]),
    "signbit": (lambda x: unp.astype(unp.signbit(x), "float32"), [-0.0, 0.0, -INF, 2], [1, 0, 1, 0]),
}


def of(backend, values, dtype="float32"):
    return unp.asarray(np.asarray(values, dtype), dtype=dtype, backend=backend)


def assert_same(found, expected, backend):
    assert _registry.of_type(type(found)).name == backend
    got, wanted = unp.to_numpy(found), np.asarray(expected, "float32")
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, wanted)
    here = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(got[here]), np.signbit(wanted[here]))


@pytest.mark.parametrize("case", SPECIAL)
def test_special_cases_of_two(case, any_backend):
    fn, points, expected = SPECIAL[case]
    assert_same(fn(*(of(any_backend, point) for point in points)), expected, any_backend)


@pytest.mark.parametrize("case", SINGLE)
def test_special_cases_of_one(case, any_backend):
    fn, point, expected = SINGLE[case]
    assert_same(fn(of(any_backend, point)), expected, any_backend)


SLOPES = {
    "hypot at the origin": (unp.hypot, (0.0, 0.0), (0, 0)),
    "logaddexp of equal infinities": (unp.logaddexp, (INF, INF), (0.5, 0.5)),
    "logaddexp of nothing": (unp.logaddexp, (-INF, -INF), (0.5, 0.5)),
    "logaddexp of equals": (unp.logaddexp, (2.0, 2.0), (0.5, 0.5)),
    "xlogy at the origin": (unp.xlogy, (0.0, 0.0), (0, 0)),
    "xlogy at 0": (unp.xlogy, (0.0, math.e), (1, 0)),
    "xlog1py at its pole": (unp.xlog1py, (0.0, -1.0), (0, 0)),
    "copysign at 0": (unp.copysign, (0.0, -1.0), (0, 0)),
    "copysign": (unp.copysign, (3.0, -1.0), (-1, 0)),
    "nextafter": (unp.nextafter, (3.0, 4.0), (0, 0)),
    "remainder at a multiple": (unp.remainder, (4.0, 2.0), (1, -2)),
    "fmod": (unp.fmod, (-5.0, 3.0), (1, 1)),
    "fmax of equals": (unp.fmax, (1.0, 1.0), (0.5, 0.5)),
    "floor_divide": (unp.floor_divide, (5.0, 2.0), (0, 0)),
}


@pytest.mark.parametrize("is_jitted", [False, True])
@pytest.mark.parametrize("case", SLOPES)
def test_gradients_at_kinks(case, is_jitted, backend):
    fn, point, expected = SLOPES[case]
    step = um.grad(lambda x, y: unp.sum(fn(x, y)), wrt=(0, 1))
    step = um.jit(step) if is_jitted else step
    for found, wanted in zip(step(*(of(backend, [p]) for p in point)), expected, strict=True):
        np.testing.assert_allclose(unp.to_numpy(found), np.float32([wanted]), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
def test_shifts_by_the_width_and_more(dtype, any_backend):
    if dtype == "int64" and any_backend == "jax":
        with um.use_x64():
            shifts_of(dtype, any_backend)
    else:
        shifts_of(dtype, any_backend)


def shifts_of(dtype, backend):
    width = np.iinfo(dtype).bits
    x = of(backend, [100] * 4 if dtype == "uint8" else [-100] * 4, dtype)
    by = of(backend, [0, 1, width - 1, width], dtype)
    value = int(unp.to_numpy(x)[0])
    left = np.asarray([value << int(n) for n in (0, 1, width - 1, width)], object) & (2**width - 1)
    np.testing.assert_array_equal(
        unp.to_numpy(unp.bitwise_left_shift(x, by)), left.astype("uint64").astype(dtype), strict=True
    )
    right = np.asarray([value, value >> 1, value >> (width - 1), -1 if value < 0 else 0], dtype)
    np.testing.assert_array_equal(unp.to_numpy(unp.bitwise_right_shift(x, by)), right, strict=True)


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "round", "isfinite", "isinf", "isnan"])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_integers_are_kept(name, dtype, any_backend):
    x = of(any_backend, [0, 1, 3], dtype)
    found = unp.to_numpy(getattr(unp, name)(x))
    if name.startswith("is"):
        np.testing.assert_array_equal(found, [name == "isfinite"] * 3)
    else:
        np.testing.assert_array_equal(found, unp.to_numpy(x).astype(found.dtype))
        assert found.dtype == ("int32" if dtype == "bool" else dtype)


def test_erfinv_is_exact_in_the_tails(any_backend):
    """Of numbers near 1 the distance from 1 is exact, and so is the inverse: 3 ULP."""
    x = (1 - 2.0 ** -np.arange(2, 24)).astype("float32")
    found = unp.to_numpy(unp.erfinv(of(any_backend, x))).astype("float64")
    missing = np.asarray([math.erfc(one) for one in found]) - (1 - x.astype("float64"))
    slope = 2 / math.sqrt(math.pi) * np.exp(-(found**2))
    assert np.max(np.abs(missing / slope) / np.spacing(found.astype("float32"))) < 3


@pytest.mark.parametrize("fn", [unp.hypot, unp.bitwise_and, unp.xlogy, unp.fmax, unp.logaddexp2, unp.copysign])
def test_shapes_that_do_not_broadcast_are_told(fn, any_backend):
    x, y = of(any_backend, [1, 2], "int32"), of(any_backend, [1, 2, 3], "int32")
    with pytest.raises(ShapeError, match="do not broadcast"):
        fn(x, y)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0)])
@pytest.mark.parametrize("fn", [unp.sinc, unp.cbrt, unp.erfinv, unp.entr, unp.digamma, unp.signbit])
def test_shapes_without_axes_and_without_elements(fn, shape, any_backend):
    found = fn(of(any_backend, np.ones(shape)))
    assert tuple(found.shape) == shape
    assert _registry.of_type(type(found)).name == any_backend
