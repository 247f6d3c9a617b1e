"""Sorting, searching and sets: rules for nan, zeros and ties, edges, errors, and what runs without native functions."""

from __future__ import annotations

import math

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import CapabilityError, DTypeError, OptionError, ShapeError
from unimod.testing import checks
from unimod.testing.cases import sorting

pytestmark = pytest.mark.thin(2)

NAN, INF = math.nan, math.inf
MIXED = [2.0, NAN, -0.0, 0.0, -INF, NAN, INF]


def native(backend, x, dtype="float32"):
    return unp.asarray(x, dtype=dtype, backend=backend)


def listed(x):
    return unp.to_numpy(x).tolist()


def assert_array(x, backend, dtype, shape):
    assert _registry.of_type(type(x)).name == backend
    assert (str(unp.dtype_of(x)), tuple(x.shape)) == (dtype, shape)


# Order


def test_nan_is_the_greatest_and_zeros_are_equal(any_backend):
    x = native(any_backend, MIXED)
    assert listed(unp.argsort(x)) == [4, 2, 3, 0, 6, 1, 5]
    assert listed(unp.argsort(x, descending=True)) == [1, 5, 6, 0, 2, 3, 4]
    up, down = unp.to_numpy(unp.sort(x)), unp.to_numpy(unp.sort(x, descending=True))
    np.testing.assert_array_equal(up, [-INF, -0.0, 0.0, 2.0, INF, NAN, NAN])
    np.testing.assert_array_equal(down, [NAN, NAN, INF, 2.0, -0.0, 0.0, -INF])
    assert np.signbit(up[1:3]).tolist() == np.signbit(down[4:6]).tolist() == [True, False]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int32", "int8", "uint8", "bool"])
@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(any_backend, dtype, descending):
    values = np.random.default_rng(1).integers(0, 2 if dtype == "bool" else 5, 300)
    x = native(any_backend, values.astype("float32") != 0 if dtype == "bool" else values, dtype)
    order = sorted(range(300), key=lambda i: values[i], reverse=descending)
    found = unp.argsort(x, descending=descending)
    assert_array(found, any_backend, "int32", (300,))
    assert listed(found) == order
    places = unp.top_k(x, 200, largest=descending)[1]
    assert_array(places, any_backend, "int32", (200,))
    assert listed(places) == order[:200]


def test_top_k_of_special_values(any_backend):
    values, places = unp.top_k(native(any_backend, MIXED), 6)
    assert listed(places) == [1, 5, 6, 0, 2, 3]
    np.testing.assert_array_equal(unp.to_numpy(values), [NAN, NAN, INF, 2.0, -0.0, 0.0])
    negative_nan = -np.float32(NAN)
    assert listed(unp.top_k(native(any_backend, np.array([1, negative_nan, INF], np.float32)), 2)[1]) == [1, 2]


def test_top_k_of_nothing_and_of_everything(any_backend):
    x = native(any_backend, [[3.0, 1.0], [2.0, 5.0]])
    values, places = unp.top_k(x, 0)
    assert_array(values, any_backend, "float32", (2, 0))
    assert_array(places, any_backend, "int32", (2, 0))
    assert listed(unp.top_k(x, 2, axis=0)[0]) == [[3.0, 5.0], [2.0, 1.0]]


def test_top_k_of_64_bit_integers(any_backend):
    if any_backend == "jax":
        return  # without 64 bits there
    big = [2**40, 2**40 + 1, -(2**50), 2**40]
    values, places = unp.top_k(native(any_backend, big, "int64"), 3)
    assert (listed(values), listed(places)) == ([2**40 + 1, 2**40, 2**40], [1, 0, 3])


def test_the_gradient_of_top_k_goes_to_the_chosen(backend):
    x = native(backend, [1.0, 4.0, 4.0, 2.0])
    found = um.grad(lambda v: unp.sum(unp.top_k(v, 2)[0] * unp.asarray([10.0, 1.0])))(x)
    assert listed(found) == [0.0, 10.0, 1.0, 0.0]


