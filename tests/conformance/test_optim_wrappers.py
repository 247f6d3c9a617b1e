"""Transformations around others, clipping and accumulation against optax, over fifty steps; and what holds for all."""

from __future__ import annotations

import copy
import functools
import math
import pickle

import numpy as np
import pytest

import unimod as um

pytestmark = pytest.mark.thin(8)

STEPS = 50

# A step rounds the parameters and a few products: some ULP of values up to about 5, in 50 steps; Adam divides by a
# root of what was rounded before. optax computes 1 - b**t in float32, which costs up to 2e-5 of an update of 1e-2 in
# each of 50 steps: 1e-5.
ATOL32 = 3e-5
ATOL64 = 1e-12


def start():
    rng = np.random.default_rng(0)
    return {"b": rng.normal(size=3), "s": rng.normal(size=()), "w": rng.normal(size=(4, 3))}


@functools.cache
def gradients(steps=STEPS):
    rng = np.random.default_rng(1)
    return [
        {name: rng.normal(size=x.shape) * 10.0 ** rng.integers(-2, 2) for name, x in start().items()}
        for _ in range(steps)
    ]


def with_nan(place=3):
    """Gradients of which some are not finite."""
    found = [dict(grads) for grads in gradients(12)]
    found[place] = {**found[place], "b": np.asarray([1.0, np.nan, 2.0])}
    found[place + 1] = {**found[place + 1], "s": np.asarray(np.inf)}
    found[place + 4] = {**found[place + 4], "w": np.full((4, 3), -np.inf)}
    return found


MASK = {"b": False, "s": True, "w": True}
LABELS = {"b": "slow", "s": "fast", "w": "fast"}


def odd(step):
    return step % 2 == 1


def every(step):
    return step // 4 + 1


def large(module):
    return functools.partial(module.skip_large_updates, max_squared_norm=40.0)


def decayed(updates, params):
    return um.tree.map(lambda u, p: u + 0.1 * p, updates, params)


def multi(o, k, **options):
    """MultiSteps of either; optax is told to add up in the dtype of the parameters."""
    if o is um.optim:
        return o.MultiSteps(o.adam(1e-2), k, **options)
    return o.MultiSteps(o.adam(1e-2), k, accumulator_dtype=None, **options).gradient_transformation()


CASES = {
    "named_chain": lambda o: o.named_chain(("clip", o.clip(0.5)), ("adam", o.adam(1e-2))),
    "masked": lambda o: o.chain(o.masked(o.trace(0.9), MASK), o.scale(-1e-2)),
    "masked by a function": lambda o: o.chain(o.masked(o.scale_by_adam(), lambda params: MASK), o.scale(-1e-2)),
    "masked by a prefix": lambda o: o.chain(o.masked(o.trace(0.9), True), o.scale(-1e-2)),
    "partition": lambda o: o.partition({"fast": o.adam(1e-2), "slow": o.sgd(1e-3, momentum=0.5)}, LABELS),
    "multi_transform": lambda o: o.multi_transform({"fast": o.adam(1e-2), "slow": o.set_to_zero()}, lambda p: LABELS),
    "apply_if_finite": lambda o: o.apply_if_finite(o.adam(1e-2), 2),
    "conditionally_transform": lambda o: o.chain(o.conditionally_transform(o.trace(0.9), odd), o.scale(-1e-2)),
    "conditionally_mask": lambda o: o.chain(o.conditionally_mask(o.trace(0.9), odd), o.scale(-1e-2)),
    "MultiSteps": lambda o: multi(o, 3),
    "MultiSteps sum": lambda o: multi(o, 3, use_grad_mean=False),
    "MultiSteps schedule": lambda o: multi(o, every),
    "MultiSteps not finite": lambda o: multi(o, 2, should_skip_update_fn=o.skip_not_finite),
    "MultiSteps large": lambda o: multi(o, 2, should_skip_update_fn=large(o)),
    "apply_every": lambda o: o.chain(o.apply_every(3), o.scale(-1e-2)),
    "ema": lambda o: o.chain(o.ema(0.9), o.scale(-1e-2)),
    "ema without debias": lambda o: o.chain(o.ema(0.9, debias=False), o.scale(-1e-2)),
    "centralize": lambda o: o.chain(o.centralize(), o.scale(-1e-2)),
    "zero_nans": lambda o: o.chain(o.zero_nans(), o.scale(-1e-2)),
    "keep_params_nonnegative": lambda o: o.chain(o.sgd(1e-1), o.keep_params_nonnegative()),
    "clip": lambda o: o.chain(o.clip(0.5), o.scale(-1e-2)),
    "clip_by_global_norm": lambda o: o.chain(o.clip_by_global_norm(2.0), o.scale(-1e-2)),
    "clip_by_block_rms": lambda o: o.chain(o.clip_by_block_rms(0.5), o.scale(-1e-2)),
    "adaptive_grad_clip": lambda o: o.chain(o.adaptive_grad_clip(0.1), o.scale(-1e-1)),
    "normalize_by_update_norm": lambda o: o.chain(o.normalize_by_update_norm(2.0), o.scale(-1e-2)),
    "scale_by_schedule": lambda o: o.chain(o.scale_by_schedule(lambda n: n * -0.001953125)),
    "identity": lambda o: o.chain(o.identity(), o.set_to_zero()),
    "stateless": lambda o: o.chain(o.stateless_with_tree_map(lambda u, p: u + 0.1 * p), o.scale(-1e-2)),
    "wrapped twice": lambda o: o.chain(o.masked(o.apply_if_finite(o.chain(o.clip(1.0), o.adam(1e-2)), 1), MASK)),
}

