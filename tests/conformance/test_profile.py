"""``um.profile``: what is measured, and what is counted."""

from __future__ import annotations

import pytest

import unimod as um
import unimod.numpy as unp
from unimod.errors import OptionError


def product(x, y):
    return {"z": unp.matmul(x, y)}


def arguments():
    return unp.ones((8, 16)), unp.ones((16, 4))


def test_of_a_jitted_function(backend):
    found = um.profile(um.jit(product, compiler="graph"), *arguments(), calls=3)
    assert (found.backend, found.name, found.calls, found.traces) == (backend, "product", 3, 1)
    assert (found.argument_bytes, found.output_bytes) == (4 * (8 * 16 + 16 * 4), 4 * 8 * 4)
    assert found.flops == 2 * 8 * 16 * 4
    assert 0 < found.seconds <= found.first_call + found.compile_seconds + found.seconds


def test_of_a_plain_function(any_backend):
    found = um.profile(product, *arguments(), calls=1)
    assert found.traces == 0
    assert (found.flops is None) == (any_backend == "numpy")
    assert found.output_bytes == 128


def test_as_a_table(any_backend):
    lines = str(um.profile(product, *arguments(), calls=2)).splitlines()
    assert lines[0].split() == ["product", "on", any_backend, "value"]
    assert lines[-1] == "The median of 2 calls."
    assert any(line.split() == ["bytes", "of", "results", "128"] for line in lines)


def test_of_a_model(any_backend):
    model = um.nn.Linear(16, 4).init(0)
    found = um.profile(lambda model, x: model(x), model, unp.ones((8, 16)), calls=1)
    assert found.argument_bytes == 4 * (16 * 4 + 4 + 8 * 16)


def test_a_trace_is_written(any_backend, tmp_path):
    um.profile(product, *arguments(), calls=1, trace_dir=str(tmp_path / "new"))
    written = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert written
    assert all(path.stat().st_size for path in written)


@pytest.mark.parametrize("calls", [0, -1, 1.5])
def test_bad_options(any_backend, calls):
    with pytest.raises(OptionError, match="at least one call"):
        um.profile(product, *arguments(), calls=calls)
