"""The optimizers that scale by norms, find their rates or search along lines, against optax and each other."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod.errors import DTypeError, OptionError

pytestmark = pytest.mark.thin(3)

STEPS = 50

# 50 steps, each of which rounds parameters and moments; optax computes 1 - b2**t in float32, which costs those with
# Adam's moments up to 2e-5 of their updates.
RTOL32 = 3e-4
# The iteration of Muon multiplies small singular values, and their roundings, by up to 3.4 in each of 5 iterations.
RTOL32_OF_MUON = 2e-3
RTOL64 = 1e-12
# optax computes the decay of Adafactor in float32 whatever the dtype.
RTOL64_OF_FLOAT32 = 1e-6
BOUNDS = {"adafactor": (RTOL32, RTOL64_OF_FLOAT32), "muon": (RTOL32_OF_MUON, RTOL64)}

CASES = {
    "lamb": (lambda o: o.lamb(0.1, weight_decay=0.1)),
    "lars": (lambda o: o.lars(0.1, weight_decay=0.1, nesterov=True, eps=1e-3)),
    "fromage": (lambda o: o.fromage(0.1)),
    "adafactor": (lambda o: o.adafactor(0.1, min_dim_size_to_factor=2)),
    "noisy_sgd": (lambda o: o.noisy_sgd(0.1, key=3)),
    "optimistic_gradient_descent": (lambda o: o.optimistic_gradient_descent(0.1, alpha=0.8, beta=0.5)),
    "optimistic_adam_v2": (lambda o: o.optimistic_adam_v2(0.1)),
    "lbfgs": (lambda o: o.lbfgs(0.1, memory_size=4, linesearch=None)),
    "muon": (lambda o: o.muon(0.1, weight_decay=0.1)),
    "prodigy": (lambda o: o.prodigy(0.1, estim_lr0=1e-2, weight_decay=0.01)),
    "dadapt_adamw": (lambda o: o.dadapt_adamw(0.1, estim_lr0=1e-2, weight_decay=0.01)),
    "dog": (lambda o: o.dog(init_step=("heuristic", 1e-2), weight_decay=0.1)),
    "dowg": (lambda o: o.dowg(init_estim_sq_dist=1e-2)),
    "cocob": (lambda o: o.cocob()),
    "ademamix": (lambda o: o.ademamix(0.1, weight_decay=0.1)),
    "simplified_ademamix": (lambda o: o.simplified_ademamix(0.1, alpha=0.5)),
    "schedule_free_sgd": (lambda o: o.schedule_free_sgd(0.1, weight_decay=0.1)),
    "schedule_free_adamw": (lambda o: o.schedule_free_adamw(0.1, weight_decay=0.1)),
}
"""How an optimizer is made, by the functions of either library."""


def start():
    rng = np.random.default_rng(0)
    return {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=(3,)), "s": rng.normal(size=())}


def cast(tree, dtype, backend=None):
    return {name: um.numpy.asarray(x, dtype=dtype, backend=backend) for name, x in tree.items()}


def slope(x):
    """The gradient of a sum of quartics, by operators that all engines have."""
    return {name: 0.4 * (leaf - 1.0) * (leaf - 1.0) * (leaf - 1.0) + 0.2 * leaf for name, leaf in x.items()}


def trained(opt, dtype, steps=STEPS):
    x = cast(start(), dtype)
    opt = opt.init(x)
    step = lambda x, opt: opt.step(x, slope(x))  # noqa: E731
    step = um.jit(step, compiler="graph") if um.engine_of(x["w"]).name == "jax" else step
    for _ in range(steps):
        x, opt = step(x, opt)
    assert getattr(step, "trace_count", 1) == 1
    return x, opt


@functools.cache
def expected(case, dtype):
    import jax
    import jax.numpy as jnp
    import optax

    class Both:
        def __getattr__(self, name):
            return getattr(optax, name, None) or getattr(optax.contrib, name)

    x = {name: jnp.asarray(leaf, dtype) for name, leaf in start().items()}
    opt = CASES[case](Both())
    state = opt.init(x)

    @jax.jit
    def step(x, state):
        updates, state = opt.update(slope(x), state, x)
        return optax.apply_updates(x, updates), state

    for _ in range(STEPS):
        x, state = step(x, state)
    return {name: np.asarray(leaf) for name, leaf in x.items()}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", CASES)
def test_fifty_steps_are_those_of_optax(backend, case):
    import jax

    for dtype in ("float64", "float32"):
        with jax.enable_x64(dtype == "float64"):
            got, want = trained(CASES[case](um.optim), dtype)[0], expected(case, dtype)
        narrow, wide = BOUNDS.get(case, (RTOL32, RTOL64))
        bound = narrow if dtype == "float32" else wide
        for name, x in got.items():
            assert (um.dtype_of(x), tuple(x.shape), um.engine_of(x).name) == (dtype, start()[name].shape, backend)
            np.testing.assert_allclose(um.to_backend(x, "numpy"), want[name], rtol=bound, atol=bound, err_msg=name)


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("case", CASES)
def test_a_run_moves_to_another_engine_half_way(case):
    with um.use_backend("torch"):
        whole, opt = trained(CASES[case](um.optim), "float32", 6)
        x, half = trained(CASES[case](um.optim), "float32", 3)
    shapes = [(str(um.dtype_of(leaf)), tuple(leaf.shape)) for leaf in um.tree.leaves(opt)]
    x, half = um.to_backend((x, half), "jax")
    with um.use_backend("jax"):
        for _ in range(3):
            x, half = half.step(x, slope(x))
    assert [(str(um.dtype_of(leaf)), tuple(leaf.shape)) for leaf in um.tree.leaves(half)] == shapes
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves((x, half))} == {"jax"}
    for name, leaf in whole.items():
        # Six steps of a few roundings each.
        np.testing.assert_allclose(um.to_backend(x[name], "numpy"), um.to_backend(leaf, "numpy"), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_zero_and_nan(any_backend, case):
    x = cast(start(), "float32")
    opt = CASES[case](um.optim).init(x)
    still, after = opt.step(x, um.tree.map(lambda leaf: leaf * 0.0, x))
    assert all(np.isfinite(um.to_backend(leaf, "numpy")).all() for leaf in um.tree.leaves(still))
    assert um.tree.structure(after) is um.tree.structure(opt)
    lost, _ = opt.step(x, um.tree.map(lambda leaf: leaf * float("nan"), x))
    assert any(np.isnan(um.to_backend(leaf, "numpy")).any() for leaf in um.tree.leaves(lost))


@pytest.mark.parametrize("case", CASES)
def test_half_precision_and_nothing_at_all(any_backend, case):
    x = cast(start(), "bfloat16")
    opt = CASES[case](um.optim).init(x)
    for _ in range(2):
        x, opt = opt.step(x, slope(x))
    assert {um.dtype_of(leaf) for leaf in x.values()} == {"bfloat16"}
    nothing, _ = CASES[case](um.optim).init({}).step({}, {})
    assert nothing == {}


@pytest.mark.parametrize("case", ["lamb", "muon", "prodigy", "dog", "schedule_free_sgd", "lbfgs"])
def test_frozen_parameters_stay(any_backend, case):
    model = um.nn.Sequential(um.nn.Linear(2, 2), um.nn.Linear(2, 1)).init(0)
    model[0].freeze(inplace=True)
    opt = CASES[case](um.optim).init(model)
    new, _ = opt.step(model, um.tree.map(lambda x: x * 0 + 1, model.parameters()))
    assert new[0].kernel is model[0].kernel
    assert um.to_backend(new[1].kernel, "numpy").tolist() != um.to_backend(model[1].kernel, "numpy").tolist()


def test_hyperparameters_can_be_differentiated(backend):
    x = cast(start(), "float32")
    for case in ("lamb", "fromage", "prodigy", "muon", "schedule_free_sgd"):
        opt = CASES[case](um.optim).init(x)
        name = "min_norm" if case == "fromage" else "learning_rate"

        def loss(rate, opt=opt, name=name):
            new, _ = opt.step(x, slope(x), **{name: rate})
            return um.numpy.sum(um.numpy.square(new["w"]))

        slope_by_rate = um.grad(loss)(um.numpy.asarray(0.1))
        assert np.isfinite(um.to_backend(slope_by_rate, "numpy")), case
        assert tuple(slope_by_rate.shape) == ()


# Polyak's step, and searches -----------------------------------------------------------------------------------------


def valley(x):
    """Rosenbrock's function, and a parabola."""
    a, unp = x["a"], um.numpy
    bent = 100.0 * unp.square(a[1:] - a[:-1] * a[:-1]) + unp.square(1.0 - a[:-1])
    return unp.sum(bent) + unp.square(x["b"] - 1.0)


