"""What a user of epfml's pax can do, one row after the other, on each engine; engines are compared."""

from __future__ import annotations

import functools
import subprocess
import sys

import numpy as np
import pytest

import unimod as um
from tests.conformance.stateful_runs import Compared, array, batch, numbers

pytestmark = pytest.mark.thin(1)  # a quick run takes all of them

# Slopes through a normalisation of four rows are small differences.
compare = Compared(rtol=1e-4, atol=1e-5)
ROWS = {}


def row(fn):
    """A scenario: asserts what it can by itself, and gives a tree of arrays that the engines must agree on."""
    ROWS[fn.__name__.upper()] = fn
    return fn


def square(x):
    return x**2


@row
def b1():
    doubled = um.tree.map(lambda x: x * 2, {"a": [array(3.0), array(4.0)], "c": 4})
    assert doubled["c"] == 8
    assert [float(x) for x in doubled["a"]] == [6.0, 8.0]
    return doubled["a"]


@row
def b3():
    slope = um.grad(square)(2.0)
    assert float(slope) == 4.0
    return slope


@row
def b4():
    value, grads = um.value_and_grad(lambda x: x["a"] * x["b"])({"a": 2.0, "b": -1.5})
    assert (float(value), float(grads["a"]), float(grads["b"])) == (-3.0, -1.5, 2.0)
    return value, grads


@row
def b5():
    cube = lambda x: 1 / 6 * x**3  # noqa: E731
    assert float(um.grad(cube)(2.0)) == pytest.approx(2.0)
    assert float(um.grad(um.grad(cube))(3.0)) == pytest.approx(3.0)
    return um.grad(um.grad(cube))(3.0)


@row
def b6():
    x = um.random.normal(um.random.key(0), ())
    first = float(x)
    for _ in range(20):
        x = x - 0.1 * um.grad(square)(x)
    assert float(x) == pytest.approx(first * 0.8**20, rel=1e-5)
    return x


def sgd(x, lr=0.1, num_steps=10):
    for _ in range(num_steps):
        x = x - lr * um.grad(square)(x)
    return x


@row
def b7():
    slope = um.grad(lambda lr: square(sgd(1.0, lr=lr)))(0.1)
    # x -> (1 - 2 lr) x ten times, squared.
    assert float(slope) == pytest.approx(-40 * 0.8**19, rel=1e-5)
    return slope


def native(name):
    """The same network of the engine's own library, with the same weights."""
    kernel, bias = (np.arange(6, dtype=np.float32).reshape(3, 2) - 2) / 5, np.ones(3, np.float32)
    if name == "torch":
        import torch

        net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3, momentum=0.5))
        net[0].load_state_dict({"weight": torch.from_numpy(kernel), "bias": torch.from_numpy(bias)})
        return net
    from flax import nnx

    class Net(nnx.Module):
        def __init__(self, rngs):
            self.linear = nnx.Linear(2, 3, rngs=rngs)
            self.norm = nnx.BatchNorm(3, momentum=0.5, epsilon=1e-5, use_fast_variance=False, rngs=rngs)

        def __call__(self, x):
            return self.norm(self.linear(x))

    net = Net(nnx.Rngs(0))
    net.linear.kernel[...], net.linear.bias[...] = kernel.T, bias
    return net


def statistics(buffers):
    """The running mean, wherever the library keeps it."""
    return buffers["1.running_mean"] if "1.running_mean" in buffers else buffers["batch_stats"]["norm"]["mean"]


@row
def b8():
    name = um.backend_info().name
    net = native(name)
    forward = um.functional_module(net)
    params, buffers = um.get_params(net), um.get_buffers(net)
    x = batch()
    before = numbers(statistics(buffers))

    def loss(params, buffers):
        out, buffers = forward(params, x, buffers=buffers, is_training=True)
        return um.numpy.sum(out * x[:, :1]), buffers

    (value, after), grads = um.value_and_grad(loss, has_aux=True)(params, buffers)
    assert numbers(statistics(buffers)) == before == [0.0] * 3  # what was given is as it was
    assert numbers(statistics(after)) != before
    _, unchanged = forward(params, x, buffers=after, is_training=False)
    assert numbers(statistics(unchanged)) == numbers(statistics(after))
    jitted = um.jit(um.value_and_grad(loss, has_aux=True), compiler="graph")
    for _ in range(2):
        (again, _), _ = jitted(params, buffers)
    assert jitted.trace_count == 1
    np.testing.assert_allclose(numbers(again), numbers(value), rtol=1e-4)
    kernel = grads["0.weight"].T if name == "torch" else grads["linear"]["kernel"]
    # Not the running variance: torch divides by n - 1.
    return value, statistics(after), kernel


