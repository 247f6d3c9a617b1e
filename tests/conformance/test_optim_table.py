"""Every optimizer of the table, with its options and schedules, against optax: fifty steps, one by one."""

from __future__ import annotations

import pathlib
import re

import numpy as np
import pytest

import unimod as um
from tests.conformance import optim_problem as problem
from tests.conformance.optim_making import SCHEDULES
from tests.conformance.optim_table import ELSEWHERE, ROWS, public, target

IN_OPTAX = [row for row in ROWS if ROWS[row].in_optax]
SCHEDULED = [row for row in IN_OPTAX if row == target(row) and ROWS[row].rate and ROWS[row].is_scheduled]

# The same formulas in float64, whose roundings the problem makes some ten times larger in fifty steps.
BOUND64 = 1e-12

# Where the problem makes more of them, in float32, and in float64 for what is not stable, the bound is measured: optax
# itself is run with gradients and parameters that are changed by a rounding in each step. An optimizer rounds some ten
# times in a step, and quotients and roots of small sums make more of that than gradients do.
ROUNDINGS = 64


def bound(row: str, dtype: str) -> float:
    if dtype == "float64" and ROWS[row].is_stable:
        return BOUND64
    return ROUNDINGS * problem.rounding(row, 2.0**-53 if dtype == "float64" else 2.0**-24)


def reference(row: str, schedule: str | None = None, dtype: str = "float64") -> dict:
    """In float64 also for float32, but for what draws other numbers there."""
    return problem.of_optax(row, schedule, dtype if ROWS[row].is_random else "float64")


def test_every_public_optimizer_has_a_row():
    covered = {target(row) for row in ROWS}
    for file, names in ELSEWHERE.items():
        text = (pathlib.Path(__file__).parents[2] / file).read_text()
        assert [name for name in names if re.search(rf"\b{name}\b", text) is None] == []
        covered |= names
    assert public() - covered == set()
    assert covered <= set(um.optim.__all__)
    assert {target(name) for name in SCHEDULES} == set(um.optim.schedules.__all__) - {"Schedule"}


@pytest.mark.thin(40)
@pytest.mark.needs("jax")
@pytest.mark.parametrize("row", IN_OPTAX)
def test_fifty_steps_are_those_of_optax(backend, row):
    for dtype in ("float64", "float32"):
        with um.use_x64():
            params, opt, path = problem.ours(row, backend, dtype)
        assert {um.dtype_of(x) for x in params.values()} == {dtype}
        assert {um.engine_of(x).name for x in um.tree.leaves((params, opt))} == {backend}
        assert problem.distance(path, reference(row, dtype=dtype)) <= bound(row, dtype), dtype


@pytest.mark.thin(400)
@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("row", SCHEDULED)
def test_every_schedule_in_every_optimizer(row, schedule):
    path = problem.ours(row, "torch", "float64", schedule)[2]
    found = problem.distance(path, reference(row, schedule))
    # With some rates a stable row is less so; that shows in optax too.
    assert found <= BOUND64 or found <= ROUNDINGS * problem.rounding(row, 2.0**-53, schedule)


@pytest.mark.thin(12)
@pytest.mark.needs("jax")
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_in_a_jitted_step(schedule):
    with um.use_x64():
        path = problem.ours("adamw", "jax", "float64", schedule)[2]
    assert problem.distance(path, reference("adamw", schedule)) <= BOUND64


@pytest.mark.thin(4)
@pytest.mark.parametrize("row", [row for row in ROWS if not ROWS[row].in_optax])
def test_what_optax_has_not_is_the_same_on_all_engines(backend, row):
    with um.use_x64():
        path = problem.ours(row, backend, "float64")[2]
        expected = problem.ours(row, "numpy", "float64")[2]
    together = {name: [x[name] for x in expected] for name in expected[0]}
    assert problem.distance(path, {name: np.stack(x) for name, x in together.items()}) <= BOUND64
