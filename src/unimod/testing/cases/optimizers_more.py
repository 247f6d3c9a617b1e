"""Optimizers that scale by norms, find their rates, make matrices orthogonal, or search along lines.

Some steps on a quadratic, whose gradients are a formula, so that every engine can take them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import optim
from unimod.backends import _capabilities as has
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

STEPS = 6

Make = Callable[[], optim.Transformation]


def _schedule(step: Any) -> Any:
    return unp.divide(0.1, unp.add(unp.multiply(unp.astype(step, "float32"), 0.5), 1.0))


def _down(part: optim.Transformation, rate: float = 0.1) -> optim.Transformation:
    return optim.chain(part, optim.scale(-rate))


MAIN: dict[str, Make] = {
    "lamb": lambda: optim.lamb(0.05, weight_decay=0.02),
    "lars": lambda: optim.lars(0.5, weight_decay=0.02, trust_coefficient=0.1),
    "fromage": lambda: optim.fromage(0.1),
    "adafactor": lambda: optim.adafactor(0.1, min_dim_size_to_factor=2),
    "optimistic_gradient_descent": lambda: optim.optimistic_gradient_descent(0.1, beta=0.5),
    "optimistic_adam": lambda: optim.optimistic_adam(0.1),
    "optimistic_adam_v2": lambda: optim.optimistic_adam_v2(0.1, beta=0.5),
    "polyak_sgd": lambda: optim.polyak_sgd(0.2),
    "muon": lambda: optim.muon(0.1, weight_decay=0.02),
    "prodigy": lambda: optim.prodigy(estim_lr0=0.1, weight_decay=0.02),
    "dadapt_adamw": lambda: optim.dadapt_adamw(estim_lr0=0.1, weight_decay=0.02),
    "dog": lambda: optim.dog(init_step=("heuristic", 0.1), weight_decay=0.02),
    "dowg": lambda: optim.dowg(init_estim_sq_dist=0.1),
    "cocob": lambda: optim.cocob(alpha=10.0),
    "ademamix": lambda: optim.ademamix(0.1, b3=0.99, weight_decay=0.02),
    "simplified_ademamix": lambda: optim.simplified_ademamix(0.02, b1=0.8, alpha=0.5),
    "schedule_free_sgd": lambda: optim.schedule_free_sgd(0.2, warmup_steps=2, weight_decay=0.02),
    "schedule_free_adamw": lambda: optim.schedule_free_adamw(0.1, weight_decay=0.02),
    "schedule_free": lambda: optim.schedule_free(optim.scale(-0.2), 0.2, 0.8, weight_lr_power=1.0),
    "lbfgs": lambda: optim.lbfgs(0.5, memory_size=2, linesearch=None),
}
"""An optimizer by each name."""

OPTIONS: dict[str, Make] = {
    "lars[nesterov, eps]": lambda: optim.lars(0.5, eps=0.1, trust_coefficient=0.1, nesterov=True),
    "fromage[schedule]": lambda: optim.fromage(_schedule),
    "adafactor[momentum, weight_decay_rate]": lambda: optim.adafactor(
        0.1, multiply_by_parameter_scale=False, momentum=0.8, weight_decay_rate=0.02, clipping_threshold=None
    ),
    "adafactor[no learning rate]": lambda: optim.adafactor(),
    "optimistic_adam[optimism]": lambda: optim.optimistic_adam(0.1, optimism=0.05, nesterov=False),
    "polyak_sgd[sps+]": lambda: optim.polyak_sgd(0.2, variant="sps+", f_min=0.5, eps=0.1, scaling=0.5),
    "muon[adaptive, dion]": lambda: optim.muon(0.02, ns_coeffs="dion", adaptive=True, nesterov=False),
    "muon[aol]": lambda: optim.muon(0.1, preconditioning="aol", consistent_rms=0.2),
    "prodigy[safeguard_warmup]": lambda: optim.prodigy(_schedule, estim_lr0=0.1, safeguard_warmup=True, beta3=0.9),
    "dog[learning_rate]": lambda: optim.dog(init_step=("learning_rate", 0.1)),
    "dog[distance]": lambda: optim.dog(init_step=("distance", 0.1)),
    "lbfgs[scale_init_precond]": lambda: optim.lbfgs(0.1, scale_init_precond=False, memory_size=2, linesearch=None),
    "scale_by_trust_ratio[min_norm]": lambda: _down(optim.scale_by_trust_ratio(min_norm=1.5, eps=0.1)),
    "scale_by_muon[schatten]": lambda: _down(_of_matrices(optim.scale_by_muon(preconditioning="schatten"))),
    "scale_by_muon[spectral]": lambda: _down(_of_matrices(optim.scale_by_muon(preconditioning="spectral"))),
}
"""What options change."""

PARTS: dict[str, Make] = {
    "scale_by_trust_ratio": lambda: _down(optim.scale_by_trust_ratio()),
    "scale_by_param_block_norm": lambda: _down(optim.scale_by_param_block_norm()),
    "scale_by_param_block_rms": lambda: _down(optim.scale_by_param_block_rms()),
    "scale_by_factored_rms": lambda: _down(optim.scale_by_factored_rms(min_dim_size_to_factor=2)),
    "scale_by_optimistic_gradient": lambda: _down(optim.scale_by_optimistic_gradient(alpha=0.8, beta=0.5)),
    "scale_by_polyak": lambda: _down(optim.scale_by_polyak(max_learning_rate=0.8), 1.0),
    "scale_by_muon": lambda: _down(_of_matrices(optim.scale_by_muon())),
    "scale_by_shape": lambda: _down(_of_matrices(optim.scale_by_shape())),
    "scale_by_dog": lambda: _down(optim.scale_by_dog(("heuristic", 0.1)), 1.0),
    "scale_by_dowg": lambda: _down(optim.scale_by_dowg(init_estim_sq_dist=0.1), 1.0),
    "scale_by_distance_over_gradients": lambda: optim.scale_by_distance_over_gradients(reps_rel=0.1, global_scale=-1.0),
    "scale_by_cocob": lambda: optim.scale_by_cocob(alpha=10.0),
    "scale_by_ademamix": lambda: _down(optim.scale_by_ademamix(b3=0.9, alpha=2.0)),
    "scale_by_simplified_ademamix": lambda: _down(optim.scale_by_simplified_ademamix(b1=0.5, alpha=2.0)),
    "scale_by_lbfgs": lambda: _down(optim.scale_by_lbfgs(3), 0.5),
}


NOISY: dict[str, Make] = {
    "noisy_sgd": lambda: optim.noisy_sgd(0.1, key=3),
    "add_noise": lambda: _down(optim.add_noise(0.1, 0.5, key=2**40 + 7)),
}
"""Draws depend on the dtype."""


def _of_matrices(part: optim.Transformation) -> optim.Transformation:
    return optim.masked(part, {"a": False, "b": [True]})


_BOUND = Bound(eps=64, why="six steps, each of which rounds the parameters, quotients and roots of sums")
_STEP = Bound(eps=64, why="quotients and roots of sums, and the derivatives of roots")


def _start(d: Data) -> tuple[Any, ...]:
    return {"a": d.array(3), "b": [d.array(2, 3)]}, d.array(3, low=0.5, high=1.5)


def _slope(params: Any, scale: Any) -> Any:
    """The gradient of ``_loss``."""
    return {"a": unp.multiply(scale, params["a"]), "b": [unp.multiply(unp.subtract(params["b"][0], 1.0), 2.0)]}


def _loss(params: Any, scale: Any) -> Any:
    first = unp.sum(unp.multiply(scale, unp.square(params["a"])))
    return unp.add(unp.multiply(first, 0.5), unp.sum(unp.square(unp.subtract(params["b"][0], 1.0))))


def steps(make: Make, count: int) -> Callable[..., Any]:
    """A function that optimizes a quadratic: parameters and state after the steps."""

    def run(params: Any, scale: Any) -> Any:
        opt = make().init(params)
        needed = set(opt.hyperparameters())
        for _ in range(count):
            extras: dict[str, Any] = {}
            if "value" in needed:
                extras["value"] = _loss(params, scale)
            if "value_fn" in needed:
                extras["value_fn"] = lambda x: _loss(x, scale)
            params, opt = opt.step(params, _slope(params, scale), **extras)
        return params, opt

    return run


def _evaluated(params: Any, scale: Any) -> Any:
    make = lambda: optim.schedule_free_sgd(0.2)  # noqa: E731
    params, opt = steps(make, 3)(params, scale)
    return optim.schedule_free_eval_params(opt, params)


def _row(name: str, make: Make, **options: Any) -> Case:
    return Case(f"optim.{name}", steps(make, STEPS), _start, bound=_BOUND, jit=False, vmap=False, **options)


def _step(name: str, make: Make) -> Case:
    row = name.replace("]", ", step]") if "[" in name else f"{name}[step]"
    # The first step of L-BFGS holds the norm of the gradient for a constant, which differences do not.
    wrt = () if name == "lbfgs" else (0, 1)
    return Case(f"optim.{row}", steps(make, 1), _start, bound=_STEP, gradient_bound=_STEP, wrt=wrt)


_BACKTRACKING: Make = lambda: optim.chain(optim.scale(-1.0), optim.scale_by_backtracking_linesearch(5))  # noqa: E731


def _zoomed(params: Any, scale: Any) -> Any:
    params, opt = steps(lambda: optim.chain(optim.scale(-0.3), optim.scale_by_zoom_linesearch(4)), 2)(params, scale)
    return params, opt[1].learning_rate, opt[1].value, opt[1].grad


def _twice(params: Any, scale: Any) -> Any:
    """What the search finds: the first step size is good."""
    for _ in range(2):
        slope = _slope(params, scale)
        params = {
            "a": unp.subtract(params["a"], unp.multiply(slope["a"], 0.3)),
            "b": [unp.subtract(params["b"][0], unp.multiply(slope["b"][0], 0.3))],
        }
    return params, unp.ones_like(scale[0]), _loss(params, scale), _slope(params, scale)


CASES = (
    *(_row(name, make, dtypes=("float32", "float64")) for name, make in MAIN.items()),
    *(_row(name, make) for name, make in (OPTIONS | PARTS).items()),
    *(_row(name, make, widen=False) for name, make in NOISY.items()),
    *(_step(name, make) for name, make in MAIN.items()),
    Case("optim.schedule_free_eval_params", _evaluated, _start, dtypes=("float32", "float64"), bound=_BOUND),
    Case("optim.scale_by_backtracking_linesearch", steps(_BACKTRACKING, 2), _start, bound=_BOUND, vmap=False),
    Case(
        "optim.scale_by_zoom_linesearch",
        _zoomed,
        _start,
        reference=_twice,
        bound=_BOUND,
        vmap=False,
        needs=frozenset({has.GRAD}),
    ),
)
