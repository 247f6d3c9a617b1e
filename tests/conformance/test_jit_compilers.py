"""What the torch engine makes of a trace: each of its compilers with keys, modules and static arguments; memory."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapabilityError

unp = um.numpy
pytestmark = pytest.mark.needs("torch")
COMPILERS = ["none", "graph", pytest.param("inductor", marks=pytest.mark.inductor)]


@pytest.fixture(autouse=True)
def _on_torch():
    with um.use_backend("torch"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


class Noisy(um.Module):
    """A layer, dropout with a key of its own, and a count of its calls."""

    def __init__(self) -> None:
        self.linear, self.dropout, self.calls = um.nn.Linear(3, 2), um.nn.Dropout(0.5), unp.asarray(0)

    def __call__(self, x, power):
        self.calls = self.calls + 1
        return self.dropout(self.linear(x)) ** power


def step(model, key, x, power):
    noise = um.random.normal(key, x.shape)

    def loss(model):
        return unp.mean(model(x + noise, power)), model

    (value, model), grads = um.value_and_grad(loss, has_aux=True)(model)
    return model, grads, value, um.random.split(key)[0]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_keys_modules_and_static_arguments(compiler):
    run = um.jit(step, compiler=compiler, static_argnames="power")
    ours = theirs = Noisy().init(0)
    our_key = their_key = um.random.key(1)
    x = unp.asarray(np.random.default_rng(0).standard_normal((5, 3)), dtype="float32")
    for power in (2, 2, 1):
        ours, *a, our_key = run(ours, our_key, x, power)
        theirs, *b, their_key = step(theirs, their_key, x, power)
        for got, want in zip(um.tree.leaves((ours, a, our_key)), um.tree.leaves((theirs, b, their_key)), strict=True):
            assert (got.shape, got.dtype) == (want.shape, want.dtype)
            # products and means in another order, then cubes at the most
            np.testing.assert_allclose(um.to_backend(got, "numpy"), um.to_backend(want, "numpy"), rtol=1e-5, atol=1e-6)
    assert int(ours.calls) == 3
    assert run.trace_count == (0 if compiler == "none" else 2)


def test_cuda_graphs_need_a_device():
    import torch

    if torch.cuda.is_available():
        assert float(um.jit(lambda x: x + 1, compiler="cudagraphs")(unp.asarray(1.0))) == 2.0
    else:
        with pytest.raises(CapabilityError, match="no CUDA graphs on this machine"):
            um.jit(lambda x: x + 1, compiler="cudagraphs")(unp.asarray(1.0))


@pytest.mark.parametrize("compiler", ["graph", pytest.param("inductor", marks=pytest.mark.inductor)])
def test_what_is_captured_is_neither_copied_nor_frozen(compiler):
    table = unp.ones((1000, 100))
    run = um.jit(lambda x: x + unp.sum(table, axis=0), compiler=compiler)
    assert float(run(unp.zeros((100,)))[0]) == 1000.0
    table[0, 0] = 5.0  # the same memory is read at each call
    assert float(run(unp.zeros((100,)))[0]) == 1004.0
    assert run.trace_count == 1


def test_a_captured_array_is_read_where_it_lies():
    import torch

    table = unp.ones((256, 1024))
    run = um.jit(lambda x: x + table[0], compiler="graph")
    x = unp.zeros((1024,))
    run(x)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run(x)
    allocated = sum(max(0, event.self_cpu_memory_usage) for event in profile.key_averages())
    assert 0 < allocated <= 4 * 1024 + 64


@pytest.mark.inductor
def test_donated_buffers_are_written_in_place():
    def train(w, m, g):
        m = m * 0.5 + g
        return w - m, m

    run = um.jit(train, compiler="inductor", donate_argnums=(0, 1))
    state, g = (unp.ones((64, 64)), unp.zeros((64, 64))), unp.ones((64, 64))
    expected = state
    pointers = {x.data_ptr() for x in state}
    for _ in range(4):
        expected = train(*expected, g)
        state = run(*state, g)
        assert {x.data_ptr() for x in state} == pointers
        for got, want in zip(state, expected, strict=True):
            np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-6)
    assert run.trace_count == 1
