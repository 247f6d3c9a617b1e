"""Optimizers: twenty steps on a quadratic and on a small network, and one step for the transforms.

The reference takes the gradients from formulas written by hand and carries the steps out on the numpy engine, in
float64; the engine under test takes those of the network from ``grad``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import nn, optim
from unimod.backends import _capabilities as has
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.testing.bounds import Bound
from unimod.testing.case import WIDE, Case, Data
from unimod.transforms import grad

STEPS = 20


def _schedule(step: Any) -> Any:
    # Not by operators: of these, torch takes 0.1 / x for 0.1 * (1 / x), which is rounded twice.
    return unp.divide(0.1, unp.add(unp.multiply(unp.astype(step, "float32"), 0.5), 1.0))


def _named(name: str, suffix: str) -> str:
    target, _, option = name.rstrip("]").partition("[")
    return f"optim.{target}[{suffix}{', ' if option else ''}{option}]"


OPTIMIZERS: dict[str, Callable[[], optim.Transformation]] = {
    "sgd": lambda: optim.sgd(0.1),
    "sgd[momentum]": lambda: optim.sgd(0.05, 0.8, nesterov=True),
    "momentum": lambda: optim.momentum(0.05),
    "adam": lambda: optim.adam(0.1),
    "adam[options]": lambda: optim.adam(0.1, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4, nesterov=True),
    "adamw": lambda: optim.adamw(0.1, weight_decay=0.02),
    "trace": lambda: optim.chain(optim.trace(0.7), optim.scale(-0.05)),
    "scale_by_adam": lambda: optim.chain(optim.scale_by_adam(b2=0.9), optim.scale(-0.1)),
    "add_decayed_weights": lambda: optim.chain(optim.add_decayed_weights(0.1), optim.scale(-0.1)),
    "scale": lambda: optim.chain(optim.scale(-0.1)),
    "scale_by_learning_rate": lambda: optim.chain(optim.scale_by_learning_rate(0.1)),
    "scale_by_learning_rate[schedule]": lambda: optim.chain(optim.scale_by_learning_rate(_schedule)),
    "chain": lambda: optim.chain(optim.chain(optim.scale(0.5), optim.trace(0.5)), optim.scale_by_learning_rate(0.1)),
}

_BOUND = Bound(eps=64, why="twenty steps, each of which rounds the parameters, a quotient and a square root")


def _start(d: Data) -> tuple[Any, ...]:
    return {"a": d.array(3), "b": [d.array(2, 2)]}, d.array(3, low=0.5, high=1.5)


def _slope(params: Any, scale: Any) -> Any:
    """The gradient of ``sum(scale * a**2) / 2 + sum((b - 1)**2)``."""
    return {"a": unp.multiply(scale, params["a"]), "b": [unp.multiply(unp.subtract(params["b"][0], 1.0), 2.0)]}


def quadratic(make: Callable[[], optim.Transformation], steps: int = STEPS) -> Callable[..., Any]:
    """A function that optimizes a quadratic: parameters and state after the steps."""

    def run(params: Any, scale: Any) -> Any:
        opt = make().init(params)
        for _ in range(steps):
            params, opt = opt.step(params, _slope(params, scale))
        return params, opt

    return run


def _examples(d: Data) -> tuple[Any, ...]:
    weights = {"w": d.array(3, 4, low=-0.8, high=0.8), "v": d.array(4, 1, low=-0.8, high=0.8)}
    return weights, d.array(6, 3), d.array(6, 1)


def _error(params: Any, x: Any, y: Any) -> Any:
    hidden = nn.tanh(unp.matmul(x, params["w"]))
    return unp.mean(unp.square(unp.subtract(unp.matmul(hidden, params["v"]), y)))


def _error_slope(params: Any, x: Any, y: Any) -> Any:
    """The derivatives of the error by hand."""
    hidden = unp.tanh(unp.matmul(x, params["w"]))
    rest = 2.0 * (unp.matmul(hidden, params["v"]) - y) / y.shape[0]
    back = unp.matmul(rest, unp.matrix_transpose(params["v"])) * (1.0 - unp.square(hidden))
    return {"v": unp.matmul(unp.matrix_transpose(hidden), rest), "w": unp.matmul(unp.matrix_transpose(x), back)}


def network(make: Callable[[], optim.Transformation], slope: Callable[..., Any]) -> Callable[..., Any]:
    """A function that trains a small network: parameters and state after the steps."""

    def run(params: Any, x: Any, y: Any) -> Any:
        opt = make().init(params)
        for _ in range(STEPS):
            params, opt = opt.step(params, slope(params, x, y))
        return params, opt

    return run


class _Line(Module):
    w: Any = Parameter.node()

    def __init__(self, w: Any) -> None:
        self.w = w

    def __call__(self, x: Any) -> Any:
        return unp.sum(unp.multiply(self.w, x))


def _applied(w: Any, x: Any) -> Any:
    model = _Line(w)
    opt = optim.adam(0.1).init(model.parameters())
    kept, _ = optim.apply_gradients(model, opt, model.parameters(), all_finite=unp.any(unp.isnan(x)))
    model, opt = optim.apply_gradients(model, opt, model.parameters(), learning_rate=0.2)
    return kept.w, model.w, opt


CASES = (
    *(
        Case(f"optim.{name}", quadratic(make), _start, dtypes=WIDE, bound=_BOUND, jit=False, vmap=False)
        for name, make in OPTIMIZERS.items()
    ),
    *(
        Case(
            _named(name, "network"),
            network(make, grad(_error)),
            _examples,
            reference=network(make, _error_slope),
            dtypes=WIDE,
            bound=_BOUND,
            jit=False,
            vmap=False,
            needs=frozenset({has.GRAD}),
        )
        for name, make in OPTIMIZERS.items()
    ),
    *(Case(_named(name, "step"), quadratic(make, 1), _start, wrt=(0, 1)) for name, make in OPTIMIZERS.items()),
    Case("optim.apply_gradients", _applied, lambda d: (d.array(3), d.array(3)), dtypes=WIDE, vmap=False),
)