VALLEY = {"a": np.asarray([-1.2, 1.0, 0.5]), "b": np.asarray(3.0)}

SEARCHES = {
    "backtracking": lambda o: o.chain(o.scale(-1e-3), o.scale_by_backtracking_linesearch(8, max_learning_rate=4.0)),
    "store_grad": lambda o: o.chain(o.scale(-1e-3), o.scale_by_backtracking_linesearch(4, store_grad=True)),
    "zoom": lambda o: o.chain(o.scale(-1e-2), o.scale_by_zoom_linesearch(6, max_learning_rate=4.0)),
    "lbfgs": lambda o: o.lbfgs(),
    "polyak_sgd": lambda o: o.polyak_sgd(1e-3),
}


def searched(case, steps=8):
    x, make = cast(VALLEY, "float32"), SEARCHES[case]
    opt = make(um.optim).init(x)
    extras = {} if case == "polyak_sgd" else {"value_fn": valley}

    def step(x, opt):
        value, grads = um.value_and_grad(valley)(x)
        return opt.step(x, grads, value=value, **extras)

    step = um.jit(step, compiler="graph") if um.engine_of(x["a"]).name == "jax" else step
    for _ in range(steps):
        x, opt = step(x, opt)
    assert getattr(step, "trace_count", 1) == 1
    return x, opt