NOT_FINITE = ("apply_if_finite", "MultiSteps not finite", "MultiSteps large", "zero_nans", "wrapped twice")
"""Those that are about gradients that are not finite."""


def cast(tree, dtype, backend):
    return {name: um.numpy.asarray(x, dtype=dtype, backend=backend) for name, x in tree.items()}


def host(tree):
    return {name: np.asarray(um.to_backend(x, "numpy")) for name, x in tree.items()}


def run(make, backend, dtype="float32", steps=None, hyper=None):
    """The parameters after the steps, and the optimizer; the step is traced once."""
    step = um.jit(lambda opt, x, grads: opt.step(x, grads, **(hyper or {})), compiler="graph")
    x = cast(start(), dtype, backend)
    opt = make(um.optim).init(x)
    for grads in gradients() if steps is None else steps:
        x, opt = step(opt, x, cast(grads, dtype, backend))
    assert step.trace_count == 1
    assert {um.dtype_of(leaf) for leaf in x.values()} == {dtype}
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves((x, opt))} == {backend}
    return host(x), opt


@functools.cache
def with_optax(case, dtype, is_finite=True):
    import jax
    import jax.numpy as jnp
    import optax

    with jax.enable_x64(dtype == "float64"):
        convert = lambda tree: {k: jnp.asarray(v, dtype) for k, v in tree.items()}  # noqa: E731
        opt, x = CASES[case](optax), convert(start())
        state = opt.init(x)

        @jax.jit
        def step(x, state, grads):
            updates, state = opt.update(grads, state, x)
            return optax.apply_updates(x, updates), state

        for grads in gradients() if is_finite else with_nan():
            x, state = step(x, state, convert(grads))
        return {name: np.asarray(leaf) for name, leaf in x.items()}


def close(got, want, tolerance):
    for name, x in got.items():
        assert x.shape == want[name].shape
        assert x.dtype == want[name].dtype
        np.testing.assert_allclose(x, want[name], rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", CASES)
def test_against_optax(backend, case):
    with um.use_x64(True):
        got, _ = run(CASES[case], backend, "float64")
    # A schedule of an int32 counter computes in the default float of its engine; its values here are exact in float32.
    close(got, with_optax(case, "float64"), ATOL64)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", NOT_FINITE)
def test_not_finite_against_optax(backend, case):
    with um.use_x64(True):
        got, _ = run(CASES[case], backend, "float64", with_nan())
    want = with_optax(case, "float64", False)
    # An infinite gradient is no NaN, and passes zero_nans; a second one in a row passes apply_if_finite(..., 1).
    assert all(np.isfinite(x).all() for x in want.values()) is (case not in ("zero_nans", "wrapped twice"))
    close(got, want, ATOL64)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("reset_state", [False, True])
def test_lookahead_against_optax(backend, reset_state):
    import jax
    import jax.numpy as jnp
    import optax

    make = lambda o: o.lookahead(o.adam(1e-2), 3, 0.4, reset_state=reset_state)  # noqa: E731
    with um.use_x64(True):
        fast, opt = run(make, backend, "float64", gradients()[:20])
    with jax.enable_x64(True):
        convert = lambda tree: {k: jnp.asarray(v, "float64") for k, v in tree.items()}  # noqa: E731
        x, theirs = optax.LookaheadParams.init_synced(convert(start())), make(optax)
        state = theirs.init(x)
        for grads in gradients()[:20]:
            updates, state = theirs.update(convert(grads), state, x)
            x = optax.apply_updates(x, updates)
        want_fast, want_slow = ({k: np.asarray(v) for k, v in tree.items()} for tree in (x.fast, x.slow))
    close(fast, want_fast, ATOL64)
    close(host(opt.slow), want_slow, ATOL64)
    assert int(opt.steps_since_sync) == int(state.steps_since_sync) == 2


# Objectives -----------------------------------------------------------------------------------------------------------


def rosenbrock(xp, x):
    a, b = x["x"][:-1], x["x"][1:]
    return xp.sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2)