def test_top_k_under_vmap_of_grad(backend):
    x = native(backend, [[1.0, 4.0, 2.0], [9.0, 3.0, 5.0]])
    found = um.vmap(um.grad(lambda v: unp.sum(unp.top_k(v, 2)[0])))(x)
    assert listed(found) == [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]


def test_sorting_of_nothing(any_backend):
    x = native(any_backend, np.zeros((2, 0), np.float32))
    assert_array(unp.sort(x), any_backend, "float32", (2, 0))
    assert_array(unp.argsort(x), any_backend, "int32", (2, 0))
    assert_array(unp.lexsort([x, x]), any_backend, "int32", (2, 0))


# Places


def test_searchsorted_of_nothing(any_backend):
    empty, x = native(any_backend, []), native(any_backend, [1.0, 2.0])
    assert listed(unp.searchsorted(empty, x)) == [0, 0]
    assert_array(unp.searchsorted(x, empty), any_backend, "int32", (0,))


def test_searchsorted_among_nan(any_backend):
    x, v = native(any_backend, [0.0, 1.0, INF, NAN, NAN]), native(any_backend, [NAN, INF, -0.0, -1.0])
    assert listed(unp.searchsorted(x, v)) == [3, 2, 0, 0]
    assert listed(unp.searchsorted(x, v, side="right")) == [5, 3, 1, 0]


def test_searchsorted_promotes(any_backend):
    x, v = native(any_backend, [1, 2, 3], "int32"), native(any_backend, [1.5, 2.0])
    assert listed(unp.searchsorted(x, v)) == [1, 1]
    assert_array(unp.searchsorted(x, 2), any_backend, "int32", ())


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2)])
def test_nonzero_of_nothing(any_backend, shape):
    x = native(any_backend, np.zeros(shape, np.float32))
    found = unp.nonzero(x)
    assert len(found) == len(shape)
    for index in found:
        assert_array(index, any_backend, "int32", (0,))
    assert_array(unp.argwhere(x), any_backend, "int32", (0, len(shape)))
    padded = unp.nonzero(x, size=2, fill_value=7)
    assert [listed(index) for index in padded] == [[7, 7]] * len(shape)


def test_argwhere_of_an_array_without_axes(any_backend):
    assert_array(unp.argwhere(native(any_backend, 3.0)), any_backend, "int32", (1, 0))
    assert_array(unp.argwhere(native(any_backend, 0.0)), any_backend, "int32", (0, 0))
    assert listed(unp.flatnonzero(native(any_backend, 3.0))) == [0]


def test_nan_is_not_zero(any_backend):
    assert listed(unp.flatnonzero(native(any_backend, [NAN, 0.0, -0.0, 1.0]))) == [0, 3]


# Sets


def test_every_nan_is_an_element_of_its_own_in_the_standard(any_backend):
    x = native(any_backend, MIXED)
    found = unp.unique_all(x)
    np.testing.assert_array_equal(unp.to_numpy(found.values), [-INF, -0.0, 2.0, INF, NAN, NAN])
    assert listed(found.indices) == [4, 2, 0, 6, 1, 5]
    assert listed(found.inverse_indices) == [2, 4, 1, 1, 0, 5, 3]
    assert listed(found.counts) == [1, 2, 1, 1, 1, 1]
    assert len(listed(unp.unique_values(x))) == len(listed(unp.unique_counts(x).values)) == 6


def test_all_nan_are_one_in_unique(any_backend):
    values, places, inverse, counts = unp.unique(native(any_backend, MIXED), True, True, True)
    np.testing.assert_array_equal(unp.to_numpy(values), [-INF, -0.0, 2.0, INF, NAN])
    assert (listed(places), listed(counts)) == ([4, 2, 0, 6, 1], [1, 2, 1, 1, 2])
    assert listed(inverse) == [2, 4, 1, 1, 0, 4, 3]
    assert len(listed(unp.unique(native(any_backend, MIXED), equal_nan=False))) == 6


