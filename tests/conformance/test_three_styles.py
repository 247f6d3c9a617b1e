"""One network in three styles, as a module, as a function of parameters, and with named state: one curve of losses.

On one engine the three run the same operations, so the curves part by less than what a sum in another order gives. The
curves of two engines part by the roundings of float32, which twenty steps carry on.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.functional as fn
import unimod.stateful as sf

jit = functools.partial(um.jit, compiler="graph")
STEPS = 20


def data():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (32, 2)).astype("float32")
    return um.numpy.asarray(x), um.numpy.asarray((x[:, :1] * x[:, 1:] > 0).astype("float32"))


def layers():
    """No bias before the normalisation: its slope would be roundings alone."""
    return [um.nn.Linear(2, 8, use_bias=False), um.nn.BatchNorm(8), um.nn.Linear(8, 1)]


def run(h, norm, out, x, y):
    return um.numpy.mean((out(um.nn.tanh(norm(h(x)))) - y) ** 2)


class Net(um.Module):
    def __init__(self):
        self.h, self.norm, self.out = layers()

    def loss(self, x, y):
        return run(self.h, self.norm, self.out, x, y)


def as_module(x, y):
    model = Net().init(7)
    opt = um.optim.adam(0.05).init(model.parameters())

    @jit
    def step(model, opt):
        (loss, model), grads = um.value_and_grad(lambda m: (m.loss(x, y), m), has_aux=True)(model)
        model, opt = um.apply_gradients(model, opt, grads)
        return model, opt, loss

    losses = []
    for _ in range(STEPS):
        model, opt, loss = step(model, opt)
        losses.append(loss)
    return losses, model.state_dict()


def as_function(x, y):
    h, norm, out = layers()

    @fn.parametrized
    def loss(x, y, h=h, norm=norm, out=out):
        return run(h, norm, out, x, y)

    opt = fn.Optimizer(um.optim.adam(0.05))
    state, losses = opt.init(loss.init_params(um.random.key(7), x, y)), []
    for _ in range(STEPS):
        state, value = opt.update_and_get_loss(loss.apply, state, x, y, jit=True)
        losses.append(value)
    return losses, opt.get_parameters(state).state_dict()


def with_named_state(x, y):
    def loss(x, y):
        h, norm, out = (
            sf.get("h", um.nn.Linear, 2, 8, use_bias=False),
            sf.get("norm", um.nn.BatchNorm, 8),
            sf.get("out", um.nn.Linear, 8, 1),
        )
        return run(h, norm, out, x, y)

    opt = sf.Optimizer(um.optim.adam, 0.05, name="opt")
    train = sf.pure(lambda x, y: opt(["h", "norm", "out"], loss, x, y)["loss"])
    state, losses = sf.init(loss)({}, x, y, seed=7), []
    state, value = train(state, x, y, create=True)
    step = jit(train)
    losses.append(value)
    for _ in range(STEPS - 1):
        state, value = step(state, x, y)
        losses.append(value)
    return losses, {name.replace("/", "."): leaf for name, leaf in state.items() if not name.startswith("opt")}


STYLES = {"module": as_module, "function": as_function, "named state": with_named_state}


@functools.cache
def curve(style, backend):
    with um.use_backend(backend):
        losses, leaves = STYLES[style](*data())
    assert all(um.engine_of(loss).name == backend for loss in losses)
    leaves = {name: um.to_backend(leaf, "numpy") for name, leaf in leaves.items()}
    return np.array([float(loss) for loss in losses]), leaves


@pytest.fixture(autouse=True)
def graphs(monkeypatch):
    monkeypatch.setenv("UNIMOD_TORCH_COMPILER", "graph")


@pytest.mark.parametrize("style", ["function", "named state"])
def test_the_styles_have_one_curve(style, backend):
    losses, leaves = curve("module", backend)
    others, other_leaves = curve(style, backend)
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_allclose(others, losses, rtol=3e-6)
    assert leaves.keys() == other_leaves.keys()
    for name, leaf in leaves.items():
        assert (leaf.shape, leaf.dtype) == (other_leaves[name].shape, other_leaves[name].dtype)
        np.testing.assert_allclose(other_leaves[name], leaf, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("style", STYLES)
def test_the_engines_have_one_curve(style):
    np.testing.assert_allclose(curve(style, "torch")[0], curve(style, "jax")[0], rtol=1e-5)
