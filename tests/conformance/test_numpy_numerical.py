"""Numerical helpers at their edges: empty and single data, nan, values outside, integers that wrap, and errors."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import CapabilityError, DTypeError, OptionError, ShapeError

RNG = np.random.default_rng(7)
NAN, INF = float("nan"), float("inf")


def native(backend, x, dtype="float32"):
    return unp.asarray(x, dtype=dtype, backend=backend)


def assert_is(found, backend, expected, dtype, *, atol=2e-6):
    assert _registry.of_type(type(found)).name == backend
    assert tuple(found.shape) == np.shape(expected)
    assert str(unp.dtype_of(found)) == dtype
    np.testing.assert_allclose(unp.to_numpy(found).astype("float64"), expected, rtol=2e-6, atol=atol)


def grad(fn, *args):
    return um.grad(lambda *xs: unp.sum(fn(*xs)), argnums=tuple(range(len(args))))(*args)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_sequences_of_all_small_lengths(any_backend, name, mode):
    for n in range(1, 5):
        for m in range(1, 5):
            x, y = RNG.integers(-9, 9, n), RNG.integers(-9, 9, m)
            expected = getattr(np, name)(x, y, mode)
            found = getattr(unp, name)(native(any_backend, x, "int32"), native(any_backend, y, "int32"), mode=mode)
            assert_is(found, any_backend, expected, "int32", atol=0)


def test_integers_of_a_convolution_are_exact_and_wrap(any_backend):
    big = native(any_backend, [2**24 + 1, 1], "int32")
    assert unp.to_numpy(unp.convolve(big, big)).tolist() == [2**25 + 1, 2**25 + 2, 1]
    small = native(any_backend, [100, 100], "int8")
    assert_is(unp.convolve(small, native(any_backend, [1, 1], "int8")), any_backend, [100, -56, 100], "int8", atol=0)


def test_a_convolution_promotes(any_backend):
    found = unp.convolve(native(any_backend, [1, 2], "int32"), native(any_backend, [0.5]))
    assert_is(found, any_backend, [0.5, 1.0], "float32")
    assert_is(unp.convolve(native(any_backend, [1, 2], "bool"), [3]), any_backend, [3, 3], "int32")


def test_a_correlation_conjugates(any_backend):
    x, y = np.array([1 + 2j, 3]), np.array([1j, 2 - 1j])
    found = unp.correlate(native(any_backend, x, "complex64"), native(any_backend, y, "complex64"), mode="full")
    assert str(unp.dtype_of(found)) == "complex64"
    np.testing.assert_allclose(unp.to_numpy(found), np.correlate(x, y, "full"))


def test_a_polynomial_of_one_coefficient_is_constant(any_backend):
    assert_is(unp.polyval(native(any_backend, [3.0]), native(any_backend, [INF, 1.0])), any_backend, [3, 3], "float32")
    assert_is(unp.polyval([2, 1], native(any_backend, 3, "int32")), any_backend, 7, "int32")


def test_vandermonde_matrices_without_rows_or_columns(any_backend):
    assert_is(unp.vander(native(any_backend, [2.0, 3.0]), 0), any_backend, np.zeros((2, 0)), "float32")
    assert_is(unp.vander(native(any_backend, np.zeros(0)), 3), any_backend, np.zeros((0, 3)), "float32")
    assert_is(unp.vander(native(any_backend, [0, 2], "int32"), 3), any_backend, [[0, 0, 1], [4, 2, 1]], "int32")


def test_the_powers_of_zero_have_slopes(backend):
    (found,) = grad(lambda x: unp.vander(x, 3), native(backend, [0.0]))
    assert_is(found, backend, [1.0], "float32")


def test_interpolation_at_and_beyond_the_points(any_backend):
    x = native(any_backend, [-INF, 0.0, 1.0, 2.0, 3.0, 9.0, INF, NAN])
    found = unp.interp(x, native(any_backend, [1.0, 2.0, 3.0]), native(any_backend, [5.0, 7.0, 4.0]))
    assert_is(found, any_backend, [5, 5, 5, 7, 4, 4, 4, NAN], "float32")
    found = unp.interp(x, [1.0, 2.0, 3.0], [5.0, 7.0, 4.0], left=0, right=NAN)
    assert_is(found, any_backend, [0, 0, 5, 7, 4, NAN, NAN, NAN], "float32")


def test_interpolation_through_one_point_and_a_step(any_backend):
    x = native(any_backend, [0.0, 1.0, 2.0])
    assert_is(unp.interp(x, [1.0], [5.0]), any_backend, [5, 5, 5], "float32")
    step = unp.interp(native(any_backend, [0.5, 1.0, 1.5]), [0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 3.0, 4.0])
    assert_is(step, any_backend, [0.5, 3.0, 3.5], "float32")
    ends = unp.interp(native(any_backend, [1.0, 2.0]), [1.0, 1.0, 2.0, 2.0], [0.0, 1.0, 3.0, 4.0])
    assert_is(ends, any_backend, np.interp([1.0, 2.0], [1, 1, 2, 2], [0, 1, 3, 4]), "float32")


def test_interpolation_of_integers_and_complex_values(any_backend):
    x = native(any_backend, [1, 3], "int32")
    assert_is(unp.interp(x, [0, 2, 4], [0, 1, 5]), any_backend, [0.5, 3.0], "float32")
    found = unp.interp(x, [0, 2, 4], native(any_backend, [0, 1j, 4], "complex64"))
    assert unp.to_numpy(found).tolist() == [0.5j, 2 + 0.5j]


def test_slopes_of_an_interpolation_are_finite_everywhere(backend):
    x, xp, fp = (
        native(backend, [-INF, 0.0, 1.0, 9.0]),
        native(backend, [0.0, 2.0, 3.0]),
        native(backend, [1.0, 5.0, 4.0]),
    )
    by_x, by_xp, by_fp = grad(unp.interp, x, xp, fp)
    assert_is(by_x, backend, [0, 2, 2, 0], "float32")
    assert_is(by_xp, backend, [-3, -1, 0], "float32")
    assert_is(by_fp, backend, [2.5, 0.5, 1], "float32")


def test_a_period_sorts_the_points(any_backend):
    x, xp, fp = [-190.0, 5.0, 355.0, 720.0], [190.0, -190.0, 350.0, -350.0], [5.0, 10.0, 3.0, 4.0]
    found = unp.interp(native(any_backend, x), xp, fp, period=360)
    assert_is(found, any_backend, np.interp(x, xp, fp, period=360), "float32", atol=1e-5)


def test_integrals_of_few_samples(any_backend):
    assert_is(unp.trapezoid(native(any_backend, [3.0])), any_backend, 0.0, "float32")
    assert_is(unp.trapezoid(native(any_backend, np.zeros((2, 0)))), any_backend, [0.0, 0.0], "float32")
    assert_is(unp.trapezoid(native(any_backend, [1, 2], "uint8"), [5, 2]), any_backend, -4.5, "float32")


def test_slopes_of_several_axes_are_a_tuple(any_backend):
    x = native(any_backend, RNG.normal(size=(3, 4)))
    found = unp.gradient(x, 2.0)
    assert type(found) is tuple
    for one, expected in zip(found, np.gradient(unp.to_numpy(x), 2.0), strict=True):
        assert_is(one, any_backend, expected, "float32")
    assert_is(unp.gradient(x, axis=-1), any_backend, np.gradient(unp.to_numpy(x), axis=-1), "float32")
    assert_is(unp.gradient(native(any_backend, [1, 3], "uint8")), any_backend, [2.0, 2.0], "float32")


def test_slopes_of_a_parabola_are_exact_between_uneven_places(any_backend):
    places = np.array([0.0, 1.0, 3.0, 4.0], np.float32)
    found = unp.gradient(native(any_backend, places**2), native(any_backend, places), edge_order=2)
    assert_is(found, any_backend, 2 * places, "float32")


def test_what_is_no_number_becomes_one(any_backend):
    x = native(any_backend, [NAN, INF, -INF, 2.0])
    assert_is(unp.nan_to_num(x), any_backend, [0.0, np.finfo("float32").max, np.finfo("float32").min, 2.0], "float32")
    assert_is(unp.nan_to_num(x, nan=1, posinf=7, neginf=-7), any_backend, [1.0, 7.0, -7.0, 2.0], "float32")
    ints = native(any_backend, [1, 2], "int32")
    assert_is(unp.nan_to_num(ints), any_backend, [1, 2], "int32")
    z = unp.nan_to_num(native(any_backend, [complex(NAN, 1), complex(2, INF)], "complex64"), posinf=9)
    assert unp.to_numpy(z).tolist() == [1j, 2 + 9j]
    half = unp.nan_to_num(native(any_backend, [INF], "bfloat16"))
    assert str(unp.dtype_of(half)) == "bfloat16"
    assert np.isfinite(unp.to_numpy(half).astype("float32")).all()


def test_no_gradient_passes_where_there_was_no_number(backend):
    (found,) = grad(lambda x: unp.square(unp.nan_to_num(x, posinf=2.0)), native(backend, [NAN, INF, 3.0]))
    assert_is(found, backend, [0, 0, 6], "float32")


def test_phases_without_steps_and_with_half_turns(any_backend):
    assert_is(unp.unwrap(native(any_backend, [1.0])), any_backend, [1.0], "float32")
    x = [0.0, 2.0, 4.0, 2.0, 0.0, 6.0]
    assert_is(unp.unwrap(native(any_backend, x), period=4.0), any_backend, np.unwrap(x, period=4.0), "float32")


def test_counts_of_nothing_and_of_what_lies_outside(any_backend):
    empty = native(any_backend, np.zeros(0, np.int32), "int32")
    assert_is(unp.bincount(empty), any_backend, np.zeros(0), "int32")
    assert_is(unp.bincount(empty, minlength=2), any_backend, [0, 0], "int32")
    assert_is(unp.bincount(empty, length=0), any_backend, np.zeros(0), "int32")
    x = native(any_backend, [-1, 0, 2, 5, 2, -7], "int32")
    assert_is(unp.bincount(x), any_backend, [1, 0, 2, 0, 0, 1], "int32")
    assert_is(unp.bincount(x, length=3, minlength=9), any_backend, [1, 0, 2], "int32")
    assert_is(unp.bincount(native(any_backend, [-3], "int32")), any_backend, np.zeros(0), "int32")
    assert_is(unp.bincount(native(any_backend, [1, 1], "uint8"), minlength=3), any_backend, [0, 2, 0], "int32")


def test_weights_in_half_precision_are_added_up_in_float32(any_backend):
    ones = native(any_backend, np.ones(1000), "bfloat16")
    found = unp.bincount(native(any_backend, np.zeros(1000), "int32"), ones)
    assert_is(found, any_backend, [1000.0], "bfloat16")


def test_gradients_of_counts_pass_through_the_weights(backend):
    x = native(backend, [0, 2, 9, 2, -1], "int32")

    def loss(w):
        return unp.sum(unp.multiply(unp.bincount(x, w, length=3), native(backend, [1.0, 10.0, 100.0])))

    assert_is(um.grad(loss)(native(backend, np.ones(5))), backend, [1, 100, 0, 100, 0], "float32")


def test_a_traced_count_needs_a_length(backend):
    x = native(backend, [0, 1], "int32")
    with pytest.raises(CapabilityError, match=r"bincount gives as many elements[^$]*length="):
        um.jit(unp.bincount, compiler="graph")(x)
    with pytest.raises(CapabilityError, match=r"bincount gives as many elements[^$]*length="):
        um.vmap(unp.bincount)(unp.stack([x, x]))


def test_edges_belong_to_their_bins(any_backend):
    x = native(any_backend, [0.0, 1.0, 1.5, 2.0, 3.0, -1.0, 9.0, NAN])
    counts, edges = unp.histogram(x, native(any_backend, [0.0, 1.0, 2.0, 3.0]))
    assert_is(counts, any_backend, [1, 2, 2], "int32")
    assert_is(edges, any_backend, [0, 1, 2, 3], "float32")
    places = unp.digitize(x, native(any_backend, [0.0, 1.0, 2.0, 3.0]))
    assert_is(places, any_backend, [1, 2, 2, 3, 4, 0, 4, 4], "int32")
    assert_is(unp.digitize(native(any_backend, [1.5, 5.0]), [3, 2, 1]), any_backend, [2, 0], "int32")


def test_a_histogram_of_equal_numbers_and_of_none(any_backend):
    counts, edges = unp.histogram(native(any_backend, [2.0, 2.0]), 2)
    assert_is(counts, any_backend, [0, 2], "int32")
    assert_is(edges, any_backend, [1.5, 2.0, 2.5], "float32")
    counts, edges = unp.histogram(native(any_backend, np.zeros((0, 3))), 2)
    assert_is(counts, any_backend, [0, 0], "int32")
    assert_is(edges, any_backend, [0.0, 0.5, 1.0], "float32")


def test_edges_are_exact_where_they_are_whole(any_backend):
    x = native(any_backend, np.arange(11), "int32")
    counts, edges = unp.histogram(x, 10)
    assert unp.to_numpy(edges).tolist() == list(range(11))
    assert unp.to_numpy(counts).tolist() == [1] * 9 + [2]


def test_densities_are_divided_by_widths(any_backend):
    density, _ = unp.histogram(native(any_backend, [0.5, 1.0, 2.0, 2.5]), [0.0, 1.0, 3.0], density=True)
    assert_is(density, any_backend, [0.25, 0.375], "float32")


def test_one_observation_has_no_variance(any_backend):
    with np.errstate(all="ignore"):
        assert_is(unp.cov(native(any_backend, [[1.0], [2.0]])), any_backend, np.full((2, 2), NAN), "float32")
    assert_is(unp.cov(native(any_backend, [[1.0], [2.0]]), correction=0), any_backend, np.zeros((2, 2)), "float32")
    assert_is(unp.corrcoef(native(any_backend, [1.0, 2.0])), any_backend, 1.0, "float32")


def test_correlations_stay_within_one(any_backend):
    x = RNG.normal(size=50)
    found = unp.corrcoef(native(any_backend, [x, 3 * x, -7 * x]))
    assert np.abs(unp.to_numpy(found)).max() <= 1


SHAPED = {
    "a matrix to convolve": lambda x: unp.convolve(x, x[0]),
    "nothing to correlate": lambda x: unp.correlate(x[0], x[0, :0]),
    "no coefficients": lambda x: unp.polyval(x[0, :0], x),
    "a matrix of powers": lambda x: unp.vander(x),
    "points of two lengths": lambda x: unp.interp(x, x[0], x[0, 1:]),
    "no points": lambda x: unp.interp(x, x[0, :0], x[0, :0]),
    "places that do not fit": lambda x: unp.trapezoid(x, x[0, :2]),
    "no axis to integrate": lambda x: unp.trapezoid(x, axis=2),
    "no axis to derive": lambda x: unp.gradient(x, axis=-3),
    "too few samples": lambda x: unp.gradient(x, axis=0, edge_order=2),
    "places of another number": lambda x: unp.gradient(x, x[0, :2], axis=1),
    "no axis to unwrap": lambda x: unp.unwrap(x, axis=5),
    "a matrix to count": lambda x: unp.bincount(unp.astype(x, "int32")),
    "too few weights": lambda x: unp.bincount(unp.astype(x[0], "int32"), x[0, 1:]),
    "weights of another shape": lambda x: unp.histogram(x, weights=x[0]),
    "edges of a matrix": lambda x: unp.histogram(x, x),
    "one edge": lambda x: unp.histogram_bin_edges(x, x[0, :1]),
    "no edges": lambda x: unp.digitize(x, x[0, :0]),
    "variables of three axes": lambda x: unp.cov(x[None]),
    "observations of two numbers": lambda x: unp.cov(x, x[:, 1:]),
    "too few weights of observations": lambda x: unp.cov(x, fweights=unp.ones_like(x[0, 1:], dtype="int32")),
}
OPTIONS = {
    "mode": lambda x: unp.convolve(x[0], x[0], mode="half"),
    "period": lambda x: unp.interp(x, x[0], x[0], period=0),
    "edge_order": lambda x: unp.gradient(x, edge_order=3),
    "spacing": lambda x: unp.gradient(x, 1.0, 1.0, 1.0),
    "bins": lambda x: unp.histogram(x, 0),
    "fractional bins": lambda x: unp.histogram_bin_edges(x, 2.5),
    "range": lambda x: unp.histogram(x, range=(2, 1)),
}


@pytest.mark.parametrize("call", SHAPED.values(), ids=SHAPED.keys())
def test_wrong_shapes_are_named(any_backend, call):
    with pytest.raises(ShapeError):
        call(unp.ones((2, 3), backend=any_backend))


@pytest.mark.parametrize("call", OPTIONS.values(), ids=OPTIONS.keys())
def test_wrong_options_are_named(any_backend, call):
    with pytest.raises(OptionError):
        call(unp.ones((2, 3), backend=any_backend))


def test_only_integers_are_counted(any_backend):
    with pytest.raises(DTypeError, match=r"bincount counts integers[^$]*f32\[2\]"):
        unp.bincount(unp.ones(2, backend=any_backend))
