"""Layers that other libraries have too: states, padding, statistics, half precision, sizes, and errors."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod import errors
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)

BOUND = {"rtol": 2e-5, "atol": 2e-6}
"""Sums of a few products of normal numbers in float32, through four steps."""


def on(x, dtype="float32"):
    return um.numpy.asarray(np.asarray(x), dtype=dtype)


def normal(*shape, seed=0, dtype="float32"):
    return on(np.random.default_rng(seed).normal(size=shape), dtype)


def host(x, backend, dtype="float32"):
    assert_native(x, backend)
    assert um.dtype_of(x) == dtype
    return np.asarray(um.to_backend(um.numpy.astype(x, "float32"), "numpy"))


# Recurrence -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
def test_mgu_over_time_is_its_steps(any_backend, reverse):
    cell, x = um.nn.MGUCell(3, 2).init(0), normal(2, 4, 3)
    ys, last = um.nn.RNN(cell, reverse=reverse, return_state=True)(x)
    state, found = None, {}
    for t in range(3, -1, -1) if reverse else range(4):
        state, found[t] = cell(state, x[:, t])
    for t in range(4):
        np.testing.assert_allclose(host(ys[:, t], any_backend), host(found[t], any_backend), **BOUND)
    np.testing.assert_allclose(host(last, any_backend), host(state, any_backend), **BOUND)


def stack():
    return um.nn.StackedCells(um.nn.GRUCell(None, 2), um.nn.MGUCell(None, 3), um.nn.LSTMCell(3, 2))


@pytest.mark.parametrize("lengths", [None, [4, 1]])
def test_stacked_cells_over_time_are_layers_in_a_row(backend, lengths):
    x = normal(2, 4, 3)
    lengths = None if lengths is None else on(lengths, "int32")
    layer = um.nn.RNN(stack(), return_state=True).init(0, x, lengths=lengths)
    ys, states = layer(x, lengths=lengths)
    expected, found = x, []
    for cell in layer.cell.cells:
        expected, state = um.nn.RNN(cell, return_state=True)(expected, lengths=lengths)
        found.append(state)
    np.testing.assert_array_equal(host(ys, backend), host(expected, backend))
    for ours, theirs in zip(um.tree.leaves(states), um.tree.leaves(tuple(found)), strict=True):
        np.testing.assert_array_equal(host(ours, backend), host(theirs, backend))
    last = um.nn.RNN(layer.cell, return_sequences=False)(x, lengths=lengths)
    np.testing.assert_array_equal(host(last, backend), host(states[2][0], backend))


def test_stacked_cells_step_by_step(any_backend):
    cell = stack().init(0, None, normal(2, 3))
    ys = um.nn.RNN(cell)(x := normal(2, 4, 3))
    state = cell.initial_state(2)
    for t in range(4):
        state, y = cell(state, x[:, t])
        np.testing.assert_allclose(host(y, any_backend), host(ys[:, t], any_backend), **BOUND)


def test_a_call_of_ones_own_is_not_passed_over(any_backend):
    class Doubled(um.nn.MGUCell):
        def __call__(self, state, x):
            state, y = super().__call__(state, x)
            return state, 2.0 * y

    cell, x = Doubled(3, 2).init(0), normal(2, 4, 3)
    plain = um.nn.MGUCell(3, 2).init(0)
    ys, expected = um.nn.RNN(cell)(x), um.nn.RNN(plain)(x)
    np.testing.assert_allclose(host(ys, any_backend), 2 * host(expected, any_backend), **BOUND)


def test_conv_lstm_over_time_is_its_steps(any_backend):
    layer = um.nn.ConvLSTM(2, 3, 2, stride=(1, 2), padding="VALID", dilation=(2, 1), return_state=True).init(0)
    x = normal(2, 3, 5, 6, 2)
    ys, (h, c) = layer(x)
    assert tuple(ys.shape) == (2, 3, 3, 3, 3)
    state = layer.cell.initial_state(2, 3, 3)
    for t in range(3):
        state, y = layer.cell(state, x[:, t])
        np.testing.assert_allclose(host(y, any_backend), host(ys[:, t], any_backend), **BOUND)
    np.testing.assert_allclose(host(h, any_backend), host(state[0], any_backend), **BOUND)
    np.testing.assert_allclose(host(c, any_backend), host(state[1], any_backend), **BOUND)


@pytest.mark.parametrize("time_major", [False, True])
def test_conv_lstm_holds_its_state_behind_the_end(backend, time_major):
    layer = um.nn.ConvLSTM(2, 2, (3,), time_major=time_major, return_state=True).init(0)
    turn = (lambda x: um.numpy.swapaxes(x, 0, 1)) if time_major else lambda x: x
    x = normal(2, 4, 3, 2)
    ys, (h, c) = layer(turn(x), lengths=on([4, 2], "int32"))
    short, (short_h, short_c) = layer(turn(x[1:, :2]))
    assert not host(turn(ys)[1, 2:], backend).any()
    for ours, theirs in ((turn(ys)[1:, :2], turn(short)), (h[1:], short_h), (c[1:], short_c)):
        np.testing.assert_allclose(host(ours, backend), host(theirs, backend), **BOUND)


@pytest.mark.parametrize(
    "make", [lambda t: um.nn.ConvLSTM(2, 2, (3,), dtype=t), lambda t: um.nn.RNN(um.nn.MGUCell(2, 2, dtype=t))]
)
def test_half_precision_is_rounded_at_the_end_only(backend, make):
    small = make("bfloat16").init(0)
    shape = (2, 6, 3, 2) if isinstance(small, um.nn.ConvLSTM) else (2, 6, 2)
    x = normal(*shape, dtype="bfloat16")
    wide = make("float32").init(0).map(lambda leaf: leaf).load_state_dict(
        {name: um.numpy.astype(leaf, "float32") for name, leaf in small.state_dict().items()}
    )  # fmt: skip
    expected = um.numpy.astype(wide(um.numpy.astype(x, "float32")), "bfloat16")
    # One step of bfloat16: the float32 results may lie on both sides of a rounding border.
    np.testing.assert_allclose(host(small(x), backend, "bfloat16"), host(expected, backend, "bfloat16"), rtol=2**-7)


def test_sizes_are_taken_from_examples(any_backend):
    x = normal(2, 3, 4, 2)
    assert um.nn.ConvLSTM(None, 3, (2,)).init(0, x).cell.in_features == 2
    assert um.nn.RNN(um.nn.MGUCell(None, 3)).init(0, normal(2, 3, 5)).cell.in_features == 5
    assert um.nn.AdditiveAttention().init(0, normal(2, 3, 5), normal(2, 4, 5)).features == 5
    assert tuple(um.nn.Normalization(axis=1).init(0, x).mean.shape) == (3,)


# Statistics, bins, categories -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 1, None])
def test_normalization_adapts_to_data(any_backend, axis):
    x = 3.0 * normal(4, 3, 5) + 100.0
    axes = None if axis is None else tuple(a for a in range(3) if a != axis % 3)
    values = np.float64(host(x, any_backend))
    expected = (values - values.mean(axes, keepdims=True)) / values.std(axes, keepdims=True)
    layer = um.nn.Normalization(axis=axis).adapt(x)
    y = layer(x)
    # 100 is subtracted: one part in 2**17 of 3 is lost.
    np.testing.assert_allclose(host(y, any_backend), expected, atol=1e-4)
    back = um.nn.Normalization(axis=axis, invert=True).adapt(x)(y)
    np.testing.assert_allclose(host(back, any_backend), values, rtol=1e-5)


def test_normalization_before_it_adapts(any_backend):
    x, layer = normal(2, 3), um.nn.Normalization()
    with pytest.raises(errors.NotInitializedError):
        layer(x)
    started = layer.init(0, x)
    np.testing.assert_array_equal(host(started(x), any_backend), host(x, any_backend))
    for found in (started, layer.adapt(x)):
        assert len(um.tree.leaves(found.model_states())) == len(um.tree.leaves(found)) == 2
    assert layer.adapt(x, inplace=True) is layer
    assert layer.num_features == 3


def test_statistics_are_not_trained(backend):
    layer = um.nn.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0]).init(0)
    assert um.tree.leaves(um.grad(lambda layer, x: um.numpy.sum(layer(x)))(layer, normal(3, 2))) == []
    slope = um.grad(lambda x: um.numpy.sum(layer(x)))(normal(3, 2))
    np.testing.assert_allclose(host(slope, backend), [[0.5, 1 / 3]] * 3, rtol=1e-6)


def test_ints_are_taken_as_floats(any_backend):
    x = on([[0, 255], [51, 0]], "int32")
    np.testing.assert_allclose(host(um.nn.Rescaling(1 / 255)(x), any_backend), [[0, 1], [0.2, 0]], rtol=1e-6)
    layer = um.nn.Normalization().adapt(x)
    np.testing.assert_allclose(host(layer(x), any_backend), [[-1, 1], [1, -1]], rtol=1e-6)
    assert host(um.nn.Discretization([10.0, 100.0])(x), any_backend, "int32").tolist() == [[0, 2], [1, 0]]


def test_bins_hold_as_many_each(any_backend):
    layer = um.nn.Discretization().adapt(x := normal(200), 4)
    assert len(layer.boundaries) == 3
    assert np.bincount(host(layer(x), any_backend, "int32").astype(int)).tolist() == [50] * 4
    assert host(um.nn.Discretization()(x), any_backend, "int32").any() == False  # noqa: E712 (a numpy bool)


def test_categories(any_backend):
    ids = on([[0, 2, 2], [1, 7, -1]], "int32")
    each = host(um.nn.CategoryEncoding(4, output_mode="one_hot")(ids), any_backend)
    assert each.shape == (2, 3, 4)
    assert each.sum(1).tolist() == [[1, 0, 2, 0], [0, 1, 0, 0]]
    assert host(um.nn.CategoryEncoding(4)(ids), any_backend).tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]
    weighed = um.nn.CategoryEncoding(4, output_mode="count")(ids, on([[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]]))
    assert host(weighed, any_backend).tolist() == [[2, 0, 7, 0], [0, 5, 0, 0]]


# Penalties, masks, lengths --------------------------------------------------------------------------------------------


def test_a_penalty_reaches_the_loss(backend):
    layer, x = um.nn.ActivityRegularization(l1=1.0, l2=0.5).init(0), on([1.0, -3.0])

    def loss(x, layer):
        layer(x)
        return um.metrics.Losses()(x, x, model=layer)[0]

    assert float(loss(x, layer)) == 9.0
    assert host(um.grad(loss)(x, layer), backend).tolist() == [2.0, -4.0]
    for quiet in (layer.eval(), layer.freeze()):
        before = float(quiet.penalty)
        assert quiet(2 * x) is not None
        assert float(quiet.penalty) == before


def test_a_mask_of_steps_is_a_mask_of_layers(any_backend):
    x = on([[[1.0, 0.0], [2.0, 3.0], [0.0, 0.0]]])
    mask = um.nn.step_mask(x)
    assert_native(mask, any_backend)
    assert (um.dtype_of(mask), mask.tolist()) == ("bool", [[True, True, False]])
    layer = um.nn.GRU(2, 3).init(0)
    assert host(layer(x, mask=mask), any_backend)[0, 2].tolist() == [0.0] * 3
    attention = um.nn.MultiHeadAttention(1, 2, use_bias=False).init(0)
    y = host(attention(x, mask=um.nn.attention_mask(mask)), any_backend)
    assert y[0, 2].tolist() == [0.0, 0.0]
    assert y[0, 1].any()


def test_additive_attention_that_sees_nothing(backend):
    layer, q, k = um.nn.AdditiveAttention(2).init(0), normal(2, 2), normal(3, 2, seed=1)
    mask = on([[True, False, True], [False] * 3], "bool")
    out, weights = layer(q, k, mask=mask, return_weights=True)
    assert host(out, backend)[1].tolist() == [0.0, 0.0]
    found = host(weights, backend)
    np.testing.assert_allclose(found.sum(-1), [1.0, 0.0], rtol=1e-6)
    assert found[0, 1] == 0.0
    slope = um.grad(lambda q: um.numpy.sum(um.numpy.square(layer(q, k, mask=mask))))(q)
    assert host(slope, backend)[1].tolist() == [0.0, 0.0]
    assert host(slope, backend)[0].any()


def test_additive_attention_by_hand(any_backend):
    layer, q, k, v = um.nn.AdditiveAttention(2).init(0), normal(2, 2), normal(3, 2, seed=1), normal(3, 4, seed=2)
    scale, *arrays = (host(a, any_backend) for a in (layer.scale, q, k, v))
    scores = (scale * np.tanh(arrays[0][:, None] + arrays[1])).sum(-1)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(host(layer(q, k, v), any_backend), weights @ arrays[2], **BOUND)
    plain = um.nn.AdditiveAttention(2, use_scale=False)
    assert plain.state_dict() == {}
    assert not np.allclose(host(plain(q, k, v), any_backend), weights @ arrays[2])


def test_a_vector_of_zeros_has_no_length(backend):
    x = on([[0.0, 0.0], [3.0, 4.0]])
    assert host(um.nn.UnitNorm()(x), backend)[0].tolist() == [0.0, 0.0]
    assert np.isfinite(host(um.grad(lambda x: um.numpy.sum(um.nn.UnitNorm()(x)))(x), backend)).all()


def test_channels_first(any_backend):
    x = normal(2, 3, 4, 5)
    np.testing.assert_array_equal(
        host(um.nn.Crop(((1, 0), 2), data_format="NCHW")(x), any_backend), host(x, any_backend)[:, :, 1:, 2:3]
    )


# Refusals -------------------------------------------------------------------------------------------------------------

ones = functools.partial(um.numpy.ones)
REFUSED = {
    "state of a stack": (errors.OptionError, lambda: um.nn.StackedCells(um.nn.MGUCell(2, 2)).init(0)(ones((2, 2)), 0)),
    "no cells": (errors.OptionError, um.nn.StackedCells),
    "input of mgu": (errors.ShapeError, lambda: um.nn.MGUCell(3, 2).init(0)(None, ones((2, 4)))),
    "state of mgu": (errors.ShapeError, lambda: um.nn.RNN(um.nn.MGUCell(3, 2).init(0))(ones((2, 5, 3)), ones((1, 2)))),
    "dtype of mgu": (errors.DTypeError, lambda: um.nn.MGUCell(3, 2).init(0)(None, ones((2, 3), dtype="bfloat16"))),
    "axes of conv lstm": (errors.ShapeError, lambda: um.nn.ConvLSTM(2, 2, 3).init(0)(ones((2, 3, 4, 2)))),
    "channels of conv lstm": (errors.ShapeError, lambda: um.nn.ConvLSTM(2, 2, (3,)).init(0)(ones((2, 3, 4, 5)))),
    "state of conv lstm": (
        errors.ShapeError,
        lambda: um.nn.ConvLSTM(2, 2, (3,)).init(0)(ones((2, 3, 4, 2)), (ones((2, 4, 3)), ones((2, 4, 2)))),
    ),
    "one part of a state": (
        errors.OptionError,
        lambda: um.nn.ConvLSTM(2, 2, (3,)).init(0)(ones((2, 3, 4, 2)), ones((2, 4, 2))),
    ),
    "zeros without sizes": (errors.ShapeError, lambda: um.nn.ConvLSTMCell(2, 2, 3).init(0).initial_state(2)),
    "lengths and mask": (
        errors.OptionError,
        lambda: um.nn.ConvLSTM(2, 2, (3,)).init(0)(
            ones((1, 3, 4, 2)), lengths=ones((1,), dtype="int32"), mask=ones((1, 3), dtype="bool")
        ),
    ),
    "kernel of the step": (
        errors.ShapeError,
        lambda: um.nn.functional.conv_lstm_cell(
            ones((2, 3, 2)), ones((2, 3, 2)), ones((2, 3, 2)), ones((2, 2, 8)), ones((3, 2, 8))
        ),
    ),
    "permute": (errors.ShapeError, lambda: um.nn.Permute((1, 3))(ones((2, 3, 4)))),
    "repeat": (errors.ShapeError, lambda: um.nn.RepeatVector(2)(ones(()))),
    "crop": (errors.ShapeError, lambda: um.nn.Crop(2)(ones((1, 4, 5, 1)))),
    "negative crop": (errors.OptionError, lambda: um.nn.Crop(-1)(ones((1, 4, 5, 1)))),
    "batch": (errors.ShapeError, lambda: um.nn.BatchApply(um.nn.Identity(), num_axes=3)(ones((2, 3)))),
    "half of the statistics": (errors.OptionError, lambda: um.nn.Normalization(mean=1.0)),
    "statistics of two lengths": (errors.OptionError, lambda: um.nn.Normalization(mean=[1, 2], variance=[1, 2, 3])),
    "features": (errors.ShapeError, lambda: um.nn.Normalization(2).init(0)(ones((2, 3)))),
    "boundaries": (errors.OptionError, lambda: um.nn.Discretization([1.0, 0.0])),
    "mode": (errors.OptionError, lambda: um.nn.CategoryEncoding(2, output_mode="tf_idf")),
    "floats": (errors.DTypeError, lambda: um.nn.CategoryEncoding(2)(ones((2,)))),
    "weights": (errors.OptionError, lambda: um.nn.CategoryEncoding(2)(ones((2,), dtype="int32"), ones((2,)))),
    "sizes of attention": (errors.ShapeError, lambda: um.nn.AdditiveAttention(2).init(0)(ones((3, 2)), ones((3, 4)))),
    "mask of attention": (
        errors.DTypeError,
        lambda: um.nn.AdditiveAttention(2).init(0)(ones((3, 2)), ones((3, 2)), mask=ones((3, 3))),
    ),
    "mask of floats": (errors.DTypeError, lambda: um.nn.attention_mask(ones((2, 3)))),
    "axis of steps": (errors.ShapeError, lambda: um.nn.step_mask(ones((2,)), axis=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_the_same_everywhere(any_backend, name):
    error, call = REFUSED[name]
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.fix
    with um.use_backend("numpy"), pytest.raises(error) as reference:
        call()
    assert str(caught.value).replace(f"on {any_backend}", "on numpy") == str(reference.value)