def network(xp, x):
    hidden = xp.tanh(xp.matmul(xp.asarray(INPUTS, dtype=x["w"].dtype), x["w"]) + x["b"])
    return xp.mean((xp.matmul(hidden, x["v"]) - xp.asarray(TARGETS, dtype=x["w"].dtype)) ** 2)


INPUTS = np.random.default_rng(2).normal(size=(8, 3))
TARGETS = np.random.default_rng(3).normal(size=(8, 1))
OBJECTIVES = {
    "rosenbrock": (rosenbrock, {"x": np.asarray([-0.5, 0.8, 0.3])}),
    "network": (
        network,
        {"b": np.zeros(4), "v": np.linspace(-0.5, 0.6, 4).reshape(4, 1), "w": np.linspace(-0.9, 0.8, 12).reshape(3, 4)},
    ),
}
WORKED = {
    "clipped": lambda o: o.chain(o.clip_by_global_norm(1.0), o.adam(1e-2)),
    "accumulated": lambda o: multi(o, 2),
    "guarded": lambda o: o.apply_if_finite(o.chain(o.zero_nans(), o.ema(0.9), o.sgd(1e-3)), 3),
}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("case", WORKED)
def test_against_optax_on_an_objective(backend, objective, case):
    import jax
    import jax.numpy as jnp
    import optax

    fn, first = OBJECTIVES[objective]
    with jax.enable_x64(True):
        x = {k: jnp.asarray(v, "float64") for k, v in first.items()}
        theirs = WORKED[case](optax)

        def loop(carry, _):
            x, state = carry
            updates, state = theirs.update(jax.grad(lambda x: fn(jnp, x))(x), state, x)
            return (optax.apply_updates(x, updates), state), None

        (want, _), _ = jax.jit(lambda x: jax.lax.scan(loop, (x, theirs.init(x)), length=STEPS))(x)
        want = {k: np.asarray(v) for k, v in want.items()}
    with um.use_x64(True):
        x = cast(first, "float64", backend)
        opt = WORKED[case](um.optim).init(x)
        slope = um.grad(lambda x: fn(um.numpy, x))
        step = um.jit(lambda opt, x: opt.step(x, slope(x)), compiler="graph")
        for _ in range(STEPS):
            x, opt = step(opt, x)
    # The paths of both feel each rounding of the gradients, by about a hundred times on these slopes.
    close(host(x), want, 100 * ATOL64)


# What holds for all ---------------------------------------------------------------------------------------------------


LOOKAHEAD = {"lookahead": lambda o: o.lookahead(o.adam(1e-2), 3, 0.4)}
ALL = {**CASES, **LOOKAHEAD}


def layout(opt):
    return {path: (tuple(leaf.shape), str(um.dtype_of(leaf))) for path, leaf in opt.state_dict().items()}


@pytest.mark.needs("jax", "torch", "numpy")
@pytest.mark.parametrize("case", ALL)
def test_states_have_the_same_names_and_shapes_everywhere(case):
    found = {}
    for name in ("jax", "torch", "numpy"):
        opt = ALL[case](um.optim).init(cast(start(), "float32", name))
        after = opt.step(cast(start(), "float32", name), cast(gradients()[0], "float32", name))[1]
        assert layout(opt) == layout(after)
        found[name] = layout(after)
    assert found["jax"] == found["torch"] == found["numpy"]


@pytest.mark.parametrize("case", ALL)
def test_half_precision_stays_half(any_backend, case):
    x = cast(start(), "bfloat16", any_backend)
    opt = ALL[case](um.optim).init(x)
    before = layout(opt)
    for grads in gradients()[:2]:
        x, opt = opt.step(x, cast(grads, "bfloat16", any_backend))
    assert {um.dtype_of(leaf) for leaf in x.values()} == {"bfloat16"}
    assert layout(opt) == before


