"""Layers, optimizers and first values in the stateful style, beside the module style."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.stateful as sf
from tests.conformance.stateful_runs import Compared, array, batch, numbers, zeros
from unimod.errors import NotInitializedError, OptionError, ShapeError, TreeError

compare = Compared(rtol=1e-4, atol=1e-5)
jit = functools.partial(um.jit, compiler="graph")


def close(one, other):
    np.testing.assert_allclose(numbers(one), numbers(other), rtol=1e-5, atol=1e-6)


class Plain(um.Module):
    def __init__(self):
        self.h1, self.h2 = um.nn.Linear(2, 8), um.nn.Linear(8, 1)

    def __call__(self, x):
        return self.h2(um.nn.tanh(self.h1(x)))


def net(x):
    return sf.get("h2", um.nn.Linear, None, 1)(um.nn.tanh(sf.get("h1", um.nn.Linear, None, 8)(x)))


def squares(y):
    return um.numpy.mean((y - 1.0) ** 2)


def test_the_same_net_learns_the_same_in_both_styles(backend):
    x = batch()
    model = Plain().init(3)
    opt = um.optim.sgd(0.05, momentum=0.9).init(model.parameters())
    trainer = sf.Optimizer(um.optim.sgd, 0.05, momentum=0.9, name="opt")
    step = sf.pure(lambda x: trainer(["h1", "h2"], lambda x: squares(net(x)), x))
    state, curve = sf.init(net)({}, x, seed=3), []
    for key, value in model.state_dict().items():
        assert numbers(state[key.replace(".", "/")]) == numbers(value)
    for number in range(3):
        loss, grads = um.value_and_grad(lambda model: squares(model(x)))(model)
        model, opt = um.apply_gradients(model, opt, grads)
        state, metrics = step(state, x, create=number == 0)
        close(metrics["loss"], loss)
        curve.append(loss)
    for key, value in model.state_dict().items():
        close(state[key.replace(".", "/")], value)
    compare("curve", backend, curve)


def test_first_values_depend_on_the_path_alone(backend):
    def more(x):
        sf.get("before", lambda: um.random.normal(sf.rng(), (3,)))
        return net(x)

    def drawn():
        return sf.get("w", lambda: um.random.normal(sf.rng(), (3,)))

    one, two = sf.init(net)({}, batch(), seed=5), sf.init(more)({}, batch(), seed=5)
    assert all(numbers(one[key]) == numbers(two[key]) for key in one)
    key = um.random.fold_in(um.random.key(5), um.random.stable_hash("w"))
    assert numbers(sf.init(drawn)({}, seed=5)["w"]) == numbers(um.random.normal(key, (3,)))


def norm(x, training):
    return sf.get("norm", um.nn.BatchNorm, 2).train(training)(x)


def test_statistics_are_written_back_and_read_in_evaluation(backend):
    x, plain = batch(), um.nn.BatchNorm(2).init(0)
    run = sf.pure(norm)
    state, y = run({}, x, True, seed=0, create=True)
    close(y, plain(x))
    for name, value in plain.state_dict().items():
        close(state[f"norm/{name}"], value)
    after, evaluated = run(state, x, False)
    assert all(after[key] is state[key] for key in state)
    close(evaluated, plain.eval()(x))
    with pytest.raises(OptionError, match="not to be modified"):
        run(state, x, True, modify=False)
    compiled, _ = jit(run, static_argnames=("training",))(state, x, True)
    compare("statistics", backend, (state, y, evaluated, compiled))


def test_gradients_leave_statistics_out(backend):
    def loss(x):
        return um.numpy.sum(norm(x, True) * x)

    state = sf.init(loss)({}, batch(), seed=0)
    new, (_, params, grads) = sf.pure(lambda x: sf.grad(loss, "norm")(x))(state, batch())
    assert sorted(params) == sorted(grads) == ["norm/bias", "norm/scale"]
    changed = sorted(key for key in state if numbers(state[key]) != numbers(new[key]))
    assert changed
    assert not set(changed) & set(params)
    compare("norm gradients", backend, (new, grads))


def test_dropout_draws_new_masks_and_moves_its_key(backend):
    def drop(x):
        return sf.get("drop", um.nn.Dropout, 0.5)(x)

    x = um.numpy.ones((4, 8))
    state, first = sf.pure(drop)({}, x, seed=1, create=True)
    state, second = sf.pure(drop)(state, x)
    assert numbers(first) != numbers(second)
    assert all(hasattr(value, "shape") for value in state.values())
    compare("dropout", backend, (state, first, second))


def test_a_module_that_has_values_gives_them(backend):
    trained = um.nn.Linear(2, 3).init(9)
    layer = sf.Layer(trained, name="head")
    state, y = sf.pure(layer)({}, batch(), create=True)
    assert numbers(state["head/kernel"]) == numbers(trained.kernel)
    close(y, trained(batch()))


def test_other_methods_of_a_layer(backend):
    cell = sf.Layer(um.nn.GRUCell, 2, 3, name="gru")

    def step(x):
        return cell.apply(lambda cell, x: cell(cell.initial_state(4), x)[0], x)

    state, h = sf.pure(step)({}, batch(), seed=0, create=True)
    assert tuple(h.shape) == (4, 3)
    assert all(key.startswith("gru/") for key in state)
    compare("gru", backend, h)


class Grows(um.Module):
    def __init__(self):
        self.w, self.cache = um.Parameter(um.numpy.ones(())), None

    def __call__(self, x):
        self.cache = x
        return self.w * x


def test_a_layer_that_changes_its_structure_is_refused(backend):
    with pytest.raises(TreeError, match="state would be lost"):
        sf.pure(sf.Layer(Grows, name="g"))({}, batch(), create=True)


def test_a_layer_that_asks_for_another_shape_is_told_which(backend):
    state = sf.init(sf.Layer(um.nn.Linear, 2, 3, name="l"))({}, batch(), seed=0)
    with pytest.raises(ShapeError, match="built for 2") as caught:
        sf.pure(sf.Layer(um.nn.Linear, 2, 3, name="l"))(state, batch(4, 3))
    assert "Linear" in caught.value.where
    del state["l/kernel"]
    with pytest.raises(NotInitializedError, match="l/kernel"):
        sf.pure(sf.Layer(um.nn.Linear, 2, 3, name="l"))(state, batch())


class Two(sf.Module):
    def __init__(self):
        self.opt = sf.Optimizer(um.optim.adam(0.1), name="opt")

    def loss(self):
        a, b = (self.get(name, um.numpy.ones, (2,)) for name in "ab")
        return um.numpy.sum(a * array([1.0, 2.0])) + um.numpy.sum(b**2)

    def train(self, names):
        return self.opt([f"{self.path}/{name}" for name in names], self.loss)["loss"]


def test_steps_on_some_parameters_keep_the_state_of_the_others_apart(backend):
    model = Two(name="m")
    state = sf.init(model.train)({}, "ab", seed=0)
    one, _ = sf.pure(model.train)(state, "a")
    changed = [key for key in state if numbers(state[key]) != numbers(one[key])]
    assert changed == ["m/a", *(f"m/opt/parts/0/{name}" for name in ("count", "mu/m/a", "nu/m/a"))]
    fresh = sf.init(model.train)({}, "a", seed=0)
    with pytest.raises(NotInitializedError, match="may be created"):
        sf.pure(model.train)(fresh, "b")


@pytest.mark.needs("jax")
def test_optax_itself_keeps_its_state():
    optax = pytest.importorskip("optax")
    with um.use_backend("jax"):
        found = []
        for make in (sf.FromOptax(optax.adam), sf.FromOptax(um.optim.adam)):
            opt = make(0.1, name="opt")
            step = sf.pure(lambda x, opt=opt: opt("w", lambda x: um.numpy.sum(sf.get("w", um.numpy.ones, (2,)) * x), x))
            state, x = {}, array([1.0, -2.0])
            for _ in range(3):
                state, _ = step(state, x, create=True)
            found.append(state)
        assert len([key for key in found[0] if key.startswith("opt/")]) == 3
        np.testing.assert_allclose(numbers(found[0]["w"]), numbers(found[1]["w"]), rtol=1e-5)


def test_the_state_of_an_optimizer_is_kept_from_step_to_step(backend):
    opt = sf.Optimizer(um.optim.sgd(0.1, momentum=0.9), name="opt")
    step = sf.pure(lambda: opt("w", lambda: sf.get("w", zeros) * 1.0))
    state, seen = {}, []
    for _ in range(3):
        state, _ = step(state, create=True)
        seen.append(numbers(state["w"]))
    np.testing.assert_allclose(seen, [-0.1, -0.29, -0.561], rtol=1e-6)


@pytest.mark.needs("torch")
def test_a_compiled_step_of_inductor_trains():
    with um.use_backend("torch"):
        model, x = Two(name="m"), ()
        state = sf.init(model.train)({}, "ab", seed=0)
        step = um.jit(sf.pure(lambda: model.train("ab")))
        plain, slow = sf.pure(lambda: model.train("ab"))(state, *x)
        fast, loss = step(state)
        close(loss, slow)
        for key in plain:
            close(fast[key], plain[key])


@pytest.mark.parametrize("compiled", [False, True])
def test_a_state_is_made_by_a_run_or_by_a_program(compiled, backend):
    """Functions with arguments that are no arrays too; entries that are there stay as they are."""
    model, known = Two(name="m"), array([3.0, 4.0])
    state = sf.init(model.train, compiled=compiled)({"m/a": known, "other": known}, "ab", seed=0)
    assert state["m/a"] is known
    assert state["other"] is known
    assert numbers(state["m/b"]) == [1.0, 1.0]
    compare("made", backend, state)
