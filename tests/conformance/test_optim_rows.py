"""What holds for every row of the table of optimizers: states, dtypes, edges, copies, engines that change, errors."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from tests.conformance import optim_problem as problem
from tests.conformance.optim_table import MASK, ROWS
from unimod.errors import CapabilityError, DTypeError, NotInitializedError, OptionError, StateDictError, TreeError
from unimod.optim.base import trainable

HALF = problem.STEPS // 2
DERIVE = {"lbfgs", "scale_by_zoom_linesearch", "scale_by_backtracking_linesearch[store_grad]"}
"""Rows whose searches look for slopes on their way, which not every engine finds."""
OWN = {"stateless", "stateless_with_tree_map", "custom"}
"""Rows of functions of one's own, which see that there are no parameters themselves."""
BY_NAME = {"partition", "multi_transform", "freeze", "selective_transform"}
"""Rows with labels or masks for the names of the problem, beside those whose options say so."""

# One optimizer may not be run on nothing: labels and masks of the problem are of its names.
NAMED = {
    row for row in ROWS if row in BY_NAME or any(word in row for word in ("mask", "options", "decay]", "distance"))
}
NAMED |= {"masked", "simplified_ademamix", "add_decayed_weights"}
FREE = [row for row in ROWS if row not in NAMED]


def layout(opt):
    return [(path, tuple(x.shape), str(um.dtype_of(x))) for path, x in opt.state_dict().items()]


def numbers(tree):
    return [um.to_backend(x, "numpy") for x in um.tree.leaves(tree)]


def assert_same(tree, other):
    for one, two in zip(numbers(tree), numbers(other), strict=True):
        assert (one.dtype, one.shape) == (two.dtype, two.shape)
        np.testing.assert_array_equal(one, two)


def began(row, backend, dtype="float32"):
    params = problem.arrays(problem.start(row), backend, dtype)
    return ROWS[row].ours().init(params), params


def data(backend, dtype="float32"):
    return [unp.asarray(z, dtype=dtype, backend=backend) for z in (problem.INPUTS, problem.TARGETS)]


def is_refused(row, opt, params):
    """Whether the row needs derivatives that the engine has not; then it says so."""
    engine = um.engine_of(*um.tree.leaves(params))
    if row not in DERIVE or engine.name != "numpy":
        return False
    with pytest.raises(CapabilityError, match="The numpy engine has no derivatives"):
        opt.step(params, trainable(params), **extras(opt, params, engine.name))
    return True


def extras(opt, params, backend):
    """What a step asks for beside gradients that are not those of the problem."""
    found = {"value": unp.asarray(1.0, dtype="float32", backend=backend)}
    found["value_fn"] = lambda params: problem.value(unp, params, *data(backend))
    return {name: value for name, value in found.items() if name in set(opt.hyperparameters())}


# Runs that are interrupted --------------------------------------------------------------------------------------------

COPIES = {
    "pickle": lambda opt, fresh: pickle.loads(pickle.dumps(opt)),
    "deepcopy": lambda opt, fresh: copy.deepcopy(opt),
    "copy": lambda opt, fresh: opt.copy(),
    "state_dict": lambda opt, fresh: fresh.load_state_dict(opt.state_dict()),
}


@pytest.mark.thin(24)
@pytest.mark.needs("torch")
@pytest.mark.parametrize("row", ROWS)
def test_a_copy_goes_on_where_the_run_stood(row):
    opt, start = began(row, "torch", "float64")
    fresh = opt
    params, opt, _ = problem.walk(row, opt, start, "torch", "float64", HALF)
    expected = problem.walk(row, opt, params, "torch", "float64", 3)
    for name, how in COPIES.items():
        found = problem.walk(row, how(opt, fresh), params, "torch", "float64", 3)
        assert um.tree.structure(found[1]) is um.tree.structure(expected[1]), name
        assert_same(found[:2], expected[:2])