@pytest.mark.parametrize("case", ALL)
def test_of_nothing(any_backend, case):
    make = ALL[case]
    if case in ("masked", "masked by a function", "partition", "multi_transform", "wrapped twice"):
        make = lambda o: o.masked(o.partition({"a": o.adam(0.1)}, {}), {})  # noqa: E731
    opt = make(um.optim).init({})
    assert opt.step({}, {})[0] == {}


@pytest.mark.parametrize("case", ALL)
def test_zero_gradients(any_backend, case):
    x = cast(start(), "float32", any_backend)
    opt = ALL[case](um.optim).init(x)
    for _ in range(2):
        x, opt = opt.step(x, um.tree.map(um.numpy.zeros_like, x))
    assert all(np.isfinite(leaf).all() for leaf in host(x).values())


COPIES = {"pickle": lambda opt: pickle.loads(pickle.dumps(opt)), "deepcopy": copy.deepcopy, "copy": lambda o: o.copy()}
PICKLED = {
    "multi": lambda o: o.MultiSteps(
        o.named_chain(("a", o.ema(0.5)), ("b", o.adam(0.1))), every, True, o.skip_not_finite
    ),
    "parts": lambda o: o.partition({"fast": o.lookahead(o.adam(0.1), 2, 0.5), "slow": o.sgd(0.1, 0.5)}, LABELS),
    "rules": lambda o: o.partition({"x": o.adam(0.1), "y": o.sgd(0.1)}, o.label_by(("w", "x"), default="y")),
    "masked": lambda o: o.apply_if_finite(o.masked(o.sgd(0.1, 0.5), MASK), 2),
    "conditional": lambda o: o.conditionally_mask(o.sgd(0.1, 0.5), odd),
    "stateless": lambda o: o.chain(o.stateless(decayed), o.sgd(0.1)),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("case", PICKLED)
def test_copies_go_on_where_the_original_stood(any_backend, case, how):
    x = cast(start(), "float32", any_backend)
    x, opt = PICKLED[case](um.optim).init(x).step(x, cast(gradients()[0], "float32", any_backend))
    after = [new.step(x, cast(gradients()[1], "float32", any_backend))[0] for new in (opt, COPIES[how](opt))]
    close(host(after[1]), host(after[0]), 0)


@pytest.mark.parametrize("case", PICKLED)
def test_a_state_dict_holds_all_of_the_state(any_backend, case):
    x = cast(start(), "float32", any_backend)
    fresh = PICKLED[case](um.optim).init(x)
    x, opt = fresh.step(x, cast(gradients()[0], "float32", any_backend))
    loaded = fresh.load_state_dict(opt.state_dict())
    after = [new.step(x, cast(gradients()[1], "float32", any_backend))[0] for new in (opt, loaded)]
    close(host(after[1]), host(after[0]), 0)


HYPER = {
    "named_chain": ("max_delta", 0.5),
    "masked": ("decay", 0.9),
    "partition": ("learning_rate", 0.1),
    "apply_if_finite": ("b1", 0.9),
    "conditionally_mask": ("decay", 0.9),
    "MultiSteps": ("learning_rate", 0.1),
    "ema": ("decay", 0.9),
    "clip_by_global_norm": ("max_norm", 2.0),
    "clip_by_block_rms": ("threshold", 0.5),
    "adaptive_grad_clip": ("clipping", 0.1),
    "normalize_by_update_norm": ("scale_factor", 2.0),
    "scale_by_schedule": ("step_size", -0.1),
    "wrapped twice": ("learning_rate", 0.1),
    "lookahead": ("slow_step_size", 0.4),
}


@pytest.mark.parametrize("case", HYPER)
def test_a_step_is_differentiable_by_a_hyperparameter(backend, case):
    name, value = HYPER[case]

    def loss(number, engine, dtype):
        x = cast(start(), dtype, engine)
        opt = ALL[case](um.optim).init(x)
        for grads in gradients()[:3]:
            x, opt = opt.step(x, cast(grads, dtype, engine), **{name: number})
        return sum(um.numpy.sum(leaf * leaf) for leaf in x.values())

    derivative = um.grad(lambda number: loss(number, backend, "float32"))(
        um.numpy.asarray(value, dtype="float32", backend=backend)
    )
    assert um.engine_of(derivative).name == backend
    ends = [float(loss(np.asarray(value + h), "numpy", "float64")) for h in (1e-6, -1e-6)]
    expected = (ends[0] - ends[1]) / 2e-6
    # The differences are good to 1e-8 or so; the derivative in float32 to some ULP of the terms that it adds up.
    np.testing.assert_allclose(float(derivative), expected, rtol=2e-4, atol=2e-5)
    if case not in ("conditionally_mask",):
        assert expected != 0


def test_an_option_may_be_an_array(backend):
    def after(rate):
        x = cast(start(), "float32", backend)
        opt = um.optim.chain(um.optim.clip(rate), um.optim.sgd(rate)).init(x)
        return um.tree.norm_sq(opt.step(x, cast(gradients()[0], "float32", backend))[0])

    rate = um.numpy.asarray(0.25, backend=backend)
    assert um.is_array(um.grad(after)(rate))
    assert float(after(rate)) == float(after(0.25))
    assert float(um.optim.sgd(rate)[-1].learning_rate) == 0.25


COMPLEX = ("clip_by_global_norm", "clip_by_block_rms", "normalize_by_update_norm", "ema", "apply_every", "MultiSteps")


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", COMPLEX)
def test_complex_parameters_against_optax(backend, case):
    import jax
    import jax.numpy as jnp
    import optax

    make = CASES[case] if case != "MultiSteps" else None
    make = make or (
        lambda o: o.chain(
            o.MultiSteps(o.sgd(0.1), 2)
            if o is um.optim
            else o.MultiSteps(o.sgd(0.1), 2, accumulator_dtype="complex64").gradient_transformation()
        )
    )
    rng = np.random.default_rng(4)
    draw = lambda: (rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))).astype("complex64")  # noqa: E731
    first, steps = draw(), [draw() for _ in range(4)]
    x, theirs = {"z": jnp.asarray(first)}, make(optax)
    state = theirs.init(x)
    for grads in steps:
        updates, state = jax.jit(theirs.update)({"z": jnp.asarray(grads)}, state, x)
        x = optax.apply_updates(x, updates)
    mine = cast({"z": first}, "complex64", backend)
    opt = make(um.optim).init(mine)
    for grads in steps:
        mine, opt = opt.step(mine, cast({"z": grads}, "complex64", backend))
    close(host(mine), {"z": np.asarray(x["z"])}, 1e-5)


