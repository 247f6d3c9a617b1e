"""Moving elements about: the edges, and errors that are the same on every engine."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.errors import DTypeError, OptionError, ShapeError

pytestmark = pytest.mark.thin(2)

WRONG = {
    "moveaxis twice": (lambda x: unp.moveaxis(x, (0, 0), (0, 1)), ShapeError, "moveaxis needs"),
    "moveaxis uneven": (lambda x: unp.moveaxis(x, (0, 1), (0,)), ShapeError, "moveaxis needs"),
    "permute_dims": (lambda x: unp.permute_dims(x, (0, 0)), ShapeError, "permute_dims needs each axis once."),
    "expand_dims twice": (lambda x: unp.expand_dims(x, (0, 0)), ShapeError, "expand_dims needs"),
    "broadcast_to -1": (lambda x: unp.broadcast_to(x, (-1, 3)), ShapeError, "broadcast_to cannot spread"),
    "broadcast_shapes": (lambda x: unp.broadcast_shapes((2,), (3,)), ShapeError, "The shapes do not broadcast."),
    "roll": (lambda x: unp.roll(x, (1, 2, 3), (0, 1)), OptionError, "roll needs a shift for each axis."),
    "rot90": (lambda x: unp.rot90(x, 1, (0, -2)), ShapeError, "rot90 needs two axes."),
    "repeat": (lambda x: unp.repeat(x, [1, 2, 3], 0), ShapeError, "repeat needs one number for each element."),
    "repeat -1": (lambda x: unp.repeat(x, -1), OptionError, "repeat got a negative number."),
    "repeat floats": (lambda x: unp.repeat(x, [1.0, 2.0], 0), DTypeError, "repeat counts in integers."),
    "pad mode": (lambda x: unp.pad(x, 1, mode="mirror"), OptionError, "pad has no such mode."),
    "pad nothing": (lambda x: unp.pad(x[:0], 1, mode="edge"), ShapeError, "pad cannot extend an axis"),
    "pad values": (lambda x: unp.pad(x, 1, value=((1, 2),) * 3), ShapeError, "pad needs two values"),
    "meshgrid": (lambda x: unp.meshgrid(x, x), ShapeError, "meshgrid needs arrays of one axis."),
    "meshgrid indexing": (lambda x: unp.meshgrid(x[0], indexing="yx"), OptionError, "meshgrid has no such indexing."),
    "array_split": (lambda x: unp.array_split(x, 0), ShapeError, "array_split cannot make"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_alike(any_backend, name):
    call, error, what = WRONG[name]
    with pytest.raises(error) as caught:
        call(unp.ones((2, 3), backend=any_backend))
    assert caught.value.what.startswith(what)


def test_a_view_that_cannot_be_is_told_where_arrays_can_change(any_backend):
    x = unp.ones((2, 3), backend=any_backend)
    assert tuple(unp.reshape(x, (3, 2), copy=False).shape) == (3, 2)
    if hasattr(type(x), "__setitem__") and any_backend != "jax":
        with pytest.raises(OptionError, match="reshape would have to copy"):
            unp.reshape(unp.matrix_transpose(x), (6,), copy=False)


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_padding_goes_on_as_long_as_it_must(any_backend, mode, size):
    x = np.arange(size, dtype=np.int32)
    found = unp.pad(unp.asarray(x, backend=any_backend), (7, 9), mode=mode)
    assert found.dtype == um.int32
    np.testing.assert_array_equal(unp.to_numpy(found), np.pad(x, (7, 9), mode=mode))


@pytest.mark.parametrize("length", [None, 3, 9])
def test_repeats_may_be_arrays(any_backend, length):
    x = unp.asarray([1.0, 2.0, 3.0], backend=any_backend)
    counts = unp.asarray([2, 0, 3], dtype="int32", backend=any_backend)
    expected = ([1.0, 1.0, 3.0, 3.0, 3.0] + [3.0] * 9)[: length or 5]
    assert unp.repeat(x, counts, total_repeat_length=length).tolist() == expected


def test_the_length_of_repeats_without_values_must_be_said(backend):
    x, counts = unp.ones(3, backend=backend), unp.asarray([2, 0, 3], dtype="int32", backend=backend)
    with pytest.raises(OptionError, match="depends on values that a trace does not have"):
        um.jit(unp.repeat)(x, counts)


def test_the_ranks_of_what_is_joined_agree(any_backend):
    x = unp.ones((2, 3), backend=any_backend)
    with pytest.raises(ShapeError, match="concat got arrays"):
        unp.concat([x, unp.ones((0,), backend=any_backend)])


@pytest.mark.parametrize("call", [unp.concat, unp.stack])
def test_dtypes_of_what_is_joined_are_promoted(any_backend, call):
    parts = [unp.ones((2,), dtype=dtype, backend=any_backend) for dtype in ("uint8", "int8", "float16", "bfloat16")]
    assert call(parts[:2]).dtype == um.int16
    assert call(parts[2:]).dtype == um.float32
    assert call(parts[:3]).dtype == um.float16
    assert call([*parts[:2], np.ones(2, np.complex64)]).dtype == um.complex64
