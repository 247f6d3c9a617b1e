"""Fourier transforms: round trips, the matrix of the transform, edges and errors, gradients of complex numbers."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import DTypeError, OptionError, ShapeError

RNG = np.random.default_rng(20250311)
X = RNG.normal(size=(3, 4, 5)).astype(np.float32)
Z = (RNG.normal(size=(3, 6)) + 1j * RNG.normal(size=(3, 6))).astype(np.complex64)
NORMS = ("backward", "ortho", "forward")


def native(backend, x):
    return unp.asarray(x, dtype=x.dtype.name, backend=backend)


def assert_is(found, backend, expected, dtype, *, atol=2e-6):
    assert _registry.of_type(type(found)).name == backend
    assert tuple(found.shape) == np.shape(expected)
    assert str(unp.dtype_of(found)) == dtype
    np.testing.assert_allclose(unp.to_numpy(found), expected, rtol=2e-6, atol=atol)


def test_a_transform_is_the_product_with_its_matrix(any_backend):
    k = np.arange(6)
    matrix = np.exp(-2j * np.pi * k[:, None] * k / 6)
    assert_is(unp.fft.fft(native(any_backend, Z)), any_backend, Z @ matrix, "complex64", atol=1e-5)
    assert_is(unp.fft.ifft(native(any_backend, Z)), any_backend, Z @ matrix.conj() / 6, "complex64")


@pytest.mark.parametrize("norm", NORMS)
def test_an_inverse_gives_back_what_was_transformed(any_backend, norm):
    z, x = native(any_backend, Z), native(any_backend, X)
    assert_is(unp.fft.ifft(unp.fft.fft(z, norm=norm), norm=norm), any_backend, Z, "complex64")
    assert_is(unp.fft.irfft(unp.fft.rfft(x, norm=norm), n=5, norm=norm), any_backend, X, "float32")
    assert_is(unp.fft.irfftn(unp.fft.rfftn(x, norm=norm), s=X.shape, norm=norm), any_backend, X, "float32")
    assert_is(unp.fft.hfft(unp.fft.ihfft(x, norm=norm), n=5, norm=norm), any_backend, X, "float32")
    assert_is(unp.fft.ifft2(unp.fft.fft2(z, norm=norm), norm=norm), any_backend, Z, "complex64")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32", "uint8", "bool"])
def test_narrow_numbers_are_computed_in_float32(any_backend, dtype):
    x = unp.asarray([1, 0, 1, 1], dtype=dtype, backend=any_backend)
    assert_is(unp.fft.fft(x), any_backend, np.fft.fft([1, 0, 1, 1]), "complex64")
    assert_is(unp.fft.rfft(x), any_backend, np.fft.rfft([1, 0, 1, 1]), "complex64")
    assert_is(unp.fft.irfft(x), any_backend, np.fft.irfft([1, 0, 1, 1]), "float32")
    assert_is(unp.fft.fftshift(x), any_backend, [1, 1, 1, 0], dtype)


def test_wide_numbers_stay_wide(any_backend):
    with um.use_x64():
        x = unp.asarray(X, dtype="float64", backend=any_backend)
        expected = np.fft.rfftn(X.astype(np.float64))
        found = unp.fft.rfftn(x)
        assert_is(found, any_backend, expected, "complex128")
        np.testing.assert_allclose(unp.to_numpy(found), expected, rtol=1e-13, atol=1e-13)
        assert str(unp.dtype_of(unp.fft.irfft(found))) == "float64"
        assert str(unp.dtype_of(unp.fft.fftn(x, axes=()))) == "complex128"


def test_one_element_and_no_axes(any_backend):
    one = unp.asarray([[3.0]], backend=any_backend)
    for name, dtype in (("fft", "complex64"), ("ifft", "complex64"), ("rfft", "complex64"), ("ihfft", "complex64")):
        assert_is(getattr(unp.fft, name)(one), any_backend, [[3.0]], dtype)
    assert_is(unp.fft.irfft(one, n=1), any_backend, [[3.0]], "float32")
    assert_is(unp.fft.fftn(one[0, 0]), any_backend, 3.0, "complex64")
    assert_is(unp.fft.fftn(one, axes=()), any_backend, [[3.0]], "complex64")
    assert_is(unp.fft.fftshift(one, axes=()), any_backend, [[3.0]], "float32")


def test_no_rows(any_backend):
    x = unp.zeros((0, 4), backend=any_backend)
    for name, size, dtype in (
        ("fft", 4, "complex64"),
        ("ifft", 4, "complex64"),
        ("rfft", 3, "complex64"),
        ("ihfft", 3, "complex64"),
        ("irfft", 6, "float32"),
        ("hfft", 6, "float32"),
    ):
        assert_is(getattr(unp.fft, name)(x), any_backend, np.zeros((0, size)), dtype)
    assert_is(unp.fft.irfft(x, n=1), any_backend, np.zeros((0, 1)), "float32")


def test_an_axis_without_elements_can_be_filled_up(any_backend):
    x = unp.zeros((2, 0), backend=any_backend)
    assert_is(unp.fft.fft(x, n=3), any_backend, np.zeros((2, 3)), "complex64")
    assert_is(unp.fft.irfft(x, n=3), any_backend, np.zeros((2, 3)), "float32")


def test_more_than_three_axes(any_backend):
    x = RNG.normal(size=(2, 3, 2, 3, 2)).astype(np.float32)
    assert_is(unp.fft.fftn(native(any_backend, x)), any_backend, np.fft.fftn(x), "complex64", atol=2e-5)
    assert_is(unp.fft.irfftn(native(any_backend, x)), any_backend, np.fft.irfftn(x), "float32", atol=2e-5)


def test_sizes_without_axes_are_those_of_the_last_axes(any_backend):
    expected = np.fft.fftn(X, s=(2, 6), axes=(-2, -1))
    assert_is(unp.fft.fftn(native(any_backend, X), s=(2, 6)), any_backend, expected, "complex64", atol=1e-5)


def test_the_size_minus_one_is_that_of_the_axis(any_backend):
    x = native(any_backend, X)
    expected = np.fft.rfftn(X, s=(3, 3), axes=(0, 2))
    assert_is(unp.fft.rfftn(x, s=(-1, 3), axes=(0, 2)), any_backend, expected, "complex64", atol=1e-5)
    expected = np.fft.irfftn(X, axes=(0, 2))
    assert_is(unp.fft.irfftn(x, s=(-1, -1), axes=(0, 2)), any_backend, expected, "float32", atol=1e-5)


def test_frequencies_are_made_where_and_how_they_are_wanted(any_backend):
    assert_is(unp.fft.fftfreq(5, d=0.1, backend=any_backend), any_backend, np.fft.fftfreq(5, 0.1), "float32")
    half = unp.fft.rfftfreq(4, dtype="float16", device="cpu", backend=any_backend)
    assert_is(half, any_backend, [0, 0.25, 0.5], "float16")


SHAPED = {
    "an axis without elements": lambda x: unp.fft.fft(x[:0], axis=0),
    "nothing is left": lambda x: unp.fft.fft(x, n=0),
    "a negative size": lambda x: unp.fft.rfft(x, n=-2),
    "half of nothing": lambda x: unp.fft.irfft(x[:, :1]),
    "no such axis": lambda x: unp.fft.fft(x, axis=2),
    "no such axis below": lambda x: unp.fft.irfftn(x, axes=(0, -3)),
    "no axis at all": lambda x: unp.fft.rfft(x[0, 0]),
    "nothing to halve": lambda x: unp.fft.rfftn(x, axes=()),
    "nothing to unhalve": lambda x: unp.fft.irfftn(x[0, 0]),
    "too few sizes": lambda x: unp.fft.fftn(x, s=(2,), axes=(0, 1)),
    "too many sizes": lambda x: unp.fft.fft2(x, s=(2, 2, -1)),
    "more sizes than axes": lambda x: unp.fft.fftn(x, s=(2, 2, 2)),
    "two axes wanted": lambda x: unp.fft.fft2(x[0]),
    "no samples": lambda x: unp.fft.fftfreq(0),
    "no real samples": lambda x: unp.fft.rfftfreq(-1),
    "no axis to shift": lambda x: unp.fft.fftshift(x, axes=(0, 2)),
}


@pytest.mark.parametrize("call", SHAPED.values(), ids=SHAPED.keys())
def test_wrong_shapes_are_named(any_backend, call):
    with pytest.raises(ShapeError):
        call(unp.ones((2, 3), backend=any_backend))


def test_errors_say_what_is_wrong(any_backend):
    x = unp.ones((2, 3), backend=any_backend)
    with pytest.raises(ShapeError, match=r"fft got the axis 2[^$]*axis=\(2,\) for f32\[2, 3\]"):
        unp.fft.fft(x, axis=2)
    with pytest.raises(ShapeError, match=r"ifft transforms at least one element[^$]*sizes \(0,\)"):
        unp.fft.ifft(x, n=0)
    with pytest.raises(OptionError, match=r"rfft does not know this norm[^$]*'unitary'"):
        unp.fft.rfft(x, norm="unitary")
    with pytest.raises(OptionError, match=r"hfft does not know this norm[^$]*'unitary'"):
        unp.fft.hfft(x, norm="unitary")
    for name in ("rfft", "ihfft", "rfftn", "rfft2"):
        with pytest.raises(DTypeError, match=rf"{name} transforms real numbers[^$]*c64\[2, 3\]"):
            getattr(unp.fft, name)(unp.astype(x, "complex64"))


def test_the_gradient_by_complex_numbers_descends(backend):
    """Of ``sum |fft(z)|**2 = n sum |z|**2`` it is ``2 n z``: the derivative by the conjugate, twice."""

    def energy(z):
        return unp.sum(unp.square(unp.abs(unp.fft.fft(z))))

    assert_is(um.grad(energy)(native(backend, Z)), backend, 12 * Z, "complex64", atol=2e-5)


def test_the_gradient_through_half_a_transform_counts_what_stands_twice(backend):
    """Of ``irfft(z)[0]`` it is 1 / n where an element stands once, else 2 / n."""
    z = unp.asarray(np.ones(3, np.complex64), dtype="complex64", backend=backend)
    found = um.grad(lambda z: unp.fft.irfft(z)[0])(z)
    assert_is(found, backend, [0.25, 0.5, 0.25], "complex64")


def test_jitted_gradients_are_those_without_jit(backend):
    def loss(x):
        return unp.sum(unp.square(unp.fft.irfftn(unp.fft.rfftn(x, s=(4, 3)))))

    x = native(backend, X)
    eager, compiled = um.grad(loss)(x), um.jit(um.grad(loss), compiler="graph")(x)
    assert_is(compiled, backend, unp.to_numpy(eager), "float32")
    assert np.abs(unp.to_numpy(eager)).max() > 0.5
