"""Which engine a call goes to, and what is said when it cannot."""

from __future__ import annotations

import numpy as np
import pytest

import unimod.numpy as unp
from unimod.backends import _registry
from unimod.config import use_backend
from unimod.errors import CapabilityError, DTypeError, MixedBackendError, ShapeError
from unimod.numpy import _dispatch


def engine(x) -> str:
    return _registry.of_type(type(x)).name


def ones(backend: str, *shape: int, dtype: str = "float32"):
    return unp.ones(shape, dtype=dtype, backend=backend)


def test_the_engine_is_that_of_the_data(any_backend, tested_engines):
    x = ones(any_backend, 2)
    other = next((name for name in tested_engines if name != any_backend), any_backend)
    with use_backend(other):
        for result in (unp.add(x, 1.0), unp.add(1.0, x), unp.add(x, [1.0, 2.0]), unp.add([1.0, 2.0], x), unp.exp(x)):
            assert engine(result) == any_backend
        assert engine(unp.where(True, x, 0.0)) == any_backend
        assert engine(unp.concat([[1.0], x])) == any_backend
        assert engine(unp.take(x, [0])) == any_backend


def test_python_data_go_to_the_chosen_engine(any_backend):
    for result in (unp.add(1.0, 2.0), unp.exp([0.0]), unp.sum([[1]]), unp.where(True, 1, 2), unp.stack([1.0, 2.0])):
        assert engine(result) == any_backend
    assert engine(unp.zeros(2)) == engine(unp.asarray(np.ones(2))) == any_backend


def test_host_arrays_follow_the_others(backend):
    x, host = ones(backend, 2), np.ones(2)
    for result in (unp.add(x, host), unp.add(host, x), unp.concat([host, x]), unp.where(host, x, host)):
        assert engine(result) == backend
        assert str(unp.dtype_of(result)) == "float32"
    assert engine(unp.asarray([x, host])) == engine(unp.full((2,), unp.sum(x))) == backend
    assert engine(unp.full((2,), host[0])) == engine(unp.full_like(x, host[0])) == backend
    assert engine(unp.add(host, host)) == "numpy"


def test_backend_argument_overrules_the_choice(any_backend):
    with use_backend("numpy"):
        for make in (unp.zeros, unp.ones, unp.arange, unp.empty, unp.eye):
            assert engine(make(2, backend=any_backend)) == any_backend
        assert engine(unp.asarray([1], backend=any_backend)) == any_backend
        assert engine(unp.linspace(0, 1, 2, backend=any_backend)) == any_backend
        assert engine(unp.full((1,), 2, backend=any_backend)) == any_backend


@pytest.mark.needs("jax", "torch")
def test_two_engines_in_one_call_are_an_error():
    x, y = ones("jax", 2), ones("torch", 2)
    for call in (
        lambda: unp.add(x, y),
        lambda: unp.less(y, x),
        lambda: unp.concat([x, y]),
        lambda: unp.matmul(x, y),
        lambda: unp.where(x, y, 0.0),
        lambda: unp.einsum("i,i", x, y),
        lambda: unp.clip(x, y, None),
        lambda: unp.take(x, y),
        lambda: unp.asarray([x, y]),
    ):
        with pytest.raises(MixedBackendError, match="two engines"):
            call()


@pytest.mark.needs("jax", "torch")
def test_tracers_and_wrapped_tensors_find_their_engine():
    import jax
    import torch

    seen = []

    def look(x):
        seen.append(_dispatch.unary(x)[0].name)
        return x

    jax.eval_shape(look, np.ones(2, np.float32))
    torch.func.vmap(look)(torch.ones(2))
    assert seen == ["jax", "torch"]
    assert engine(unp.add(torch.nn.Parameter(torch.ones(2)), torch.ones(2))) == "torch"


