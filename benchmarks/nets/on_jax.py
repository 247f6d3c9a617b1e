"""What the networks have in common in the libraries on JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.nets import sizes, weights
from benchmarks.nets.way import Way

Apply = Callable[[Any, Any, Any, bool], tuple[Any, Any]]
"""``(params, statistics, x, is_training)`` to ``(out, statistics)``."""


def data(name: str) -> tuple[jax.Array, ...]:
    """Inputs and targets; images have the channels last."""
    return tuple(map(jnp.asarray, sizes.data(name)))


def loss_of(name: str, out, y):
    if name in sizes.REGRESSIONS:
        return jnp.mean(jnp.square(out - y))
    return optax.softmax_cross_entropy_with_integer_labels(out, y).mean()


def optimizer(name: str) -> optax.GradientTransformation:
    kind, rate = sizes.OPTIMIZERS[name]
    if kind == "momentum":
        return optax.sgd(rate, momentum=0.9)
    return optax.adamw(rate, weight_decay=1e-2) if kind == "adamw" else optax.adam(rate)


def same_weights(tree):
    """The tree with the weights that all have."""

    def replaced(path, leaf):
        found = weights.like(jax.tree_util.keystr(path), leaf.shape)
        return leaf if found is None else jnp.asarray(found)

    return jax.tree_util.tree_map_with_path(replaced, tree)


def size(tree) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def peak(compiled) -> float:
    """Bytes of arguments, results and what is between."""
    found = compiled.memory_analysis()
    given, made = found.argument_size_in_bytes, found.output_size_in_bytes
    return given + made + found.temp_size_in_bytes - found.alias_size_in_bytes


def functional(name: str, apply: Apply, params, statistics) -> Way:
    """A network that is a function of its parameters, jitted with plain ``jax.jit``."""
    params, (x, y), rule = same_weights(params), data(name), optimizer(name)

    def step(params, statistics, state, x, y):
        def loss(params):
            out, changed = apply(params, statistics, x, True)
            return loss_of(name, out, y), changed

        (value, changed), grads = jax.value_and_grad(loss, has_aux=True)(params)
        updates, state = rule.update(grads, state, params)
        return optax.apply_updates(params, updates), changed, state, value

    whole, state = jax.jit(step), [params, statistics, rule.init(params)]
    applied = jax.jit(lambda params, statistics, x: apply(params, statistics, x, False)[0])

    def train():
        *state[:], value = whole(*state, x, y)
        return value

    def bytes_needed() -> float:
        return peak(whole.lower(*state, x, y).compile())

    return Way(train, lambda: applied(params, statistics, x), size(params), bytes_needed)