# Each by itself -------------------------------------------------------------------------------------------------------


def model():
    return um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3), um.nn.Linear(3, 1)).init(0)


def ones(net):
    return um.tree.map(um.numpy.ones_like, net.parameters())


def moved(net, new):
    """The dotted paths of the parameters that are not what they were."""
    before, after = net.state_dict(), new.state_dict()
    return {
        path for path in before if not np.array_equal(host({"x": before[path]})["x"], host({"x": after[path]})["x"])
    }


WEIGHTS = {"layers.0.kernel", "layers.0.bias", "layers.1.scale", "layers.1.bias", "layers.2.kernel", "layers.2.bias"}
FILTERS = {
    "kind": (um.Parameter, WEIGHTS),
    "class": (um.nn.BatchNorm, {"layers.1.scale", "layers.1.bias"}),
    "path": ("layers.0", {"layers.0.kernel", "layers.0.bias"}),
    "pattern": ("*.bias", {"layers.0.bias", "layers.1.bias", "layers.2.bias"}),
    "function": (
        lambda params: um.tree.map(lambda x: len(x.shape) == 2, params),
        {"layers.0.kernel", "layers.2.kernel"},
    ),
}


@pytest.mark.parametrize("case", FILTERS)
def test_a_mask_may_be_a_filter(any_backend, case):
    mask, expected = FILTERS[case]
    net = model()
    rest = lambda params: um.tree.map(lambda x: True, params)  # noqa: E731
    opt = um.optim.chain(um.optim.masked(um.optim.scale(2.0), mask), um.optim.masked(um.optim.scale(0.5), rest))
    opt = opt.init(net)
    updates, opt = opt.update(ones(net))
    assert {path for path, x in updates.state_dict().items() if float(x.reshape(-1)[0]) == 1.0} == expected


def test_what_is_masked_has_no_state(any_backend):
    net = model()
    opt = um.optim.masked(um.optim.adam(0.1), um.nn.Linear).init(net)
    assert sorted(opt.inner[0].mu.state_dict()) == sorted(WEIGHTS - {"layers.1.scale", "layers.1.bias"})


