"""Optimizers and schedules of the frameworks as functions, against the frameworks used by hand."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapabilityError, DTypeError, MixedBackendError, OptionError, TreeError

pytestmark = pytest.mark.thin(3)

STEPS = 5


def start(count=2):
    rng = np.random.default_rng(count)
    return {f"p{i}": rng.normal(size=(i % 3, 2)[: i % 3]).astype(np.float32) for i in range(count)}


def slopes(count=2):
    rng = np.random.default_rng(count + 100)
    return [
        {name: rng.normal(size=x.shape).astype(np.float32) for name, x in start(count).items()} for _ in range(STEPS)
    ]


def brought(tree, backend):
    return um.tree.map(lambda x: um.numpy.asarray(x, dtype="float32", backend=backend), tree)


def host(tree):
    return [um.to_backend(leaf, "numpy") if um.is_array(leaf) else leaf for leaf in um.tree.leaves(tree)]


def assert_equal(tree, other):
    for one, two in zip(host(tree), host(other), strict=True):
        np.testing.assert_array_equal(one, two)


def run(optimizer, backend, count=2, **hyper):
    params = brought(start(count), backend)
    state = optimizer.init(params)
    for grads in slopes(count):
        params, state = optimizer.step(params, brought(grads, backend), state, **hyper)
    return params, state


def loss(params):
    """A quadratic with its minimum at 1, 2, 3, ..."""
    found = um.tree.leaves(params)
    return sum(um.numpy.sum((x - float(i + 1)) ** 2) * (i + 1.0) for i, x in enumerate(found))


# torch ----------------------------------------------------------------------------------------------------------------

TORCH = {
    "SGD": {"lr": 0.1},
    "SGD momentum": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "Adam": {"lr": 0.1},
    "Adam amsgrad": {"lr": 0.1, "amsgrad": True},
    "AdamW": {"lr": 0.1},
    "RMSprop": {"lr": 0.1, "momentum": 0.5, "centered": True},
    "Adagrad": {"lr": 0.1, "initial_accumulator_value": 0.1},
    "ASGD": {"lr": 0.1},
}


def native(case, count, **changed):
    import torch

    params = {name: torch.tensor(x, requires_grad=True) for name, x in start(count).items()}
    optimizer = getattr(torch.optim, case.split()[0])(list(params.values()), **{**TORCH[case], **changed})
    for grads in slopes(count):
        for name, x in params.items():
            x.grad = torch.tensor(grads[name])
        optimizer.step()
    return um.tree.map(lambda x: x.detach(), params)


def of_torch(case):
    import torch

    return um.functional_optimizer(getattr(torch.optim, case.split()[0]), **TORCH[case])


@pytest.mark.needs("torch")
@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("case", TORCH)
def test_torch_by_hand(case, count):
    params, state = run(of_torch(case), "torch", count)
    # The same operations on the same numbers.
    assert_equal(params, native(case, count))
    assert {type(leaf).__module__ for leaf in um.tree.leaves(params)} == {"torch"}
    assert not any(leaf.requires_grad for leaf in um.tree.leaves(params))
    assert len(state) == count


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", ["SGD", "Adam"])
def test_options_for_one_step_of_torch(case):
    import torch

    for lr in (0.3, torch.tensor(0.3, dtype=torch.float64)):
        params, _ = run(of_torch(case), "torch", lr=lr)
        assert_equal(params, native(case, 2, lr=0.3))
    params, state = run(of_torch(case), "torch")
    one, _ = of_torch(case).step(params, params, state, lr=0.0)
    assert_equal(one, params)


@pytest.mark.needs("torch")
def test_lbfgs_looks_at_several_points():
    import torch

    optimizer = um.functional_optimizer(torch.optim.LBFGS, line_search_fn="strong_wolfe")
    params = brought(start(3), "torch")
    state, begin = optimizer.init(params), params
    for _ in range(3):
        grads = um.grad(loss)(params)
        params, state = optimizer.step(params, grads, state, value_and_grad=um.value_and_grad(loss))
    # Its formula ends within the roundings of a quadratic of this size.
    assert float(loss(params)) < 1e-9 < float(loss(begin))
    with pytest.raises(OptionError, match="several points"):
        optimizer.step(params, params, state)

    leaves = [torch.tensor(x, requires_grad=True) for x in start(3).values()]
    by_hand = torch.optim.LBFGS(leaves, line_search_fn="strong_wolfe")

    def closure():
        by_hand.zero_grad()
        value = loss(leaves)
        value.backward()
        return value

    for _ in range(3):
        by_hand.step(closure)
    for one, two in zip(host(params), leaves, strict=True):
        np.testing.assert_allclose(one, two.detach().numpy(), rtol=1e-4)


@pytest.mark.needs("torch")
def test_steps_of_torch_are_refused_in_transforms():
    import torch

    optimizer = of_torch("Adam")
    params = brought(start(), "torch")
    state = optimizer.init(params)

    def after(params):
        return loss(optimizer.step(params, params, state)[0])

    for transformed in (um.grad(after), um.jit(after, compiler="graph"), torch.func.grad(after)):
        with pytest.raises(CapabilityError, match=r"um\.optim\.adam"):
            transformed(params)


@pytest.mark.needs("torch")
def test_an_unknown_option_of_torch_is_named():
    params = brought(start(), "torch")
    optimizer = of_torch("SGD")
    with pytest.raises(OptionError, match="SGD has no option 'beta'"):
        optimizer.step(params, params, optimizer.init(params), beta=0.1)


# optax ----------------------------------------------------------------------------------------------------------------

OPTAX = {
    "adam": (lambda o: (o.adam, {"learning_rate": 0.1}), lambda o: o.adam(0.1)),
    "lr": (lambda o: (o.adamw, {"lr": 0.1}), lambda o: o.adamw(0.1)),
    "made": (lambda o: (o.adam(0.1), {}), lambda o: o.adam(0.1)),
    "chain": (
        lambda o: (o.chain(o.clip_by_global_norm(1.0), o.sgd(0.1, momentum=0.9)), {}),
        lambda o: o.chain(o.clip_by_global_norm(1.0), o.sgd(0.1, momentum=0.9)),
    ),
    "mask": (
        lambda o: (o.masked(o.sgd(0.1), lambda tree: {name: name == "p0" for name in tree}), {}),
        lambda o: o.masked(o.sgd(0.1), lambda tree: {name: name == "p0" for name in tree}),
    ),
}


def of_optax(case):
    import optax

    target, options = OPTAX[case][0](optax)
    return um.functional_optimizer(target, **options)


def with_optax(case, count):
    import optax

    optimizer = OPTAX[case][1](optax)
    params = brought(start(count), "jax")
    state = optimizer.init(params)
    for grads in slopes(count):
        updates, state = optimizer.update(brought(grads, "jax"), state, params)
        params = optax.apply_updates(params, updates)
    return params, state


@pytest.mark.needs("jax")
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("case", OPTAX)
def test_optax_by_hand(case, count):
    params, state = run(of_optax(case), "jax", count)
    expected, state_expected = with_optax(case, count)
    assert_equal(params, expected)
    assert um.tree.structure(state) is um.tree.structure(state_expected)


@pytest.mark.needs("jax")
def test_options_for_one_step_of_optax():
    import optax

    expected, _ = with_optax("adam", 2)
    slow = um.functional_optimizer(optax.adam, learning_rate=5.0)
    assert_equal(run(slow, "jax", lr=0.1)[0], expected)
    injected = um.functional_optimizer(optax.inject_hyperparams(optax.adam)(learning_rate=5.0))
    params, state = run(injected, "jax", learning_rate=0.1)
    for one, two in zip(host(params), host(expected), strict=True):
        # There b2 is an array in float32: the corrections of Adam lose up to 2e-5 of steps of 0.1.
        np.testing.assert_allclose(one, two, atol=1e-5)
    assert float(state.hyperparams["learning_rate"]) == 5.0
    with pytest.raises(CapabilityError, match="made already"):
        run(of_optax("made"), "jax", learning_rate=0.1)
    with pytest.raises(OptionError, match="no option 'beta'"):
        run(of_optax("adam"), "jax", beta=0.1)


@pytest.mark.needs("jax")
def test_steps_of_optax_are_traced_and_differentiated():
    optimizer = of_optax("adam")
    params = brought(start(), "jax")
    state = optimizer.init(params)
    step = um.jit(lambda p, g, s: optimizer.step(p, g, s))
    for grads in slopes():
        params, state = step(params, brought(grads, "jax"), state)
    assert step.trace_count == 1
    for one, two in zip(host(params), host(with_optax("adam", 2)[0]), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5)  # XLA fuses what optax's own steps do one by one

    def after(lr):
        return loss(optimizer.step(params, params, optimizer.init(params), lr=lr)[0])

    by = um.grad(after)(um.numpy.asarray(0.1))
    near = (float(after(0.101)) - float(after(0.099))) / 0.002
    assert float(by) == pytest.approx(near, rel=1e-2)  # central differences of float32


@pytest.mark.needs("jax")
def test_line_searches_of_optax():
    import optax

    optimizer = um.functional_optimizer(optax.lbfgs)
    params = brought(start(3), "jax")
    state, begin = optimizer.init(params), params
    for _ in range(3):
        value_and_grad = um.value_and_grad(loss)
        params, state = optimizer.step(params, um.grad(loss)(params), state, value_and_grad=value_and_grad)
    assert float(loss(params)) < 1e-2 * float(loss(begin))


# Both, and those of unimod --------------------------------------------------------------------------------------------


def any_optimizer(backend):
    if backend == "numpy":
        return um.functional_optimizer(um.optim.adam, lr=0.1)
    return of_torch("Adam") if backend == "torch" else of_optax("adam")


def test_nothing_that_goes_in_is_changed(any_backend):
    optimizer = any_optimizer(any_backend)
    params, grads = brought(start(), any_backend), brought(slopes()[0], any_backend)
    state = optimizer.init(params)
    for _ in range(2):
        before = copy.deepcopy((params, grads, state))
        new, after = optimizer.step(params, grads, state)
        optimizer.compute_update(params, grads, state)
        assert_equal((params, grads, state), before)
        for leaf, old in zip(um.tree.leaves((new, after)), um.tree.leaves((params, state)), strict=False):
            assert leaf is not old or not um.is_array(leaf)
        params, state = new, after


def test_updates_are_what_is_added(any_backend):
    optimizer = any_optimizer(any_backend)
    params, state = run(optimizer, any_backend)
    grads = brought(slopes()[0], any_backend)
    updates, one = optimizer.compute_update(params, grads, state)
    new, two = optimizer.step(params, grads, state)
    assert_equal(one, two)
    for update, before, after in zip(host(updates), host(params), host(new), strict=True):
        assert update.dtype == np.float32
        # One rounding of a number of the size of the parameters.
        np.testing.assert_allclose(before + update, after, rtol=3e-7, atol=3e-7)


def test_a_state_is_saved_copied_and_moved(any_backend):
    optimizer = any_optimizer(any_backend)
    params, state = run(optimizer, any_backend)
    expected = optimizer.step(params, params, state)
    moved = um.to_backend(um.to_backend(state, "numpy"), any_backend)
    for other in (pickle.loads(pickle.dumps(state)), copy.deepcopy(state), moved):
        assert_equal(optimizer.step(params, params, other), expected)


def test_two_states_do_not_meet(any_backend):
    optimizer = any_optimizer(any_backend)
    params, _ = run(optimizer, any_backend)
    other = run(optimizer, any_backend, 7)
    assert_equal(run(optimizer, any_backend)[0], params)
    assert len(um.tree.leaves(other[0])) == 7


def test_the_trainable_parameters_of_a_module(any_backend):
    optimizer = any_optimizer(any_backend)
    model = um.nn.Sequential(um.nn.Linear(2, 2), um.nn.BatchNorm(2), um.nn.Linear(2, 1)).init(0, backend=any_backend)
    model[0].freeze(inplace=True)
    state = optimizer.init(model)
    grads = um.tree.map(lambda x: x * 0 + 1, model.parameters())
    new, state = optimizer.step(model, grads, state)
    assert um.tree.structure(new) is um.tree.structure(model)
    assert new[0].kernel is model[0].kernel
    assert new[1].mean is model[1].mean
    # Adam's first step is the rate.
    np.testing.assert_allclose(host(new[2].bias), host(model[2].bias - 0.1), rtol=1e-5)


def test_an_empty_tree(any_backend):
    optimizer = any_optimizer(any_backend)
    new, _ = optimizer.step({}, {}, optimizer.init({}))
    assert new == {}


def test_gradients_of_another_structure_are_refused(any_backend):
    optimizer = any_optimizer(any_backend)
    params = brought(start(), any_backend)
    with pytest.raises(TreeError, match="p1"):
        optimizer.step(params, {"p0": params["p0"]}, optimizer.init(params))


@pytest.mark.needs("jax", "torch")
def test_arrays_of_another_engine_are_refused():
    import optax
    import torch

    adam, named = r"um\.optim\.adam works on every engine", "works on arrays of"
    for target, backend, match in (
        (optax.adam, "torch", adam),
        (torch.optim.Adam, "jax", adam),
        (torch.optim.Adam, "numpy", adam),
        (optax.adam(0.1), "torch", named),
    ):
        options = {} if isinstance(target, tuple) else {"lr": 0.1}
        optimizer = um.functional_optimizer(target, **options)
        with pytest.raises(CapabilityError, match=match):
            optimizer.init(brought(start(), backend))
    optimizer = of_torch("Adam")
    params = brought(start(), "torch")
    with pytest.raises(MixedBackendError):
        optimizer.step(params, brought(start(), "jax"), optimizer.init(params))


def test_optimizers_of_unimod(any_backend):
    expected = um.optim.adam(0.1).init(brought(start(), any_backend))
    x = brought(start(), any_backend)
    for grads in slopes():
        x, expected = expected.step(x, brought(grads, any_backend))
    for optimizer in (um.functional_optimizer(um.optim.adam, lr=0.1), um.functional_optimizer(um.optim.adam(0.1))):
        assert_equal(run(optimizer, any_backend)[0], x)
    slow = um.functional_optimizer(um.optim.adam, learning_rate=7.0)
    for one, two in zip(host(run(slow, any_backend, lr=0.1)[0]), host(x), strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_is_no_optimizer():
    for wrong in (3, int, lambda: 3):
        with pytest.raises(DTypeError, match="functional_optimizer takes"):
            um.functional_optimizer(wrong)
    with pytest.raises(OptionError, match="made already"):
        um.functional_optimizer(um.optim.adam(0.1), lr=0.1)


# Schedules ------------------------------------------------------------------------------------------------------------


def torch_schedule(**options):
    import torch

    return um.functional_schedule(
        torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda step: 1 / (step + 1), initial_lr=0.1, **options
    )


@pytest.mark.needs("torch")
def test_a_schedule_of_torch(any_backend):
    schedule = torch_schedule()
    # In any order, more than once.
    assert [schedule(step) for step in (3, 0, 1, 3)] == [0.1 / 4, 0.1, 0.05, 0.1 / 4]
    assert schedule(um.numpy.asarray(4, dtype="int32")) == 0.1 * (1 / 5)
    x = brought(start(), any_backend)
    opt = um.optim.sgd(schedule).init(x)
    _, opt = opt.step(x, x)
    assert opt[-1].learning_rate == 0.05
    with pytest.raises(OptionError, match="Steps count"):
        schedule(-1)


@pytest.mark.needs("torch")
def test_a_rate_for_each_step():
    import torch

    optimizer = um.functional_optimizer(torch.optim.SGD, lr=0.0)
    schedule = torch_schedule()
    x = torch.tensor(3.0)
    state = optimizer.init(x)
    for step in range(3):
        x, state = optimizer.step(x, um.grad(lambda x: x**2)(x), state, lr=schedule(step))
    assert float(x) == pytest.approx(3.0 * (1 - 0.2) * (1 - 0.1) * (1 - 0.2 / 3), rel=1e-6)


@pytest.mark.needs("torch")
def test_a_schedule_of_torch_under_a_trace(backend):
    steps = [um.numpy.asarray(step, dtype="int32") for step in (0, 2, 9)]
    table = um.jit(torch_schedule(num_steps=4), compiler="graph")
    np.testing.assert_allclose([float(table(step)) for step in steps], [0.1, 0.1 / 3, 0.1 / 4], rtol=1e-6)
    with pytest.raises(CapabilityError, match="num_steps"):
        um.jit(torch_schedule(), compiler="graph")(steps[0])


@pytest.mark.needs("torch")
def test_a_schedule_of_torch_that_needs_a_loss():
    import torch

    with pytest.raises(CapabilityError, match="ReduceLROnPlateau needs a loss"):
        um.functional_schedule(torch.optim.lr_scheduler.ReduceLROnPlateau)


@pytest.mark.needs("jax")
def test_a_schedule_of_optax(any_backend):
    import optax

    made = um.functional_schedule(optax.cosine_decay_schedule, init_value=0.1, decay_steps=10)
    for schedule in (made, um.functional_schedule(optax.cosine_decay_schedule(0.1, 10))):
        assert type(schedule(3)) is float
        assert schedule(3) == pytest.approx(um.optim.cosine_decay_schedule(0.1, 10)(3), rel=1e-6)
        at = schedule(um.numpy.asarray(3, dtype="int32"))
        assert float(at) == pytest.approx(schedule(3), rel=1e-6)
    if any_backend == "jax":
        assert float(um.jit(made)(um.numpy.asarray(3, dtype="int32"))) == pytest.approx(made(3), rel=1e-6)


def test_schedules_of_unimod_and_ones_own():
    assert um.functional_schedule(um.optim.step_schedule, init_value=1.0, step_size=2, decay_rate=0.5)(3) == 0.5
    assert um.functional_schedule(lambda step: 0.5 * step)(3) == 1.5
    for wrong in (3, int):
        with pytest.raises(DTypeError, match="functional_schedule takes"):
            um.functional_schedule(wrong)