@pytest.mark.thin(80)
@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("first", ["jax", "torch"])
@pytest.mark.parametrize("row", ROWS)
def test_a_run_goes_on_on_another_engine(row, first):
    second = {"jax": "torch", "torch": "jax"}[first]
    with um.use_x64():
        whole = problem.ours(row, "torch", "float64")[2]
        opt, params = began(row, first, "float64")
        params, opt, path = problem.walk(row, opt, params, first, "float64", HALF)
        before = layout(opt)
        params, opt = um.to_backend((params, opt), second)
        assert layout(opt) == before
        params, opt, rest = problem.walk(row, opt, params, second, "float64", problem.STEPS - HALF)
    assert {um.engine_of(x).name for x in um.tree.leaves((params, opt))} == {second}
    together = {name: np.stack([x[name] for x in whole]) for name in whole[0]}
    # As against optax.
    bound = 1e-12 if ROWS[row].is_stable else 64 * problem.rounding(row, 2.0**-53)
    assert problem.distance(path + rest, together) <= bound


@pytest.mark.thin(60)
@pytest.mark.needs("torch")
@pytest.mark.parametrize("row", ROWS)
def test_the_second_step_is_not_traced(backend, row):
    with um.use_x64():
        opt, params = began(row, backend, "float64")
        step, path = um.jit(problem.step, compiler="graph"), []
        for _ in range(3):
            params, opt = step(opt, params, *data(backend, "float64"))
            path.append(problem.host(params))
        expected = problem.ours(row, "torch", "float64", steps=3)[2]
    assert step.trace_count == 1
    # Three steps; compilers contract products and sums.
    assert problem.distance(path, {name: np.stack([x[name] for x in expected]) for name in path[0]}) <= 1e-12


# Dtypes and edges -----------------------------------------------------------------------------------------------------


@pytest.mark.thin(40)
@pytest.mark.parametrize("row", ROWS)
def test_dtypes_of_parameters_and_states_stay(any_backend, row):
    dtypes = dict(zip(problem.start(), ("float64", "bfloat16", "float16", "float32", "bfloat16"), strict=True))
    with um.use_x64():
        params = {
            name: unp.asarray(x, dtype=dtypes[name], backend=any_backend) for name, x in problem.start(row).items()
        }
        opt = ROWS[row].ours().init(params)
        before = layout(opt)
        if is_refused(row, opt, params):
            return
        for _ in range(2):
            given = extras(opt, params, any_backend)
            if "value_fn" in given:
                given["value_fn"] = lambda params: unp.sum(unp.astype(params["q"], "float32") ** 2)
            params, opt = opt.step(params, params, **given)
    assert {name: str(um.dtype_of(x)) for name, x in params.items()} == dtypes
    assert layout(opt) == before


@pytest.mark.thin(40)
@pytest.mark.parametrize("row", ROWS)
def test_gradients_of_zero(any_backend, row):
    opt, params = began(row, any_backend)
    if is_refused(row, opt, params):
        return
    for _ in range(2):
        given = extras(opt, params, any_backend)
        params, opt = opt.step(params, um.tree.map(unp.zeros_like, params), **given)
    # "inf" stands for "not yet" in some states.
    assert not any(np.isnan(x).any() for x in numbers((params, opt)))
    assert all(np.isfinite(x).all() for x in numbers(params))


@pytest.mark.thin(40)
@pytest.mark.parametrize("row", ROWS)
def test_gradients_that_are_not_numbers_leave_no_trace(any_backend, row):
    opt, params = began(row, any_backend)
    if is_refused(row, opt, params):
        return
    guarded = um.optim.apply_if_finite(ROWS[row].ours(), 3).init(params)
    given = extras(opt, params, any_backend)
    bad = um.tree.map(lambda x: x * float("nan"), params)
    same, after = guarded.step(params, bad, **given)
    assert_same(same, params)
    assert_same(after.inner, guarded.inner)
    # A scale that comes last is multiplied and added in one rounding; a wrapper's update is rounded before.
    for one, two in zip(
        numbers(after.step(same, params, **given)[0]), numbers(opt.step(params, params, **given)[0]), strict=True
    ):
        assert (one.dtype, one.shape) == (two.dtype, two.shape)
        np.testing.assert_allclose(one, two, rtol=2.0**-23, atol=2.0**-24)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("row", FREE)
def test_no_parameters(row):
    with um.use_backend("torch"):
        opt = ROWS[row].ours().init({})
        zero = unp.asarray(0.0)
        given = {"value": zero, "value_fn": lambda params: zero}
        found, _ = opt.step({}, {}, **{name: x for name, x in given.items() if name in set(opt.hyperparameters())})
    assert found == {}


class Tied(um.Module):
    def __init__(self):
        self.a, self.b, self.c = um.nn.Linear(3, 3), um.nn.Linear(3, 3), um.nn.Linear(3, 1)
        self.b.kernel = self.a.share("kernel")

    def __call__(self, x):
        return self.c(unp.tanh(self.b(unp.tanh(self.a(x)))))


