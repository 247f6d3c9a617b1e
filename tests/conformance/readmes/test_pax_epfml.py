"""The programs of the README of the predecessor on torch, with imports and names changed; the numbers that it prints.

Those about torch's own modules and optimizers run on torch; their counterparts on JAX are in features/test_epfml.py.
"""

from __future__ import annotations

import pytest

import unimod as um


def array(value):
    return um.numpy.asarray(value, dtype="float32")


def is_native(x, backend):
    return um.engine_of(x).name == backend


def test_pytrees(backend):
    tree = {"a": [array(3.0), array(4.0)], "c": 4}
    doubled = um.tree.map(lambda x: x * 2, tree)
    assert [float(x) for x in doubled["a"]] == [6.0, 8.0]
    assert doubled["c"] == 8
    assert all(is_native(x, backend) for x in doubled["a"])


def test_autodiff(backend):
    f = lambda x: x**2  # noqa: E731
    df_dx = um.grad(f)
    assert float(df_dx(2.0)) == 4.0
    assert is_native(df_dx(2.0), backend)

    def g(x):
        return x["a"] * x["b"]

    value, grads = um.value_and_grad(g)({"a": 2.0, "b": -1.5})
    assert (float(value), {name: float(x) for name, x in grads.items()}) == (-3.0, {"a": -1.5, "b": 2.0})

    h = lambda x: 1 / 6 * x**3  # noqa: E731
    assert float(um.grad(h)(2.0)) == pytest.approx(2.0, rel=1e-6)
    assert float(um.grad(um.grad(h))(3.0)) == pytest.approx(3.0, rel=1e-6)


def test_minimal_sgd(backend):
    f = lambda x: x**2  # noqa: E731
    df_dx = um.grad(f)
    x = um.random.normal(um.random.key(0), [])
    losses = []
    for _ in range(20):
        x = x - 0.1 * df_dx(x)
        losses.append(float(f(x)))
    assert losses[-1] == pytest.approx(losses[0] * 0.64**19, rel=1e-4)


def test_meta_learning_the_learning_rate(backend):
    f = lambda x: x**2  # noqa: E731
    df_dx = um.grad(f)

    def sgd(x, lr=0.1, num_steps=10):
        for _ in range(num_steps):
            x = x - lr * df_dx(x)
        return x

    def meta_loss(lr):
        x0 = 1.0
        return f(sgd(x0, lr=lr))

    df_dlr = um.grad(meta_loss)
    lr = expected = 0.1
    for _ in range(100):
        lr = lr - 0.1 * df_dlr(lr)
        expected = expected + 0.1 * 40 * (1 - 2 * expected) ** 19
    assert float(lr) == pytest.approx(expected, rel=1e-4)
    assert 0.2 < float(lr) < 0.5


@pytest.mark.needs("torch")
def test_converting_modules():
    import torch

    net = torch.nn.Linear(10, 1)
    forward = um.functional_module(net)
    params, buffers = um.get_params(net), um.get_buffers(net)
    assert list(params) == ["weight", "bias"]
    assert buffers == {}
    data_batch = torch.zeros(2, 10)
    out, buffers = forward(params, data_batch, buffers=buffers, is_training=True)
    assert torch.equal(out, net.bias.detach().expand(2, 1))
    assert buffers == {}


@pytest.mark.needs("torch")
def test_converting_optimizers():
    import torch

    optimizer = um.functional_optimizer(torch.optim.Adam, lr=1e-3)
    f = lambda x: x**2  # noqa: E731
    df_dx = um.grad(f)
    params = torch.tensor(3.0)
    opt_state = optimizer.init(params)
    printed = []
    for _ in range(10):
        params, opt_state = optimizer.step(params, df_dx(params), opt_state)
        printed.append(params.item())
    assert printed == pytest.approx([3 - 1e-3 * (i + 1) for i in range(10)], abs=1e-5)


@pytest.mark.needs("torch")
def test_converting_schedules():
    import torch

    optimizer = um.functional_optimizer(torch.optim.SGD, lr=0)
    lr_at_step = um.functional_schedule(
        torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda step: 1 / (step + 1), initial_lr=0.1
    )
    f = lambda x: x**2  # noqa: E731
    df_dx = um.grad(f)
    params = torch.tensor(3.0)
    opt_state = optimizer.init(params)
    expected = 3.0
    for step in range(10):
        params, opt_state = optimizer.step(params, df_dx(params), opt_state, lr=lr_at_step(step))
        expected *= 1 - 0.2 / (step + 1)
        assert params.item() == pytest.approx(expected, rel=1e-5)