def test_complex_elements(any_backend):
    x = native(any_backend, [2 + 1j, 1 + 2j, 2 + 1j, 1 + 1j, complex(1, NAN), complex(NAN, 0)], "complex64")
    found = unp.unique_all(x)
    assert listed(found.values)[:3] == [1 + 1j, 1 + 2j, 2 + 1j]
    assert listed(found.counts) == [1, 1, 2, 1, 1]
    assert listed(unp.unique(x, return_counts=True)[1]) == [1, 1, 2, 2]


@pytest.mark.parametrize("shape", [(), (1,), (2, 1)])
def test_sets_of_one_element(any_backend, shape):
    found = unp.unique_all(native(any_backend, np.full(shape, 3.0, np.float32)))
    n = math.prod(shape)
    assert (listed(found.values), listed(found.counts), listed(found.indices)) == ([3.0], [n], [0])
    assert_array(found.inverse_indices, any_backend, "int32", shape)


def test_sets_of_nothing(any_backend):
    empty, x = native(any_backend, []), native(any_backend, [1.0, 1.0])
    found = unp.unique_all(empty)
    assert [tuple(part.shape) for part in found] == [(0,)] * 4
    assert listed(unp.unique_all(empty, size=2, fill_value=5).values) == [5.0, 5.0]
    assert listed(unp.unique_all(empty, size=2).counts) == [0, 0]
    assert listed(unp.isin(x, empty)) == [False, False]
    assert_array(unp.isin(empty, x), any_backend, "bool", (0,))
    assert listed(unp.union1d(empty, x)) == [1.0]
    assert (listed(unp.intersect1d(empty, x)), listed(unp.setdiff1d(x, empty))) == ([], [1.0])


def test_a_size_of_nothing(any_backend):
    x = native(any_backend, [1.0, 2.0])
    assert_array(unp.unique_values(x, size=0), any_backend, "float32", (0,))
    assert [tuple(part.shape) for part in unp.unique_all(x, size=0)] == [(0,), (0,), (2,), (0,)]
    assert_array(unp.nonzero(x, size=0)[0], any_backend, "int32", (0,))


def test_nan_is_in_nothing(any_backend):
    x = native(any_backend, [NAN, 1.0])
    many = native(any_backend, [NAN, 1.0, *range(30)])
    assert listed(unp.isin(x, x)) == listed(unp.isin(x, many)) == [False, True]
    assert len(listed(unp.setdiff1d(native(any_backend, MIXED), many))) == 3


@pytest.mark.parametrize("count", [3, 40])
def test_isin_of_python_numbers_and_of_several_dtypes(any_backend, count):
    x = native(any_backend, list(range(count)), "int32")
    assert listed(unp.isin(2, x)) is True
    assert listed(unp.isin(x, 2)) == [i == 2 for i in range(count)]
    assert listed(unp.isin(native(any_backend, [0.5, 1.0]), x)) == [False, True]


def test_with_a_size_everything_works_under_jit_and_vmap(backend):
    x = native(backend, [[3.0, 1.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0]])

    def everything(v):
        return unp.unique_all(v, size=3, fill_value=-1), unp.nonzero(v, size=2), unp.setdiff1d(v, v[:1], size=2)

    for fn in (um.vmap(everything), um.jit(um.vmap(everything), compiler="graph")):
        found, (places,), left = fn(x)
        assert listed(found.values) == [[0.0, 1.0, 3.0], [2.0, -1.0, -1.0]]
        assert listed(found.counts) == [[1, 1, 2], [4, 0, 0]]
        assert listed(found.indices) == [[3, 1, 0], [0, 0, 0]]
        assert listed(found.inverse_indices) == [[2, 1, 2, 0], [0, 0, 0, 0]]
        assert listed(places) == [[0, 1], [0, 1]]
        assert listed(left) == [[0.0, 1.0], [2.0, 2.0]]


# Errors

NEEDS_SIZE = {
    "nonzero": lambda x: unp.nonzero(x),
    "argwhere": lambda x: unp.argwhere(x),
    "flatnonzero": lambda x: unp.flatnonzero(x),
    "unique_all": lambda x: unp.unique_all(x),
    "unique_values": lambda x: unp.unique_values(x),
    "unique": lambda x: unp.unique(x),
    "union1d": lambda x: unp.union1d(x, x),
    "intersect1d": lambda x: unp.intersect1d(x, x),
    "setdiff1d": lambda x: unp.setdiff1d(x, x),
}


