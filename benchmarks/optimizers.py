"""Steps of optimizers for 300 tensors, eagerly on torch and jitted on JAX, against the frameworks' own.

Each step gets what the one before returned, as in a loop of training.
"""

from __future__ import annotations

import jax
import optax
import torch

import unimod as um
from benchmarks._machine import use_synchronous_dispatch
from benchmarks._measure import Row, chain, compare, repeat

LEAVES = 300
SHAPE = (32, 32)

THEIRS = {
    "sgd": lambda params: torch.optim.SGD(params, lr=1e-3, foreach=True),
    "sgd, momentum": lambda params: torch.optim.SGD(params, lr=1e-3, momentum=0.9, foreach=True),
    "adam": lambda params: torch.optim.Adam(params, lr=1e-3, foreach=True),
    "adamw": lambda params: torch.optim.AdamW(params, lr=1e-3, weight_decay=1e-2, foreach=True),
    "rmsprop": lambda params: torch.optim.RMSprop(params, lr=1e-3, foreach=True),
    "adagrad": lambda params: torch.optim.Adagrad(params, lr=1e-3, foreach=True),
}
OURS = {
    "sgd": lambda: um.optim.sgd(1e-3),
    "sgd, momentum": lambda: um.optim.sgd(1e-3, 0.9),
    "adam": lambda: um.optim.adam(1e-3),
    "adamw": lambda: um.optim.adamw(1e-3, weight_decay=1e-2),
    "rmsprop": lambda: um.optim.rmsprop(1e-3, decay=0.99),
    "adagrad": lambda: um.optim.adagrad(1e-3),
}
OPTAX = {
    "sgd, momentum": lambda: optax.sgd(1e-3, 0.9),
    "adam": lambda: optax.adam(1e-3),
    "adamw": lambda: optax.adamw(1e-3, weight_decay=1e-2),
}


def eager(donate: bool = False) -> list[Row]:
    """A step with new parameters and state, or in the memory of the old ones, against torch's own, in place."""
    rows = []
    for name, make in OURS.items():
        params = [torch.randn(SHAPE) for _ in range(LEAVES)]
        grads = [torch.randn(SHAPE) for _ in range(LEAVES)]
        opt = make().init(params)
        theirs = [p.clone().requires_grad_() for p in params]
        for own, grad in zip(theirs, grads, strict=True):
            own.grad = grad.clone()
        optimizer = THEIRS[name](theirs)

        def step(state, grads=grads):
            params, opt = state
            return opt.step(params, grads, donate=donate)

        loops = [chain(step, (params, opt)), repeat(optimizer.step)]
        title = f"{name}, donated" if donate else name
        rows.append(compare(title, *loops, baseline="torch.optim, foreach=True", target="<= 1.10"))
    return rows


def jitted() -> list[Row]:
    """A jitted step on JAX against that of plain optax."""
    use_synchronous_dispatch()
    rows = []
    for name, make in OPTAX.items():
        keys = jax.random.split(jax.random.key(0), LEAVES)
        params = [jax.random.normal(key, SHAPE) for key in keys]
        opt = OURS[name]().init(params)
        ours = um.jit(lambda params, opt, grads: opt.step(params, grads))
        optimizer = make()
        state = optimizer.init(params)

        @jax.jit
        def plain(params, state, grads, optimizer=optimizer):
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        loops = [
            chain(lambda s, ours=ours, g=params: ours(*s, g), (params, opt), lambda s: jax.block_until_ready(s[0])),
            chain(
                lambda s, plain=plain, g=params: plain(*s, g), (params, state), lambda s: jax.block_until_ready(s[0])
            ),
        ]
        rows.append(compare(f"{name}, jitted", *loops, baseline="plain optax, jitted", target="<= 1.02"))
    return rows


def run() -> list[Row]:
    torch.set_num_threads(1)
    return [*eager(), *eager(donate=True), *jitted()]
