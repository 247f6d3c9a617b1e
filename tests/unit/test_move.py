"""Moving trees from engine to engine."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import unimod as um
from unimod.errors import UnknownBackendError

pytestmark = pytest.mark.needs("jax", "torch", "numpy")
WAYS = list(itertools.permutations(["jax", "torch", "numpy"], 2))
DTYPES = ["bool", "int8", "int16", "int32", "uint8", "uint32", "float16", "bfloat16", "float32", "complex64"]
SHAPES = [(), (0,), (3,), (2, 0, 3), (2, 3)]


@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_there_and_back(source, target, dtype, shape):
    with um.use_backend(source):
        x = um.numpy.astype(um.numpy.ones(shape), dtype)
    assert um.engine_of(x).name == source
    moved = um.to_backend(x, target)
    assert um.engine_of(moved).name == target
    assert um.dtype_of(moved) == dtype
    assert tuple(moved.shape) == shape
    back = um.to_backend(moved, source)
    assert um.engine_of(back).name == source
    assert um.to_backend(back, "numpy").tolist() == um.to_backend(x, "numpy").tolist()


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_arrays_that_are_not_contiguous(source, target):
    x = um.numpy.reshape(um.numpy.arange(6, dtype="float32", backend=source), (2, 3)).T[::2]
    moved = um.to_backend(x, target)
    assert um.to_backend(moved, "numpy").tolist() == [[0.0, 3.0], [2.0, 5.0]]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "bool"])
def test_negative_strides_of_the_host(dtype):
    x = um.numpy.asarray([0.0, 1.0], dtype=dtype, backend="numpy")[::-1]
    assert um.to_backend(x, "torch").tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_module_keeps_its_structure(source, target):
    model = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3), um.nn.Dropout(0.5)).init(0, backend=source).eval()
    moved = um.to_backend(model, target)
    assert um.tree.structure(moved) is um.tree.structure(model)
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves(moved)} == {target}
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves(model)} == {source}


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_key_goes_on_with_the_same_numbers(source, target):
    key = um.random.key(5, backend=source)
    moved = um.to_backend({"k": key}, target)["k"]
    assert isinstance(moved, um.random.Key)
    one, two = um.random.split(key), um.random.split(moved)
    assert um.random.key_data(two[0]).tolist() == um.random.key_data(one[0]).tolist()


def test_ties_and_shared_modules_are_kept():
    class Tied(um.Module):
        def __init__(self):
            self.a, self.b = um.nn.Linear(2, 2), um.nn.Linear(2, 2)
            self.b.kernel = self.a.share("kernel")
            self.c = self.a

    moved = um.to_backend(Tied().init(0, backend="jax"), "torch")
    assert moved.b.kernel is moved.a.kernel
    assert moved.c is moved.a


def test_what_is_no_array_stays():
    fn = len
    assert um.to_backend({"a": 1, "b": None, "c": fn, "d": um.Nothing, "e": "x"}, "torch") == {
        "a": 1, "b": None, "c": fn, "d": um.Nothing, "e": "x",
    }  # fmt: skip


def test_arrays_that_are_there_already_are_not_copied():
    x = um.numpy.ones((2,), backend="torch")
    assert um.to_backend(x, "torch") is x


def test_a_tensor_that_records_gradients_moves():
    import torch

    x = torch.ones(2, requires_grad=True)
    assert um.to_backend(x, "numpy").tolist() == [1.0, 1.0]
    assert um.to_backend(x, "jax").tolist() == [1.0, 1.0]


def test_an_unknown_engine():
    with pytest.raises(UnknownBackendError):
        um.to_backend(np.ones(1), "tensorflow")