def test_labels_by_rules(any_backend):
    net = model()
    rules = um.optim.label_by((um.nn.BatchNorm, "still"), ("*.bias", "slow"), default="fast")
    parts = {"still": um.optim.set_to_zero(), "slow": um.optim.sgd(0.1), "fast": um.optim.adam(0.1)}
    opt = um.optim.partition(parts, rules).init(net)
    assert opt.groups == ("fast", "slow", "still", "still", "fast", "slow")
    new, opt = opt.step(net, ones(net))
    assert moved(net, new) == WEIGHTS - {"layers.1.scale", "layers.1.bias"}
    assert sorted(opt["fast"][0].mu.state_dict()) == ["layers.0.kernel", "layers.2.kernel"]
    still, _ = opt.step(net, ones(net), learning_rate={"fast": 0.0})
    assert moved(net, still) == {"layers.0.bias", "layers.2.bias"}


def test_frozen_leaves_stay(any_backend):
    net = model()
    net[0].freeze(inplace=True)
    opt = um.optim.MultiSteps(um.optim.masked(um.optim.adam(0.1), "*.kernel"), 1).init(net)
    new, _ = opt.step(net, ones(net))
    assert moved(net, new) == WEIGHTS - {"layers.0.kernel", "layers.0.bias"}


def test_tied_leaves_are_one(any_backend):
    class Tied(um.Module):
        def __init__(self):
            self.a, self.b = um.nn.Linear(2, 2), um.nn.Linear(2, 2, use_bias=False)
            self.b.kernel = self.a.share("kernel")

    net = Tied().init(0)
    opt = um.optim.partition(
        {"x": um.optim.sgd(1.0), "y": um.optim.set_to_zero()}, um.optim.label_by(("a", "x"), default="y")
    )
    new, opt = opt.init(net).step(net, ones(net))
    assert new.b.kernel is new.a.kernel
    assert moved(net, new) == {"a.kernel", "a.bias"}


def test_the_norm_can_be_read(any_backend):
    x = {"a": um.numpy.asarray([3.0, 0.0]), "b": um.numpy.asarray(4.0)}
    opt = um.optim.chain(um.optim.clip_by_global_norm(1.0), um.optim.scale_by_adam(), um.optim.scale(1e-4)).init(x)
    assert float(opt[0].global_norm) == 0.0
    _, opt = opt.update(x)
    assert um.dtype_of(opt[0].global_norm) == "float32"
    assert opt[0].global_norm.shape == ()
    assert float(opt[0].global_norm) == 5.0


def test_a_norm_of_half_precision_is_not_rounded_to_it(any_backend):
    x = {"a": um.numpy.full((300,), 1.0, dtype="bfloat16")}
    _, opt = um.optim.clip_by_global_norm(1.0).init(x).update(x)
    np.testing.assert_allclose(float(opt.global_norm), math.sqrt(300), rtol=1e-6)


def test_a_value_for_one_part_by_its_name(any_backend):
    x = {"a": um.numpy.asarray(2.0)}
    opt = um.optim.named_chain(("one", um.optim.scale(1.0)), ("two", um.optim.scale(1.0))).init(x)
    assert float(opt.update(x, step_size={"two": 3.0})[0]["a"]) == 6.0
    assert float(opt.update(x, step_size=3.0)[0]["a"]) == 18.0
    assert float(opt.update(x, step_size={"one": 3.0, "two": 0.5})[0]["a"]) == 3.0


def test_a_condition_may_ask_for_more(any_backend):
    condition = lambda step, loss: loss < 1.0  # noqa: E731
    opt = um.optim.conditionally_mask(um.optim.scale(2.0), condition, forward_extra_args=True)
    x = um.numpy.asarray(1.0)
    opt = opt.init(x)
    assert [float(opt.update(x, loss=um.numpy.asarray(loss))[0]) for loss in (0.5, 1.5)] == [2.0, 0.0]


def test_refused_steps_are_counted(any_backend):
    x = cast(start(), "float32", any_backend)
    opt = um.optim.apply_if_finite(um.optim.sgd(0.1), 1).init(x)
    seen = []
    for value in (1.0, math.nan, math.inf, 1.0, math.nan):
        _, opt = opt.step(x, um.tree.map(lambda leaf, value=value: leaf * value, x))
        seen.append((int(opt.notfinite_count), bool(opt.last_finite), int(opt.total_notfinite)))
    assert seen == [(0, True, 0), (1, False, 1), (2, False, 2), (0, True, 2), (1, False, 3)]


def test_a_refused_step_has_finite_derivatives(backend):
    x = um.numpy.asarray([1.0, 2.0], backend=backend)

    def after(rate):
        opt = um.optim.apply_if_finite(um.optim.adam(0.1), 5).init(x)
        return um.numpy.sum(opt.step(x, x * math.nan, learning_rate=rate)[0])

    assert float(um.grad(after)(um.numpy.asarray(0.1, backend=backend))) == 0.0


