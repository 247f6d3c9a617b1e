"""Every row of ``docs/differences.md`` says the truth."""

from __future__ import annotations

import pytest

from tests.conformance import differences

LINES = differences.lines()
IDS = [line.native for line in LINES]


def engines_of(line) -> tuple[str, ...]:
    """Derivatives are not of the numpy engine, and arrays of numpy are its own, not a guest's."""
    return ("jax", "torch") if "um.grad" in line.ours or "np.ones" in line.ours else ("jax", "torch", "numpy")


def test_the_page_is_read():
    assert len(LINES) > 40
    assert all(line.jax and line.torch and line.ours and line.result for line in LINES)
    assert len(set(LINES)) == len(LINES)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("line", LINES, ids=IDS)
def test_native_jax(line):
    assert differences.outcome(line.native, "jax") == line.jax


@pytest.mark.needs("torch")
@pytest.mark.parametrize("line", LINES, ids=IDS)
def test_native_torch(line):
    assert differences.outcome(line.native, "torch") == line.torch


@pytest.mark.parametrize(
    ("line", "any_backend"),
    [pytest.param(line, name, id=f"{name}-{line.native}") for line in LINES for name in engines_of(line)],
)
def test_unimod(line, any_backend):
    assert differences.outcome(line.ours, any_backend) == line.result


@pytest.mark.parametrize("line", LINES, ids=IDS)
def test_there_is_a_difference(line):
    assert {line.jax, line.torch} != {line.result}
