"""Schedules as functions, and as options of transformations."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import unimod as um
from unimod.errors import OptionError
from unimod.testing.cases import schedules as rows

pytestmark = pytest.mark.thin(3)

STEPS = np.arange(12, dtype=np.int32)
EXAMPLES = {name: make(0.75) for name, make in rows.SCHEDULES.items() if not name.startswith("join")}


def array(values, dtype="float32"):
    return um.numpy.asarray(values, dtype=dtype)


def host(x):
    return um.to_backend(x, "numpy")


def widest(backend):
    return "float32" if backend == "jax" else "float64"


# Functions of the step -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_shape_is_that_of_the_steps_and_the_dtype_the_widest(any_backend, name):
    for shape in ((), (3,), (2, 0)):
        found = EXAMPLES[name](um.numpy.ones(shape, dtype="int32"))
        assert found.shape == shape
        assert um.dtype_of(found) == widest(any_backend)
        assert um.engine_of(found).name == any_backend


@pytest.mark.parametrize("name", EXAMPLES)
def test_numbers_give_floats(name):
    values = [EXAMPLES[name](step) for step in (0, 3, np.int64(7), 11)]
    assert [type(value) for value in values] == [float, float, np.ndarray, float]
    np.testing.assert_array_equal(values, host(EXAMPLES[name](np.asarray([0, 3, 7, 11], np.int32))))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_schedule_is_a_value(name):
    schedule = EXAMPLES[name]
    for other in (pickle.loads(pickle.dumps(schedule)), copy.deepcopy(schedule)):
        assert um.tree.structure(other) is um.tree.structure(schedule)
        assert other(5) == schedule(5)
    assert repr(schedule).startswith(name.partition("[")[0]) or "warmup" in name or "onecycle" in name or "sgdr" in name


def test_an_option_may_be_an_array(backend):
    schedule = um.optim.exponential_decay(array(1.0), 2, array(0.25))
    assert len(um.tree.leaves(schedule)) == 2
    found = schedule(1)
    assert um.engine_of(found).name == backend
    assert um.dtype_of(found) == widest(backend)
    assert float(found) == 0.5
    moved = um.to_backend(schedule, "numpy")
    assert moved(1) == 0.5


def test_derivatives_by_options(backend):
    def value(rate, power):
        schedule = um.optim.join_schedules(
            [um.optim.polynomial_schedule(rate, 0.5, power, 4), um.optim.exponential_decay(0.5, 1, rate)], [4]
        )
        return um.numpy.sum(schedule(um.numpy.arange(6, dtype="int32")))

    got = um.grad(value, argnums=(0, 1))(array(0.9), array(2.0))
    left = np.array([1, 0.75, 0.5, 0.25])
    by_rate = np.sum(left**2) + 0.5
    by_power = np.sum((0.9 - 0.5) * left**2 * np.log(left))
    np.testing.assert_allclose([float(g) for g in got], [by_rate, by_power], rtol=1e-6)


def test_derivatives_are_finite_everywhere(backend):
    # Powers of 0, roots and divisions by the step stand in these formulas.
    for name, make in rows.SCHEDULES.items():
        by = lambda v, make=make: um.numpy.sum(make(v)(um.numpy.arange(16, dtype="int32")))  # noqa: E731
        assert np.isfinite(float(um.grad(by)(array(0.7)))), name


def test_steps_can_be_mapped_and_traced(backend):
    schedule = um.optim.warmup_cosine_decay_schedule(0.1, 1.0, 3, 9)
    steps = um.numpy.arange(12, dtype="int32")
    expected = host(schedule(steps))
    for transformed in (um.jit(schedule, compiler="graph")(steps), um.vmap(schedule)(steps)):
        assert um.dtype_of(transformed) == widest(backend)
        np.testing.assert_allclose(host(transformed), expected, rtol=4e-7)


def test_a_stair_stands_where_it_should(any_backend):
    # A quotient by 41 that is computed as a product with the rounded inverse is below 1 for 41.
    schedule = um.optim.exponential_decay(1.0, 41, 0.5, staircase=True)
    steps = um.numpy.asarray([40, 41, 81, 82], dtype="int32")
    assert host(schedule(steps)).tolist() == [1.0, 0.5, 0.5, 0.25]
    if any_backend != "numpy":
        assert host(um.jit(schedule, compiler="graph")(steps)).tolist() == [1.0, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("factor", [2, 3, 10])
def test_restarts_are_met_exactly(any_backend, factor):
    starts = [7 * (factor**number - 1) // (factor - 1) for number in range(1, 6)]
    schedule = um.optim.cosine_restarts_schedule(1.0, 7, factor)
    assert host(schedule(um.numpy.asarray(starts, dtype="int32"))).tolist() == [1.0] * 5
    before = host(schedule(um.numpy.asarray([start - 1 for start in starts], dtype="int32")))
    assert np.all(before < 0.06)


def test_ends_are_met_exactly(any_backend):
    for schedule in (
        um.optim.linear_schedule(0.1, 0.3, 7),
        um.optim.polynomial_schedule(0.1, 0.3, 1.7, 7),
        um.optim.piecewise_interpolate_schedule("cosine", 0.1, {7: 3.0}),
    ):
        first, last = host(schedule(um.numpy.asarray([0, 7], dtype="int32")))
        rounded = np.asarray([0.1, 3.0 * 0.1 if "piecewise" in repr(schedule) else 0.3], first.dtype)
        assert [first, last] == rounded.tolist() or np.array_equal([first, last], rounded)


def test_schedules_in_a_join_see_their_own_steps(any_backend):
    schedule = um.optim.join_schedules([lambda step: step, lambda step: 10.0 + step, lambda step: 20.0 + step], [2, 5])
    expected = [0, 1, 10, 11, 12, 20, 21]
    assert [schedule(step) for step in range(7)] == expected
    assert host(schedule(um.numpy.arange(7, dtype="int32"))).tolist() == expected


BAD = {
    "transition_steps": lambda o: o.linear_schedule(1.0, 0.0, -1),
    "transition_begin": lambda o: o.polynomial_schedule(1.0, 0.0, 2, 5, -1),
    "decay_rate has": lambda o: o.exponential_decay(1.0, 5, 0.0),
    "decay_rate is": lambda o: o.inverse_time_decay(1.0, 5, -0.5),
    "decay_steps": lambda o: o.cosine_decay_schedule(1.0, 0),
    "decay_steps ": lambda o: o.warmup_cosine_decay_schedule(0.0, 1.0, 5, 5),
    "warmup_steps": lambda o: o.warmup_exponential_decay_schedule(0.0, 1.0, -5, 5, 0.5),
    "factor": lambda o: o.cosine_restarts_schedule(1.0, 5, 0),
    "boundaries": lambda o: o.join_schedules([o.constant_schedule(1.0)] * 3, [5, 3]),
    "one boundary less": lambda o: o.join_schedules([o.constant_schedule(1.0)] * 3, [5]),
    "one boundary less ": lambda o: o.sgdr_schedule([]),
    "milestones": lambda o: o.multistep_schedule(1.0, [3, 2]),
    "boundaries ": lambda o: o.piecewise_constant_schedule(1.0, {-3: 1.0}),
    "scale": lambda o: o.piecewise_constant_schedule(1.0, {3: -1.0}),
    "interpolate_type": lambda o: o.piecewise_interpolate_schedule("sine", 1.0, {3: 1.0}),
    "pct_start": lambda o: o.onecycle_schedule(10, 1.0, 1.5),
    "pct_final": lambda o: o.linear_onecycle_schedule(10, 1.0, 0.3, 2.0),
    "div_factor": lambda o: o.cosine_onecycle_schedule(10, 1.0, div_factor=0.0),
    "mode": lambda o: o.cyclic_schedule(0.0, 1.0, 3, mode="square"),
    "step_size_down": lambda o: o.cyclic_schedule(0.0, 1.0, 3, 0),
    "step_size": lambda o: o.step_schedule(1.0, 0),
    "size": lambda o: o.noam_schedule(0, 4),
    "Steps count": lambda o: o.step_schedule(1.0, 3)(-1),
    "Steps count ": lambda o: o.join_schedules([o.constant_schedule(1.0)], [])(-1),
}


@pytest.mark.parametrize("text", BAD)
def test_bad_options(text):
    with pytest.raises(OptionError, match=text.strip()):
        BAD[text](um.optim)


# Options of transformations -------------------------------------------------------------------------------------------


def params():
    return {"w": array([1.0, 2.0]), "b": array(3.0)}


def both():
    return um.optim.adam(um.optim.step_schedule(0.1, 2, 0.5), b1=um.optim.linear_schedule(0.9, 0.5, 4))


def by_hand(steps, value=lambda opt, x: x):
    """The same steps with the options of each given by hand."""
    x = params()
    opt = um.optim.adam(0.1).init(x)
    rate, b1 = um.optim.step_schedule(0.1, 2, 0.5), um.optim.linear_schedule(0.9, 0.5, 4)
    for step in range(steps):
        x, opt = opt.step(x, params(), learning_rate=rate(step), b1=b1(step))
    return x


def leaves(tree):
    return [host(leaf) for leaf in um.tree.leaves(tree)]


def assert_near(tree, other):
    for one, two in zip(leaves(tree), leaves(other), strict=True):
        assert one.dtype == two.dtype
        # Options are rounded to float32 before they are used, or computed in float64 with the rest.
        np.testing.assert_allclose(one, two, rtol=1e-6)


def test_any_option_may_be_a_schedule(any_backend):
    x = params()
    opt = both().init(x)
    assert um.dtype_of(opt[0].clock) == "int32"
    assert sorted(opt[0].state) == ["count", "mu", "nu"]
    for step in range(5):
        assert round(float(opt[0].b1), 6) == round(0.9 - 0.1 * min(step, 4), 6)
        assert round(float(opt[-1].learning_rate), 6) == (0.1, 0.1, 0.05, 0.05, 0.025)[step]
        x, opt = opt.step(x, params())
    assert int(opt[0].clock) == 5
    assert_near(x, by_hand(5))
    assert {um.dtype_of(leaf) for leaf in um.tree.leaves(x)} == {um.float32}


def test_a_value_for_one_step_replaces_the_schedule(any_backend):
    x = params()
    opt = um.optim.chain(um.optim.trace(lambda step: 0.5 * step), um.optim.scale(-1.0)).init(x)
    x, opt = opt.step(x, params(), decay=0.0)
    x, opt = opt.step(x, params())
    expected = [3 - 3 - 4.5, 1 - 1 - 1.5, 2 - 2 - 3.0]
    assert np.concatenate([np.ravel(leaf) for leaf in leaves(x)]).tolist() == expected


def test_a_jitted_step_follows_the_schedules_without_a_new_trace(backend):
    x = params()
    opt = both().init(x)
    step = um.jit(lambda opt, x: opt.step(x, params()), compiler="graph")
    for _ in range(5):
        x, opt = step(opt, x)
    assert step.trace_count == 1
    assert_near(x, by_hand(5))


def test_an_equal_schedule_is_not_traced_again(backend):
    x = params()
    step = um.jit(lambda opt, x: opt.step(x, params()), compiler="graph")
    for _ in range(2):
        step(both().init(x), x)
    assert step.trace_count == 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_the_dtype_of_parameters_and_state_stays(any_backend, dtype):
    with um.use_x64(True) if any_backend == "jax" and dtype == "float64" else um.use_backend(any_backend):
        x = {"w": array([1.0, 2.0], dtype)}
        opt = both().init(x)
        for _ in range(2):
            x, opt = opt.step(x, x)
        assert um.dtype_of(x["w"]) == um.dtype_of(opt[0].mu["w"]) == um.dtype_of(opt[0].nu["w"]) == dtype


@pytest.mark.needs("jax")
def test_float64_rates_leave_float32_alone():
    with um.use_x64(True), um.use_backend("jax"):
        x = params()
        opt = um.optim.chain(um.optim.trace(um.optim.constant_schedule(0.5)), both()[-1]).init(x)
        x, opt = opt.step(x, params())
        assert {um.dtype_of(leaf) for leaf in um.tree.leaves((x, opt[0].trace))} == {um.float32}


def test_derivatives_through_a_step_with_a_schedule(backend):
    def moved(rate):
        x = {"w": array([1.0, 2.0])}
        opt = um.optim.sgd(um.optim.linear_schedule(rate, 0.0, 2)).init(x)
        for _ in range(2):
            x, opt = opt.step(x, {"w": array([1.0, 1.0])})
        return um.numpy.sum(x["w"])

    # Rates of r and r / 2 in two steps, for two parameters.
    assert float(um.grad(moved)(array(0.1))) == pytest.approx(-3.0, rel=1e-6)


def test_an_optimizer_with_array_options_is_an_argument(backend):
    x = params()
    opt = um.optim.sgd(um.optim.linear_schedule(array(0.5), 0.0, 2)).init(x)
    step = um.jit(lambda opt, x: opt.step(x, params()), compiler="graph")
    new, opt = step(opt, x)
    assert [leaf.tolist() for leaf in leaves(new)] == [1.5, [0.5, 1.0]]
    assert float(opt[-1].learning_rate) == 0.25


def test_the_state_is_saved_and_moved(any_backend):
    x = params()
    _, opt = both().init(x).step(x, params())
    expected = leaves(opt.step(x, params()))
    for other in (pickle.loads(pickle.dumps(opt)), copy.deepcopy(opt)):
        for one, two in zip(leaves(other.step(x, params())), expected, strict=True):
            np.testing.assert_array_equal(one, two)
    moved = um.to_backend(opt, "numpy")
    assert float(moved[0].b1) == pytest.approx(0.8)
    assert int(moved[0].clock) == 1


@pytest.mark.needs("jax")
def test_the_same_as_optax_with_the_options_of_each_step(any_backend):
    # Not by inject_hyperparams, which computes schedules of an int32 counter in float32.
    import jax
    import optax

    with jax.enable_x64(True):
        b1, rate = optax.linear_schedule(0.9, 0.5, 4), optax.cosine_decay_schedule(0.1, 6)
        y = slope = {"w": jax.numpy.asarray([1.0, 2.0])}
        state = optax.adam(0.1).init(y)
        for step in range(8):
            updates, state = optax.adam(rate(step), b1=b1(step)).update(slope, state, y)
            y = optax.apply_updates(y, updates)

        x = start = {"w": array([1.0, 2.0], "float64")}
        opt = um.optim.adam(um.optim.cosine_decay_schedule(0.1, 6), b1=um.optim.linear_schedule(0.9, 0.5, 4)).init(x)
        for _ in range(8):
            x, opt = opt.step(x, start)
        np.testing.assert_allclose(host(x["w"]), np.asarray(y["w"]), rtol=1e-12)
