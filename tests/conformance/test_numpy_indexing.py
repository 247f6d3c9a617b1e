"""Indexing and functional updates against plain NumPy, and the rules for what NumPy leaves open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import CapabilityError, DTypeError, OptionError, ShapeError

pytestmark = pytest.mark.thin(3)

RNG = np.random.default_rng(7)
CUBE = RNG.normal(size=(3, 4, 5)).astype(np.float32)
PAIR, COLUMN = np.array([2, -1], np.int64), np.array([[0], [1]], np.int8)
MASK = np.array([True, False, True, True])
NAN, INF = float("nan"), float("inf")

INDICES = {
    "nothing": (),
    "int": 1,
    "negative int": -3,
    "numpy int": np.int16(-1),
    "ellipsis": ...,
    "new axes": (None, 0, ..., None),
    "negative step": slice(None, None, -1),
    "steps": (slice(2, None, -2), slice(-1, 0, -3), slice(1, 9, 2)),
    "empty slice": (slice(2, 1), slice(1, 3, -1)),
    "list": [2, 0, 0],
    "array": (slice(None), PAIR),
    "array without axes": (np.array(1), slice(None), np.array(-2)),
    "arrays broadcast": (PAIR, slice(1, 3), COLUMN),
    "arrays together": (slice(None, None, -1), PAIR, COLUMN),
    "int and array apart": (0, slice(None), [0, 1]),
    "int and array together": (slice(None), 0, [0, 1]),
    "kept apart by an ellipsis": (slice(None), [0], ..., [1]),
    "kept apart by a new axis": (slice(None), [0], None, [1]),
    "three arrays": ([0, 1], [2, 3], [4, 0]),
    "mask": CUBE > 0,
    "mask of one axis": (slice(None), MASK),
    "mask of two axes": (..., CUBE[0] > 0),
    "mask and array": (PAIR[:1], MASK),
    "mask without axes": (slice(None), np.array(True), [0]),
    "bool": False,
    "empty list": (slice(None), []),
    "empty array": np.zeros((2, 0), np.int32),
    "empty mask": (slice(None), np.zeros(4, np.bool_)),
}


def host(x: Any, backend: str) -> np.ndarray:
    """The values of a native array of this engine."""
    engine = _registry.of_type(type(x))
    assert engine is not None
    assert engine.name == backend
    return np.asarray(unp.to_numpy(x))


def same(found: Any, expected: Any, backend: str) -> None:
    values, expected = host(found, backend), np.asarray(expected)
    assert values.shape == expected.shape
    assert values.dtype == expected.dtype
    np.testing.assert_array_equal(values, expected)


def native(index: Any, backend: str) -> Any:
    if isinstance(index, tuple):
        return tuple(native(one, backend) for one in index)
    return unp.asarray(index, backend=backend) if isinstance(index, np.ndarray) else index


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
@pytest.mark.parametrize("of", ["host", "engine"])
def test_reading_is_that_of_numpy(index, of, any_backend):
    x = unp.asarray(CUBE)
    found = unp.getitem(x, native(index, any_backend) if of == "engine" else index)
    same(found, CUBE[index], any_backend)
    same(unp.at(x, index).get(), CUBE[index], any_backend)


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
@pytest.mark.parametrize("op", ["set", "add"])
def test_updates_are_those_of_numpy(index, op, any_backend):
    x = unp.asarray(CUBE)
    y = np.arange(1, CUBE[index].size + 1, dtype=np.float32).reshape(CUBE[index].shape)
    expected = CUBE.copy()
    if op == "set":
        expected[index] = y
    else:
        np.add.at(expected, index, y)
    place = unp.at(x)[native(index, any_backend)]
    np.testing.assert_allclose(host(getattr(place, op)(unp.asarray(y)), any_backend), expected, rtol=1e-6, atol=1e-6)
    same(x, CUBE, any_backend)


def test_an_update_shares_no_memory(any_backend):
    x, y = unp.asarray([1.0, 2.0]), unp.asarray([5.0, 6.0])
    for index in (..., slice(None), slice(0, 2), [0, 1], unp.asarray([True, True])):
        changed = unp.at(x)[index].set(y)
        assert changed is not x
        assert changed is not y
        if any_backend != "jax":
            changed[...] = 0
    same(x, np.array([1, 2], np.float32), any_backend)
    same(y, np.array([5, 6], np.float32), any_backend)


def test_the_last_of_several_values_wins(backend):
    i = RNG.integers(-50, 50, size=(40, 50)).astype(np.int32)
    y = RNG.normal(size=(40, 50)).astype(np.float32)
    expected = np.zeros(50, np.float32)
    for place, value in zip(i.ravel(), y.ravel(), strict=True):
        expected[place] = value
    x, i, y = unp.zeros(50), unp.asarray(i), unp.asarray(y)
    update = lambda x, i, y: unp.at(x)[i].set(y)  # noqa: E731
    same(update(x, i, y), expected, backend)
    same(um.jit(update)(x, i, y), expected, backend)
    rows = um.vmap(update, in_axes=(None, 0, 0))(x, i, y)
    one = host(update(x, i[3], y[3]), backend)
    same(rows[3], one, backend)


def test_only_the_last_value_has_a_gradient(backend):
    x, y = unp.asarray([1.0, 2.0, 3.0]), unp.asarray([5.0, 6.0, 7.0])
    weights = unp.asarray([10.0, 20.0, 30.0])
    loss = lambda x, y: unp.sum(weights * unp.at(x)[[0, 2, 0]].set(y))  # noqa: E731
    for gradient in (um.grad(loss, argnums=(0, 1)), um.jit(um.grad(loss, argnums=(0, 1)))):
        by_x, by_y = gradient(x, y)
        assert (by_x.tolist(), by_y.tolist()) == ([0, 20, 0], [0, 30, 10])


def test_gradients_of_ties_are_split_evenly(backend):
    x, y, i = unp.asarray([1.0, 5.0, 3.0]), unp.asarray([1.0, 1.0, 2.0, 9.0]), unp.asarray([0, 0, 2, 7])
    by_x, by_y = um.grad(lambda x, y: unp.sum(unp.at(x)[i].max(y)), argnums=(0, 1))(x, y)
    np.testing.assert_allclose(host(by_x, backend), [1 / 3, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(host(by_y, backend), [1 / 3, 1 / 3, 0, 0], rtol=1e-6, atol=1e-7)
    found = um.grad(lambda y: unp.sum(unp.segment_min(y, unp.asarray([0, 0, 1, -1]), 2)))(y)
    np.testing.assert_allclose(host(found, backend), [0.5, 0.5, 1, 0], rtol=1e-6)


def test_products_with_zeros_have_exact_gradients(backend):
    i = unp.asarray([0, 0, 1, 1, 1])
    y = unp.asarray([0.0, 3.0, 0.0, 0.0, 2.0])
    product = lambda y: unp.sum(unp.segment_prod(y, i, 2))  # noqa: E731
    assert um.grad(product)(y).tolist() == [3, 0, 0, 0, 0]
    second = um.grad(lambda y: um.grad(product)(y)[2])(y)
    assert second.tolist() == [0, 0, 0, 2, 0]  # the derivative of y[3] * y[4]


def test_a_mask_may_be_traced_where_its_values_are_alike(backend):
    x = unp.asarray([[1.0, -2.0], [-3.0, 4.0]])
    positive = um.jit(lambda x: unp.at(x)[unp.greater(x, 0)].set(0.0))
    assert positive(x).tolist() == [[0, -2], [-3, 0]]
    rows = um.jit(lambda x, y: unp.at(x)[unp.greater(x[:, 0], 0)].add(y))
    assert rows(x, unp.asarray([[10.0, 20.0]])).tolist() == [[11, 18], [-3, 4]]
    with pytest.raises(CapabilityError, match="A mask is traced"):
        um.jit(lambda x: unp.getitem(x, unp.greater(x, 0)))(x)
    with pytest.raises(CapabilityError, match="A mask is traced"):
        um.jit(lambda x: unp.at(x)[unp.greater(x[:, 0], 0)].set(x[:1, 0] * unp.ones((2, 1))))(x)


def test_a_mask_keeps_the_sign_of_zero_and_takes_no_gradient_from_elsewhere(backend):
    x = unp.asarray([-0.0, 0.0, 4.0])
    found = host(unp.at(x)[x > 1].add(1.0), backend)
    assert np.signbit(found).tolist() == [True, False, False]
    by_y = um.grad(lambda y: unp.sum(unp.at(x)[x > 1].divide(y)))(unp.asarray(2.0))
    assert by_y.tolist() == -1.0


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("drop", [1, 2, 3]), ("clip", [1, 2, 9]), ("wrap", [1, 9, 3])],
)
@pytest.mark.parametrize("kind", ["int", "host", "engine", "jit"])
def test_an_index_outside_is_treated_alike_however_it_is_given(mode, expected, kind, any_backend):
    if kind == "jit" and any_backend == "numpy":
        kind = "engine"
    x = unp.asarray([1, 2, 3])
    update = lambda x, i: unp.at(x)[i].set(9, mode=mode)  # noqa: E731
    index = {"int": 7, "host": np.array([7])}.get(kind, unp.asarray([7]))
    found = um.jit(update)(x, index) if kind == "jit" else update(x, index)
    same(found, np.array(expected, np.int32), any_backend)


def test_reading_outside(any_backend):
    x = unp.asarray([1.0, 2.0, 3.0])
    assert unp.getitem(x, 5, mode="fill", fill_value=-1).tolist() == -1
    assert unp.getitem(x, [-4, -3], mode="clip").tolist() == [1, 1]
    assert unp.getitem(x, [-4, 3], mode="wrap").tolist() == [3, 1]
    np.testing.assert_array_equal(host(unp.take(x, [-4, -3], mode="fill"), any_backend), np.float32([NAN, 1]))
    same(unp.take(unp.asarray([True, True]), [0, 2], mode="fill"), np.array([True, False]), any_backend)
    same(unp.take(unp.zeros((0, 2)), [0], mode="fill", fill_value=3.0), np.full((1, 2), 3, np.float32), any_backend)
    same(unp.take_along_axis(x, [0, 9], mode="fill", fill_value=8), np.float32([1, 8]), any_backend)


def test_narrow_and_wide_index_dtypes(any_backend):
    x = unp.arange(300)
    for dtype in ("int8", "uint8", "int16", "int32"):
        same(unp.getitem(x, unp.asarray([3, 100], dtype=dtype)), np.array([3, 100], np.int32), any_backend)
    same(unp.getitem(x, unp.asarray([-1], dtype="int8")), np.array([299], np.int32), any_backend)
    same(unp.take(x, unp.asarray([200], dtype="uint8")), np.array([200], np.int32), any_backend)
    assert int(unp.sum(unp.one_hot(unp.asarray([44], dtype="uint8"), 301))) == 1


def test_the_dtype_is_kept_and_what_does_not_fit_is_refused(any_backend):
    for dtype in ("bool", "int8", "int32", "float16", "bfloat16", "float32", "complex64"):
        x = unp.ones((3,), dtype=dtype)
        for op in ("set", "add", "multiply"):
            assert unp.dtype_of(getattr(unp.at(x)[[0, 0]], op)(True)) == dtype
    for dtype, value in (("bool", 1), ("int32", 0.5), ("float32", 1j)):
        with pytest.raises(DTypeError, match="keeps the dtype"):
            unp.at(unp.ones((3,), dtype=dtype))[0].set(value)
    for dtype, op in (("int32", "divide"), ("int32", "power"), ("bool", "subtract"), ("complex64", "max")):
        with pytest.raises(DTypeError, match="An update cannot"):
            getattr(unp.at(unp.ones((3,), dtype=dtype))[0], op)(True)


def test_bools_are_added_by_or_and_multiplied_by_and(any_backend):
    x = unp.asarray([False, True, True])
    assert unp.at(x)[[0, 0]].add([True, False]).tolist() == [True, True, True]
    assert unp.at(x)[[1, 1]].multiply([True, False]).tolist() == [False, False, True]
    assert unp.at(x)[0].max(True).tolist() == [True, True, True]


def test_python_numbers_meet_float64_without_a_detour():
    x = np.zeros(2)
    assert unp.at(x)[0].set(0.1).tolist() == [0.1, 0.0]
    assert unp.at(x)[[0]].set([0.1]).tolist() == [0.1, 0.0]


def test_nan_is_the_least_and_the_greatest(any_backend):
    x, y = unp.asarray([1.0, NAN]), unp.asarray([NAN, 2.0])
    for op in ("min", "max"):
        found = getattr(unp.at(x)[unp.asarray([0, 1])], op)(y)
        assert np.isnan(host(found, any_backend)).all()


def test_promises_change_nothing_that_is_right(any_backend):
    x, y = unp.asarray(CUBE), unp.asarray(CUBE[:2] + 1)
    for op in ("set", "add", "multiply", "divide", "min", "max"):
        place = unp.at(x)[unp.asarray([2, -3])]
        usual = host(getattr(place, op)(y), any_backend)
        for options in ({"mode": None}, {"mode": "promise"}, {"unique_indices": True}):
            same(getattr(place, op)(y, **options), usual, any_backend)


def test_scalars_and_empty_arrays(any_backend):
    scalar, empty = unp.asarray(2.0), unp.zeros((0, 3))
    assert unp.at(scalar)[()].add(1.0).tolist() == 3.0
    assert unp.at(scalar)[...].set(5).tolist() == 5.0
    assert unp.getitem(scalar, None).tolist() == [2.0]
    assert unp.at(scalar)[unp.asarray(True)].multiply(4).tolist() == 8.0
    same(unp.at(empty)[unp.asarray([0, 1])].add(1.0), np.zeros((0, 3), np.float32), any_backend)
    same(unp.at(empty)[:, 1].set(1.0), np.zeros((0, 3), np.float32), any_backend)
    same(unp.segment_sum(empty, unp.zeros((0,), dtype="int32"), 2), np.zeros((2, 3), np.float32), any_backend)
    same(unp.scatter(unp.ones((2,)), unp.zeros((0,), dtype="int32"), []), np.ones(2, np.float32), any_backend)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: unp.getitem(x, 3), ShapeError, "The index 3 lies outside axis 0"),
        (lambda x: unp.at(x)[-4].set(0, mode=None), ShapeError, "The index -4 lies outside axis 0"),
        (lambda x: unp.getitem(x, (0, 0)), ShapeError, "There are more indices than axes"),
        (lambda x: unp.getitem(x, 0.5), DTypeError, "no index"),
        (lambda x: unp.getitem(x, unp.asarray([1.0])), DTypeError, "no index"),
        (lambda x: unp.getitem(x, "a"), DTypeError, "no index"),
        (lambda x: unp.getitem(x, (..., ...)), OptionError, "more than one Ellipsis"),
        (lambda x: unp.getitem(x, slice(None, None, 0)), OptionError, "step of a slice is 0"),
        (lambda x: unp.getitem(x, [True, False]), ShapeError, "another shape than the axes"),
        (lambda x: unp.getitem(x[None], ([0, 0], [1, 1, 1])), ShapeError, "do not broadcast to one shape"),
        (lambda x: unp.at(x)[[0, 1]].set([1.0, 2.0, 3.0]), ShapeError, "The values do not broadcast"),
        (lambda x: unp.at(x)[x > 0].set([[1.0], [2.0]]), ShapeError, "The values do not broadcast"),
        (lambda x: unp.at(x)[0].set(1.0, mode="fill"), OptionError, "does not know the mode 'fill'"),
        (lambda x: unp.take(x, [0], mode="drop"), OptionError, "does not know the mode 'drop'"),
        (lambda x: unp.at(x).set(1.0), OptionError, "at has no index"),
        (lambda x: unp.at(x)[0][1], OptionError, "at has an index already"),
        (lambda x: unp.getitem(x[:0], [0]), ShapeError, "no elements"),
        (lambda x: unp.scatter(x, [0], 1.0, op="swap"), OptionError, "no update called 'swap'"),
        (lambda x: unp.scatter(x, [0], 1.0, axis=1), ShapeError, "scatter got the axis 1"),
        (lambda x: unp.scatter(x, [0.0], 1.0), DTypeError, "scatter needs integers"),
        (lambda x: unp.put_along_axis(x, [0], 1.0, axis=2), ShapeError, "put_along_axis got the axis 2"),
        (lambda x: unp.segment_sum(x, [0, 1], 2), ShapeError, "one number for each row"),
        (lambda x: unp.segment_max(x, [0.0, 1.0, 2.0], 2), DTypeError, "segment_max needs integers"),
        (lambda x: unp.segment_sum(x, [0, 1, 2], 2, mode="fill"), OptionError, "does not know the mode"),
        (lambda x: unp.dynamic_slice(x, [0, 0], (1,)), ShapeError, "a block that does not fit"),
        (lambda x: unp.dynamic_slice(x, [0], (4,)), ShapeError, "a block that does not fit"),
        (lambda x: unp.dynamic_slice(x, [0.5], (1,)), DTypeError, "dynamic_slice needs integers"),
        (lambda x: unp.dynamic_update_slice(x, [1j], [0]), DTypeError, "keeps the dtype"),
        (lambda x: unp.dynamic_index(x, 0, 1), ShapeError, "dynamic_index got the axis 1"),
        (lambda x: unp.one_hot([0], 2, axis=3), ShapeError, "one_hot cannot put a new axis at 3"),
    ],
)
def test_errors(call, error, text, any_backend):
    with pytest.raises(error) as caught:
        call(unp.asarray([1.0, 2.0, 3.0]))
    assert text in str(caught.value)


def test_bounds_and_numbers_that_a_trace_does_not_have(backend):
    x, i = unp.asarray([1.0, 2.0, 3.0]), unp.asarray([0, 1, 1])
    with pytest.raises(CapabilityError, match="A bound of a slice is traced"):
        um.jit(lambda x, i: unp.getitem(x, slice(i[0], None)))(x, i)
    with pytest.raises(CapabilityError, match="number of segments"):
        um.jit(lambda x, i: unp.segment_sum(x, i))(x, i)
    assert unp.segment_sum(x, i).tolist() == [1, 5]


def test_along_an_axis(any_backend):
    x, i = RNG.normal(size=(3, 4)).astype(np.float32), RNG.integers(-4, 4, (3, 2))
    same(unp.take_along_axis(unp.asarray(x), unp.asarray(i)), np.take_along_axis(x, i, 1), any_backend)
    one = np.array([[1, -1]])
    same(unp.take_along_axis(unp.asarray(x), unp.asarray(one), axis=1), x[:, [1, -1]], any_backend)
    expected = x.copy()
    np.put_along_axis(expected, np.array([[2], [0], [-1]]), 7, 1)
    same(unp.put_along_axis(unp.asarray(x), [[2], [0], [-1]], 7), expected, any_backend)
    same(unp.one_hot([[0, 2]], 3, axis=1), np.eye(3, dtype=np.float32)[[[0, 2]]].swapaxes(1, 2), any_backend)
    changed = x.copy()
    changed[:, [1, 0]] = 5
    same(unp.scatter(unp.asarray(x), [1, 0], 5, axis=1), changed, any_backend)


def test_segments_of_every_kind(any_backend):
    ids = unp.asarray([2, 0, 2, -1, 4])
    whole = unp.asarray([3, -4, 5, 100, 100], dtype="int8")
    assert unp.segment_sum(whole, ids, 3).tolist() == [-4, 0, 8]
    assert unp.dtype_of(unp.segment_sum(whole, ids, 3)) == "int32"
    assert unp.segment_max(whole, ids, 3).tolist() == [-4, -128, 5]
    assert unp.segment_min(whole, ids, 3).tolist() == [-4, 127, 3]
    assert unp.segment_prod(whole, ids, 3).tolist() == [-4, 1, 15]
    assert unp.segment_mean(whole, ids, 3).tolist() == [-4, 0, 4]
    assert unp.segment_max(whole > 0, ids, 3).tolist() == [False, False, True]
    assert unp.segment_min(whole > 0, ids, 3).tolist() == [False, True, True]
    assert unp.segment_sum(whole > 0, ids, 3).tolist() == [0, 0, 2]
    assert unp.segment_sum(whole, ids, 3, mode="clip").tolist() == [96, 0, 108]
    assert unp.segment_sum(whole, ids, 3, mode="wrap").tolist() == [-4, 100, 108]
    floats = unp.astype(whole, "float32")
    assert unp.segment_max(floats, ids, 3).tolist() == [-4, -INF, 5]
    ascending = unp.asarray([0, 0, 1, 1, 3])
    options = {"indices_are_sorted": True, "mode": None}
    assert unp.segment_prod(floats, ascending, 4, **options).tolist() == [-12, 500, 1, 100]
    assert unp.segment_sum(floats, ascending, 4, **options).tolist() == [-1, 105, 0, 100]
    assert unp.segment_sum(unp.ones((600,), dtype="bfloat16"), unp.zeros((600,), dtype="int32"), 1).tolist() == [600]


def test_blocks_are_clamped(any_backend):
    x = unp.reshape(unp.arange(12), (3, 4))
    for start, first in ((0, 0), (2, 2), (9, 2), (-1, 2), (-4, 0), (-9, 0)):
        for given in (start, unp.asarray(start)):
            found = unp.dynamic_slice(x, [0, given], (3, 2))
            same(found, np.arange(12, dtype=np.int32).reshape(3, 4)[:, first : first + 2], any_backend)
            changed = np.arange(12, dtype=np.int32).reshape(3, 4)
            changed[1:3, first : first + 2] = -1
            update = unp.full((2, 2), -1)
            same(unp.dynamic_update_slice(x, update, [unp.asarray(1), given]), changed, any_backend)
    assert unp.dynamic_index(x, unp.asarray(-1), 1, keepdims=True).shape == (3, 1)
    assert unp.dynamic_slice(x, unp.asarray([1, 3]), (1, 2)).tolist() == [[6, 7]]
    same(unp.dynamic_update_slice(x, unp.zeros_like(x), [0, 0]), np.zeros((3, 4), np.int32), any_backend)
