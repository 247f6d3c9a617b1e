"""Ten thousand train steps: the process does not grow, and a jitted step is traced once."""

from __future__ import annotations

import functools
import gc
import pathlib
import resource
import sys

import numpy as np
import pytest

import unimod as um

BEFORE, AFTER = 2_000, 10_000
# Allocators keep pages and hand them out again: a few of them come late. An array that stays with each step would be
# 8,000 times some hundred bytes, and a Python object with each step 8,000 blocks.
MEGABYTES, BLOCKS = 2.0, 800

WAYS = {
    "jitted": um.jit,
    "graph": functools.partial(um.jit, compiler="graph"),
    "eager": lambda fn: fn,
}


class Net(um.Module):
    """Parameters, a state that changes in every step, and random numbers where they do not take most of the time."""

    def __init__(self, is_random: bool) -> None:
        self.hidden, self.out = um.nn.Linear(8, 8), um.nn.Linear(8, 8)
        self.dropout = um.nn.Dropout(0.1) if is_random else um.nn.Identity()
        self.seen = um.State(um.numpy.asarray(0, dtype="int32"))

    def __call__(self, x):
        self.seen = self.seen + 1
        return self.out(self.dropout(um.nn.relu(self.hidden(x))))


def whole_step(model, opt, x, y):
    def loss(model):
        return um.numpy.mean(um.numpy.square(model(x) - y)), model

    (value, model), grads = um.value_and_grad(loss, has_aux=True)(model)
    return *um.apply_gradients(model, opt, grads), value


def resident() -> float:
    """Megabytes of the process: now where the system says so, else the most there ever was."""
    found = pathlib.Path("/proc/self/statm")
    if found.exists():
        return int(found.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def in_use() -> tuple[float, int]:
    """Megabytes of the process, and blocks that Python holds."""
    gc.collect()
    return resident(), sys.getallocatedblocks()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "way"),
    [
        pytest.param("jax", "jitted", marks=pytest.mark.needs("jax")),
        pytest.param("torch", "graph", marks=pytest.mark.needs("torch")),
        pytest.param("torch", "eager", marks=pytest.mark.needs("torch")),
    ],
)
def test_ten_thousand_steps_leave_nothing_behind(backend, way):
    with um.use_backend(backend):
        x, y = um.random.normal(um.random.key(1), (2, 4, 8))
        model = Net(is_random=way != "eager").init(0)
        opt = um.optim.adam(1e-3).init(model.parameters())
        step = WAYS[way](whole_step)
        for _ in range(BEFORE):
            model, opt, value = step(model, opt, x, y)
        first, (memory, blocks) = float(value), in_use()
        for _ in range(AFTER - BEFORE):
            model, opt, value = step(model, opt, x, y)
        memory_now, blocks_now = in_use()
    assert um.engine_of(value).name == backend
    assert memory_now - memory < MEGABYTES
    assert blocks_now - blocks < BLOCKS
    assert int(model.seen) == AFTER
    assert np.isfinite(float(value))
    assert float(value) < first
    if way != "eager":
        assert step.trace_count == 1
