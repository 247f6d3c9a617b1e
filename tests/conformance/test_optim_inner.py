"""Learning hyperparameters: the loss after ten inner steps, differentiated by every number that a step takes."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from tests.conformance import optim_problem as problem
from tests.conformance.optim_table import ROWS

STEPS = 10

# Numbers so small, or of such formulas, that differences say nothing: added to what may be 0, a bound that is met
# exactly by the first update, and what means something else at 1 (by DoG the first step has then the first distance).
SMALL = {"eps", "eps_root", "epsilon", "min_scale", "threshold"}
OTHER_AT_1 = {"b2": ("sm3",), "learning_rate": ("dog",), "global_scale": ("distance_over",)}

# Steps that are made of signs, counts, draws or searches do not follow a small change of a number.
WITHOUT = ("sign", "signum", "rprop", "linesearch", "lbfgs", "apply_every", "set_to_zero", "lion", "freeze")


@functools.cache
def names(row):
    """The names of the numbers that a step of this row takes, and that are not whole."""
    found = set(ROWS[row].ours().init(problem.arrays(problem.start(row), "numpy", "float64")).hyperparameters())
    return sorted(name for name in found if isinstance(middle(row, name), float))


@functools.cache
def middle(row, name):
    """The number itself, of the first part that has it; None of what cannot be read."""
    opt = ROWS[row].ours().init(problem.arrays(problem.start(row), "numpy", "float64"))
    owners = (part for part in parts(opt) if name in set(part.hyperparameters()))
    return next((getattr(part, name) for part in owners if hasattr(part, name)), None)


def parts(opt):
    """What a transformation is made of, from the inside, and itself."""
    for value in vars(opt).values():
        several = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
        for one in several:
            if isinstance(one, um.optim.Transformation):
                yield from parts(one)
    yield opt


def loss(row, numbers, backend, steps=STEPS):
    params = problem.arrays(problem.start(row), backend, "float64")
    data = [unp.asarray(z, dtype="float64", backend=backend) for z in (problem.INPUTS, problem.TARGETS)]
    opt = ROWS[row].ours().init(params)
    if backend == "jax":
        body = lambda carry, _: (problem.step(*carry[::-1], *data, **numbers), None)  # noqa: E731
        (params, opt), _ = um.scan(body, (params, opt), length=steps)
        return problem.value(unp, params, *data)
    for _ in range(steps):
        params, opt = problem.step(opt, params, *data, **numbers)
    return problem.value(unp, params, *data)


def point(row, backend):
    return {name: unp.asarray(middle(row, name), dtype="float64", backend=backend) for name in names(row)}


LEARNED = [row for row in ROWS if names(row) and not any(word in row for word in WITHOUT)]


def slopes(row, backend, is_jitted=False):
    with um.use_x64():
        slope = um.grad(lambda numbers: loss(row, numbers, backend))
        slope = um.jit(slope) if is_jitted else slope
        found = slope(point(row, backend))
    assert {um.dtype_of(x) for x in found.values()} <= {"float64"}
    assert {um.engine_of(x).name for x in found.values()} <= {backend}
    return {name: float(x) for name, x in found.items()}


@pytest.mark.thin(16)
@pytest.mark.needs("torch")
@pytest.mark.parametrize("row", LEARNED)
def test_derivatives_are_those_of_differences(row):
    found = slopes(row, "torch")
    for name, slope in found.items():
        if name in SMALL or any(word in row for word in OTHER_AT_1.get(name, ())):
            continue
        at, width = middle(row, name), 1e-5 * max(abs(middle(row, name)), 1e-3)
        ends = []
        for shift in (width, -width):
            numbers = {**point(row, "torch"), name: unp.asarray(at + shift, dtype="float64", backend="torch")}
            ends.append(float(loss(row, numbers, "torch")))
        expected = (ends[0] - ends[1]) / (2 * width)
        # Central differences: 1e-16 of a loss of about 10 over the width, and a third derivative.
        assert slope == pytest.approx(expected, rel=1e-4, abs=1e-15 / width), name


@pytest.mark.thin(80)
@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("row", LEARNED)
def test_both_engines_learn_the_same(row):
    ours, theirs = slopes(row, "torch"), slopes(row, "jax", is_jitted=True)
    assert list(ours) == list(theirs)
    for name, slope in ours.items():
        assert slope == pytest.approx(theirs[name], rel=1e-10, abs=1e-12), name


def test_most_optimizers_are_learned():
    main = {row for row in LEARNED if "[" not in row}
    assert {"adam", "adamw", "sgd", "rmsprop", "lamb", "muon", "prodigy", "adafactor", "schedule_free_sgd"} <= main
    assert {"learning_rate", "b1", "b2", "eps", "weight_decay"} <= set(names("adamw"))
    assert np.isfinite(list(slopes("adamw", "torch").values())).all()
