"""What a train step holds at its peak, beside the same step written by hand with the framework alone (row B12).

On torch each storage that an operation takes or gives counts until it is freed, and everything that a step holds
counts: parameters, optimizer, gradients, activations. On JAX the compiled program tells what it needs.
"""

from __future__ import annotations

import pytest

import unimod as um

WIDTH = 64
SIZES = [pytest.param(1024, 1.1, id="mostly activations"), pytest.param(8, 2.25, id="mostly parameters")]
"""The batch, and how often as much as by hand may be held on torch: a step gives a new model and a new optimizer, and
has the old ones until it ends, while a program by hand overwrites them."""


@pytest.fixture
def on_torch():
    with um.use_backend("torch"):
        yield


@pytest.fixture
def on_jax():
    with um.use_backend("jax"):
        yield


def ours(rows):
    parts = [part for _ in range(3) for part in (um.nn.Linear(WIDTH, WIDTH), um.tanh)]
    net = um.nn.Sequential(*parts).init(0)
    opt = um.optim.adam(1e-3).init(net.parameters())

    def step(net, opt, x):
        loss, grads = um.value_and_grad(lambda net: um.numpy.mean((net(x) - x) ** 2))(net)
        net, opt = um.apply_gradients(net, opt, grads)
        return net, opt, loss

    return step, net, opt, um.random.normal(um.random.key(0), (rows, WIDTH))


def peak(step):
    """The most bytes that were held during a step, after one to warm up."""
    import torch
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_iter

    held, most = {}, 0

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal most
            result = function(*args, **(kwargs or {}))
            for leaf in tree_iter((args, kwargs, result)):
                if isinstance(leaf, torch.Tensor):
                    storage = leaf.untyped_storage()
                    held[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
            for place in [place for place, (reference, _) in held.items() if reference.expired()]:
                del held[place]
            most = max(most, sum(size for _, size in held.values()))
            return result

    step()
    with Counting():
        step()
    return most


@pytest.mark.needs("torch")
@pytest.mark.usefixtures("on_torch")
@pytest.mark.parametrize(("rows", "factor"), SIZES)
def test_a_step_on_torch_that_runs_as_it_is(rows, factor):
    import torch

    step, net, opt, x = ours(rows)
    state = [net, opt]
    del net, opt

    def mine():
        state[0], state[1], _ = step(state[0], state[1], x)

    model = torch.nn.Sequential(*[m for _ in range(3) for m in (torch.nn.Linear(WIDTH, WIDTH), torch.nn.Tanh())])
    adam = torch.optim.Adam(model.parameters(), 1e-3)

    def by_hand():
        adam.zero_grad()
        ((model(x) - x) ** 2).mean().backward()
        adam.step()

    expected, got = peak(by_hand), peak(mine)
    least = 4 * 4 * 3 * WIDTH * (WIDTH + 1)  # parameters, two moments, gradients, of 4 bytes
    assert min(expected, got) >= least + 4 * rows * WIDTH
    assert got <= factor * expected, f"{got} bytes, by hand {expected}: {got / expected:.2f} times"


@pytest.mark.needs("torch")
def test_what_is_kept_too_long_is_counted():
    import torch

    kept = []

    def hoarding():
        kept.extend(torch.zeros(1000) + 1 for _ in range(10))

    def modest():
        for _ in range(10):
            torch.zeros(1000) + 1

    assert peak(modest) <= 4 * 3000
    assert peak(hoarding) >= 4 * 10000


def by_hand_on_jax(rows):
    import jax
    import jax.numpy as jnp
    import optax

    params = [(jnp.zeros((WIDTH, WIDTH)), jnp.zeros(WIDTH)) for _ in range(3)]
    adam = optax.adam(1e-3)

    def net(params, x):
        for kernel, bias in params:
            x = jnp.tanh(x @ kernel + bias)
        return x

    def step(params, state, x):
        loss, grads = jax.value_and_grad(lambda params: jnp.mean((net(params, x) - x) ** 2))(params)
        updates, state = adam.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    return step, params, adam.init(params), jnp.zeros((rows, WIDTH))


@pytest.mark.needs("jax")
@pytest.mark.usefixtures("on_jax")
@pytest.mark.parametrize("donated", [(), (0, 1)], ids=["kept", "donated"])
@pytest.mark.parametrize("rows", [8, 1024])
def test_a_compiled_step_on_jax(rows, donated):
    import jax

    step, *args = ours(rows)
    sizes = um.jit(step, donate_argnums=donated).lower(*args).compile().memory_analysis()
    other, *others = by_hand_on_jax(rows)
    expected = jax.jit(other, donate_argnums=donated).lower(*others).compile().memory_analysis()
    names = ("argument_size_in_bytes", "output_size_in_bytes", "temp_size_in_bytes")
    got, least = (sum(int(read(name)) for name in names) for read in (sizes.__getitem__, expected.__getattribute__))
    alias = int(sizes["alias_size_in_bytes"])
    assert alias == expected.alias_size_in_bytes
    assert bool(alias) == bool(donated)
    assert got <= 1.05 * least, f"{got} bytes, by hand {least}"
