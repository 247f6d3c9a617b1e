"""Weights of torch and Flax in models of ``um.nn``: the same outputs, layer by layer, there and back."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapabilityError, StateDictError

nn = um.nn


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def host(x):
    return np.asarray(um.to_backend(x, "numpy"))


def shaken(state):
    """Other numbers in each entry, so that no initial zero or one hides a mistake; variances stay positive."""
    return {
        name: value
        if value.dtype.kind != "f"
        else np.abs(data(*value.shape, seed=zlib.crc32(name.encode()))) + 0.1
        if "var" in name
        else data(*value.shape, seed=zlib.crc32(name.encode()))
        for name, value in state.items()
    }


# torch ----------------------------------------------------------------------------------------------------------------

INDICES = np.array([[0, 2, 4], [1, 1, 3]], np.int32)


def channels_first(x):
    return np.moveaxis(x, -1, 1)


def channels_last(x):
    return np.moveaxis(x, 1, -1)


TORCH = {
    "linear": (lambda t: t.Linear(3, 4), lambda: nn.Linear(3, 4), data(2, 3), None),
    "linear-no-bias": (lambda t: t.Linear(3, 4, bias=False), lambda: nn.Linear(3, 4, use_bias=False), data(2, 3), None),
    "conv1d": (lambda t: t.Conv1d(4, 6, 3), lambda: nn.Conv1D(4, 6, 3, padding="VALID"), data(2, 7, 4), "image"),
    "conv2d-groups": (
        lambda t: t.Conv2d(4, 6, (3, 2), stride=2, groups=2),
        lambda: nn.Conv2D(4, 6, (3, 2), stride=2, groups=2, padding="VALID"),
        data(2, 7, 6, 4),
        "image",
    ),
    "conv3d": (lambda t: t.Conv3d(2, 3, 2), lambda: nn.Conv3D(2, 3, 2, padding="VALID"), data(1, 4, 3, 5, 2), "image"),
    "conv-transpose1d": (
        lambda t: t.ConvTranspose1d(4, 6, 3, stride=2),
        lambda: nn.ConvTranspose1D(4, 6, 3, stride=2, padding="VALID"),
        data(2, 5, 4),
        "image",
    ),
    "conv-transpose2d-groups": (
        lambda t: t.ConvTranspose2d(4, 6, (3, 2), groups=2),
        lambda: nn.ConvTranspose2D(4, 6, (3, 2), groups=2, padding="VALID"),
        data(2, 5, 4, 4),
        "image",
    ),
    "embed": (lambda t: t.Embedding(5, 3), lambda: nn.Embed(5, 3), INDICES, None),
    "layer-norm": (lambda t: t.LayerNorm(4), lambda: nn.LayerNorm(4), data(2, 3, 4), None),
    "group-norm": (lambda t: t.GroupNorm(2, 4), lambda: nn.GroupNorm(2, 4), data(2, 3, 3, 4), "image"),
    "instance-norm": (
        lambda t: t.InstanceNorm2d(4, affine=True),
        lambda: nn.InstanceNorm(4),
        data(2, 3, 3, 4),
        "image",
    ),
    "rms-norm": (lambda t: t.RMSNorm(4, eps=1e-5), lambda: nn.RMSNorm(4, epsilon=1e-5), data(2, 4), None),
    "batch-norm": (lambda t: t.BatchNorm2d(4), lambda: nn.BatchNorm(4), data(2, 3, 3, 4), "image"),
    "batch-norm-plain": (
        lambda t: t.BatchNorm1d(4, affine=False),
        lambda: nn.BatchNorm(4, use_scale=False, use_bias=False),
        data(5, 4),
        None,
    ),
    "prelu": (lambda t: t.PReLU(4), lambda: nn.PReLU(4), data(2, 4), None),
    "lstm": (
        lambda t: t.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True),
        data(2, 5, 3),
        "first",
    ),
    "gru": (
        lambda t: t.GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        lambda: nn.GRU(3, 4, num_layers=2, bidirectional=True),
        data(2, 5, 3),
        "first",
    ),
    "rnn": (lambda t: t.RNN(3, 4, batch_first=True), lambda: nn.VanillaRNN(3, 4), data(2, 5, 3), "first"),
    "attention": (
        lambda t: t.MultiheadAttention(8, 2, batch_first=True),
        lambda: nn.MultiHeadAttention(2, 8),
        data(2, 5, 8),
        "attention",
    ),
    "attention-of-other-sizes": (
        lambda t: t.MultiheadAttention(8, 2, batch_first=True, kdim=3, vdim=5),
        lambda: nn.MultiHeadAttention(2, 8, key_features=3, value_features=5),
        data(2, 5, 8),
        "other attention",
    ),
    "encoder-layer": (
        lambda t: t.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=True),
        lambda: nn.TransformerEncoderLayer(2, 8, 16, norm_first=True),
        data(2, 5, 8),
        None,
    ),
    "sequential": (
        lambda t: t.Sequential(t.Linear(3, 4), t.ReLU(), t.BatchNorm1d(4), t.Dropout(0.5), t.Linear(4, 2)),
        lambda: nn.Sequential([nn.Linear(3, 4), nn.relu, nn.BatchNorm(4), nn.Dropout(0.5), nn.Linear(4, 2)]),
        data(5, 3),
        None,
    ),
}


def torch_result(torch, net, x, how):
    inputs = torch.from_numpy(channels_first(x).copy() if how == "image" else x)
    with torch.no_grad():
        if how == "attention":
            return net(inputs, inputs, inputs, need_weights=False)[0].numpy()
        if how == "other attention":
            return net(inputs, inputs[..., :3], inputs[..., 3:], need_weights=False)[0].numpy()
        out = net(inputs)
    out = (out[0] if how == "first" else out).numpy()
    return channels_last(out) if how == "image" else out


def own_result(model, x, how, backend):
    inputs = um.numpy.asarray(x, backend=backend)
    if how == "other attention":
        return model(inputs, inputs[..., :3], inputs[..., 3:])
    return model(inputs)


@pytest.mark.needs("torch")
@pytest.mark.thin(2)
@pytest.mark.parametrize("name", TORCH)
def test_layers_of_torch(name, backend):
    import torch

    make_net, make, x, how = TORCH[name]
    net = make_net(torch.nn).eval()
    state = shaken({key: value.numpy() for key, value in net.state_dict().items()})
    net.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in state.items()})
    model = um.interop.from_torch_state_dict(make().init(0), state).eval()
    out = own_result(model, x, how, backend)
    assert um.engine_of(out).name == backend
    np.testing.assert_allclose(host(out), torch_result(torch, net, x, how), rtol=2e-5, atol=2e-5)

    back = um.interop.to_torch_state_dict(model)
    assert {key: tuple(value.shape) for key, value in back.items()} == {k: v.shape for k, v in state.items()}
    net.load_state_dict(back)
    np.testing.assert_allclose(host(out), torch_result(torch, net, x, how), rtol=2e-5, atol=2e-5)


@pytest.mark.needs("torch")
def test_values_come_to_a_model_without_values(backend):
    import torch

    net = torch.nn.Linear(3, 4)
    model = um.interop.from_torch_state_dict(nn.Linear(3, 4), net.state_dict())
    assert um.engine_of(model.kernel).name == backend
    np.testing.assert_array_equal(host(model.kernel), net.weight.detach().numpy().T)


class Model(um.Module):
    def __init__(self):
        self.encoder = nn.Sequential([nn.Linear(3, 4), nn.relu])
        self.head = nn.Linear(4, 2)


STATE = {
    "encoder.0.weight": data(4, 3),
    "encoder.0.bias": data(4),
    "head.weight": data(2, 4),
    "head.bias": data(2),
}


def test_names(backend):
    renamed = {name.replace("encoder.0", "bert.lin"): value for name, value in STATE.items()}
    model = um.interop.from_torch_state_dict(Model().init(0), renamed, names={"encoder.layers.0": "bert.lin"})
    np.testing.assert_array_equal(host(model.encoder.layers[0].kernel), STATE["encoder.0.weight"].T)
    below = {name.replace("encoder", "bert"): value for name, value in STATE.items()}
    other = um.interop.from_torch_state_dict(Model().init(0), below, names={"encoder": "bert"})
    np.testing.assert_array_equal(host(other.encoder.layers[0].bias), STATE["encoder.0.bias"])


def test_all_faults_in_one_error(any_backend):
    model = Model().init(0)
    before = {name: host(leaf) for name, leaf in model.state_dict().items()}
    values = {**STATE, "head.weight": data(2, 5), "more.weight": data(1)}
    del values["encoder.0.bias"]
    with pytest.raises(StateDictError) as caught:
        um.interop.from_torch_state_dict(model, values)
    text = str(caught.value)
    assert "missing: encoder.0.bias" in text
    assert "extra: more.weight" in text
    assert "head.weight: gives head.kernel the shape (5, 2), not (4, 2)" in text
    for name, leaf in model.state_dict().items():
        np.testing.assert_array_equal(before[name], host(leaf))


def test_a_layer_without_counterpart(any_backend):
    class Scale(um.Module):
        def __init__(self):
            self.w = um.Parameter(um.numpy.ones((2,)))

    with pytest.raises(StateDictError, match="no counterpart: w"):
        um.interop.from_torch_state_dict(Scale(), {})


# Flax -----------------------------------------------------------------------------------------------------------------

FLAX = {
    "dense": (lambda f: f.Dense(4), lambda: nn.Linear(3, 4), data(2, 3), {}),
    "conv": (
        lambda f: f.Conv(6, (3, 2), strides=2, feature_group_count=2),
        lambda: nn.Conv2D(4, 6, (3, 2), stride=2, groups=2),
        data(2, 7, 6, 4),
        {},
    ),
    "conv-transpose": (
        lambda f: f.ConvTranspose(6, (3,), strides=(2,), padding="VALID"),
        lambda: nn.ConvTranspose1D(4, 6, 3, stride=2, padding="VALID"),
        data(2, 5, 4),
        {},
    ),
    "embed": (lambda f: f.Embed(5, 3), lambda: nn.Embed(5, 3), INDICES, {}),
    "layer-norm": (lambda f: f.LayerNorm(epsilon=1e-5), lambda: nn.LayerNorm(4), data(2, 4), {}),
    "group-norm": (lambda f: f.GroupNorm(2, epsilon=1e-5), lambda: nn.GroupNorm(2, 4), data(2, 3, 4), {}),
    "instance-norm": (lambda f: f.InstanceNorm(epsilon=1e-5), lambda: nn.InstanceNorm(4), data(2, 3, 4), {}),
    "rms-norm": (lambda f: f.RMSNorm(epsilon=1e-5), lambda: nn.RMSNorm(4, epsilon=1e-5), data(2, 4), {}),
    "batch-norm": (
        lambda f: f.BatchNorm(use_running_average=True),
        lambda: nn.BatchNorm(4),
        data(5, 4),
        {},
    ),
    "prelu": (lambda f: f.PReLU(), lambda: nn.PReLU(), data(2, 4), {}),
    "lstm": (lambda f: f.RNN(f.OptimizedLSTMCell(4)), lambda: nn.LSTM(3, 4), data(2, 5, 3), {}),
    "gru-both-ways": (
        lambda f: f.Bidirectional(f.RNN(f.GRUCell(4)), f.RNN(f.GRUCell(4))),
        lambda: nn.GRU(3, 4, bidirectional=True),
        data(2, 5, 3),
        {},
    ),
    "rnn": (lambda f: f.RNN(f.SimpleCell(4)), lambda: nn.VanillaRNN(3, 4), data(2, 5, 3), {}),
    "attention": (lambda f: f.MultiHeadAttention(2), lambda: nn.MultiHeadAttention(2, 8), data(2, 5, 8), {}),
    "sequential": (
        lambda f: f.Sequential([f.Dense(4), f.relu, f.Dense(2)]),
        lambda: nn.Sequential([nn.Linear(3, 4), nn.relu, nn.Linear(4, 2)]),
        data(5, 3),
        {},
    ),
}


def variables_of(net, x):
    import jax
    from flax import traverse_util

    flat = traverse_util.flatten_dict(net.init(jax.random.key(0), x), sep="/")
    return traverse_util.unflatten_dict(shaken({k: np.asarray(v) for k, v in flat.items()}), sep="/")


@pytest.mark.needs("jax")
@pytest.mark.thin(2)
@pytest.mark.parametrize("name", FLAX)
def test_layers_of_flax(name, backend):
    import jax
    from flax import linen

    make_net, make, x, names = FLAX[name]
    net = make_net(linen)
    variables = variables_of(net, x)
    model = um.interop.from_flax_variables(make().init(0), variables, names=names).eval()
    out = model(um.numpy.asarray(x))
    assert um.engine_of(out).name == backend
    np.testing.assert_allclose(host(out), np.asarray(net.apply(variables, x)), rtol=2e-5, atol=2e-5)

    back = um.interop.to_flax_variables(model, names=names)
    assert jax.tree.map(np.shape, back) == jax.tree.map(np.shape, variables)
    np.testing.assert_allclose(host(out), np.asarray(net.apply(back, x)), rtol=2e-5, atol=2e-5)


@pytest.mark.needs("jax")
def test_names_that_flax_makes_by_itself(backend):
    from flax import linen

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x):
            x = linen.relu(linen.Dense(4)(x))
            return linen.Dense(2)(x)

    net, x = Net(), data(5, 3)
    variables = variables_of(net, x)
    names = {"encoder.layers.0": "Dense_0", "head": "Dense_1"}
    model = um.interop.from_flax_variables(Model().init(0), variables, names=names)
    out = model.head(model.encoder(um.numpy.asarray(x)))
    np.testing.assert_allclose(host(out), np.asarray(net.apply(variables, x)), rtol=1e-5, atol=1e-6)
    with pytest.raises(StateDictError, match="missing: params/head"):
        um.interop.from_flax_variables(Model().init(0), variables, names={"encoder.layers.0": "Dense_0"})


@pytest.mark.needs("jax")
def test_several_layers_have_no_counterpart_in_flax(backend):
    with pytest.raises(CapabilityError, match="have one layer"):
        um.interop.to_flax_variables(nn.LSTM(2, 3, num_layers=2).init(0))
