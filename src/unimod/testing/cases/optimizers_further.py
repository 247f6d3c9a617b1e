"""Optimizers with delayed moments, dual averages, models of the loss, and wrappers: some steps on a quadratic."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import optim
from unimod.backends import _capabilities as has
from unimod.testing.case import Case
from unimod.testing.cases.optimizers_more import (
    _BOUND,
    Make,
    _down,
    _loss,
    _row,
    _schedule,
    _slope,
    _start,
    _step,
    steps,
)

MAIN: dict[str, Make] = {
    "acprop": lambda: optim.acprop(0.1, eps_root=1e-3, weight_decay=0.02),
    "adopt": lambda: optim.adopt(0.1),
    "madgrad": lambda: optim.madgrad(0.1, weight_decay=0.02),
    "momo": lambda: optim.momo(0.2, weight_decay=0.02),
    "momo_adam": lambda: optim.momo_adam(0.1, weight_decay=0.02),
    "sophia": lambda: optim.sophia(0.1, hessian_diagonal_fn=_estimate(), update_interval=2, gamma=0.5),
    "mechanize": lambda: optim.mechanize(optim.sgd(1.0), s_init=0.02),
    "sam": lambda: optim.sam(optim.sgd(0.2), optim.chain(optim.normalize(), optim.sgd(0.1))),
    "galore": lambda: optim.galore(0.1, rank=1, update_proj_gap=2, weight_decay=0.02),
    "flatten": lambda: optim.flatten(optim.adam(0.1)),
    "freeze": lambda: optim.chain(optim.sgd(0.1), optim.freeze({"a": True, "b": False})),
    "selective_transform": lambda: optim.selective_transform(optim.adam(0.1), freeze_mask="a"),
    "split_real_and_imaginary": lambda: optim.split_real_and_imaginary(optim.adam(0.1)),
    "snapshot": lambda: optim.chain(optim.sgd(0.1), optim.snapshot("norm", optim.global_norm)),
    "monitor": lambda: optim.chain(optim.sgd(0.1), optim.monitor({"norm": optim.global_norm})),
    "measure_with_ema": lambda: optim.chain(
        optim.sgd(0.1), optim.monitor({"mean": optim.measure_with_ema(optim.global_norm, 0.5)})
    ),
    "inject_hyperparams": lambda: optim.inject_hyperparams(optim.adam)(0.1, b1=_rising),
}
"""An optimizer by each name."""

OPTIONS: dict[str, Make] = {
    "acprop[schedule, eps_root]": lambda: optim.acprop(_schedule, eps_root=1e-2),
    "adopt[nesterov]": lambda: optim.adopt(0.1, nesterov=True, use_clipping=False),
    "adopt[clip_value_fn]": lambda: optim.adopt(0.1, clip_value_fn=_growing),
    "madgrad[schedule]": lambda: optim.madgrad(_schedule, momentum=0.5),
    "momo[adapt_lower_bound]": lambda: optim.momo(0.2, lower_bound=-1.0, adapt_lower_bound=True),
    "muon[dimension numbers]": lambda: optim.muon(
        0.1, muon_weight_dimension_numbers=optim.MuonDimensionNumbers(1, 0), consistent_rms=0.2
    ),
    "schedule_free[b1]": lambda: optim.schedule_free(optim.sgd(0.2), 0.2, _rising),
    "sgd[accumulator_dtype]": lambda: optim.sgd(0.1, 0.5, accumulator_dtype="float32"),
    "ademamix[mu_dtype]": lambda: optim.ademamix(0.1, mu_dtype="float32"),
    "optimistic_adam[schedule, mu_dtype]": lambda: optim.optimistic_adam(_schedule, mu_dtype="float32"),
    "adafactor[decay_rate_fn]": lambda: optim.chain(
        optim.scale_by_factored_rms(min_dim_size_to_factor=2, decay_rate_fn=_decaying), optim.scale(-0.1)
    ),
    "scale_by_learning_rate[flip_sign]": lambda: optim.scale_by_learning_rate(-0.1, flip_sign=False),
    "sam[sync_period, reset_state]": lambda: optim.sam(
        optim.adam(0.1), optim.sgd(0.05, momentum=0.5), sync_period=3, reset_state=False
    ),
    "momo_adam[adapt_lower_bound]": lambda: optim.momo_adam(0.1, lower_bound=-1.0, adapt_lower_bound=True),
}
"""What options change."""

PARTS: dict[str, Make] = {
    "scale_by_acprop": lambda: _down(optim.scale_by_acprop(eps_root=1e-3)),
    "scale_by_adopt": lambda: _down(optim.scale_by_adopt()),
    "scale_by_madgrad": lambda: optim.scale_by_madgrad(0.1),
    "scale_by_sophia": lambda: _down(optim.scale_by_sophia(hessian_diagonal_fn=_estimate())),
    "scale_by_galore": lambda: _down(optim.scale_by_galore(rank=1)),
    "normalize": lambda: _down(optim.normalize()),
    "reduce_on_plateau": lambda: optim.chain(optim.sgd(0.1), optim.reduce_on_plateau(factor=0.5, patience=1, rtol=0.9)),
}


def _growing(step: Any) -> Any:
    return step * 0.125


def _rising(step: Any) -> Any:
    return unp.subtract(1.0, unp.divide(0.5, unp.add(unp.astype(step, "float32"), 2.0)))


def _decaying(step: Any, exponent: float) -> Any:
    return unp.multiply(unp.subtract(1.0, unp.divide(0.5, unp.add(unp.astype(step, "float32"), 2.0))), exponent)


def _estimate() -> optim.Transformation:
    """Something like a curvature: the size of the gradients."""
    return optim.stateless_with_tree_map(_size)


def _size(update: Any, parameter: Any) -> Any:
    return unp.add(unp.abs(update), 0.5)


def _curved(params: Any, scale: Any) -> Any:
    """What Hutchinson's estimate is of a Hessian that is diagonal: exact."""
    opt = optim.hutchinson_estimator_diag_hessian(3).init(params)
    return opt.update(params, params, obj_fn=lambda x: _loss(x, scale))[0]


