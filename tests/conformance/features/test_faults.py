"""Known faults of the predecessors, which are not to come back. Each runs on each engine."""

from __future__ import annotations

import functools
import pickle
import threading

import numpy as np
import pytest

import unimod as um
from tests.conformance.stateful_runs import array, batch, numbers
from unimod.errors import StateDictError, TreeError

pytestmark = pytest.mark.thin(1)  # a quick run takes all of them

jit = functools.partial(um.jit, compiler="graph")


def loss_fn(model, x):
    return um.numpy.mean(model(x) ** 2)


class Twice(um.Module):
    def __init__(self):
        self.first = um.nn.Linear(2, 2)
        self.layers = [self.first, self.first]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def test_a_leaf_in_a_static_place_is_an_error_and_not_lost(backend):
    model = um.nn.Linear(2, 1).init(0)
    model.hidden = frozenset([um.nn.Linear(2, 1).init(0)])
    with pytest.raises(TreeError, match="hidden in a static place"):
        model.parameters()


def test_a_state_dict_with_a_wrong_shape_is_refused_and_nothing_is_changed(backend):
    model = um.nn.Linear(2, 1).init(0)
    before = numbers(model.kernel)
    wrong = {"bias": model.bias + 1, "kernel": um.numpy.ones((1, 2))}
    with pytest.raises(StateDictError, match=r"kernel: f32\[1, 2\] instead of f32\[2, 1\]"):
        model.load_state_dict(wrong, inplace=True)
    assert (numbers(model.kernel), numbers(model.bias)) == (before, [0.0])


def test_models_and_optimizers_can_be_pickled_in_the_middle_of_training(backend):
    model = um.nn.Sequential(um.nn.Linear(2, 2), um.nn.BatchNorm(2)).init(0)
    opt = um.optim.adam(0.1).init(model.parameters())
    model, opt = um.apply_gradients(model, opt, um.grad(loss_fn)(model.eval(), batch()))
    again = pickle.loads(pickle.dumps((model, opt)))
    grads = um.grad(loss_fn)(model.eval(), batch())
    one, other = um.apply_gradients(model, opt, grads), um.apply_gradients(*again, grads)
    assert numbers(one[0][0].kernel) == numbers(other[0][0].kernel)


def test_a_shared_layer_is_initialised_once_and_its_gradients_add_up(backend):
    model = Twice().init(0)
    assert model.layers[0] is model.layers[1] is model.first
    assert list(model.state_dict()) == ["first.kernel", "first.bias"]
    new = jit(lambda model: model.map(lambda x: 2 * x))(model)
    assert new.layers[0] is new.layers[1]
    x, w = np.asarray(numbers(batch()), np.float64), np.asarray(numbers(model.first.kernel), np.float64)
    out = 2 * (x @ w @ w) / x.size
    expected = x.T @ (out @ w.T) + (x @ w).T @ out
    grads = um.grad(loss_fn)(model, batch())
    np.testing.assert_allclose(numbers(grads.first.kernel), expected, rtol=1e-5)


def test_a_copy_in_the_same_mode_needs_no_new_compile(backend):
    run = jit(lambda model, x: model(x))
    model = um.nn.Linear(2, 1).init(0)
    for copy in (model.freeze(), model.freeze().copy(), model.freeze().unfreeze().freeze(), model.freeze().eval()):
        run(copy, batch())
    assert run.trace_count == 2  # frozen in training mode, frozen in evaluation mode


def test_threads_do_not_start_from_the_same_seed(backend):
    found = []

    def draw():
        found.append(tuple(numbers(um.random.uniform(um.random.next_key(), (2,)))))

    um.seed(0)
    try:
        threads = [threading.Thread(target=draw) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        um.seed(None)
    assert len(set(found)) == 3


def test_the_variance_of_large_numbers_does_not_cancel(backend):
    x = array([[10000.0], [10001.0], [10002.0]])
    norm = um.nn.BatchNorm(1, decay=0.0).init(0)
    norm(x)
    np.testing.assert_allclose(numbers(norm.var), [2 / 3], rtol=1e-3)
    np.testing.assert_allclose(numbers(um.nn.LayerNorm(3).init(0)(x[:, 0])), [-1.2247, 0.0, 1.2247], atol=1e-3)


def test_schedules_start_at_step_0(backend):
    opt = um.optim.sgd(lambda step: 0.5 / (step + 1)).init(array(0.0))
    x = array(0.0)
    steps = []
    for _ in range(3):
        new, opt = opt.step(x, array(1.0))
        steps.append(numbers(x - new))
        x = new
    np.testing.assert_allclose(steps, [0.5, 0.25, 0.5 / 3], rtol=1e-6)


def test_the_state_of_an_optimizer_is_kept_from_step_to_step(backend):
    opt = um.Optimizer(um.optim.sgd(1.0, momentum=0.5)).init(array(0.0))
    first = opt.update(array(1.0), array(0.0))
    second = opt.update(array(1.0), first)
    assert (numbers(first), numbers(second)) == (-1.0, -2.5)


def test_gradients_do_not_go_through_a_stale_copy(backend):
    model = um.nn.Linear(1, 1, use_bias=False).init(0)

    def loss(params, model, x):
        return um.numpy.sum(model.update(params)(x))

    grads = um.grad(loss)(model.parameters(), model, array([[3.0]]))
    assert numbers(grads.kernel) == [[3.0]]


def test_an_average_of_a_whole_model_follows_it_and_keeps_its_structure(backend):
    model = um.nn.Sequential(um.nn.Linear(2, 2), um.nn.BatchNorm(2)).init(0)
    average = um.nn.EMA(0.5, debias=False).init(0, model)
    later = average(model.map(lambda x: x + 2))
    assert um.tree.structure(later) is um.tree.structure(model)
    np.testing.assert_allclose(numbers(later[0].bias), [1.0, 1.0])
    assert tuple(later.eval()(batch()).shape) == (4, 2)
