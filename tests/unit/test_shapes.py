"""The arithmetic of windows, against a brute-force count and against XLA's own rules."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unimod.errors import OptionError, ShapeError
from unimod.nn import _shapes

sizes = st.integers(1, 12)
small = st.integers(1, 4)


def count(size: int, low: int, high: int, window: int, dilation: int, stride: int) -> int:
    """How many windows fit, by trying every place."""
    reach = (window - 1) * dilation
    return sum(1 for start in range(-low, size + high, stride) if start + reach < size + high)


@given(size=sizes, window=small, stride=small, dilation=small, low=st.integers(0, 3), high=st.integers(0, 3))
def test_the_number_of_windows_is_the_number_of_places(size, window, stride, dilation, low, high):
    places = count(size, low, high, window, dilation, stride)
    if not places:
        with pytest.raises(ShapeError, match="larger than the padded input on spatial axis 0"):
            _shapes.plan((size,), (window,), stride, dilation, ((low, high),))
        return
    assert _shapes.plan((size,), (window,), stride, dilation, ((low, high),)).out == (places,)


@given(size=sizes, window=small, stride=small, dilation=small)
def test_same_gives_one_output_for_each_stride_and_pads_no_more_than_that_takes(size, window, stride, dilation):
    plan = _shapes.plan((size,), (window,), stride, dilation, "SAME")
    ((low, high),) = plan.padding
    assert plan.out == (-(-size // stride),)
    assert low <= high <= low + 1
    if high:
        assert count(size, low, high - 1, window, dilation, stride) < plan.out[0]


@pytest.mark.needs("jax")
def test_same_and_valid_are_those_of_xla():
    from jax import lax

    for size, window, stride, dilation in itertools.product((5, 9, 10), (1, 2, 3, 4), (1, 2, 3), (1, 2)):
        extent = _shapes.extent(window, dilation)
        for name in ("SAME", "VALID"):
            if name == "VALID" and extent > size:
                continue
            expected = lax.padtype_to_pads((size,), (extent,), (stride,), name)
            assert _shapes.plan((size,), (window,), stride, dilation, name).padding == tuple(expected)


@pytest.mark.needs("jax")
def test_transposed_sizes_are_those_of_xla():
    import jax
    from jax import lax

    def xla(size, window, stride, dilation, name):
        shapes = (jax.ShapeDtypeStruct(shape, "float32") for shape in ((1, size, 1), (window, 1, 1)))
        out = jax.eval_shape(
            lambda x, k: lax.conv_transpose(x, k, (stride,), name, (dilation,), ("NHC", "HIO", "NHC")), *shapes
        )
        return out.shape[1]

    for size, window, stride, dilation in itertools.product((1, 4), (1, 2, 3, 4), (1, 2, 3, 5), (1, 2)):
        full = (size - 1) * stride + _shapes.extent(window, dilation)
        for name in ("SAME", "VALID"):
            ((low, high),) = _shapes.plan_transposed((size,), (window,), (stride,), (dilation,), name)
            assert full - low - high == xla(size, window, stride, dilation, name)


def test_options_are_written_out_for_every_axis():
    plan = _shapes.plan((9, 10), (3, 2), (2, 1), 1, (1, (0, 2)))
    assert plan == _shapes.Windows((3, 2), (2, 1), (1, 1), ((1, 1), (0, 2)), (5, 11))
    assert _shapes.plan((9,), (3,), 1, 2, "causal").padding == ((4, 0),)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("stride", 0),
        ("stride", (1, 2, 3)),
        ("dilation", -1),
        ("dilation", (1.5, 1)),
        ("padding", "FULL"),
        ("padding", "CAUSAL"),
        ("padding", -1),
        ("padding", ((0, 0),)),
        ("padding", ((0, 0, 0), (0, 0))),
        ("padding", ((-1, 0), (0, 0))),
    ],
)
def test_a_wrong_option_is_named(option, value):
    options = {"stride": 1, "dilation": 1, "padding": "VALID", option: value}
    with pytest.raises(OptionError, match=f"`{option}` does not fit 2 spatial axes") as caught:
        _shapes.plan((9, 9), (3, 3), **options)
    assert caught.value.got == f"{option} = {value!r}"


def test_a_transposed_convolution_of_which_nothing_is_left_is_an_error():
    with pytest.raises(ShapeError, match="leaves nothing of spatial axis 0"):
        _shapes.plan_transposed((1,), (3,), (1,), (1,), 2)
    with pytest.raises(OptionError, match="`padding` does not fit"):
        _shapes.plan_transposed((4,), (3,), (1,), (1,), "CAUSAL")
