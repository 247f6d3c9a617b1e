"""Arrays that cross from one engine to another, and what an engine says about its arrays."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import DTypeError

ENGINES = ("jax", "torch", "numpy")
DTYPES = ("bool", "int8", "uint8", "int32", "uint32", "float16", "bfloat16", "float32", "complex64")
SHAPES = {"vector": (3,), "scalar": (), "empty": (0, 2), "matrix": (2, 3)}

needs_all = pytest.mark.needs(*ENGINES)


def arrays(name: str):
    return _registry.load(name).arrays


def counted(name: str, shape: tuple[int, ...], dtype: str):
    return unp.astype(unp.reshape(unp.arange(int(np.prod(shape)), backend=name), shape), dtype)


@needs_all
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(ENGINES, 2)))
def test_an_array_moves_between_engines(source, target, shape, dtype):
    x = counted(source, SHAPES[shape], dtype)
    moved = arrays(target).from_foreign(x)
    assert _registry.of_type(type(moved)).name == target
    assert tuple(moved.shape) == SHAPES[shape]
    assert str(unp.dtype_of(moved)) == dtype
    np.testing.assert_array_equal(np.asarray(unp.to_numpy(moved)), np.asarray(unp.to_numpy(x)))


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "bool"])
def test_tensors_with_gaps_or_gradients_move_too(dtype):
    import torch

    x = counted("torch", (4, 6), dtype)
    for view in (x[::2], x.T, x[:, 1:4], x.expand(2, 4, 6)):
        moved = arrays("jax").from_foreign(view)
        np.testing.assert_array_equal(np.asarray(moved, np.float32), view.float().numpy())
    moved = arrays("jax").from_foreign(torch.ones(2, requires_grad=True))
    np.testing.assert_array_equal(np.asarray(moved), np.ones(2, np.float32))


@pytest.mark.needs("jax", "torch")
def test_a_large_array_moves_without_a_copy():
    x = unp.ones((1024,), backend="jax")
    assert arrays("torch").from_foreign(x).data_ptr() == x.unsafe_buffer_pointer()


@pytest.mark.needs("jax", "torch")
def test_jax_does_not_cut_64_bits_off():
    import torch

    for dtype in (torch.float64, torch.int64):
        with pytest.raises(DTypeError, match="enable_x64"):
            arrays("jax").from_foreign(torch.ones(2, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_host_data_are_copied_on_the_way_in(dtype, backend):
    host = np.asarray(unp.to_numpy(counted("numpy", (70,), dtype))).copy()
    x = unp.asarray(host, backend=backend)
    host[:] = 0
    assert str(unp.dtype_of(x)) == dtype
    assert bool(unp.any(x))


def test_a_copy_has_memory_of_its_own(any_backend):
    x = unp.ones(3, backend=any_backend)
    y = unp.copy(x)
    assert y is not x
    assert unp.to_numpy(y).__array_interface__["data"] != unp.to_numpy(x).__array_interface__["data"]


def test_an_array_says_where_it_is(any_backend):
    engine = _registry.load(any_backend)
    x = unp.ones(3, backend=any_backend, device="cpu")
    assert engine.arrays.device_name(x) == "cpu"
    assert engine.arrays.is_concrete(x)
    assert engine.facts.device_kinds()[0] == "cpu"


@pytest.mark.needs("jax")
def test_a_tracer_is_not_concrete():
    import jax

    seen = []
    jax.eval_shape(lambda x: seen.append(arrays("jax").is_concrete(x)) or x, np.ones(2, np.float32))
    assert seen == [False]


@pytest.mark.needs("torch")
def test_fake_and_wrapped_tensors_are_not_concrete():
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    seen = []

    def look(x):
        seen.append(arrays("torch").is_concrete(x))
        return x.sum()

    torch.func.vmap(look)(torch.ones(2, 2))
    torch.func.grad(look)(torch.ones(2))
    with FakeTensorMode():
        look(torch.ones(2))
    look(torch.ones(2, device="meta"))
    assert seen == [False] * 4
