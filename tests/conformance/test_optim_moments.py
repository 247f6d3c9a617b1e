"""Adam and its relatives, adaptive and sign optimizers against optax, in fifty steps of three problems at once.

The parameters are those of a quadratic, of Rosenbrock's function and of a small network; the gradients are written by
hand, so that they are the same on every engine.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp

STEPS = 50

CASES = {
    "adam": lambda o: o.adam(1e-2),
    "adam options": lambda o: o.adam(1e-2, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4),
    "adamw": lambda o: o.adamw(1e-2, weight_decay=0.1),
    "nadam": lambda o: o.nadam(1e-2),
    "nadamw": lambda o: o.nadamw(1e-2, weight_decay=0.1),
    "radam": lambda o: o.radam(1e-2),
    "radam options": lambda o: o.radam(1e-2, b2=0.9, eps_root=1e-6, threshold=8.0, nesterov=True),
    "adamax": lambda o: o.adamax(1e-2),
    "adamaxw": lambda o: o.adamaxw(1e-2, weight_decay=0.1),
    "amsgrad": lambda o: o.amsgrad(1e-2, b2=0.9),
    "amsgrad of the paper": lambda o: o.amsgrad(1e-2, b2=0.9, bias_correction_mu=False, bias_correction_nu=False),
    "adabelief": lambda o: o.adabelief(1e-2, eps_root=1e-10),
    "adabelief nesterov": lambda o: o.adabelief(1e-2, eps_root=1e-10, nesterov=True),
    "adan": lambda o: o.adan(1e-2, weight_decay=0.1),
    "yogi": lambda o: o.yogi(1e-2),
    "novograd": lambda o: o.novograd(1e-2, weight_decay=0.1, eps_root=1e-6),
    "lion": lambda o: o.lion(1e-3, weight_decay=0.1),
    "lion smooth": lambda o: o.chain(o.scale_by_lion(mode="smooth", smooth_beta=3.0), o.scale(-1e-3)),
    "lion refined": lambda o: o.chain(o.scale_by_lion(mode="refined"), o.scale(-1e-3)),
    "adagrad": lambda o: o.adagrad(1e-1),
    "adadelta": lambda o: o.adadelta(1.0, weight_decay=0.01),
    "rmsprop": lambda o: o.rmsprop(1e-3),
    "rmsprop outside": lambda o: o.rmsprop(1e-3, eps_in_sqrt=False, initial_scale=0.5),
    "rmsprop corrected": lambda o: o.rmsprop(1e-3, bias_correction=True),
    "rmsprop momentum": lambda o: o.rmsprop(1e-3, momentum=0.9, nesterov=True),
    "rmsprop centered": lambda o: o.rmsprop(1e-3, centered=True, eps=1e-3),
    "rmsprop centered corrected": lambda o: o.rmsprop(1e-3, centered=True, bias_correction=True, eps=1e-3),
    "rprop": lambda o: o.rprop(1e-3),
    "sign_sgd": lambda o: o.sign_sgd(1e-3),
    "decay of some": lambda o: o.chain(o.add_decayed_weights(0.1, MASK), o.scale(-1e-3)),
    "decay by a function": lambda o: o.adamw(1e-2, weight_decay=0.1, mask=matrices),
}
WITHOUT_AXES = {**CASES, "sm3": lambda o: o.sm3(1e-1)}
"""Those of optax for parameters that all have axes."""
MAIN = [case for case in WITHOUT_AXES if " " not in case]
"""One row for each optimizer."""

MASK = {"q": True, "r": False, "s": False, "v": True, "w": True}


def matrices(params):
    return {name: x.ndim > 1 for name, x in params.items()}


def start(case: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    params = {
        "q": rng.normal(size=3),
        "r": np.asarray([-1.2, 1.0]),
        "s": rng.normal(size=() if case in CASES else 1),
        "v": rng.normal(size=(4, 1)),
        "w": rng.normal(size=(3, 4)),
    }
    return params


def slope(params):
    """The gradients of the three functions (of a 400th of Rosenbrock's), and of ``s**4 / 4``."""
    like = params["w"]
    x = unp.reshape(
        unp.asarray(np.linspace(-1.0, 1.0, 18).reshape(6, 3), dtype=like.dtype, backend=name_of(like)), (6, 3)
    )
    a, b = params["r"][0], params["r"][1]
    hidden = unp.tanh(unp.matmul(x, params["w"]))
    rest = (unp.matmul(hidden, params["v"]) - x[:, :1] * x[:, 1:2]) / 3.0
    back = unp.matmul(rest, unp.matrix_transpose(params["v"])) * (1.0 - unp.square(hidden))
    return {
        "q": params["q"] * 3.0 - 1.0,
        "r": unp.stack([a * (a * a - b) - (1.0 - a) / 200.0, (b - a * a) / 2.0]),
        "s": params["s"] * params["s"] * params["s"],
        "v": unp.matmul(unp.matrix_transpose(hidden), rest),
        "w": unp.matmul(unp.matrix_transpose(x), back),
    }


def name_of(x):
    return um.engine_of(x).name


def cast(case, backend, dtype):
    return {name: unp.asarray(x, dtype=dtype, backend=backend) for name, x in start(case).items()}


def stepper(backend):
    """One step, jitted where operations one by one are slow."""

    def step(opt, x):
        return opt.step(x, slope(x))

    return um.jit(step) if backend == "jax" else step


def run(case, backend, dtype, steps=STEPS):
    x = cast(case, backend, dtype)
    opt, step = WITHOUT_AXES[case](um.optim).init(x), stepper(backend)
    for _ in range(steps):
        x, opt = step(opt, x)
    assert getattr(step, "trace_count", 1) == 1
    assert {um.dtype_of(leaf) for leaf in x.values()} == {dtype}
    assert {name_of(leaf) for leaf in um.tree.leaves((x, opt))} == {backend}
    return x, opt


def host(tree):
    return [um.to_backend(leaf, "numpy") for leaf in um.tree.leaves(tree)]


@functools.cache
def with_optax(case):
    """The parameters after fifty steps of optax in float64, and the leaves of its state."""
    import jax
    import jax.numpy as jnp
    import optax

    with jax.enable_x64(True):
        opt, x = WITHOUT_AXES[case](optax), {k: jnp.asarray(v) for k, v in start(case).items()}

        @jax.jit
        def step(x, state):
            updates, state = opt.update(slope(x), state, x)
            return optax.apply_updates(x, updates), state

        state = opt.init(x)
        for _ in range(STEPS):
            x, state = step(x, state)
        return {name: np.asarray(leaf) for name, leaf in x.items()}, [
            np.asarray(leaf) for leaf in jax.tree.leaves(state)
        ]


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", WITHOUT_AXES)
def test_parameters_and_state_are_those_of_optax(backend, case):
    import jax

    with jax.enable_x64(True):
        x, opt = run(case, backend, "float64")
        expected, state = with_optax(case)
    for name, leaf in expected.items():
        # The same formula in float64; Rosenbrock's function makes 1e-16 a few hundred times larger in fifty steps.
        np.testing.assert_allclose(host(x[name])[0], leaf, rtol=1e-12, atol=1e-12, err_msg=name)
    found = host(opt)
    assert sorted((leaf.shape, str(leaf.dtype)) for leaf in found) == sorted((y.shape, str(y.dtype)) for y in state)


# The gradients are rounded in each of fifty steps, and Rosenbrock's function and the quotients of small numbers by
# their roots at the first steps make these roundings, 1.2e-7 of the parameters, some hundred times larger.
ATOL32 = 2e-4


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", MAIN)
def test_float32_is_near_optax_in_float64(backend, case):
    x, _ = run(case, backend, "float32")
    for name, leaf in with_optax(case)[0].items():
        np.testing.assert_allclose(host(x[name])[0], leaf, rtol=ATOL32, atol=ATOL32, err_msg=name)


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("case", ["nadam", "radam", "adan", "novograd", "rmsprop corrected", "rprop", "sm3"])
def test_a_run_moves_to_another_engine_half_way(case):
    results = []
    for first, second in (("torch", "torch"), ("torch", "jax"), ("jax", "torch")):
        x, opt = run(case, first, "float32", 10)
        x, opt = um.to_backend((x, opt), second)
        for _ in range(10):
            x, opt = opt.step(x, slope(x))
        results.append(host(x))
        assert {name_of(leaf) for leaf in um.tree.leaves(opt)} == {second}
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_allclose(two, one, rtol=ATOL32, atol=ATOL32)
