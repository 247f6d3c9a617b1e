"""The optimizers against optax, torch.optim and each other, over fifty steps."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um

pytestmark = pytest.mark.thin(3)

STEPS = 50

# Adam's update is at most about one learning rate whatever the gradients, and its roundings do not grow: some 4 ULP of
# the parameter in each step, 50 steps, 1.2e-7 each. optax computes 1 - b2**t in float32, which costs it up to 2e-5 of
# the update in the first hundred steps; that, summed over 50 steps of 1e-2, is 1e-5.
ATOL32 = 3e-5
ATOL64 = 1e-12


def start() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=(3,)), "s": rng.normal(size=())}


def gradients() -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    return [
        {name: rng.normal(size=x.shape) * 10.0 ** rng.integers(-3, 2) for name, x in start().items()}
        for _ in range(STEPS)
    ]


def run(opt, backend: str, dtype: str = "float32", steps=gradients()) -> dict[str, np.ndarray]:  # noqa: B008
    cast = lambda tree: {k: um.numpy.asarray(v, dtype=dtype, backend=backend) for k, v in tree.items()}  # noqa: E731
    x = cast(start())
    opt = opt.init(x)
    for grads in steps:
        x, opt = opt.step(x, cast(grads))
    assert {um.dtype_of(leaf) for leaf in x.values()} == {dtype}
    assert {um.engine_of(leaf).name for leaf in x.values()} == {backend}
    return {name: um.to_backend(leaf, "numpy") for name, leaf in x.items()}


def schedule(count):
    return 0.1 / (1.0 + count)


CASES = {
    "sgd": (lambda o: o.sgd(0.1)),
    "sgd momentum": (lambda o: o.sgd(0.1, momentum=0.9)),
    "sgd nesterov": (lambda o: o.sgd(0.1, momentum=0.9, nesterov=True)),
    "adam": (lambda o: o.adam(1e-2)),
    "adam options": (lambda o: o.adam(1e-2, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4)),
    "adam nesterov": (lambda o: o.adam(1e-2, nesterov=True)),
    "adamw": (lambda o: o.adamw(1e-2, weight_decay=0.1)),
    "sgd schedule": (lambda o: o.sgd(schedule)),
    "adam schedule": (lambda o: o.adam(schedule)),
    "chain": (lambda o: o.chain(o.trace(decay=0.5), o.add_decayed_weights(0.1), o.scale(-0.01))),
}


def with_optax(case: str, dtype) -> dict[str, np.ndarray]:
    import jax
    import jax.numpy as jnp
    import optax

    cast = lambda tree: {k: jnp.asarray(v, dtype) for k, v in tree.items()}  # noqa: E731
    opt, x = CASES[case](optax), cast(start())

    @jax.jit
    def step(x, state, grads):
        updates, state = opt.update(grads, state, x)
        return optax.apply_updates(x, updates), state

    state = opt.init(x)
    for grads in gradients():
        x, state = step(x, state, cast(grads))
    return {name: np.asarray(leaf) for name, leaf in x.items()}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", CASES)
def test_against_optax_in_float32(backend, case):
    got, want = run(CASES[case](um.optim), backend), with_optax(case, "float32")
    for name, x in got.items():
        np.testing.assert_allclose(x, want[name], rtol=ATOL32, atol=ATOL32, err_msg=name)


# A schedule of an int32 counter computes in the default float of its engine, which is float32 on torch.
@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", [case for case in CASES if "schedule" not in case])
def test_against_optax_in_float64(backend, case):
    import jax

    with jax.enable_x64(True):
        got, want = run(CASES[case](um.optim), backend, "float64"), with_optax(case, "float64")
    for name, x in got.items():
        np.testing.assert_allclose(x, want[name], rtol=ATOL64, atol=ATOL64, err_msg=name)


TORCH = {
    "sgd": lambda torch, x: torch.optim.SGD(x, lr=0.1),
    "sgd momentum": lambda torch, x: torch.optim.SGD(x, lr=0.1, momentum=0.9),
    "sgd nesterov": lambda torch, x: torch.optim.SGD(x, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda torch, x: torch.optim.Adam(x, lr=1e-2),
    "adamw": lambda torch, x: torch.optim.AdamW(x, lr=1e-2, weight_decay=0.1),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", TORCH)
def test_against_the_optimizers_of_torch(case):
    import torch

    x = {name: torch.tensor(value, requires_grad=True) for name, value in start().items()}
    native = TORCH[case](torch, list(x.values()))
    for grads in gradients():
        for name, leaf in x.items():
            leaf.grad = torch.tensor(grads[name])
        native.step()
    got = run(CASES[case](um.optim), "torch", "float64")
    for name, value in got.items():
        # Both round in float64; torch adds the products of Adam in another order.
        np.testing.assert_allclose(value, x[name].detach().numpy(), rtol=ATOL64, atol=ATOL64, err_msg=name)


@pytest.mark.needs("jax", "torch", "numpy")
@pytest.mark.parametrize("case", CASES)
def test_the_engines_agree(case):
    results = {name: run(CASES[case](um.optim), name) for name in ("jax", "torch", "numpy")}
    for name in ("jax", "torch"):
        for leaf, x in results[name].items():
            # The same formula on every engine: a few ULP in each of 50 steps, of values up to about 10.
            np.testing.assert_allclose(x, results["numpy"][leaf], rtol=5e-6, atol=5e-6, err_msg=f"{name} {leaf}")


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("case", CASES)
def test_an_optimizer_changes_engines_in_mid_training(case):
    def halfway(first, second):
        x = {k: um.numpy.asarray(v, dtype="float32", backend=first) for k, v in start().items()}
        opt = CASES[case](um.optim).init(x)
        for number, grads in enumerate(gradients()):
            if number == STEPS // 2:
                x, opt = um.to_backend((x, opt), second)
                assert {um.engine_of(leaf).name for leaf in um.tree.leaves(opt)} <= {second}
            engine = um.engine_of(*x.values()).name
            x, opt = opt.step(x, {k: um.numpy.asarray(v, dtype="float32", backend=engine) for k, v in grads.items()})
        return {name: um.to_backend(leaf, "numpy") for name, leaf in x.items()}

    expected = run(CASES[case](um.optim), "torch")
    for first, second in (("jax", "torch"), ("torch", "jax")):
        for name, x in halfway(first, second).items():
            np.testing.assert_allclose(x, expected[name], rtol=5e-6, atol=5e-6, err_msg=f"{first} to {second}: {name}")


@pytest.mark.needs("jax")
def test_the_state_of_a_step_is_that_of_optax(backend):
    import jax.numpy as jnp
    import optax

    x, grads = start(), gradients()[0]
    cast = lambda tree: {k: um.numpy.asarray(v, dtype="float32") for k, v in tree.items()}  # noqa: E731
    _, opt = um.optim.adam(1e-2).init(cast(x)).step(cast(x), cast(grads))
    params = {k: jnp.asarray(v, "float32") for k, v in x.items()}
    theirs = optax.adam(1e-2)
    _, state = theirs.update({k: jnp.asarray(v, "float32") for k, v in grads.items()}, theirs.init(params))
    assert int(opt[0].count) == int(state[0].count) == 1
    for field in ("mu", "nu"):
        for name, leaf in getattr(opt[0], field).items():
            np.testing.assert_allclose(um.to_backend(leaf, "numpy"), getattr(state[0], field)[name], rtol=1e-6)


@pytest.mark.parametrize("case", ["adam", "sgd momentum"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_stays_half(backend, case, dtype):
    run(CASES[case](um.optim), backend, dtype, gradients()[:2])


@pytest.mark.parametrize("case", CASES)
def test_a_jitted_step_is_the_eager_one(backend, case):
    step = um.jit(lambda opt, x, grads: opt.step(x, grads), compiler="graph")
    cast = lambda tree: {k: um.numpy.asarray(v, dtype="float32") for k, v in tree.items()}  # noqa: E731
    x = cast(start())
    opt = CASES[case](um.optim).init(x)
    for grads in gradients()[:5]:
        x, opt = step(opt, x, cast(grads))
    assert step.trace_count == 1
    expected = run(CASES[case](um.optim), backend, steps=gradients()[:5])
    for name, leaf in x.items():
        # XLA fuses and contracts to fused multiply-adds.
        np.testing.assert_allclose(um.to_backend(leaf, "numpy"), expected[name], rtol=3e-6, atol=3e-6)
