"""Making arrays: copies, devices, numbers that do not fit, and what an engine needs not have."""

from __future__ import annotations

import types

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.numpy import _defaults

UNFIT = {
    "full": (lambda b: unp.full((2,), 300, dtype="uint8", backend=b), "This does not fit the dtype uint8."),
    "full negative": (lambda b: unp.full((2,), -1, dtype="uint8", backend=b), "This does not fit the dtype uint8."),
    "full nan": (lambda b: unp.full((), float("nan"), dtype="int32", backend=b), "This does not fit the dtype int32."),
    "full complex": (lambda b: unp.full((), 1j, dtype="float32", backend=b), "This does not fit the dtype float32."),
    "full default": (lambda b: unp.full((), 2**40, backend=b), "An integer does not fit the default dtype int32."),
    "full_like": (
        lambda b: unp.full_like(unp.ones(2, dtype="int8", backend=b), 200),
        "This does not fit the dtype int8.",
    ),
    "asarray": (lambda b: unp.asarray([300], dtype="uint8", backend=b), "This does not fit the dtype uint8."),
    "asarray nan": (
        lambda b: unp.asarray([float("nan")], dtype="int32", backend=b),
        "This does not fit the dtype int32.",
    ),
    "asarray default": (lambda b: unp.asarray([2**40], backend=b), "An integer does not fit the default dtype int32."),
    "asarray host": (lambda b: unp.asarray(np.array([2**40]), backend=b), "An integer does not fit the default dtype"),
    "asarray text": (lambda b: unp.asarray(["a"], backend=b), "This cannot become an array of numbers."),
    "arange": (lambda b: unp.arange(0, 300, dtype="uint8", backend=b), "This does not fit the dtype uint8."),
    "pad": (
        lambda b: unp.pad(unp.ones(2, dtype="uint8", backend=b), 1, value=256),
        "This does not fit the dtype uint8.",
    ),
    "astype": (lambda b: unp.astype(unp.asarray([1j], backend=b), "float32"), "A cast would lose the imaginary parts."),
}


@pytest.mark.parametrize("name", UNFIT)
def test_numbers_that_do_not_fit_are_told_alike(any_backend, name):
    call, what = UNFIT[name]
    with pytest.raises(DTypeError) as caught:
        call(any_backend)
    assert caught.value.what.startswith(what)


def test_ragged_rows_are_told(any_backend):
    with pytest.raises(ShapeError, match="not of one length"):
        unp.asarray([[1, 2], [3]], backend=any_backend)


def test_a_copy_has_memory_of_its_own(any_backend):
    x = unp.zeros((2,), backend=any_backend)
    assert unp.asarray(x) is x
    assert unp.asarray(x, copy=False) is x
    for copied in (unp.asarray(x, copy=True), unp.astype(x, "float32", copy=True), unp.reshape(x, (2,), copy=True)):
        assert copied is not x
        assert copied.tolist() == [0.0, 0.0]
        assert not np.shares_memory(unp.to_numpy(copied), unp.to_numpy(x))


@pytest.mark.parametrize("data", [[1.0, 2.0], 3])
def test_what_must_be_copied_is_told(any_backend, data):
    with pytest.raises(OptionError, match="asarray would have to copy"):
        unp.asarray(data, copy=False, backend=any_backend)


def test_a_dtype_that_changes_must_be_copied(any_backend):
    with pytest.raises(OptionError, match="asarray would have to copy"):
        unp.asarray(unp.ones(2, backend=any_backend), dtype="int32", copy=False)


def test_from_dlpack_goes_to_the_chosen_engine(any_backend):
    found = unp.from_dlpack(np.arange(3, dtype="int32"), backend=any_backend)
    assert um.engine_of(found).name == any_backend
    assert found.tolist() == [0, 1, 2]
    assert found.dtype == um.int32
    with pytest.raises(DTypeError, match="speaks DLPack"):
        unp.from_dlpack([1, 2], backend=any_backend)


def test_empty_and_single_arrays(any_backend):
    assert tuple(unp.zeros((0, 3), backend=any_backend).shape) == (0, 3)
    assert unp.full((), 2.0, backend=any_backend).tolist() == 2.0
    assert unp.linspace(3, 4, 0, backend=any_backend).tolist() == []
    assert unp.linspace(3, 4, 1, backend=any_backend).tolist() == [3.0]
    assert unp.arange(5, 2, backend=any_backend).tolist() == []
    assert unp.eye(2, k=10**30, backend=any_backend).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(OptionError, match="step other than 0"):
        unp.arange(0, 1, 0, backend=any_backend)


def lean(name):
    """The engine with nothing in ``arrays`` that has a default."""
    engine = _registry.load(name)
    optional = {default.__name__ for default in _defaults.DEFAULTS}
    kept = {key: value for key, value in vars(engine.arrays).items() if key not in optional}
    made = types.SimpleNamespace(arrays=types.SimpleNamespace(**kept), math=engine.math, name=engine.name)
    _defaults.complete("arrays", _defaults.DEFAULTS, made)
    return engine, made


CALLS = {
    "zeros": ((2, 3), "int32"), "ones": ((2, 3), "bool"), "zeros_like": (...,), "ones_like": (..., "int32"),
    "view": (..., (4, 6)), "expand_dims": (..., -2), "moveaxis": (..., 0, -1), "flip": (..., (0, 2)),
    "pad": (..., ((1, 0), (0, 2), (1, 1)), 7), "tril": (..., 1), "triu": (..., -1),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "int32", "bool", "complex64", "bfloat16"])
def test_an_engine_may_leave_out_what_has_a_default(any_backend, dtype):
    full, small = lean(any_backend)
    x = unp.astype(unp.reshape(unp.arange(24, backend=any_backend), (2, 3, 4)), dtype)
    cases = [(name, *(x if one is ... else one for one in args)) for name, args in CALLS.items()]
    cases += [("squeeze", x[:, :1], (1,)), ("stack", [x, x], 1), ("flip", x, None), ("moveaxis", x, (0, 1), (2, 0))]
    for name, *args in cases:
        expected, found = getattr(full.arrays, name)(*args), getattr(small.arrays, name)(*args)
        assert type(found) is type(expected), name
        assert found.dtype == expected.dtype, name
        np.testing.assert_array_equal(unp.to_numpy(found), unp.to_numpy(expected), err_msg=name)
    assert {name for name, *_ in cases} == {default.__name__ for default in _defaults.DEFAULTS}