SHAPE_ERRORS = {
    "add": (lambda a: unp.add(a(2), a(3)), "add got operands whose shapes do not broadcast.", "f32[2], f32[3]"),
    "less": (lambda a: unp.less(a(2, 2), a(3)), "less got operands", "f32[2, 2], f32[3]"),
    "where": (lambda a: unp.where(a(2), a(3), 0.0), "where got operands", "f32[2], f32[3], 0.0"),
    "clip": (lambda a: unp.clip(a(2), a(3)), "clip got operands", "f32[2], f32[3]"),
    "matmul": (lambda a: unp.matmul(a(2, 3), a(2, 3)), "matmul got operands", "f32[2, 3], f32[2, 3]"),
    "matmul of a scalar": (lambda a: unp.matmul(a(2), a()), "matmul got operands", "f32[2], f32[]"),
    "matmul of batches": (lambda a: unp.matmul(a(2, 1, 1), a(3, 1, 1)), "matmul got", "f32[2, 1, 1], f32[3, 1, 1]"),
    "concat": (lambda a: unp.concat([a(2, 2), a(2, 3)]), "concat got arrays whose shapes differ.", "f32[2, 2]"),
    "concat of ranks": (lambda a: unp.concat([a(0), a(2, 3)]), "concat got arrays", "f32[0], f32[2, 3]"),
    "concat of scalars": (lambda a: unp.concat([a(), a()]), "concat got the axis 0", "axis=0 for f32[]"),
    "concat of none": (lambda a: unp.concat([]), "concat got no arrays.", "[]"),
    "stack": (lambda a: unp.stack([a(2), a(3)]), "stack got arrays whose shapes differ.", "f32[2], f32[3]"),
    "stack place": (lambda a: unp.stack([a(2)], axis=2), "stack cannot put a new axis at 2.", "f32[2]"),
    "reshape": (lambda a: unp.reshape(a(6), (4, -1)), "reshape cannot put 6 elements into", "f32[6]"),
    "reshape -1 -1": (lambda a: unp.reshape(a(6), (-1, -1)), "reshape cannot put 6 elements", "f32[6]"),
    "broadcast_to": (lambda a: unp.broadcast_to(a(2), (3,)), "broadcast_to cannot spread", "f32[2]"),
    "broadcast_arrays": (lambda a: unp.broadcast_arrays(a(2), a(3)), "broadcast_arrays got", "f32[2], f32[3]"),
    "sum axis": (lambda a: unp.sum(a(2, 3), axis=2), "sum got the axis 2, which the array does not", "axis=2 for"),
    "max of none": (lambda a: unp.max(a(0)), "max of no elements is not defined.", "f32[0]"),
    "argmax axis": (lambda a: unp.argmax(a(2), axis=-2), "argmax got the axis -2", "axis=-2 for f32[2]"),
    "expand_dims": (lambda a: unp.expand_dims(a(2), axis=3), "expand_dims cannot put a new axis at 3.", "f32[2]"),
    "squeeze": (lambda a: unp.squeeze(a(2, 1), axis=0), "squeeze drops axes of size 1 only.", "axis=0"),
    "permute_dims": (lambda a: unp.permute_dims(a(2, 3), (0, 0)), "permute_dims needs each axis once.", "(0, 0)"),
    "swapaxes": (lambda a: unp.swapaxes(a(2), 0, 1), "swapaxes got the axis 1", "f32[2]"),
    "moveaxis": (lambda a: unp.moveaxis(a(2), 0, 1), "moveaxis got the axis 1", "f32[2]"),
    "flip": (lambda a: unp.flip(a(2), axis=1), "flip got the axis 1", "axis=1 for f32[2]"),
    "take": (lambda a: unp.take(a(2), [0], axis=1), "take got the axis 1", "axis=1 for f32[2]"),
    "sort": (lambda a: unp.sort(a(2), axis=1), "sort got the axis 1", "axis=1 for f32[2]"),
    "split": (lambda a: unp.split(a(5), 2), "split cannot divide the axis", "2 pieces of 5"),
    "pad": (lambda a: unp.pad(a(2), [(1, 1), (1, 1)]), "pad needs two widths", "(2,)"),
    "tril": (lambda a: unp.tril(a(2)), "tril needs a matrix.", "(2,)"),
    "einsum": (lambda a: unp.einsum("ij,jk", a(2, 3), a(2, 3)), "einsum got operands", "'ij,jk' for f32[2, 3]"),
    "einsum ranks": (lambda a: unp.einsum("ijk->i", a(2, 3)), "einsum got operands", "'ijk->i' for f32[2, 3]"),
    "tensordot": (
        lambda a: unp.tensordot(a(2, 3), a(2, 3), axes=1),
        "tensordot got axes that do not pair",
        "axes=1 for f32[2, 3]",
    ),
    "ragged": (
        lambda a: unp.asarray([[1], [1, 2]]),
        "The rows of a nested list are not of one length.",
        "[[1], [1, 2]]",
    ),
}