@functools.cache
def searched_by_optax(case, steps=8):
    import jax
    import jax.numpy as jnp
    import optax

    opt, x = SEARCHES[case](optax), {name: jnp.asarray(leaf, "float32") for name, leaf in VALLEY.items()}
    state = opt.init(x)

    @jax.jit
    def step(x, state):
        with um.use_backend("jax"):
            value, grad = jax.value_and_grad(valley)(x)
            extras = {} if case == "polyak_sgd" else {"grad": grad, "value_fn": valley}
            updates, state = opt.update(grad, state, x, value=value, **extras)
        return optax.apply_updates(x, updates), state

    for _ in range(steps):
        x, state = step(x, state)
    return x, state


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", SEARCHES)
def test_searches_are_those_of_optax(backend, case):
    x, opt = searched(case)
    want, state = searched_by_optax(case)
    for name, leaf in x.items():
        # A valley whose sides are 100 times as steep as its floor: roundings grow by that much.
        np.testing.assert_allclose(um.to_backend(leaf, "numpy"), want[name], rtol=2e-3, atol=2e-3, err_msg=name)
    if case != "polyak_sgd":
        info, theirs = opt[-1].info, state[-1].info
        assert sorted(info) == sorted(theirs._fields)
        np.testing.assert_allclose(float(opt[-1].learning_rate), float(state[-1].learning_rate), rtol=1e-2)
        assert int(info["num_linesearch_steps"]) == int(theirs.num_linesearch_steps)
    if case == "store_grad":
        assert tuple(opt[-1].grad["a"].shape) == (3,)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", ["backtracking", "zoom"])
