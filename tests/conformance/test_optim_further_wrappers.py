"""Optimizers around optimizers, monitors and layouts: runs that change engines, states, errors, and what is kept."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from tests.conformance.optim_further import CASES, START, cast, loss, slope, stepped, trained
from tests.conformance.optim_table import ROWS
from unimod.errors import DTypeError, OptionError

pytestmark = pytest.mark.thin(3)


def host(x):
    return um.to_backend(x, "numpy")


@pytest.mark.thin(4)
@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("case", [case for case in CASES if "[" not in case and case not in ROWS])
def test_a_run_moves_to_another_engine_half_way(case):
    with um.use_backend("torch"):
        whole, _ = trained(CASES[case](um.optim), "float32", 6)
        x, half = trained(CASES[case](um.optim), "float32", 3)
    before = um.tree.structure(half)
    shapes = [(str(um.dtype_of(leaf)), tuple(leaf.shape)) for leaf in um.tree.leaves(half)]
    x, half = um.to_backend((x, half), "jax")
    with um.use_backend("jax"):
        for _ in range(3):
            x, half = stepped(half, x)
    assert um.tree.structure(half) is before
    assert [(str(um.dtype_of(leaf)), tuple(leaf.shape)) for leaf in um.tree.leaves(half)] == shapes
    for name, leaf in whole.items():
        # Six steps of a few roundings each; Mechanic divides distances by a small scale.
        np.testing.assert_allclose(host(x[name]), host(leaf), rtol=2e-4, atol=2e-4)


NEEDS = {
    "momo": "value",
    "momo_adam": "value",
    "reduce_on_plateau": "value",
    "sophia": "obj_fn",
}


@pytest.mark.parametrize("case", NEEDS)
def test_what_a_step_needs_is_asked_for(any_backend, case):
    x = cast(START, "float32")
    opt = CASES[case](um.optim).init(x)
    with pytest.raises(OptionError, match=f"needs `{NEEDS[case]}` beside the gradients"):
        opt.step(x, slope(x))


@pytest.mark.parametrize("case", ["madgrad", "momo", "mechanize", "sam", "sophia", "galore"])
def test_parameters_are_asked_for(any_backend, case):
    x = cast(START, "float32")
    opt = CASES[case](um.optim).init(x)
    extras = {"value": loss(x)} if case == "momo" else {}
    with pytest.raises(OptionError, match="needs the parameters"):
        opt.update(slope(x), **extras)


REFUSED = {
    "factor": lambda: um.optim.reduce_on_plateau(factor=1.0),
    "tolerances": lambda: um.optim.reduce_on_plateau(rtol=0.0),
    "num_betas": lambda: um.optim.mechanize(um.optim.sgd(1.0), num_betas=0),
    "sync_period": lambda: um.optim.sam(um.optim.sgd(1.0), um.optim.sgd(1.0), sync_period=0),
    "rank": lambda: um.optim.galore(0.1, rank=0),
    "update_interval": lambda: um.optim.sophia(0.1, update_interval=0),
    "static_args": lambda: um.optim.inject_hyperparams(um.optim.sgd, static_args="moment"),
    "axes": lambda: um.optim.muon(0.1, muon_weight_dimension_numbers=um.optim.MuonDimensionNumbers(0, 0)).init(
        {"w": um.numpy.ones((2, 2))}
    ),
    "axis": lambda: um.optim.scale_by_galore(weight_dimension_numbers=um.optim.GaLoreDimensionNumbers(0, 2)).init(
        {"w": um.numpy.ones((2, 2))}
    ),
    "stack": lambda: um.optim.scale_by_galore(weight_dimension_numbers=um.optim.GaLoreDimensionNumbers(0, 1)).init(
        {"w": um.numpy.ones((2, 2, 2))}
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_options_that_mean_nothing_are_refused(any_backend, name):
    with pytest.raises(OptionError):
        REFUSED[name]()


def test_what_is_no_measure_is_refused(any_backend):
    for make in (lambda: um.optim.snapshot("x", 3), lambda: um.optim.monitor({"x": 3})):
        with pytest.raises(DTypeError, match="functions of the updates"):
            make()


def test_a_snapshot_and_a_monitor_keep_what_they_measure(any_backend):
    x = cast(START, "float32")
    mean = um.optim.measure_with_ema(um.optim.global_norm, 0.5)
    opt = um.optim.chain(
        um.optim.scale(2.0), um.optim.snapshot("n", um.optim.global_norm), um.optim.monitor({"m": mean})
    ).init(x)
    before = um.tree.structure(opt)
    norms = []
    for factor in (1.0, 3.0):
        grads = um.tree.map(lambda leaf, factor=factor: leaf * factor, x)
        norms.append(2 * factor * np.sqrt(sum((leaf**2).sum() for leaf in START.values())))
        updates, opt = opt.update(grads)
    assert um.tree.structure(opt) is before
    np.testing.assert_allclose(float(opt[1].measurement["n"]), norms[1], rtol=1e-6)
    np.testing.assert_allclose(float(opt[2].measurements["m"]), (norms[0] + 2 * norms[1]) / 3, rtol=1e-6)
    np.testing.assert_allclose(host(updates["w"]), 6 * START["w"], rtol=1e-6)


def test_injected_numbers_are_read_changed_and_given(backend):
    x = {"x": um.numpy.asarray(1.0)}
    opt = um.optim.inject_hyperparams(um.optim.sgd)(0.5, momentum=lambda count: 0.5 / (count + 1)).init(x)
    assert sorted(opt.hyperparams) == ["learning_rate", "momentum"]
    step = um.jit(lambda x, opt: opt.step(x, x), compiler="graph")
    x, opt = step(x, opt)
    assert float(x["x"]) == 0.5
    opt.hyperparams["learning_rate"] = um.numpy.asarray(0.25)
    x, opt = step(x, opt)
    # The second momentum is a quarter: 0.5 - 0.25 * (0.5 + 0.25 * 1).
    assert (float(x["x"]), step.trace_count) == (0.3125, 1)
    still, opt = opt.step(x, x, learning_rate=um.numpy.asarray(0.0))
    assert float(still["x"]) == 0.3125
    assert float(opt.hyperparams["learning_rate"]) == 0.25


def test_complex_parameters_are_two_real_ones(backend):
    z = um.numpy.asarray([3.0 + 1.0j, 0.0 - 2.0j])
    opt = um.optim.split_real_and_imaginary(um.optim.adam(0.5)).init({"z": z})
    new, opt = opt.step({"z": z}, {"z": z})
    assert um.dtype_of(new["z"]) == "complex64"
    np.testing.assert_allclose(host(new["z"]), [2.5 + 0.5j, -1.5j], rtol=1e-5)
    assert um.dtype_of(opt.inner[0].mu["z"].imaginary) == "float32"


def coupled(x):
    """A loss whose Hessian is not diagonal."""
    parts = [leaf.sum() for leaf in x.values()]
    return sum(parts[1:], parts[0]) ** 2 + loss(x)


@pytest.mark.needs("jax")
def test_the_draws_of_hutchinson_are_those_of_optax(backend):
    import jax
    import jax.numpy as jnp
    import optax.contrib

    theirs = optax.contrib.hutchinson_estimator_diag_hessian(jax.random.key(5))
    y = {name: jnp.asarray(leaf, "float32") for name, leaf in START.items()}
    state, x = theirs.init(y), cast(START, "float32")
    opt = um.optim.hutchinson_estimator_diag_hessian(5).init(x)
    for _ in range(2):
        want, state = theirs.update(y, state, y, obj_fn=coupled)
        got, opt = opt.update(x, x, obj_fn=coupled)
        for name, leaf in got.items():
            assert (tuple(leaf.shape), um.engine_of(leaf).name) == (START[name].shape, backend)
            np.testing.assert_allclose(host(leaf), np.asarray(want[name]), rtol=1e-4, atol=1e-4)


def test_a_climb_in_one_call_is_that_of_several(backend):
    outer, climb = um.optim.adam(0.1), um.optim.chain(um.optim.normalize(), um.optim.sgd(0.1))
    x = y = cast(START, "float32")
    seen, opaque = um.optim.sam(outer, climb).init(x), um.optim.sam(outer, climb, opaque_mode=True).init(x)
    for _ in range(3):
        for _ in range(2):
            x, seen = seen.step(x, slope(x))
        y, opaque = opaque.step(y, slope(y), grad_fn=lambda y, i: slope(y))
    for name in x:
        np.testing.assert_allclose(host(x[name]), host(y[name]), rtol=1e-5, atol=1e-6)
    with pytest.raises(OptionError, match="grad_fn"):
        opaque.step(y, slope(y))


def around_two(o, inner):
    names = {"w": True, "b": True, "s": False}
    return {
        "masked": o.chain(
            o.masked(inner, names), o.masked(o.set_to_zero(), {**dict.fromkeys(names, False), "s": True})
        ),
        "partition": o.partition({"sam": inner, "held": o.set_to_zero()}, lambda x: dict.fromkeys(x, "sam") | HELD),
        "flatten": o.masked(o.flatten(inner), names),
    }


HELD = {"s": "held"}


@pytest.mark.parametrize("name", ["masked", "partition", "flatten"])
def test_a_climb_of_some_parameters(backend, name):
    climb = um.optim.chain(um.optim.normalize(), um.optim.sgd(0.1))
    inner = um.optim.sam(um.optim.adam(0.1), climb, opaque_mode=True)
    x = cast(START, "float32")
    y = {part: x[part] for part in ("w", "b")}
    whole, opt = around_two(um.optim, inner)[name].init(x), inner.init(y)
    for _ in range(3):
        grads = {**slope(x), "s": x["s"] * 0.0}
        x, whole = whole.step(x, grads, grad_fn=lambda x, i: slope(x))
        y, opt = opt.step(y, slope(y), grad_fn=lambda y, i: slope(y))
    np.testing.assert_array_equal(host(x["s"]), np.asarray(START["s"], "float32"))
    for part in y:
        np.testing.assert_allclose(host(x[part]), host(y[part]), rtol=1e-5, atol=1e-6)


def test_functions_of_a_module_get_the_whole_of_it(backend):
    net = um.nn.Linear(2, 1).init(0)
    fit = lambda net: um.numpy.sum(um.numpy.square(net(um.numpy.ones((1, 2))) - 1.0))  # noqa: E731
    climb = um.optim.sgd(0.01)
    makes = {
        "grad_fn": (um.optim.sam(um.optim.sgd(0.1), climb, opaque_mode=True), lambda net, i: um.grad(fit)(net)),
        "obj_fn": (um.optim.sophia(0.1), fit),
    }
    for name, (opt, fn) in makes.items():
        new, _ = opt.init(net).step(net, um.grad(fit)(net), **{name: fn})
        assert float(fit(new)) < float(fit(net)), name


def test_value_and_gradients_come_from_the_search(backend):
    calls = []

    def fn(x):
        calls.append(1)
        return um.numpy.sum(um.numpy.square(x["x"]))

    x = {"x": um.numpy.asarray([3.0, 4.0])}
    search = um.optim.scale_by_backtracking_linesearch(5, store_grad=True)
    opt = um.optim.chain(um.optim.sgd(0.1), search).init(x)
    value_and_grad = um.optim.value_and_grad_from_state(fn)
    value, grads = value_and_grad(x, state=opt)
    assert (float(value), len(calls)) == (25.0, 1)
    x, opt = opt.step(x, grads, value=value, value_fn=fn)
    calls.clear()
    value, grads = value_and_grad(x, state=opt)
    assert calls == []
    np.testing.assert_allclose(host(grads["x"]), 2 * host(x["x"]), rtol=1e-6)
    np.testing.assert_allclose(float(value), float((host(x["x"]) ** 2).sum()), rtol=1e-6)


def test_frozen_parameters_have_no_state(any_backend):
    net = um.nn.MLP([2, 3, 1]).init(0)
    opt = um.optim.selective_transform(um.optim.adam(0.1), freeze_mask="layers.0").init(net)
    new, opt = opt.step(net, um.tree.map(lambda x: x * 0 + 1, net.parameters()))
    first, second = (new.layers[i].kernel for i in (0, 1))
    assert host(first).tolist() == host(net.layers[0].kernel).tolist()
    assert host(second).tolist() != host(net.layers[1].kernel).tolist()
    assert len(um.tree.leaves(opt["train"][0].mu)) == 2


def test_a_schedule_of_the_mixture_is_used_step_by_step(backend):
    x = um.numpy.asarray([1.0])
    opt = um.optim.schedule_free(um.optim.sgd(0.5), 0.5, lambda count: 0.5 / (count + 1.0)).init(x)
    y, z, mean, total = 1.0, 1.0, 1.0, 0.0
    for count in range(3):
        z, total = z - 0.5 * y, total + 0.25
        mean += (z - mean) * 0.25 / total
        b1 = 0.5 / (count + 1)
        y = b1 * mean + (1 - b1) * z
        x, opt = opt.step(x, x)
        np.testing.assert_allclose(float(x[0]), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(float(um.optim.schedule_free_eval_params(opt, x)[0]), mean, rtol=1e-4, atol=1e-6)


def test_stacks_of_matrices_are_turned_one_by_one(backend):
    draws = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    stack, numbers = um.numpy.asarray(draws), um.optim.MuonDimensionNumbers(1, 2)
    for preconditioning in ("frobenius", "spectral", "aol", "schatten"):
        options = {"preconditioning": preconditioning}
        whole = um.optim.scale_by_muon(weight_dimension_numbers=numbers, **options)
        together = host(whole.init(stack).update(stack)[0])
        assert together.shape == (2, 3, 4)
        for i in range(2):
            one = um.numpy.asarray(draws[i])
            alone = um.optim.scale_by_muon(**options).init(one).update(one)[0]
            np.testing.assert_allclose(together[i], host(alone), rtol=1e-3, atol=1e-4)