def _curvature(params: Any, scale: Any) -> Any:
    return {"a": unp.multiply(scale, 1.0), "b": [unp.full_like(params["b"][0], 2.0)]}


def _kept(params: Any, scale: Any) -> Any:
    """The value and the gradients that a search has kept, where the parameters are now."""
    opt = optim.chain(optim.scale(-0.3), optim.scale_by_backtracking_linesearch(4, store_grad=True)).init(params)
    value_fn = lambda x: _loss(x, scale)  # noqa: E731
    params, opt = opt.step(params, _slope(params, scale), value=_loss(params, scale), value_fn=value_fn)
    return params, optim.value_and_grad_from_state(value_fn)(params, state=opt)


def _searched(params: Any, scale: Any) -> Any:
    slope = _slope(params, scale)
    params = {
        "a": unp.subtract(params["a"], unp.multiply(slope["a"], 0.3)),
        "b": [unp.subtract(params["b"][0], unp.multiply(slope["b"][0], 0.3))],
    }
    return params, (_loss(params, scale), _slope(params, scale))


def _steps(name: str, make: Make) -> Case:
    return Case(f"optim.{name}", steps(make, 3), _start, bound=_BOUND, gradient_bound=_BOUND, wrt=(0, 1), vmap=False)


_LATER: dict[str, Make] = {
    "adopt[options, steps]": lambda: optim.adopt(0.1, b2=0.9, eps=0.5),
    "mechanize[num_betas, steps]": lambda: optim.mechanize(optim.sgd(0.5), s_init=0.1, num_betas=3),
    "sam[steps]": MAIN["sam"],
    "galore[steps]": lambda: optim.galore(0.1, rank=1, base_optimizer=optim.trace(0.5)),
    "inject_hyperparams[steps]": lambda: optim.inject_hyperparams(optim.adam)(0.1, b1=_rising, eps=0.5),
}
"""What says more after some steps: the first one of ADOPT only looks, SAM's second one is the one that stays."""
_FIRST_ONLY = frozenset({"adopt", "mechanize", "sam", "galore", "inject_hyperparams"})
_SEARCH: dict[str, Any] = {"vmap": False, "needs": frozenset({has.GRAD})}

CASES: tuple[Case, ...] = (
    *(_row(name, make, dtypes=("float32", "float64")) for name, make in MAIN.items()),
    *(_row(name, make) for name, make in (OPTIONS | PARTS).items()),
    *(_step(name, make) for name, make in MAIN.items() if name not in _FIRST_ONLY),
    *(_steps(name, make) for name, make in _LATER.items()),
    Case("optim.hutchinson_estimator_diag_hessian", _curved, _start, reference=_curvature, bound=_BOUND, **_SEARCH),
    Case("optim.value_and_grad_from_state", _kept, _start, reference=_searched, bound=_BOUND, **_SEARCH),
)
