"""Names of dtypes: kinds, sizes, short names."""

from __future__ import annotations

import copy
import pickle

import ml_dtypes
import numpy as np
import pytest

import unimod as um
from unimod import dtypes


def numpy_dtype(name: str) -> np.dtype:
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


@pytest.mark.parametrize("dtype", dtypes.ALL)
def test_kind_and_size_are_those_of_numpy(dtype):
    expected = numpy_dtype(dtype)
    kinds = {"b": "bool", "i": "int", "u": "uint", "f": "float", "V": "float", "c": "complex"}
    assert dtype.itemsize == expected.itemsize
    assert dtype.bits == 8 * expected.itemsize
    assert dtype.kind == kinds[expected.kind]


@pytest.mark.parametrize("dtype", dtypes.ALL)
def test_a_dtype_is_its_name(dtype):
    name = dtype.rstrip("_")
    assert dtype == str(dtype) == name
    assert repr(dtype) == name
    assert hash(dtype) == hash(name)
    assert getattr(um, "bool_" if name == "bool" else name) is dtype


@pytest.mark.parametrize("dtype", dtypes.ALL)
def test_a_dtype_can_be_copied(dtype):
    for again in (pickle.loads(pickle.dumps(dtype)), copy.deepcopy(dtype)):
        assert type(again) is dtypes.DType
        assert again == dtype


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("bool", "bool"),
        ("int8", "i8"),
        ("uint64", "u64"),
        ("bfloat16", "bf16"),
        ("float16", "f16"),
        ("float32", "f32"),
        ("complex64", "c64"),
        ("float8_e4m3fn", "f8_e4m3fn"),
    ],
)
def test_short_names(name, short):
    assert dtypes.DType(name).short == short


def test_eight_bit_floats():
    assert dtypes.DType("float8_e5m2").kind == "float"
    assert dtypes.DType("float8_e5m2").itemsize == 1


def test_inexact():
    assert [name for name in dtypes.ALL if dtypes.is_inexact(name)] == [
        "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
    ]  # fmt: skip


def test_describe():
    assert dtypes.describe((2, 3), "float32") == "f32[2, 3]"
    assert dtypes.describe((), "bool") == "bool[]"


def test_the_dtype_of_an_array_and_of_a_number(any_backend):
    assert um.dtype_of(um.numpy.ones((1,), dtype="float16")) == "float16"
    assert um.dtype_of(1.5) == "float32"
    assert um.dtype_of(True) == "bool"
    assert um.dtype_of(1) == "int32"
