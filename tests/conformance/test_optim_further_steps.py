"""Optimizers of optax.contrib against optax and each other: fifty steps, runs that change engines, errors."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um

STEPS = 50

# 50 steps, each of which rounds parameters and moments; optax computes 1 - b2**t in float32, which costs those with
# Adam's moments up to 2e-5 of their updates.
RTOL32 = 3e-4
RTOL64 = 1e-12
# optax computes the weights of MADGRAD in float32 whatever the dtype.
RTOL64_OF_FLOAT32 = 1e-6
BOUNDS = {"madgrad": (RTOL32, RTOL64_OF_FLOAT32), "madgrad[schedule]": (RTOL32, RTOL64_OF_FLOAT32)}

CASES = {
    "acprop": lambda o: o.acprop(0.1, weight_decay=0.01),
    "adopt": lambda o: o.adopt(0.1, b2=0.99),
    "adopt[nesterov]": lambda o: o.adopt(0.1, nesterov=True, use_clipping=False),
    "adopt[clip_value_fn]": lambda o: o.adopt(0.1, clip_value_fn=lambda count: 0.125 * count),
    "madgrad": lambda o: o.madgrad(0.1, weight_decay=0.01),
    "madgrad[schedule]": lambda o: o.madgrad(lambda count: 0.1 / (count + 1.0), momentum=0.5),
    "momo": lambda o: o.momo(0.5, weight_decay=0.01),
    "momo[adapt_lower_bound]": lambda o: o.momo(0.5, lower_bound=-1.0, adapt_lower_bound=True),
    "momo_adam": lambda o: o.momo_adam(0.1, weight_decay=0.01),
    "momo_adam[adapt_lower_bound]": lambda o: o.momo_adam(0.1, lower_bound=-1.0, adapt_lower_bound=True),
    "reduce_on_plateau": lambda o: o.chain(
        o.sgd(0.5, momentum=0.9), o.reduce_on_plateau(0.5, 2, rtol=0.1, cooldown=1, accumulation_size=2, min_scale=0.2)
    ),
    "normalize": lambda o: o.chain(o.normalize(), o.sgd(0.1)),
}
"""How an optimizer is made, by the functions of either library."""

START = {
    "w": np.random.default_rng(0).normal(size=(4, 3)),
    "b": np.random.default_rng(1).normal(size=(3,)),
    "s": np.asarray(0.7),
}


def cast(tree, dtype):
    return {name: um.numpy.asarray(x, dtype=dtype) for name, x in tree.items()}


def slope(x):
    """The gradient of the loss, by operators that all engines have."""
    return {name: 0.4 * (leaf - 1.0) * (leaf - 1.0) * (leaf - 1.0) + 0.2 * leaf for name, leaf in x.items()}


def loss(x):
    parts = [(0.1 * (leaf - 1.0) ** 4 + 0.1 * leaf**2).sum() for leaf in x.values()]
    return sum(parts[1:], parts[0])


def stepped(opt, x):
    extras = {"value": loss(x)} if "value" in set(opt.hyperparameters()) else {}
    return opt.step(x, slope(x), **extras)


def trained(opt, dtype, steps=STEPS):
    x = cast(START, dtype)
    opt = opt.init(x)
    is_jax = um.engine_of(x["w"]).name == "jax"
    step = um.jit(lambda x, opt: stepped(opt, x), compiler="graph") if is_jax else lambda x, opt: stepped(opt, x)
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

    x = {name: jnp.asarray(leaf, dtype) for name, leaf in START.items()}
    opt = optax.with_extra_args_support(CASES[case](Both()))
    state = opt.init(x)

    @jax.jit
    def step(x, state):
        updates, state = opt.update(slope(x), state, x, value=loss(x))
        return optax.apply_updates(x, updates), state

    for _ in range(STEPS):
        x, state = step(x, state)
    return {name: np.asarray(leaf) for name, leaf in x.items()}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", CASES)
def test_fifty_steps_are_those_of_optax(backend, case):
    import jax

    narrow, wide = BOUNDS.get(case, (RTOL32, RTOL64))
    for dtype, bound in (("float64", wide), ("float32", narrow)):
        with jax.enable_x64(dtype == "float64"):
            got, want = trained(CASES[case](um.optim), dtype)[0], expected(case, dtype)
        for name, x in got.items():
            assert (um.dtype_of(x), tuple(x.shape), um.engine_of(x).name) == (dtype, START[name].shape, backend)
            np.testing.assert_allclose(um.to_backend(x, "numpy"), want[name], rtol=bound, atol=bound, err_msg=name)