def test_where_accumulation_stands(any_backend):
    x = cast(start(), "float32", any_backend)
    opt = um.optim.MultiSteps(um.optim.adam(0.1), 3, should_skip_update_fn=um.optim.skip_not_finite).init(x)
    assert not bool(opt.skip_state["should_skip"])
    seen = []
    for value in (1.0, math.nan, 1.0, 1.0):
        grads = um.tree.map(lambda leaf, value=value: um.numpy.full_like(leaf, value), x)
        _, opt = opt.step(x, grads)
        row = (
            opt.mini_step,
            opt.gradient_step,
            opt.inner[0].count,
            opt.has_updated(),
            opt.skip_state["num_not_finite"],
        )
        seen.append(tuple(map(int, row)))
    assert seen == [(1, 0, 0, 0, 0), (1, 0, 0, 0, 16), (2, 0, 0, 0, 0), (0, 1, 1, 1, 0)]
    assert all(not leaf.any() for leaf in host(opt.acc_grads).values())


def test_half_precision_is_added_up_in_float32(any_backend):
    x = {"a": um.numpy.asarray([1.0], dtype="bfloat16")}
    opt = um.optim.MultiSteps(um.optim.sgd(1.0), 300, use_grad_mean=False).init(x)
    assert um.dtype_of(opt.acc_grads["a"]) == "float32"
    given = um.optim.MultiSteps(um.optim.sgd(1.0), 300, accumulator_dtype="bfloat16").init(x)
    assert um.dtype_of(given.acc_grads["a"]) == "bfloat16"


# Private --------------------------------------------------------------------------------------------------------------


def examples():
    rng = np.random.default_rng(5)
    return {"b": rng.normal(size=(6, 3)), "s": rng.normal(size=6) * 0.01, "w": rng.normal(size=(6, 4, 3)) * 0.3}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("uniform", [None, True, False])
def test_clipped_examples_against_optax(any_backend, uniform):
    import jax.numpy as jnp
    import optax

    grads = {name: x.astype("float32") for name, x in examples().items()}
    grads["b"][2], grads["s"][2], grads["w"][2] = 0.0, 0.0, 0.0
    theirs = [jnp.asarray(x) for x in grads.values()]
    mine = cast(grads, "float32", any_backend)
    if uniform is None:
        got, number = um.optim.per_example_global_norm_clip(mine, 1.5)
        want, expected = optax.per_example_global_norm_clip(theirs, 1.5)
        assert int(number) == int(expected)
        assert 0 < int(number) < 6
    else:
        got, number = um.optim.per_example_layer_norm_clip(mine, 1.5, uniform=uniform)
        want, expected = optax.per_example_layer_norm_clip(theirs, 1.5, uniform=uniform)
        assert [int(n) for n in um.tree.leaves(number)] == [int(n) for n in expected]
    # Sums of six products.
    close(host(got), dict(zip(grads, map(np.asarray, want), strict=True)), 2e-6)


@pytest.mark.needs("jax")
def test_private_gradients_against_optax(any_backend):
    import jax
    import jax.numpy as jnp
    import optax

    grads = {name: x.astype("float32") for name, x in examples().items()}
    with pytest.warns(DeprecationWarning, match='use "key"'):
        theirs = optax.contrib.dpsgd(0.1, 1.5, 0.7, seed=42, momentum=0.5)
    x = {k: jnp.asarray(v, "float32") for k, v in start().items()}
    state = theirs.init(x)
    for _ in range(3):
        updates, state = jax.jit(theirs.update)({k: jnp.asarray(v) for k, v in grads.items()}, state, x)
        x = optax.apply_updates(x, updates)
    mine = cast(start(), "float32", any_backend)
    opt = um.optim.dpsgd(0.1, 1.5, 0.7, seed=42, momentum=0.5).init(mine)
    assert isinstance(opt[0], type(um.optim.differentially_private_aggregate(1.5, 0.7, seed=42)))
    for _ in range(3):
        mine, opt = opt.step(mine, cast(grads, "float32", any_backend))
    # The normal numbers of the engines differ by some ULP of theirs.
    close(host(mine), {k: np.asarray(v) for k, v in x.items()}, 1e-5)
    got = um.to_backend(um.random.key_data(opt[0].rng_key), "numpy")
    assert got.tolist() == np.asarray(jax.random.key_data(state[0].rng_key)).tolist()