def options():
    """Adam of the engine's own library, and a schedule."""
    if um.backend_info().name == "torch":
        import torch

        return torch.optim.Adam, torch.optim.SGD
    import optax

    return optax.adam, optax.sgd


@row
def b9():
    params, optimizer = array(3.0), um.functional_optimizer(options()[0], lr=1e-1)
    state = optimizer.init(params)
    for _ in range(10):
        params, state = optimizer.step(params, um.grad(square)(params), state)
    assert 0 < float(params) < 3.0
    return params


@row
def b10():
    optimizer = um.functional_optimizer(options()[1], lr=0.0)
    params = array(3.0)
    state = optimizer.init(params)
    for step in range(3):
        params, state = optimizer.step(params, um.grad(square)(params), state, lr=0.1 / (step + 1))
    assert float(params) == pytest.approx(3.0 * 0.8 * 0.9 * (1 - 0.2 / 3), rel=1e-5)
    return params


@row
def b11():
    # Speed is measured by benchmarks/; here: a step is traced once, whatever the number of steps.
    net = native(um.backend_info().name)
    forward, params, buffers = um.functional_module(net), um.get_params(net), um.get_buffers(net)
    optimizer, x = um.optim.sgd(0.01), batch()
    state = optimizer.init(params)

    def loss(params, buffers, x):
        out, buffers = forward(params, x, buffers=buffers)
        return um.numpy.mean((out - x[:, :1]) ** 2), buffers

    @functools.partial(um.jit, compiler="graph")
    def step(params, buffers, state, x):
        (value, buffers), grads = um.value_and_grad(loss, has_aux=True)(params, buffers, x)
        params, state = state.step(params, grads)
        return params, buffers, state, value

    losses = []
    for _ in range(4):
        params, buffers, state, value = step(params, buffers, state, x)
        losses.append(value)
    assert step.trace_count == 1
    assert float(losses[-1]) < float(losses[0])
    return losses


@row
def b12():
    # The peak is measured in test_peak_memory.py; here: no result holds on to the graph of its computation.
    net = native(um.backend_info().name)
    forward, params, buffers = um.functional_module(net), um.get_params(net), um.get_buffers(net)

    def loss(params):
        out, new = forward(params, batch(), buffers=buffers)
        return um.numpy.sum(out * out * batch()[:, :1]), new

    (value, new), grads = um.value_and_grad(loss, has_aux=True)(params)
    for leaf in um.tree.leaves((value, new, grads)):
        assert getattr(leaf, "grad_fn", None) is None
        assert not getattr(leaf, "requires_grad", False)
    return value


@pytest.mark.parametrize("name", [f"B{n}" for n in range(1, 13) if n != 2])
def test_row(name, backend):
    compare(name, backend, ROWS[name]())


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", ["B2"])
def test_a_process_with_torch_alone(name):
    """The rows above in a process in which JAX cannot be imported."""
    code = (
        "import sys; sys.modules['jax'] = None\n"
        "import torch, unimod as um\n"
        "um.set_backend('torch')\n"
        "print(um.tree.map(lambda x: x * 2, {'a': [torch.tensor(3.0)], 'c': 4}), um.grad(lambda x: x**2)(2.0))\n"
        "net = torch.nn.Linear(10, 1)\n"
        "out, _ = um.functional_module(net)(um.get_params(net), torch.zeros(2, 10), buffers=um.get_buffers(net))\n"
        "print(tuple(out.shape))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["{'a': [tensor(6.)], 'c': 8} tensor(4.)", "(2, 1)"], done.stderr