@pytest.mark.parametrize("name", NEEDS_SIZE)
@pytest.mark.parametrize("transform", ["jit", "vmap"])
def test_a_trace_needs_a_size(backend, name, transform):
    x = native(backend, [[1.0, 0.0], [2.0, 2.0]])
    with pytest.raises(CapabilityError) as caught:
        getattr(um, transform)(NEEDS_SIZE[name])(x)
    shown = "nonzero" if name in ("argwhere", "flatnonzero") else name
    assert str(caught.value).startswith(f"{shown} gives as many elements as the values say, and a trace has no values.")
    assert "pass size=" in str(caught.value)


COMPLEX = {
    "sort": lambda x: unp.sort(x),
    "argsort": lambda x: unp.argsort(x),
    "lexsort": lambda x: unp.lexsort([x]),
    "top_k": lambda x: unp.top_k(x, 1),
    "searchsorted": lambda x: unp.searchsorted(x, x),
    "partition": lambda x: unp.partition(x, 1),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_numbers_have_no_order(any_backend, name):
    shown = {"lexsort": "argsort", "partition": "sort"}.get(name, name)
    with pytest.raises(DTypeError, match=rf"^{shown} needs numbers that have an order.\n  got:      complex64"):
        COMPLEX[name](native(any_backend, [1j, 2.0], "complex64"))


@pytest.mark.parametrize(
    "call",
    [lambda x: unp.sort(x, 2), lambda x: unp.argsort(x, -3), lambda x: unp.top_k(x, 1, axis=5)],
    ids=["sort", "argsort", "top_k"],
)
def test_an_axis_that_is_not_there(any_backend, call):
    with pytest.raises(ShapeError, match=r"which the array does not have"):
        call(native(any_backend, [[1.0]]))


def test_an_array_without_axes_cannot_be_sorted(any_backend):
    with pytest.raises(ShapeError, match=r"^sort got the axis -1, which the array does not have"):
        unp.sort(native(any_backend, 1.0))
    with pytest.raises(ShapeError, match=r"^nonzero needs an array with axes"):
        unp.nonzero(native(any_backend, 1.0))


def test_options_that_are_not_known(any_backend):
    x = native(any_backend, [1.0, 2.0])
    with pytest.raises(OptionError, match=r"^top_k cannot find so many elements.\n  got:      k=3"):
        unp.top_k(x, 3)
    with pytest.raises(OptionError, match=r"^top_k cannot"):
        unp.top_k(x, -1)
    with pytest.raises(OptionError, match=r"^searchsorted knows two sides"):
        unp.searchsorted(x, x, side="middle")
    with pytest.raises(OptionError, match=r"^partition got a place outside the axis"):
        unp.partition(x, 2)
    with pytest.raises(OptionError, match=r"negative size"):
        unp.nonzero(x, size=-1)
    with pytest.raises(ShapeError, match=r"^searchsorted searches along one axis"):
        unp.searchsorted(native(any_backend, [[1.0]]), x)
    with pytest.raises(ShapeError, match=r"^lexsort needs keys of one shape"):
        unp.lexsort([x, x[:1]])
    with pytest.raises(ShapeError, match=r"^lexsort needs keys of one shape"):
        unp.lexsort([])


# What the front does where an engine has no function of its own

OPTIONAL = {
    "top_k": "top_k",
    "searchsorted": "searchsorted",
    "flatnonzero": "nonzero",
}
ROWS = [(name, case) for name, target in OPTIONAL.items() for case in sorting.CASES if target in case.name]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1].name}")
def test_without_a_native_function(any_backend, row, monkeypatch):
    name, case = row
    monkeypatch.delattr(_registry.load(any_backend).arrays, name, raising=False)
    checks.value(case, any_backend, "float32")
    if any_backend != "numpy" and case.vmap:
        checks.mapped(case, any_backend, "float32")