@pytest.mark.thin(40)
@pytest.mark.parametrize("row", [row for row in FREE if "function" not in row and "muon" not in row])
def test_frozen_leaves_stay_and_shared_ones_are_one(any_backend, row):
    if row in ("masked[prefix]", "scale_by_shape", "stateless", "custom", "keep_params_nonnegative", "set_to_zero"):
        return  # of the names of the problem, or what moves nothing
    with um.use_x64():  # for what keeps a state in float64
        check_frozen(any_backend, row)


def check_frozen(any_backend, row):
    net = Tied().init(0)
    net.c.freeze(inplace=True)
    opt = ROWS[row].ours().init(net)
    assert len(um.tree.leaves(trainable(net))) == 3  # one kernel and two biases
    if is_refused(row, opt, net):
        return
    given = extras(opt, net, any_backend)
    if "value_fn" in given:
        given["value_fn"] = lambda net: unp.sum(net.a.kernel * net.a.kernel)
    new = net
    for _ in range(3):
        grads = um.tree.map(lambda x: x + 1.0, trainable(new))
        new, opt = opt.step(new, grads, **given)
    assert new.b.kernel is new.a.kernel
    assert new.c.kernel is net.c.kernel
    assert new.c.bias is net.c.bias
    assert np.any(numbers(new.a.kernel)[0] != numbers(net.a.kernel)[0])


# A rate of several parts, under another name, of a schedule that would have begun lower, or used by ``init`` alone.
UNRATED = {"partition", "multi_transform", "schedule_free", "schedule_free_sgd[warmup]"}
UNRATED |= {"polyak_sgd", "polyak_sgd[options]", "rprop", "rprop[options]", "scale_by_rprop"}
RATED = [row for row in ROWS if ROWS[row].rate and row not in UNRATED]

# One step -------------------------------------------------------------------------------------------------------------


@pytest.mark.needs("torch")
@pytest.mark.parametrize("row", RATED)
def test_a_learning_rate_for_one_step(row):
    opt, params = began(row, "torch", "float64")
    twice = ROWS[row].ours(2 * ROWS[row].rate).init(params)
    x, y = params, params
    for _ in range(3):
        grads = problem.slope(unp, x, *data("torch", "float64"))
        x, opt = opt.step(x, grads, learning_rate=2 * ROWS[row].rate, **extras(opt, x, "torch"))
        y, twice = twice.step(y, grads, **extras(twice, y, "torch"))
    assert_same(x, y)


TEXTS: dict = {}


@pytest.mark.thin(24)
@pytest.mark.parametrize("row", ROWS)
def test_bad_input_is_refused_alike(any_backend, row):
    opt, params = began(row, any_backend)
    given = extras(opt, params, any_backend)
    other = {**params, "s": [params["s"]]}
    calls = {
        "structure": lambda: opt.update(other, params, **given),
        "missing": lambda: opt.update({name: x for name, x in params.items() if name != "v"}, params, **given),
        "unknown": lambda: opt.step(params, params, lerning_rate=0.1, **given),
        "parameters": lambda: None if row in OWN else opt.update(params, **given),
        "fresh": lambda: ROWS[row].ours().update(params, params, **given),
    }
    found = {name: outcome(call) for name, call in calls.items()}
    assert found["structure"][0] is TreeError
    assert "s" in found["structure"][1]
    assert found["missing"][0] is TreeError
    assert ".v" in found["missing"][1]
    assert found["unknown"][0] is DTypeError
    assert found["parameters"][0] in (None, OptionError)
    assert found["fresh"][0] in (None, NotInitializedError)
    if opt.state_dict():
        stranger = um.optim.ema(0.5).init({"else": params["q"]})
        found["state"] = outcome(lambda: opt.load_state_dict(stranger.state_dict()))
        assert found["state"][0] is StateDictError
    assert TEXTS.setdefault(row, found) == found


def outcome(call):
    """Class and text of the error, without the name of the engine; None of none."""
    try:
        call()
    except um.errors.UnimodError as error:
        text = str(error)
        for name in ("jax", "torch", "numpy"):
            text = text.replace(f" on {name}", "")
        return type(error), text
    return None, ""


def test_masks_name_the_parameters_of_the_problem():
    assert set(MASK) == set(problem.start())