@pytest.mark.parametrize("case", SHAPE_ERRORS)
def test_shapes_that_do_not_fit_are_told_alike(case, any_backend):
    call, what, got = SHAPE_ERRORS[case]
    with pytest.raises(ShapeError) as caught:
        call(lambda *shape: ones(any_backend, *shape))
    assert caught.value.what.startswith(what)
    assert got in caught.value.got
    assert any_backend not in str(caught.value)


def test_the_cause_of_an_error_is_kept(any_backend):
    with pytest.raises(ShapeError) as caught:
        unp.add(ones(any_backend, 2), ones(any_backend, 3))
    assert isinstance(caught.value.__cause__, Exception)


def test_dtypes_that_do_not_fit_are_told_alike(any_backend):
    for call, what in (
        (lambda: unp.take([1.0], [0.0]), "take needs integers as indices."),
        (lambda: unp.take_along_axis([1.0], [True]), "take_along_axis needs integers"),
        (lambda: unp.one_hot([0.0], 2), "one_hot needs integers"),
        (lambda: unp.asarray("text"), "This cannot become an array of numbers."),
        (lambda: unp.asarray([None]), "This cannot become an array of numbers."),
        (lambda: unp.asarray(2**31), "An integer does not fit the default dtype int32."),
        (lambda: unp.finfo("int8"), "finfo is about floating-point dtypes."),
        (lambda: unp.iinfo("float32"), "iinfo is about integer dtypes."),
    ):
        with pytest.raises(DTypeError) as caught:
            call()
        assert caught.value.what.startswith(what)


def test_a_device_that_is_not_there_is_told_alike(any_backend):
    with pytest.raises(CapabilityError, match="has no device 'abacus'"):
        unp.zeros(2, device="abacus")
    assert engine(unp.zeros(2, device="cpu")) == any_backend


@pytest.mark.parametrize("any_backend", ["torch"])
@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
def test_a_dtype_without_arithmetic_is_said_to_have_none(any_backend, dtype):
    x = unp.ones((2,), dtype=dtype)
    for fn in (lambda: unp.add(x, x), lambda: unp.add(x, 1), lambda: unp.matmul(x, x), lambda: unp.negative(x)):
        with pytest.raises(CapabilityError, match=r"torch engine has no \w+ for this dtype"):
            fn()
    assert unp.concat([x, x]).tolist() == [1, 1, 1, 1]


def test_where_takes_two_scalars(any_backend):
    condition = unp.asarray([True, False])
    for x, y, expected, dtype in (
        (1.0, -1.0, [1, -1], "float32"),
        (2, 3, [2, 3], "int32"),
        (1, 0.5, [1, 0.5], "float32"),
    ):
        found = unp.where(condition, x, y)
        assert (engine(found), found.tolist(), str(unp.dtype_of(found))) == (any_backend, expected, dtype)
