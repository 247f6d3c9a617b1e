"""64-bit dtypes: there when they are asked for, and nothing changed behind anybody's back."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

import unimod as um
import unimod.numpy as unp

WIDE = ("float64", "int64", "uint64", "complex128")
PROGRAM = """
import sys
import unimod as um
{before}
{call}
assert "jax" not in sys.modules
import jax
um.set_backend("jax")
{inside}
"""


@pytest.mark.parametrize("dtype", WIDE)
def test_64_bits_inside_the_block(any_backend, dtype):
    with um.use_x64():
        x = unp.ones((2,), dtype=dtype)
        assert str(unp.dtype_of(unp.reshape(x, (1, 2)))) == dtype
    assert str(unp.dtype_of(x)) == dtype
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize("any_backend", ["jax"])
@pytest.mark.parametrize("dtype", WIDE)
def test_without_it_jax_says_what_to_do(any_backend, dtype):
    with pytest.raises(um.DTypeError, match=r"um\.enable_x64\(\)"):
        unp.ones((2,), dtype=dtype)


def test_the_default_dtypes_stay(any_backend):
    with um.use_x64():
        made = [
            unp.asarray(1),
            unp.asarray(1.0),
            unp.asarray(1j),
            unp.arange(3),
            unp.zeros(2),
            unp.sum(unp.ones(2, dtype=bool)),
        ]
    assert [str(unp.dtype_of(x)) for x in made] == ["int32", "float32", "complex64", "int32", "float32", "int32"]


def test_the_block_ends_after_an_error(any_backend):
    from unimod.backends import _registry

    facts = _registry.load(any_backend).facts
    before = facts.has_x64()
    with pytest.raises(ZeroDivisionError), um.use_x64():
        raise ZeroDivisionError
    assert facts.has_x64() is before


@pytest.mark.parametrize("any_backend", ["jax"])
def test_the_block_is_of_its_thread_and_the_switch_of_all(any_backend):
    def in_a_thread() -> bool:
        found = []
        thread = threading.Thread(target=lambda: found.append(um.backend_info().x64))
        thread.start()
        thread.join()
        return found[0]

    with um.use_x64():
        assert not in_a_thread()
        with um.use_x64(False):
            assert not um.backend_info().x64
        assert um.backend_info().x64
    um.enable_x64()
    try:
        assert in_a_thread()
    finally:
        um.enable_x64(False)
    assert not um.backend_info().x64


@pytest.mark.needs("jax")
@pytest.mark.parametrize(
    ("call", "inside"),
    [
        ("", "assert not um.backend_info().x64"),
        ("um.enable_x64()", "assert um.backend_info().x64 and jax.config.jax_enable_x64"),
        (
            "block = um.use_x64(); block.__enter__()",
            "assert um.backend_info().x64; block.__exit__(None, None, None); assert not jax.config.jax_enable_x64",
        ),
    ],
    ids=["nothing", "enable", "block"],
)
def test_jax_is_told_when_it_is_loaded(call, inside):
    program = PROGRAM.format(before="", call=call, inside=inside)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_jitted_function_serves_both_widths(backend):
    twice = um.jit(lambda x: unp.multiply(x, 2))
    narrow = twice(unp.ones(2))
    with um.use_x64():
        wide = twice(unp.ones(2, dtype="float64"))
    assert [str(unp.dtype_of(x)) for x in (narrow, wide, twice(unp.ones(2)))] == ["float32", "float64", "float32"]