def test_a_search_in_a_trace_on_torch(case):
    with um.use_backend("torch"):
        x = cast(VALLEY, "float32")
        opt = SEARCHES[case](um.optim).init(x)

        def step(x, opt):
            value, grads = um.value_and_grad(valley)(x)
            return opt.step(x, grads, value=value, value_fn=valley)

        traced = um.jit(step, compiler="graph")
        ours, eager = (x, opt), (x, opt)
        for _ in range(3):
            ours, eager = traced(*ours), step(*eager)
    assert traced.trace_count == 1
    for one, other in zip(um.tree.leaves(ours), um.tree.leaves(eager), strict=True):
        np.testing.assert_allclose(um.to_backend(one, "numpy"), um.to_backend(other, "numpy"), rtol=1e-5, atol=1e-5)


def test_a_search_gets_the_whole_module(backend):
    model = um.nn.Linear(2, 1).init(0)
    model.freeze()
    x = um.numpy.ones((3, 2))
    loss = lambda net: um.numpy.mean(um.numpy.square(net(x) - 2.0))  # noqa: E731
    opt = um.optim.chain(um.optim.scale(-0.1), um.optim.scale_by_backtracking_linesearch(5)).init(model)
    value, grads = um.value_and_grad(loss)(model)
    new, opt = opt.step(model, grads, value=value, value_fn=loss)
    assert float(loss(new)) < float(value)
    np.testing.assert_allclose(float(opt[-1].value), float(loss(new)), rtol=1e-5)


# Errors ---------------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_named(any_backend):
    x = cast(VALLEY, "float32")
    with pytest.raises(OptionError, match="scale_by_polyak needs `value`"):
        um.optim.polyak_sgd().init(x).step(x, x)
    search = um.optim.scale_by_backtracking_linesearch(2).init(x)
    with pytest.raises(OptionError, match="needs `value_fn`"):
        search.step(x, x, value=x["b"])
    with pytest.raises(OptionError, match="needs the parameters"):
        um.optim.scale_by_trust_ratio().init(x).update(x)
    with pytest.raises(OptionError, match="needs the parameters"):
        um.optim.schedule_free_sgd().init(x).update(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda o: o.scale_by_polyak(variant="other"),
        lambda o: o.scale_by_dog(("far", 1.0)),
        lambda o: o.scale_by_muon(ns_coeffs="other"),
        lambda o: o.scale_by_muon(ns_coeffs=(1.0, 2.0)),
        lambda o: o.scale_by_muon(preconditioning="other"),
        lambda o: o.scale_by_lbfgs(0),
        lambda o: o.scale_by_zoom_linesearch(3, initial_guess_strategy="two"),
        lambda o: o.optimistic_adam(lambda step: 0.1),
    ],
)
def test_options_that_do_not_exist_are_refused(make):
    with pytest.raises(OptionError):
        make(um.optim)


def test_only_schedule_free_optimizers_have_averages(any_backend):
    x = cast(VALLEY, "float32")
    with pytest.raises(DTypeError, match="schedule-free"):
        um.optim.schedule_free_eval_params(um.optim.sgd(0.1).init(x), x)


def test_the_noise_is_that_of_its_key(any_backend):
    x = cast(start(), "float32")
    by_key = um.optim.add_noise(0.1, 0.5, um.random.key(5)).init(x).update(x)[0]
    by_seed = um.optim.add_noise(0.1, 0.5, 5).init(x).update(x)[0]
    other = um.optim.add_noise(0.1, 0.5, 6).init(x).update(x)[0]
    host = lambda tree: [um.to_backend(leaf, "numpy").tolist() for leaf in tree.values()]  # noqa: E731
    assert host(by_key) == host(by_seed) != host(other)
