"""Recurrent layers against torch.nn and flax.linen, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um

pytestmark = pytest.mark.thin(3)

BATCH, TIME, IN, HIDDEN = 3, 6, 4, 5
LAYERS = {"RNN": um.nn.VanillaRNN, "GRU": um.nn.GRU, "LSTM": um.nn.LSTM}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
BOUND = {"rtol": 2e-5, "atol": 2e-6}  # sums of ten products, through six steps and two layers
LENGTHS = [6, 2, 4]


def data(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def copied(model, native, name):
    """The layer of ours with the weights of torch's: two biases become one, but for the candidate of the GRU."""
    width, values = GATES[name] * HIDDEN, {}
    for place in range(len(model.cells)):
        directions = 2 if model.bidirectional else 1
        end = f"l{place // directions}" + ("_reverse" if place % directions else "")
        one, two = (getattr(native, f"bias_{part}_{end}").detach() for part in ("ih", "hh"))
        inner = np.zeros(width, np.float32)
        if name == "GRU":
            values[f"cells.{place}.candidate_bias"] = two[2 * HIDDEN :].numpy().copy()
            inner[2 * HIDDEN :] = two[2 * HIDDEN :].numpy()
        values[f"cells.{place}.kernel"] = getattr(native, f"weight_ih_{end}").detach().numpy().T.copy()
        values[f"cells.{place}.recurrent_kernel"] = getattr(native, f"weight_hh_{end}").detach().numpy().T.copy()
        values[f"cells.{place}.bias"] = (one + two).numpy() - inner
    return model.load_state_dict(values)


def pair(name, **options):
    import torch

    torch.manual_seed(0)
    native = getattr(torch.nn, name)(IN, HIDDEN, batch_first=True, **options)
    model = LAYERS[name](IN, HIDDEN, return_state=True, **options).init(0, backend="torch")
    return copied(model, native, name), native


def parts(state):
    return list(state) if isinstance(state, tuple) else [state]


def near(actual, expected):
    assert type(actual) is type(expected)
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual.detach().numpy(), expected.detach().numpy(), **BOUND)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True}], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_torch(name, options):
    import torch

    model, native = pair(name, **options)
    cells = len(model.cells)
    x = torch.from_numpy(data(BATCH, TIME, IN)).requires_grad_()
    first = [torch.from_numpy(data(cells, BATCH, HIDDEN)).requires_grad_() for _ in range(2 if name == "LSTM" else 1)]
    state = tuple(first) if name == "LSTM" else first[0]
    (ys, last), (native_ys, native_last) = model(x, state), native(x, state)
    near(ys, native_ys)
    for ours, theirs in zip(parts(last), parts(native_last), strict=True):
        near(ours, theirs)
    weight = torch.from_numpy(data(*ys.shape))
    losses = [(ys * weight).sum() + sum(part.square().sum() for part in parts(last)) for ys, last in
              ((ys, last), (native_ys, native_last))]  # fmt: skip
    for ours, theirs in zip(*(torch.autograd.grad(loss, [x, *first]) for loss in losses), strict=True):
        near(ours, theirs)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_the_weights_are_torchs(name):
    import torch

    model, native = pair(name)
    x = torch.from_numpy(data(BATCH, TIME, IN))
    grads = um.grad(lambda model: um.numpy.sum(um.numpy.square(model(x)[0])))(model).state_dict()
    expected = torch.autograd.grad(native(x)[0].square().sum(), list(native.parameters()))
    near(grads["cells.0.kernel"], expected[0].t())
    near(grads["cells.0.recurrent_kernel"], expected[1].t())
    near(grads["cells.0.bias"], expected[2])
    if name == "GRU":
        near(grads["cells.0.candidate_bias"], expected[3][2 * HIDDEN :])


@pytest.mark.needs("torch")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_lengths_are_torchs_packed_sequences(name, bidirectional):
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    model, native = pair(name, num_layers=2, bidirectional=bidirectional)
    x = torch.from_numpy(data(BATCH, TIME, IN))
    ys, last = model(x, lengths=torch.tensor(LENGTHS))
    packed, native_last = native(pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False))
    near(ys, pad_packed_sequence(packed, batch_first=True)[0])
    for ours, theirs in zip(parts(last), parts(native_last), strict=True):
        near(ours, theirs)


def flax_weights(name, model):
    """The leaves of a cell under the names of Flax's."""
    import jax.numpy as jnp

    gates = "rzn" if name == "GRU" else "ifgo"
    kernels, recurrent = (jnp.split(k, len(gates), -1) for k in (model.kernel, model.recurrent_kernel))
    biases = jnp.split(model.bias, len(gates))
    tree = {}
    for gate, kernel, inner, bias in zip(gates, kernels, recurrent, biases, strict=True):
        has_outer_bias = name == "GRU"
        tree[f"i{gate}"] = {"kernel": kernel, "bias": bias} if has_outer_bias else {"kernel": kernel}
        tree[f"h{gate}"] = {"kernel": inner} if has_outer_bias else {"kernel": inner, "bias": bias}
    if name == "GRU":
        tree["hn"]["bias"] = model.candidate_bias
    return tree


@pytest.mark.needs("jax")
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_flax(name, reverse):
    import flax.linen
    import jax

    cell = (um.nn.GRUCell if name == "GRU" else um.nn.LSTMCell)(IN, HIDDEN).init(0, backend="jax")
    rng = np.random.default_rng(1)
    cell = cell.map(lambda leaf: leaf + jax.numpy.asarray(rng.normal(size=leaf.shape), leaf.dtype))
    native_cell = (flax.linen.GRUCell if name == "GRU" else flax.linen.LSTMCell)(HIDDEN)
    native = flax.linen.RNN(native_cell, return_carry=True, reverse=reverse, keep_order=reverse)
    x = jax.numpy.asarray(data(BATCH, TIME, IN))
    params = {"params": {"cell": flax_weights(name, cell)}}

    def of_flax(params, x):
        carry, ys = native.apply(params, x)
        return (ys**2).sum() + sum((part**2).sum() for part in jax.tree.leaves(carry)), (ys, carry)

    def ours(cell, x):
        ys, state = um.nn.RNN(cell, return_state=True, reverse=reverse)(x)
        return (ys**2).sum() + sum((part**2).sum() for part in parts(state)), (ys, state)

    (_, (ys, carry)), (slopes, slope_x) = jax.value_and_grad(of_flax, (0, 1), has_aux=True)(params, x)
    (_, (our_ys, state)), (grads, grad_x) = um.value_and_grad(ours, (0, 1), has_aux=True)(cell, x)
    carry = carry[::-1] if name == "LSTM" else (carry,)  # Flax has (c, h)
    pairs = [(our_ys, ys), (grad_x, slope_x), *zip(parts(state), carry, strict=True)]
    expected = slopes["params"]["cell"]
    gates = "rzn" if name == "GRU" else "ifgo"
    pairs.append((grads.kernel, jax.numpy.concatenate([expected[f"i{gate}"]["kernel"] for gate in gates], -1)))
    pairs.append(
        (grads.recurrent_kernel, jax.numpy.concatenate([expected[f"h{gate}"]["kernel"] for gate in gates], -1))
    )
    for actual, reference in pairs:
        assert isinstance(actual, jax.Array)
        assert (actual.shape, actual.dtype) == (reference.shape, reference.dtype)
        np.testing.assert_allclose(actual, reference, rtol=1e-4, atol=2e-5)
