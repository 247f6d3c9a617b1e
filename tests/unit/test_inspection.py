"""What the namespace says about the chosen engine, about dtypes and about devices."""

from __future__ import annotations

import pytest

import unimod as um
import unimod.numpy as unp
from unimod.errors import CapabilityError, DTypeError, OptionError


@pytest.fixture
def info(any_backend):
    return unp.__array_namespace_info__(backend=any_backend)


def test_the_version_is_that_of_the_standard():
    assert unp.__array_api_version__ == "2024.12"


def test_capabilities_have_the_names_of_the_standard(info):
    assert info.capabilities() == {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}


def test_arrays_are_made_on_the_default_device(info, any_backend):
    assert info.default_device() in info.devices()
    assert unp.zeros(2, backend=any_backend).device == info.default_device()
    assert all(unp.zeros(2, device=device, backend=any_backend).device == device for device in info.devices())


def test_default_dtypes_are_those_of_what_is_made(info, any_backend):
    found = info.default_dtypes()
    assert found["integral"] == found["indexing"] == unp.arange(2, backend=any_backend).dtype
    assert found["real floating"] == unp.asarray([1.0], backend=any_backend).dtype
    assert found["complex floating"] == unp.asarray([1j], backend=any_backend).dtype


def test_arrays_of_every_listed_dtype_can_be_added(info, any_backend):
    for name, dtype in info.dtypes().items():
        x = unp.add(unp.ones(2, dtype=dtype, backend=any_backend), unp.ones(2, dtype=dtype, backend=any_backend))
        assert x.dtype == dtype == name


def test_dtypes_of_kinds_make_up_all_of_them(info):
    kinds = ("bool", "integral", "real floating", "complex floating")
    parts = [info.dtypes(kind=kind) for kind in kinds]
    assert sum(map(len, parts)) == len(info.dtypes()) == len(info.dtypes(kind=kinds))
    assert info.dtypes(kind="bool") == {"bool": um.bool_}


def test_wide_dtypes_are_listed_where_they_can_be_made(any_backend):
    with um.use_x64():
        assert "float64" in unp.__array_namespace_info__(backend=any_backend).dtypes()


def test_a_kind_that_nobody_knows_is_an_error(info):
    with pytest.raises(OptionError, match="no kind of dtypes called 'whole'"):
        info.dtypes(kind="whole")


@pytest.mark.parametrize("call", [lambda b: unp.zeros(2, device="abacus:1", backend=b)])
def test_a_device_that_is_not_there_is_told_with_those_that_are(any_backend, call):
    with pytest.raises(CapabilityError, match="has no device 'abacus:1'") as caught:
        call(any_backend)
    assert "cpu" in caught.value.expected


def test_devices_are_names_or_the_framework_s_own(any_backend):
    x = unp.ones((2,), backend=any_backend)
    assert unp.to_device(x, "cpu").device == x.device or "cpu" not in str(x.device)
    for device in ("cpu", "cpu:0", x.device):
        assert um.engine_of(unp.to_device(x, device)).name == any_backend


@pytest.mark.parametrize(
    ("dtype", "kind", "expected"),
    [
        ("int8", "signed integer", True),
        ("uint8", "signed integer", False),
        ("uint8", "unsigned integer", True),
        ("uint8", "integral", True),
        ("bool", "integral", False),
        ("bool", "numeric", False),
        ("bfloat16", "real floating", True),
        ("complex64", "complex floating", True),
        ("complex64", ("bool", "real floating"), False),
        ("complex64", ("bool", um.complex64), True),
        (um.float32, um.float32, True),
        (um.float32, um.float64, False),
        (float, "real floating", True),
    ],
)
def test_isdtype(dtype, kind, expected):
    assert unp.isdtype(dtype, kind) is expected


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("int8", "int16", True),
        ("int16", "int8", False),
        ("uint8", "int8", False),
        ("bool", "float32", True),
        ("float32", "complex64", True),
        ("complex64", "float32", False),
        ("float16", "bfloat16", False),
        ("int32", "int32", True),
    ],
)
def test_can_cast(source, target, expected):
    assert unp.can_cast(source, target) is expected


def test_result_type_of_arrays_dtypes_and_numbers(any_backend):
    x = unp.ones((), dtype="float16", backend=any_backend)
    assert unp.result_type(x, "float32") == um.float32
    assert unp.result_type(x, 1.0) == unp.result_type(1.0, x) == um.float16
    assert unp.result_type(x, 1j) == um.complex64
    assert unp.result_type(True, 2) == um.int32


def test_float8_meets_nothing_else():
    assert unp.result_type("float8_e4m3fn", "float8_e4m3fn") == "float8_e4m3fn"
    with pytest.raises(DTypeError, match="float8 numbers are for storage"):
        unp.result_type("float8_e4m3fn", "float32")


def test_result_type_of_nothing_is_an_error():
    with pytest.raises(OptionError, match="result_type needs"):
        unp.result_type()


def test_limits_of_complex_numbers_are_those_of_their_parts():
    assert unp.finfo("complex128") == unp.finfo("float64")
    assert unp.finfo("complex64").bits == 32


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_finfo_is_about_floats(dtype):
    with pytest.raises(DTypeError, match="finfo is about floating-point dtypes"):
        unp.finfo(dtype)


@pytest.mark.parametrize(
    "package", [um, um.nn, um.nets, um.numpy, um.losses, um.optim], ids=lambda package: package.__name__
)
def test_names_that_are_imported_on_demand_are_listed(package):
    assert set(package.__all__) <= set(dir(package))
    assert all(hasattr(package, name) for name in package.__all__)
