"""A jitted train step of a tiny MLP: what a call costs beside the arithmetic."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

import unimod as um
from benchmarks._machine import use_synchronous_dispatch
from benchmarks._measure import Row, chain, compare

WIDTH, BATCH, RATE = 8, 4, 1e-3


def module_step(model, opt, x, y):
    loss, grads = um.value_and_grad(lambda model: um.numpy.mean(um.numpy.square(model(x) - y)))(model)
    return *um.apply_gradients(model, opt, grads), loss


def forward(params, x):
    hidden = jax.nn.relu(x @ params["kernel_0"] + params["bias_0"])
    return hidden @ params["kernel_1"] + params["bias_1"]


def native_step(optimizer, params, state, x, y):
    loss, grads = jax.value_and_grad(lambda params: jnp.mean(jnp.square(forward(params, x) - y)))(params)
    updates, state = optimizer.update(grads, state, params)
    return optax.apply_updates(params, updates), state, loss


def run() -> list[Row]:
    use_synchronous_dispatch()
    x, y = jax.random.normal(jax.random.key(0), (2, BATCH, WIDTH))
    model = um.nn.MLP([WIDTH, WIDTH, WIDTH]).init(0, backend="jax")
    params = {
        f"{name}_{i}": getattr(layer, name) for i, layer in enumerate(model.layers) for name in ("kernel", "bias")
    }
    opt = um.optim.adam(RATE).init(model.parameters())
    optimizer = optax.adam(RATE)
    ours = um.jit(module_step)
    theirs = jax.jit(lambda params, state, x, y: native_step(optimizer, params, state, x, y))
    start, native = (model, opt, 0.0), (params, optimizer.init(params), 0.0)
    np.testing.assert_allclose(ours(model, opt, x, y)[2], theirs(*native[:2], x, y)[2], rtol=1e-5)
    return [
        compare(
            f"train step, width {WIDTH}, batch {BATCH}",
            chain(lambda s: ours(s[0], s[1], x, y), start, lambda s: s[2].block_until_ready()),
            chain(lambda s: theirs(s[0], s[1], x, y), native, lambda s: s[2].block_until_ready()),
            baseline="jax.jit and optax, dict",
            target="<= 1.20",
        )
    ]
