"""Searches along lines in traces and of modules, what is missing or does not exist, averages, and noise."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.errors import DTypeError, OptionError

pytestmark = pytest.mark.thin(6)


def cast(tree, dtype, backend=None):
    return {name: um.numpy.asarray(x, dtype=dtype, backend=backend) for name, x in tree.items()}


# Polyak's step, and searches -----------------------------------------------------------------------------------------


def valley(x):
    """Rosenbrock's function, and a parabola."""
    a, unp = x["a"], um.numpy
    bent = 100.0 * unp.square(a[1:] - a[:-1] * a[:-1]) + unp.square(1.0 - a[:-1])
    return unp.sum(bent) + unp.square(x["b"] - 1.0)


VALLEY = {"a": np.asarray([-1.2, 1.0, 0.5]), "b": np.asarray(3.0)}

SEARCHES = {
    "backtracking": lambda o: o.chain(o.scale(-1e-3), o.scale_by_backtracking_linesearch(8, max_learning_rate=4.0)),
    "zoom": lambda o: o.chain(o.scale(-1e-2), o.scale_by_zoom_linesearch(6, max_learning_rate=4.0)),
}


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
    x = cast(VALLEY, "float32")
    by_key = um.optim.add_noise(0.1, 0.5, um.random.key(5)).init(x).update(x)[0]
    by_seed = um.optim.add_noise(0.1, 0.5, 5).init(x).update(x)[0]
    other = um.optim.add_noise(0.1, 0.5, 6).init(x).update(x)[0]
    host = lambda tree: [um.to_backend(leaf, "numpy").tolist() for leaf in tree.values()]  # noqa: E731
    assert host(by_key) == host(by_seed) != host(other)
