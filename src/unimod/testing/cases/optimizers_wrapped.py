"""Transformations around transformations, clipping, loss scales: a few steps on a quadratic, or one call.

The reference carries the same steps out on the numpy engine, in float64; that the steps are right is tested against
optax beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import optim
from unimod.backends import _capabilities as has
from unimod.core import tree
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.random import key
from unimod.testing.bounds import Bound
from unimod.testing.case import WIDE, Case, Data
from unimod.testing.cases.optimizers import _slope, _start

STEPS = 4

_BOUND = Bound(eps=64, why="a few steps, each of which rounds the parameters, a quotient and a square root")
_SUMS = Bound(eps=16, why="norms of half a dozen elements, added up in another order")


def _run(make: Callable[[], optim.Transformation], steps: int) -> Callable[..., Any]:
    """A function that makes steps: the parameters and the state after them."""

    def run(params: Any, scale: Any) -> Any:
        opt = make().init(params)
        for _ in range(steps):
            params, opt = opt.step(params, _slope(params, scale))
        return params, opt

    return run


def _odd(step: Any) -> Any:
    return unp.equal(unp.remainder(step, 2), 1)


def _often(step: Any) -> Any:
    return unp.add(unp.minimum(step, 1), 1)


def _steeper(step: Any) -> Any:
    return unp.multiply(unp.astype(step, "float32"), -0.0625)


def _decayed(updates: Any, params: Any) -> Any:
    return tree.map(unp.add, updates, params)


def _start_momentum(params: Any) -> Any:
    return {"v": tree.map(unp.zeros_like, params), "count": unp.zeros((), dtype="int32", backend=_engine(params))}


def _engine(params: Any) -> str:
    from unimod import config

    return config.engine_of(params["a"]).name


def _momentum(updates: Any, state: Any, params: Any, *, decay: float = 0.5) -> Any:
    velocity = tree.map(lambda v, u: unp.add(unp.multiply(v, decay), u), state["v"], updates)
    return velocity, {"v": velocity, "count": unp.add(state["count"], 1)}


class _Sign(optim.Custom):
    def change(self, updates: Any, state: Any, params: Any) -> Any:
        return tree.map(unp.sign, updates), state


_LABELS = optim.label_by(("b", "slow"), default="fast")


def _groups(labels: Any) -> optim.Transformation:
    return optim.partition({"fast": optim.adam(0.1), "slow": optim.sgd(0.05, 0.5)}, labels)


def _after(part: optim.Transformation) -> optim.Transformation:
    return optim.chain(part, optim.scale(-0.1))


def _multi(**options: Any) -> optim.Transformation:
    return optim.MultiSteps(optim.adam(0.1), 2, **options)


_large = functools.partial(optim.skip_large_updates, max_squared_norm=20.0)

WRAPPED: dict[str, Callable[[], optim.Transformation]] = {
    "named_chain": lambda: optim.named_chain(("mean", optim.ema(0.5)), ("rate", optim.scale(-0.1))),
    "masked": lambda: _after(optim.masked(optim.trace(0.5), {"a": True, "b": False})),
    "masked[path]": lambda: _after(optim.masked(optim.trace(0.5), "b.*")),
    "partition": lambda: _groups({"a": "fast", "b": "slow"}),
    "label_by": lambda: _groups(_LABELS),
    "apply_if_finite": lambda: optim.apply_if_finite(optim.adam(0.1), 2),
    "conditionally_transform": lambda: _after(optim.conditionally_transform(optim.trace(0.5), _odd)),
    "conditionally_mask": lambda: _after(optim.conditionally_mask(optim.trace(0.5), _odd)),
    "MultiSteps": _multi,
    "MultiSteps[sum]": lambda: _multi(use_grad_mean=False),
    "MultiSteps[schedule]": lambda: optim.MultiSteps(optim.adam(0.1), _often),
    "skip_large_updates": lambda: _multi(should_skip_update_fn=_large),
    "skip_not_finite": lambda: _multi(should_skip_update_fn=optim.skip_not_finite),
    "apply_every": lambda: _after(optim.apply_every(2)),
    "ema": lambda: _after(optim.ema(0.8)),
    "ema[options]": lambda: _after(optim.ema(0.8, debias=False, accumulator_dtype="float32")),
    "lookahead": lambda: optim.lookahead(optim.adam(0.1), 2, 0.5),
    "lookahead[reset]": lambda: optim.lookahead(optim.adam(0.1), 2, 0.5, reset_state=True),
    "identity": lambda: _after(optim.identity()),
    "set_to_zero": lambda: _after(optim.set_to_zero()),
    "centralize": lambda: _after(optim.centralize()),
    "zero_nans": lambda: _after(optim.zero_nans()),
    "keep_params_nonnegative": lambda: optim.chain(optim.sgd(0.1), optim.keep_params_nonnegative()),
    "clip": lambda: _after(optim.clip(0.7)),
    "clip_by_global_norm": lambda: _after(optim.clip_by_global_norm(1.0)),
    "clip_by_block_rms": lambda: _after(optim.clip_by_block_rms(0.8)),
    "adaptive_grad_clip": lambda: _after(optim.adaptive_grad_clip(0.3)),
    "adaptive_grad_clip[axis]": lambda: _after(optim.adaptive_grad_clip(0.3, 0.1, axis=-1)),
    "normalize_by_update_norm": lambda: _after(optim.normalize_by_update_norm(2.0)),
    "scale_by_schedule": lambda: optim.chain(optim.scale_by_schedule(_steeper)),
    "stateless": lambda: _after(optim.stateless(_decayed)),
    "stateless_with_tree_map": lambda: _after(optim.stateless_with_tree_map(unp.add)),
    "custom": lambda: _after(optim.custom(_start_momentum, _momentum)),
    "Custom": lambda: _after(_Sign()),
}


def _private(params: Any, x: Any) -> Any:
    opt = optim.differentially_private_aggregate(1.0, 0.5, key=key(3)).init(params)
    updates, opt = opt.update({"a": x, "b": [unp.sum(x, axis=1)]})
    return updates, opt.update({"a": x, "b": [unp.sum(x, axis=1)]})[0]


def _dpsgd(params: Any, x: Any) -> Any:
    opt = optim.dpsgd(0.1, 1.0, 0.5, seed=3, momentum=0.5).init(params)
    for _ in range(2):
        params, opt = opt.step(params, {"a": x, "b": [unp.sum(x, axis=1)]})
    return params


def _vectors(d: Data) -> tuple[Any, ...]:
    return {"a": d.array(3), "b": [d.array()]}, d.array(4, 3)


class _Line(Module):
    w: Any = Parameter.node()

    def __init__(self, w: Any) -> None:
        self.w = w


def _optimizer(w: Any, x: Any) -> Any:
    opt = optim.Optimizer(optim.adam(0.1)).init({"w": w})
    params = opt.update({"w": x}, {"w": w})
    return params, opt.update({"w": x}, params, apply_updates=False), opt


def _scaled(scale: Any, w: Any, x: Any) -> Any:
    """One step with a loss scale, and two adjustments."""
    model, opt = _Line(w), optim.adam(0.1).init({"w": w})
    opt = optim.adam(0.1).init(model)
    model, opt, scale = optim.apply_gradients(model, opt, _Line(scale.scale(x)), loss_scale=scale)
    worse = scale.adjust(unp.any(unp.isnan(x)))
    return model.w, opt, scale, worse.scale(x), worse.unscale(x)


def _pair(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3), d.array(2, 3)


def _trees(d: Data) -> tuple[Any, ...]:
    return {"a": d.array(3), "b": d.array()}, {"a": d.array(3), "b": d.array()}


_ROWS: tuple[tuple[str, Callable[..., Any], Callable[[Data], tuple[Any, ...]]], ...] = (
    ("per_example_global_norm_clip", lambda x, y: optim.per_example_global_norm_clip({"a": x, "b": y}, 3.0), _pair),
    ("per_example_layer_norm_clip", lambda x, y: optim.per_example_layer_norm_clip([x, y], 3.0), _pair),
    (
        "per_example_layer_norm_clip[sizes]",
        lambda x, y: optim.per_example_layer_norm_clip([x, y[:, :1]], 3.0, uniform=False),
        _pair,
    ),
    ("global_norm", lambda x, y: optim.global_norm((x, y)), _pair),
    ("apply_updates", optim.apply_updates, _trees),
    ("incremental_update", lambda new, old: optim.incremental_update(new, old, 0.3), _trees),
    ("periodic_update", lambda new, old: [optim.periodic_update(new, old, n, 2) for n in range(2)], _trees),
    ("select_tree", lambda a, b: optim.select_tree(unp.less(a["b"], b["b"]), a, b), _trees),
)

CASES = (
    *(
        Case(f"optim.{name}", _run(make, STEPS), _start, bound=_BOUND, vmap=False, needs=frozenset({has.OPTIM}))
        for name, make in WRAPPED.items()
    ),
    *(
        Case(f"optim.{name}", fn, inputs, dtypes=WIDE, bound=_SUMS, wrt=(0, 1), vmap="per_example" not in name)
        for name, fn, inputs in _ROWS
    ),
    Case(
        "optim.all_finite",
        lambda a, b: (optim.all_finite(a), optim.all_finite({"a": unp.add(a["a"], unp.inf)})),
        _trees,
    ),
    Case("optim.differentially_private_aggregate", _private, _vectors, bound=_BOUND, vmap=False, widen=False),
    Case("optim.dpsgd", _dpsgd, _vectors, bound=_BOUND, vmap=False, widen=False),
    Case("optim.Optimizer", _optimizer, _pair, bound=_BOUND, vmap=False),
    Case("optim.NoOpLossScale", lambda w, x: _scaled(optim.NoOpLossScale(), w, x), _pair, bound=_BOUND, vmap=False),
    Case(
        "optim.StaticLossScale",
        lambda w, x: _scaled(optim.StaticLossScale(2.0**7), w, x),
        _pair,
        bound=_BOUND,
        vmap=False,
    ),
    Case(
        "optim.DynamicLossScale",
        lambda w, x: _scaled(optim.DynamicLossScale(2.0**7, period=1), w, x),
        _pair,
        bound=_BOUND,
        vmap=False,
    ),
)
