"""Layers that Flax and torch have too, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um

pytestmark = pytest.mark.thin(3)

BATCH, TIME, IN, HIDDEN = 3, 3, 4, 5
BOUND = {"rtol": 1e-4, "atol": 2e-5}  # derivatives of sums of ten products, through three steps


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def moved(model):
    """The model with other weights than the initial ones, biases included."""
    rng = np.random.default_rng(1)
    return model.map(lambda leaf: leaf + um.numpy.asarray(rng.normal(size=leaf.shape).astype(np.float32)))


def near(actual, expected):
    assert type(actual) is type(expected)
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(actual, expected, **BOUND)


def squares(trees):
    import jax

    return sum((leaf**2).sum() for leaf in jax.tree.leaves(trees))


def mgu_weights(cell):
    """The leaves of a cell under the names of Flax's; a bias that we have not is zero."""
    import jax.numpy as jnp

    (kernel_f, kernel_n), (inner_f, inner_n) = (jnp.split(k, 2, -1) for k in (cell.kernel, cell.recurrent_kernel))
    bias_f, bias_n = jnp.split(cell.bias, 2)
    inner = {"kernel": inner_n} if cell.candidate_bias is None else {"kernel": inner_n, "bias": cell.candidate_bias}
    tree = {"if": {"kernel": kernel_f, "bias": bias_f}, "in": {"kernel": kernel_n, "bias": bias_n}}
    return {"params": {**tree, "hf": {"kernel": inner_f}, "hn": inner}}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("reset_gate", [True, False])
def test_minimal_gated_units_are_flaxs(reset_gate):
    import flax.linen
    import jax

    cell = moved(um.nn.MGUCell(IN, HIDDEN, reset_gate=reset_gate).init(0, backend="jax"))
    native = flax.linen.RNN(flax.linen.MGUCell(HIDDEN, reset_gate=reset_gate), return_carry=True)
    x, first = jax.numpy.asarray(data(BATCH, TIME, IN)), jax.numpy.asarray(data(BATCH, HIDDEN, seed=2))

    def of_flax(params, x, first):
        carry, ys = native.apply({"params": {"cell": params["params"]}}, x, initial_carry=first)
        return squares((carry, ys)), (ys, carry)

    def ours(cell, x, first):
        ys, state = um.nn.RNN(cell, return_state=True)(x, first)
        return squares((state, ys)), (ys, state)

    (_, found), slopes = um.jit(um.value_and_grad(ours, (0, 1, 2), has_aux=True))(cell, x, first)
    wanted = jax.jit(jax.value_and_grad(of_flax, (0, 1, 2), has_aux=True))(mgu_weights(cell), x, first)
    for actual, reference in zip((*found, *slopes[1:]), (*wanted[0][1], *wanted[1][1:]), strict=True):
        near(actual, reference)
    of_leaves, of_theirs = mgu_weights(slopes[0])["params"], wanted[1][0]["params"]
    for actual, reference in zip(jax.tree.leaves(of_leaves), jax.tree.leaves(of_theirs), strict=True):
        near(actual, reference)


def test_the_bias_of_the_forget_gate_starts_as_in_flax(any_backend):
    assert um.nn.MGUCell(2, 2).init(0).bias.tolist() == [1.0, 1.0, 0.0, 0.0]
    assert um.nn.ConvLSTMCell(2, 1, 3).init(0).bias.tolist() == [0.0, 1.0, 0.0, 0.0]


def conv_weights(cell):
    """Flax has the gates in the order i, g, f, o, two biases, and adds 1 to f in each step."""
    import jax.numpy as jnp

    def turned(leaf):
        i, f, g, o = jnp.split(leaf, 4, -1)
        return jnp.concatenate([i, g, f, o], -1)

    bias = cell.bias - jnp.repeat(jnp.asarray([0.0, 1.0, 0.0, 0.0]), cell.hidden_features)
    inner = {"kernel": turned(cell.recurrent_kernel), "bias": jnp.zeros_like(bias)}
    return {"params": {"ih": {"kernel": turned(cell.kernel), "bias": turned(bias)}, "hh": inner}}, turned


@pytest.mark.needs("jax")
def test_convolutional_memories_are_flaxs():
    import flax.linen
    import jax

    window, spatial = (2, 3), (5, 4)
    layer = moved(um.nn.ConvLSTM(2, 3, window, return_state=True).init(0, backend="jax"))
    native = flax.linen.RNN(flax.linen.ConvLSTMCell(3, window), return_carry=True)
    x = jax.numpy.asarray(data(BATCH, TIME, *spatial, 2))
    first = tuple(jax.numpy.asarray(data(BATCH, *spatial, 3, seed=seed)) for seed in (2, 3))
    params, turned = conv_weights(layer.cell)

    def of_flax(params, x, h, c):
        (c, h), ys = native.apply({"params": {"cell": params["params"]}}, x, initial_carry=(c, h))
        return squares((ys, h, c)), (ys, h, c)

    def ours(layer, x, h, c):
        ys, (h, c) = layer(x, (h, c))
        return squares((ys, h, c)), (ys, h, c)

    (_, found), slopes = um.jit(um.value_and_grad(ours, (0, 1, 2, 3), has_aux=True))(layer, x, *first)
    wanted = jax.jit(jax.value_and_grad(of_flax, (0, 1, 2, 3), has_aux=True))(params, x, *first)
    for actual, reference in zip((*found, *slopes[1:]), (*wanted[0][1], *wanted[1][1:]), strict=True):
        near(actual, reference)
    theirs = wanted[1][0]["params"]
    near(turned(slopes[0].cell.kernel), theirs["ih"]["kernel"])
    near(turned(slopes[0].cell.recurrent_kernel), theirs["hh"]["kernel"])
    near(turned(slopes[0].cell.bias), theirs["ih"]["bias"])


@pytest.mark.needs("jax")
def test_masks_and_batches_are_flaxs():
    import flax.linen
    import jax

    queries, keys = (jax.numpy.asarray(data(2, n, seed=n) > 0) for n in (3, 4))
    found, wanted = um.nn.attention_mask(queries, keys), flax.linen.make_attention_mask(queries, keys, dtype=bool)
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    assert (found == wanted).all()
    x = jax.numpy.asarray(data(2, 3, 4))
    near(um.nn.BatchApply(lambda x: x.sum(0) + x)(x), flax.linen.BatchApply(lambda x: x.sum(0) + x)(x))


@pytest.mark.needs("torch")
def test_lengths_bins_and_margins_are_torchs():
    import torch

    x = torch.from_numpy(data(2, 5, 6, 3))
    near(um.nn.UnitNorm()(x), torch.nn.functional.normalize(x, dim=-1, eps=1e-6))
    near(um.nn.Crop(((1, 2), (0, 3)))(x), torch.nn.functional.pad(x, (0, 0, 0, -3, -1, -2)))
    bins = torch.bucketize(x, torch.tensor([-0.5, 0.0, 1.0]), right=True, out_int32=True)
    near(um.nn.Discretization([-0.5, 0.0, 1.0])(x), bins)
