"""The opaque torch operations: graphs, batching, devices other than the CPU, and the compiler."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod import random

pytestmark = pytest.mark.needs("torch")

KINDS = ["bits", "uniform", "normal", "truncated_normal", "gumbel", "exponential"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]


def keys():
    return random.split(random.key(0, backend="torch"), 5).data


def as_numbers(x):
    import torch

    same_size = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
    return x.view(same_size.get(x.dtype, x.dtype)).to(torch.float64)


def check_equal(x, y):
    import torch

    assert x.dtype == y.dtype
    assert torch.equal(as_numbers(x), as_numbers(y))


def test_the_operations_pass_the_checks_of_torch():
    import torch

    for name, arguments in {
        "random_sample": (keys()[0], (3, 2), "uniform", "float32", (-1.0, 1.0)),
        "random_split": (keys()[0], (3, 2)),
        "random_fold_in": (keys()[0], torch.tensor(7)),
    }.items():
        results = torch.library.opcheck(getattr(torch.ops.unimod, name).default, arguments)
        assert set(results.values()) == {"SUCCESS"}


@pytest.mark.parametrize("shape", [(), (5,), (3, 7)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", *FLOATS])
def test_the_path_of_other_devices(dtype, shape):
    """It is made of torch operations alone, which the CPU has too."""
    from unimod.backends.torch import _sample, _threefry_device

    for key in (keys()[0], keys(), keys().reshape(5, 1, 2)):
        out = _threefry_device.draw(key, shape, dtype)
        assert tuple(out.shape) == (*key.shape[:-1], *shape)
        check_equal(out, _sample._host_draw(key, shape, dtype, dtype))


def test_making_keys_on_other_devices():
    import torch

    from unimod.backends.torch import _random_ops, _threefry_device

    for key in (keys()[0], keys()):
        check_equal(_threefry_device.split(key, (2, 3)), _random_ops._split(key, (2, 3)))
        for data in (torch.tensor(-1), torch.tensor(3, dtype=torch.uint8), torch.arange(5)):
            check_equal(_threefry_device.fold_in(key, data), _random_ops._fold_in(key, data))


def test_normal_values_of_other_devices():
    """The bulk of them; the polynomial is the same, the order of the operations differs."""
    from unimod.backends.torch import _sample, _threefry_device

    key = keys()[0]
    unit = _threefry_device.draw(key, (100_000,), "float32")
    out = _sample.distribute(unit, "normal", "float32").numpy()
    expected = _sample.sample(key, (100_000,), "normal", "float32", ()).numpy()
    assert np.max(np.abs(out - expected) / np.spacing(np.abs(expected))) <= 4


def test_counters_of_64_bits_on_other_devices(monkeypatch):
    import torch

    from unimod.backends import _threefry
    from unimod.backends.torch import _threefry_device

    arange = torch.arange
    monkeypatch.setattr(torch, "arange", lambda size, device: arange(2**32 - 2, 2**32 - 2 + size, device=device))
    out = _threefry_device.split(keys()[0], (4,)).tolist()
    assert out == [list(_threefry.block(*keys()[0].tolist(), *divmod(2**32 - 2 + i, 2**32))) for i in range(4)]


FUNCTIONS = {
    "split": lambda k: random.split(k, (3,)).data,
    "fold_in": lambda k: random.fold_in(k, 7).data,
    "bits": lambda k: random.bits(k, (3,), width=16),
    "uniform": lambda k: random.uniform(k, (3,), minval=-1),
    "normal": lambda k: random.normal(k, (3,), dtype="bfloat16"),
    "truncated_normal": lambda k: random.truncated_normal(k, -1.0, float("inf"), (3,)),
    "bernoulli": lambda k: random.bernoulli(k, 0.3, (3,)),
    "randint": lambda k: random.randint(k, (3,), 0, 10),
    "randint_all": lambda k: random.randint(k, (3,), 0, 2**32, dtype="uint32"),
    "randint_64": lambda k: random.randint(k, (3,), 0, 10**12, dtype="int64"),
    "permutation": lambda k: random.permutation(k, 7),
    "categorical": lambda k: random.categorical(k, [0.0, 1.0, 2.0], shape=(5,)),
    "choice": lambda k: random.choice(k, 4, (5,), p=[0.1, 0.2, 0.3, 0.4]),
    "chain": lambda k: random.split(random.fold_in(random.split(k)[1], 3))[0].data,
}


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_graph_depends_on_its_key(name, mode):
    from torch.fx.experimental.proxy_tensor import make_fx

    def draw(data):
        return FUNCTIONS[name](random.Key(data))

    graph = make_fx(draw, tracing_mode=mode)(keys()[0])
    for data in keys():
        check_equal(graph(data), draw(data))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_graph_of_a_batch(name):
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    def draw(data):
        return FUNCTIONS[name](random.Key(data))

    mapped = torch.func.vmap(draw)
    expected = torch.stack([as_numbers(draw(data)) for data in keys()])
    for run in (mapped, make_fx(mapped, tracing_mode="fake")(keys()), torch.func.vmap(mapped)):
        data = keys()[None] if run is not mapped and not isinstance(run, torch.fx.GraphModule) else keys()
        assert torch.equal(as_numbers(run(data)).reshape(expected.shape), expected)


def test_a_draw_is_one_node():
    from torch.fx.experimental.proxy_tensor import make_fx

    for kind in KINDS:

        def draw(data):
            return getattr(random, kind)(random.Key(data), shape=(1000,))  # noqa: B023

        graph = make_fx(draw, tracing_mode="fake")(keys()[0])
        assert [node.op for node in graph.graph.nodes] == ["placeholder", "call_function", "output"]


def test_a_captured_key_is_not_a_constant_of_its_draws():
    """Only what a fast path may see: nothing is drawn while a graph is recorded."""
    from torch.fx.experimental.proxy_tensor import make_fx

    key = random.key(0, backend="torch")
    graph = make_fx(lambda x: x + random.normal(key, (3,)), tracing_mode="real")(random.normal(key, (3,)))
    assert any("random_sample" in str(node.target) for node in graph.graph.nodes)


def test_the_draws_need_no_gradient():
    import torch

    scale = torch.tensor(2.0, requires_grad=True)
    noise = random.normal(random.Key(keys()[0]), (4,))
    assert not noise.requires_grad
    (noise * scale).sum().backward()
    assert torch.equal(scale.grad, noise.sum())


def test_keys_of_any_strides():
    import torch

    table = keys().view(torch.int32).T.contiguous().view(torch.uint32).T
    assert not table.is_contiguous()
    check_equal(random.bits(random.Key(table[1]), (20,)), random.bits(random.Key(keys()[1]), (20,)))
    batched = torch.func.vmap(lambda data: random.bits(random.Key(data), (20,)))
    check_equal(batched(table), batched(keys()))


@pytest.mark.inductor
@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_compiler_takes_every_draw(name):
    """No warning says that the graph could not be compiled, and the values are those of eager mode."""
    import torch

    def draw(data):
        return FUNCTIONS[name](random.Key(data))

    compiled = um.jit(draw, compiler="inductor")
    for data in keys()[:2]:
        check_equal(compiled(data), draw(data))
    assert compiled.trace_count == 1
    assert torch.is_tensor(compiled(keys()[0]))


def test_nested_maps_of_different_depth():
    """The axes of keys and of data are matched from the outside, level by level."""
    import torch

    def fold(data, number):
        return random.fold_in(random.Key(data), number).data

    def nested(*levels):
        mapped = fold
        for in_dims in levels:
            mapped = torch.func.vmap(mapped, in_dims=in_dims)
        return mapped

    few, many = random.split(random.key(0, backend="torch"), (2, 4)).data, torch.arange(24).reshape(2, 3, 4)
    out = nested((0, 0), (None, 0), (0, 0))(few, many)
    assert tuple(out.shape) == (2, 3, 4, 2)
    for i, j, k in np.ndindex(2, 3, 4):
        assert out[i, j, k].tolist() == fold(few[i, k], int(many[i, j, k])).tolist()
    many, few = random.split(random.key(0, backend="torch"), (2, 3, 4)).data, torch.arange(8).reshape(2, 4)
    out = nested((0, 0), (0, None), (0, 0))(many, few)
    for i, j, k in np.ndindex(2, 3, 4):
        assert out[i, j, k].tolist() == fold(many[i, j, k], int(few[i, k])).tolist()
