"""Learning a hyperparameter: the loss after ten inner steps, differentiated by the learning rate."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp

STEPS = 10
OPTIMIZERS = {
    "sgd": lambda o: o.sgd(0.1),
    "momentum": lambda o: o.sgd(0.1, 0.9, nesterov=True),
    "adam": lambda o: o.adam(0.1),
    "adamw": lambda o: o.adamw(0.1, weight_decay=0.1),
    "rmsprop": lambda o: o.rmsprop(0.1),
    "clipped": lambda o: o.chain(o.clip_by_global_norm(0.5), o.scale_by_learning_rate(0.1)),
}


def problem(backend, dtype):
    rng = np.random.default_rng(0)
    make = lambda *shape: unp.asarray(rng.normal(size=shape), dtype=dtype, backend=backend)  # noqa: E731
    return {"w": make(3, 2), "b": make(2)}, make(5, 3), make(5, 2)


def loss(params, x, y):
    return unp.mean(unp.square(unp.subtract(unp.add(unp.matmul(x, params["w"]), params["b"]), y)))


def after(rate, name, params, x, y):
    """The loss after the inner steps."""
    opt = OPTIMIZERS[name](um.optim).init(params)
    for _ in range(STEPS):
        params, opt = opt.step(params, um.grad(loss)(params, x, y), learning_rate=rate)
    return loss(params, x, y)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_learning_rate_is_learned_through_ten_steps(backend, name):
    with um.use_x64():
        params, x, y = problem(backend, "float64")
        at = lambda rate: unp.asarray(rate, dtype="float64", backend=backend)  # noqa: E731
        slope = um.jit(um.grad(lambda rate: after(rate, name, params, x, y)), compiler="graph")(at(0.05))
        run = um.jit(lambda rate: after(rate, name, params, x, y), compiler="graph")
        expected = (float(run(at(0.05 + 1e-5))) - float(run(at(0.05 - 1e-5)))) / 2e-5
    assert um.dtype_of(slope) == "float64"
    assert abs(expected) > 1e-3
    assert float(slope) == pytest.approx(expected, rel=1e-6)


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_both_engines_learn_the_same(name):
    slopes = []
    for backend in ("jax", "torch"):
        with um.use_x64():
            params, x, y = problem(backend, "float64")
            rate = unp.asarray(0.05, dtype="float64", backend=backend)
            slopes.append(float(um.jit(um.grad(after), static_argnums=1, compiler="graph")(rate, name, params, x, y)))
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-11)
