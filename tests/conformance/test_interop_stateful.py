"""Modules of torch, Flax and Haiku in the stateful style."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.stateful as sf

jit = functools.partial(um.jit, compiler="graph")


def host(x):
    return np.asarray(um.to_backend(x, "numpy"))


def flax_linear():
    from flax import linen

    return sf.FromFlax(linen.Dense)(3, name="lin"), {"lin/params/bias": (3,), "lin/params/kernel": (2, 3)}


def haiku_linear():
    import haiku

    return sf.FromHaiku(haiku.Linear)(3, name="lin"), {"lin/params/linear/b": (3,), "lin/params/linear/w": (2, 3)}


def torch_linear():
    import torch

    return sf.FromTorch(torch.nn.Linear)(2, 3, name="lin"), {"lin/bias": (3,), "lin/weight": (3, 2)}


EVERY = [
    pytest.param(flax_linear, "jax", marks=pytest.mark.needs("jax"), id="NJ4-flax"),
    pytest.param(haiku_linear, "jax", marks=pytest.mark.needs("jax"), id="NJ4-haiku"),
    pytest.param(torch_linear, "torch", marks=pytest.mark.needs("torch"), id="NJ4-torch"),
]


@pytest.mark.parametrize(("make", "home"), EVERY)
def test_entries_and_training(make, home):
    layer, shapes = make()
    x = um.numpy.asarray(np.arange(8, dtype=np.float32).reshape(4, 2) / 8, backend=home)
    state, y = sf.pure(layer)({}, x, create=True, seed=0)
    assert {key: tuple(value.shape) for key, value in state.items()} == shapes
    assert all(um.engine_of(value).name == home for value in state.values())
    weight, bias = (host(state[key]) for key in sorted(shapes, key=lambda key: len(shapes[key]), reverse=True))
    np.testing.assert_allclose(host(y), host(x) @ (weight.T if home == "torch" else weight) + bias, rtol=1e-6)

    def train(x):
        loss, params, grads = sf.grad(lambda x: um.numpy.mean(layer(x) ** 2), [layer])(x)
        sf.put(um.tree.map(lambda p, g: p - 0.1 * g, params, grads))
        return loss

    step, losses = jit(sf.pure(train)), []
    for _ in range(4):
        state, loss = step(state, x)
        losses.append(float(loss))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    assert step.trace_count == 1


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", ["NJ22"])
def test_aliases(name):
    import haiku
    import jax.numpy as jnp
    from flax import linen

    Dense = functools.partial(sf.FromFlax(linen.Dense))
    Linear = functools.partial(sf.FromHaiku(haiku.Linear), with_bias=False)

    class Model(sf.Module):
        def __call__(self, x):
            return self.get("out", Linear, 1)(um.nn.relu(self.get("hidden", Dense, 4)(x)))

    state, y = sf.pure(Model(name="model"))({}, jnp.ones((2, 3)), create=True, seed=0)
    assert list(state) == ["model/hidden/params/bias", "model/hidden/params/kernel", "model/out/params/linear/w"]
    assert y.shape == (2, 1)


@pytest.mark.needs("jax")
def test_states_are_written_back():
    import jax.numpy as jnp
    from flax import linen

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x, train):
            x = linen.BatchNorm(use_running_average=not train)(x)
            return linen.Dropout(0.5, deterministic=not train)(x)

    layer, x = sf.FromFlax(Net)(name="net"), jnp.arange(8.0).reshape(4, 2)
    state, _ = sf.pure(layer)({}, x, create=True, seed=0)
    after, _ = sf.pure(layer)(state, x)
    changed = {key for key in state if not np.array_equal(host(state[key]), host(after[key]))}
    assert changed == {"net/batch_stats/BatchNorm_0/mean", "net/batch_stats/BatchNorm_0/var", "net/rng"}
    quiet, _ = sf.pure(layer.eval())(after, x)
    assert all(np.array_equal(host(quiet[key]), host(after[key])) for key in after)