def test_private_gradients_of_a_model(backend):
    net = um.nn.Linear(3, 1).init(0)
    x, y = um.numpy.asarray(np.ones((5, 3), "float32")), um.numpy.asarray(np.zeros((5, 1), "float32"))
    slope = um.grad(lambda net, x, y: um.numpy.sum((net(x) - y) ** 2))
    grads = um.vmap(slope, in_axes=(None, 0, 0))(net, x, y)
    opt = um.optim.dpsgd(0.1, 1e6, 0.0, seed=0).init(net)
    new, _ = opt.step(net, grads)
    mean = um.grad(lambda net: um.numpy.sum((net(x) - y) ** 2) / 5)(net)
    expected, _ = um.optim.sgd(0.1).init(net).step(net, mean)
    close(host(new.state_dict()), host(expected.state_dict()), 1e-6)


# Averages, and one's own ----------------------------------------------------------------------------------------------


@pytest.mark.needs("jax")
def test_averages_against_optax(any_backend):
    import jax.numpy as jnp
    import optax

    new, old = start(), gradients()[0]
    ours = [cast(tree, "float32", any_backend) for tree in (new, old)]
    theirs = [{k: jnp.asarray(v, "float32") for k, v in tree.items()} for tree in (new, old)]
    for name, rest in (("incremental_update", (0.3,)), ("periodic_update", (4, 2)), ("periodic_update", (5, 2))):
        want = getattr(optax, name)(*theirs, *rest)
        close(host(getattr(um.optim, name)(*ours, *rest)), {k: np.asarray(v) for k, v in want.items()}, 3e-7)
    np.testing.assert_allclose(float(um.optim.global_norm(ours[0])), float(optax.tree.norm(theirs[0])), rtol=3e-7)


def test_averages_of_a_model_keep_what_is_no_float(any_backend):
    class Counted(um.Module):
        def __init__(self, w, n):
            self.w, self.n, self.key = um.Parameter(w), um.State(n), um.random.key(0)

    new = Counted(um.numpy.asarray([1.0]), um.numpy.asarray(5))
    old = Counted(um.numpy.asarray([0.0]), um.numpy.asarray(3))
    mixed = um.optim.incremental_update(new, old, 0.25)
    assert (float(mixed.w[0]), int(mixed.n)) == (0.25, 5)


def test_a_norm_has_a_gradient_at_zero(backend):
    x = um.numpy.zeros((2,), backend=backend)
    assert um.to_backend(um.grad(um.optim.global_norm)(x), "numpy").tolist() == [0.0, 0.0]


@pytest.mark.needs("jax")
def test_optax_itself_in_an_optimizer():
    import jax.numpy as jnp
    import optax

    x = {"w": jnp.asarray([1.0, 2.0])}
    theirs, mine = um.Optimizer(optax.adam(0.1)).init(x), um.Optimizer(um.optim.adam(0.1)).init(x)
    for _ in range(3):
        x, y = theirs.update(x, x), mine.update(x, x)
        np.testing.assert_allclose(x["w"], y["w"], rtol=1e-5)


def test_an_optimizer_goes_through_jit(backend):
    x = cast(start(), "float32", backend)
    opt = um.Optimizer(um.optim.chain(um.optim.clip_by_global_norm(1.0), um.optim.adam(0.1))).init(x)

    def step(opt, x, grads):
        x = opt.update(grads, x)
        return x, opt

    jitted = um.jit(step, compiler="graph")
    other, y = copy.deepcopy(opt), dict(x)
    for grads in gradients()[:3]:
        x, opt = jitted(opt, x, cast(grads, "float32", backend))
        y = other.update(cast(grads, "float32", backend), y)
    assert jitted.trace_count == 1
    # XLA contracts to fused multiply-adds.
    close(host(x), host(y), 3e-6)
    assert int(opt[1][0].count) == int(other.optimizer[1][0].count) == 3
    assert len(um.tree.leaves(opt.opt_state)) == len(um.tree.leaves(opt))


def test_an_optimizer_gives_updates(any_backend):
    x = {"w": um.numpy.asarray(1.0)}
    opt = um.Optimizer(um.optim.sgd(0.25)).init(x)
    assert float(opt.update(x, x, apply_updates=False)["w"]) == -0.25
    assert float(opt.update(x, x, learning_rate=1.0)["w"]) == 0.0


def test_an_optimizer_of_a_model(backend):
    net = model()
    opt = um.Optimizer(um.optim.adam(0.1)).init(net.parameters())
    params = opt.update(ones(net), net.parameters())
    assert moved(net, net.update(params)) == WEIGHTS
