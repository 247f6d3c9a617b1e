"""The optimizers and their options, in one table that the tests of optimizers are driven by.

The name of a row is that of the function that it is about, and in brackets what is special; a public function without a
row fails a test.
"""

from __future__ import annotations

import functools
import inspect
import typing
from typing import Any

import unimod as um
from tests.conformance.optim_making import Row

LABELS = {"q": "slow", "r": "fast", "s": "slow", "v": "fast", "w": "fast"}
MASK = {"q": True, "r": False, "s": False, "v": True, "w": True}


def matrices(params: Any) -> Any:
    """A mask: what has two axes."""
    return {name: x.ndim > 1 for name, x in params.items()}


def odd(step: Any) -> Any:
    """A condition on steps."""
    return step % 2 == 1


def large(o: Any) -> Any:
    """A condition on updates."""
    return functools.partial(o.skip_large_updates, max_squared_norm=40.0)


def decayed(updates: Any, params: Any) -> Any:
    """An update of one's own."""
    return {name: u + 0.1 * params[name] for name, u in updates.items()}


def down(o: Any, part: Any, rate: Any = 1e-2) -> Any:
    """A part, then a step down."""
    return o.chain(part, o.scale_by_learning_rate(rate))


def of_matrices(o: Any, part: Any) -> Any:
    """A part for what has two axes, set apart by hand for optax."""
    if o is um.optim:
        return o.masked(part, matrices)
    chosen = lambda tree: {name: tree[name] for name in ("v", "w")}  # noqa: E731

    def update(updates: Any, state: Any, params: Any) -> Any:
        changed, state = part.update(chosen(updates), state, chosen(params))
        return {**updates, **changed}, state

    return o.GradientTransformation(lambda params: part.init(chosen(params)), update)


def labels(params: Any) -> Any:
    """By a function."""
    return LABELS


def steeper(count: Any) -> Any:
    """A schedule that is exact in float32."""
    return count * -0.001953125


def sheared(u: Any, p: Any) -> Any:
    """An update of one's own, for one array."""
    return u + 0.1 * p


def remembered(params: Any) -> Any:
    """The first state of the following."""
    return params


def halved(updates: Any, state: Any, params: Any) -> Any:
    """An update of one's own, with a state."""
    return {name: u * 0.5 for name, u in updates.items()}, updates


def own(o: Any) -> Any:
    """A transformation of one's own, in the two libraries."""
    return (o.custom if o is um.optim else o.GradientTransformation)(remembered, halved)


MOMENTS = {
    "sgd": Row(lambda o, r: o.sgd(r), 0.1),
    "sgd[momentum]": Row(lambda o, r: o.sgd(r, 0.9), 0.05),
    "sgd[nesterov]": Row(lambda o, r: o.sgd(r, 0.9, nesterov=True), 0.05),
    "momentum": Row(lambda o, r: o.momentum(r), 0.05),
    "trace": Row(lambda o, r: down(o, o.trace(decay=0.5), r)),
    "trace[nesterov]": Row(lambda o, r: down(o, o.trace(decay=0.5, nesterov=True), r)),
    "adam": Row(lambda o, r: o.adam(r)),
    "adam[options]": Row(lambda o, r: o.adam(r, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4)),
    "adam[nesterov]": Row(lambda o, r: o.adam(r, nesterov=True)),
    "adamw": Row(lambda o, r: o.adamw(r, weight_decay=0.1)),
    "adamw[mask]": Row(lambda o, r: o.adamw(r, weight_decay=0.1, mask=matrices)),
    "adamw[nesterov]": Row(lambda o, r: o.adamw(r, weight_decay=0.1, nesterov=True)),
    "nadam": Row(lambda o, r: o.nadam(r)),
    "nadamw": Row(lambda o, r: o.nadamw(r, weight_decay=0.1)),
    "radam": Row(lambda o, r: o.radam(r)),
    "radam[options]": Row(lambda o, r: o.radam(r, b2=0.9, eps_root=1e-6, threshold=8.0, nesterov=True)),
    "adamax": Row(lambda o, r: o.adamax(r)),
    "adamaxw": Row(lambda o, r: o.adamaxw(r, weight_decay=0.1)),
    "adamaxw[mask]": Row(lambda o, r: o.adamaxw(r, weight_decay=0.1, mask=MASK)),
    "amsgrad": Row(lambda o, r: o.amsgrad(r, b2=0.9)),
    "amsgrad[paper]": Row(lambda o, r: o.amsgrad(r, b2=0.9, bias_correction_mu=False, bias_correction_nu=False)),
    "adabelief": Row(lambda o, r: o.adabelief(r, eps_root=1e-10)),
    "adabelief[nesterov]": Row(lambda o, r: o.adabelief(r, eps_root=1e-10, nesterov=True)),
    "adan": Row(lambda o, r: o.adan(r, weight_decay=0.1)),
    "adan[mask]": Row(lambda o, r: o.adan(r, b1=0.9, b2=0.8, b3=0.95, weight_decay=0.1, mask=matrices)),
    "yogi": Row(lambda o, r: o.yogi(r)),
    "novograd": Row(lambda o, r: o.novograd(r, weight_decay=0.1, eps_root=1e-6)),
    "lion": Row(lambda o, r: o.lion(r, weight_decay=0.1), 1e-3),
    "lion[mask]": Row(lambda o, r: o.lion(r, b1=0.8, b2=0.9, weight_decay=0.1, mask=MASK), 1e-3),
    "ademamix": Row(lambda o, r: o.ademamix(r, weight_decay=0.1)),
    "ademamix[options]": Row(lambda o, r: o.ademamix(r, b3=0.99, alpha=2.0, weight_decay=0.1, mask=MASK)),
    "simplified_ademamix": Row(lambda o, r: o.simplified_ademamix(r, b1=0.9, alpha=0.5, weight_decay=0.1, mask=MASK)),
    "scale_by_adam": Row(lambda o, r: down(o, o.scale_by_adam(b2=0.9), r)),
    "scale_by_adamax": Row(lambda o, r: down(o, o.scale_by_adamax(b2=0.9), r)),
    "scale_by_adan": Row(lambda o, r: down(o, o.scale_by_adan(b3=0.9), r)),
    "scale_by_amsgrad": Row(lambda o, r: down(o, o.scale_by_amsgrad(b2=0.9), r)),
    "scale_by_belief": Row(lambda o, r: down(o, o.scale_by_belief(eps_root=1e-10), r)),
    "scale_by_lion": Row(lambda o, r: down(o, o.scale_by_lion(), r), 1e-3),
    "scale_by_lion[smooth]": Row(lambda o, r: down(o, o.scale_by_lion(mode="smooth", smooth_beta=3.0), r), 1e-3),
    "scale_by_lion[refined]": Row(lambda o, r: down(o, o.scale_by_lion(mode="refined"), r), 1e-3),
    "scale_by_novograd": Row(lambda o, r: down(o, o.scale_by_novograd(weight_decay=0.1, eps_root=1e-6), r)),
    "scale_by_radam": Row(lambda o, r: down(o, o.scale_by_radam(b2=0.9), r)),
    "scale_by_yogi": Row(lambda o, r: down(o, o.scale_by_yogi(initial_accumulator_value=1e-3), r)),
    "scale_by_ademamix": Row(lambda o, r: down(o, o.scale_by_ademamix(b3=0.9, alpha=2.0), r)),
    "scale_by_simplified_ademamix": Row(lambda o, r: down(o, o.scale_by_simplified_ademamix(b1=0.5), r), 1e-3),
}

SQUARES = {
    "adagrad": Row(lambda o, r: o.adagrad(r), 0.1),
    "adagrad[options]": Row(lambda o, r: o.adagrad(r, initial_accumulator_value=0.3, eps=1e-2), 0.1),
    "adadelta": Row(lambda o, r: o.adadelta(r, weight_decay=0.01), 1.0),
    "adadelta[mask]": Row(lambda o, r: o.adadelta(r, rho=0.8, weight_decay=0.01, weight_decay_mask=MASK), 1.0),
    "rmsprop": Row(lambda o, r: o.rmsprop(r), 1e-3),
    "rmsprop[outside]": Row(lambda o, r: o.rmsprop(r, eps_in_sqrt=False, initial_scale=0.5), 1e-3),
    "rmsprop[corrected]": Row(lambda o, r: o.rmsprop(r, bias_correction=True), 1e-3),
    "rmsprop[momentum]": Row(lambda o, r: o.rmsprop(r, momentum=0.9, nesterov=True), 1e-3),
    "rmsprop[centered]": Row(lambda o, r: o.rmsprop(r, centered=True, eps=1e-3), 1e-3),
    "rmsprop[centered, corrected]": Row(lambda o, r: o.rmsprop(r, centered=True, bias_correction=True, eps=1e-3), 1e-3),
    "rprop": Row(lambda o, r: o.rprop(r), 1e-3, is_scheduled=False),
    "asgd": Row(lambda o, r: o.asgd(r), in_optax=False),
    "asgd[options]": Row(lambda o, r: o.asgd(r, lambd=0.1, alpha=0.5, t0=3, weight_decay=0.1), in_optax=False),
    "rprop[options]": Row(
        lambda o, r: o.rprop(r, eta_minus=0.4, eta_plus=1.3, min_step_size=1e-4, max_step_size=0.02),
        1e-3,
        is_scheduled=False,
    ),
    "sm3": Row(lambda o, r: o.sm3(r, 0.8), 0.1, False, has_axes=True),
    "sign_sgd": Row(lambda o, r: o.sign_sgd(r), 1e-3),
    "signum": Row(lambda o, r: o.signum(r, beta=0.8), 1e-3),
    "scale_by_adadelta": Row(lambda o, r: down(o, o.scale_by_adadelta(rho=0.8), r), 1.0),
    "scale_by_rms": Row(lambda o, r: down(o, o.scale_by_rms(initial_scale=0.5), r)),
    "scale_by_rms[corrected]": Row(
        lambda o, r: down(o, o.scale_by_rms(eps_in_sqrt=False, bias_correction=True), r), 1e-3
    ),
    "scale_by_stddev": Row(lambda o, r: down(o, o.scale_by_stddev(eps=1e-3), r), 1e-3),
    "scale_by_rss": Row(lambda o, r: down(o, o.scale_by_rss(initial_accumulator_value=0.2), r), 0.1),
    "scale_by_rprop": Row(lambda o, r: o.chain(o.scale_by_rprop(r), o.scale(-1.0)), 1e-3, is_scheduled=False),
    "scale_by_sign": Row(lambda o, r: down(o, o.scale_by_sign(), r), 1e-3),
    "scale_by_sm3": Row(lambda o, r: down(o, o.scale_by_sm3(b2=0.9), r), 0.1, has_axes=True),
    "adafactor": Row(lambda o, r: o.adafactor(r, min_dim_size_to_factor=2), 0.1),
    "adafactor[whole]": Row(
        lambda o, r: o.adafactor(r, multiply_by_parameter_scale=False, clipping_threshold=None), 1e-2
    ),
    "adafactor[decay]": Row(
        lambda o, r: o.adafactor(
            r, min_dim_size_to_factor=1, decay_rate=0.6, eps=1e-6, weight_decay_rate=0.01, weight_decay_mask=MASK
        ),
        0.01,
    ),
    "adafactor[momentum]": Row(
        lambda o, r: o.adafactor(r, min_dim_size_to_factor=2, momentum=0.8, dtype_momentum="float64"), 0.1
    ),
    "adafactor[no rate]": Row(lambda o, r: o.adafactor(), None, is_stable=False),
    "scale_by_factored_rms": Row(
        lambda o, r: down(o, o.scale_by_factored_rms(min_dim_size_to_factor=1, step_offset=-2, epsilon=1e-8), r)
    ),
}

NORMS = {
    "lamb": Row(lambda o, r: o.lamb(r, weight_decay=0.1), 0.05),
    "lamb[options]": Row(lambda o, r: o.lamb(r, b1=0.8, b2=0.9, eps_root=1e-6, weight_decay=0.1, mask=MASK), 0.05),
    "lars": Row(lambda o, r: o.lars(r, weight_decay=0.1), 0.5),
    "lars[options]": Row(
        lambda o, r: o.lars(
            r,
            weight_decay=0.1,
            weight_decay_mask=MASK,
            eps=1e-3,
            trust_ratio_mask=matrices,
            nesterov=True,
        ),
        0.1,
    ),
    "fromage": Row(lambda o, r: o.fromage(r), 0.05),
    "muon": Row(lambda o, r: o.muon(r, weight_decay=0.1), 0.05, is_stable=False),
    "muon[adaptive]": Row(lambda o, r: o.muon(r, ns_coeffs="dion", adaptive=True, nesterov=False), 0.02),
    "muon[aol]": Row(
        lambda o, r: o.muon(r, preconditioning="aol", consistent_rms=0.2, adam_weight_decay=0.1, adam_b2=0.9), 0.05
    ),
    "scale_by_trust_ratio": Row(lambda o, r: down(o, o.scale_by_trust_ratio(min_norm=0.5, eps=0.1), r), 0.05),
    "scale_by_param_block_norm": Row(lambda o, r: down(o, o.scale_by_param_block_norm(), r), 0.05),
    "scale_by_param_block_rms": Row(lambda o, r: down(o, o.scale_by_param_block_rms(), r), 0.05),
    "scale_by_muon": Row(lambda o, r: down(o, of_matrices(o, o.scale_by_muon()), r)),
    "scale_by_muon[schatten]": Row(
        lambda o, r: down(o, of_matrices(o, o.scale_by_muon(preconditioning="schatten")), r)
    ),
    "scale_by_muon[spectral]": Row(
        lambda o, r: down(o, of_matrices(o, o.scale_by_muon(preconditioning="spectral")), r)
    ),
    "scale_by_shape": Row(lambda o, r: down(o, of_matrices(o, o.scale_by_shape()), r)),
}

RATES = {
    "noisy_sgd": Row(lambda o, r: o.noisy_sgd(r, key=3), is_random=True),
    "add_noise": Row(lambda o, r: down(o, o.add_noise(0.1, 0.5, key=3), r), is_random=True),
    "optimistic_gradient_descent": Row(lambda o, r: o.optimistic_gradient_descent(r, alpha=0.8, beta=0.5), 0.1),
    "optimistic_adam": Row(lambda o, r: o.optimistic_adam(r, optimism=0.5), is_scheduled=False),
    "optimistic_adam_v2": Row(lambda o, r: o.optimistic_adam_v2(r)),
    "scale_by_optimistic_gradient": Row(lambda o, r: down(o, o.scale_by_optimistic_gradient(alpha=0.8, beta=0.5), r)),
    "prodigy": Row(lambda o, r: o.prodigy(r, estim_lr0=1e-2, weight_decay=0.01), 0.1),
    "prodigy[options]": Row(lambda o, r: o.prodigy(r, beta3=0.9, estim_lr0=1e-2, safeguard_warmup=True), 0.1),
    "dadapt_adamw": Row(lambda o, r: o.dadapt_adamw(r, estim_lr0=1e-2, weight_decay=0.01), 0.1),
    "dog": Row(lambda o, r: o.dog(r, init_step=("heuristic", 1e-2), weight_decay=0.1), 1.0),
    "dog[distance]": Row(lambda o, r: o.dog(r, init_step=("distance", 1e-2), weight_decay=0.1, mask=MASK), 1.0),
    "dog[learning_rate]": Row(lambda o, r: o.dog(r, init_step=("learning_rate", 1e-2)), 1.0),
    "dowg": Row(lambda o, r: o.dowg(r, init_estim_sq_dist=1e-2, weight_decay=0.1), 1.0),
    "cocob": Row(lambda o, r: o.cocob(r, alpha=100.0, weight_decay=0.1), 1.0, is_stable=False),
    "schedule_free": Row(lambda o, r: o.schedule_free(o.sgd(r), r, 0.8, weight_lr_power=1.0), 0.1),
    "schedule_free_sgd": Row(lambda o, r: o.schedule_free_sgd(r, weight_decay=0.1), 0.1),
    "schedule_free_sgd[warmup]": Row(lambda o, r: o.schedule_free_sgd(r, warmup_steps=8), 0.1, False),
    "schedule_free_adamw": Row(lambda o, r: o.schedule_free_adamw(r, weight_decay=0.1), 0.05),
    "scale_by_dog": Row(lambda o, r: down(o, o.scale_by_dog(("heuristic", 1e-2)), r), 1.0),
    "scale_by_dowg": Row(lambda o, r: down(o, o.scale_by_dowg(init_estim_sq_dist=1e-2), r), 1.0),
    "scale_by_cocob": Row(lambda o, r: o.scale_by_cocob(alpha=10.0), None),
    "scale_by_distance_over_gradients": Row(
        lambda o, r: o.scale_by_distance_over_gradients(reps_rel=0.1, param_dtype="float64", global_scale=-1.0),
        None,
        has_axes=True,
    ),
}

SEARCHES = {
    "polyak_sgd": Row(lambda o, r: o.polyak_sgd(r), 0.1, False),
    "polyak_sgd[options]": Row(
        lambda o, r: o.polyak_sgd(r, scaling=0.5, f_min=-1.0, eps=0.1, variant="sps+"), 0.1, False
    ),
    "scale_by_polyak": Row(lambda o, r: down(o, o.scale_by_polyak(max_learning_rate=0.8), r), 0.5),
    "lbfgs": Row(lambda o, r: o.lbfgs(), None, is_stable=False),
    "lbfgs[no search]": Row(lambda o, r: o.lbfgs(r, memory_size=4, linesearch=None), 0.1, is_stable=False),
    "scale_by_lbfgs": Row(lambda o, r: down(o, o.scale_by_lbfgs(3, scale_init_precond=False), r), 0.1, is_stable=False),
    "scale_by_backtracking_linesearch": Row(
        lambda o, r: o.chain(o.scale(-1.0), o.scale_by_backtracking_linesearch(8, max_learning_rate=4.0)), None
    ),
    "scale_by_backtracking_linesearch[store_grad]": Row(
        lambda o, r: o.chain(o.scale(-1.0), o.scale_by_backtracking_linesearch(4, store_grad=True)), None
    ),
    "scale_by_zoom_linesearch": Row(
        lambda o, r: o.chain(o.scale(-1.0), o.scale_by_zoom_linesearch(6, max_learning_rate=4.0)),
        None,
        is_stable=False,
    ),
}

AROUND = {
    "chain": Row(lambda o, r: o.chain(o.chain(o.scale(0.5), o.trace(decay=0.5)), o.scale_by_learning_rate(r))),
    "named_chain": Row(lambda o, r: o.named_chain(("clip", o.clip(0.5)), ("adam", o.adam(r)))),
    "masked": Row(lambda o, r: down(o, o.masked(o.trace(decay=0.9), MASK), r)),
    "masked[function]": Row(lambda o, r: down(o, o.masked(o.scale_by_adam(), matrices), r)),
    "masked[prefix]": Row(lambda o, r: down(o, o.masked(o.trace(decay=0.9), True), r)),
    "partition": Row(lambda o, r: o.partition({"fast": o.adam(r), "slow": o.sgd(1e-3, momentum=0.5)}, LABELS)),
    "multi_transform": Row(lambda o, r: o.multi_transform({"fast": o.adam(r), "slow": o.set_to_zero()}, labels)),
    "apply_if_finite": Row(lambda o, r: o.apply_if_finite(o.adam(r), 2)),
    "conditionally_transform": Row(lambda o, r: down(o, o.conditionally_transform(o.trace(decay=0.9), odd), r)),
    "conditionally_mask": Row(lambda o, r: down(o, o.conditionally_mask(o.trace(decay=0.9), odd), r)),
    "MultiSteps": Row(lambda o, r: o.MultiSteps(o.adam(r), 3)),
    "MultiSteps[sum]": Row(lambda o, r: o.MultiSteps(o.adam(r), 3, use_grad_mean=False)),
    "MultiSteps[large]": Row(lambda o, r: o.MultiSteps(o.adam(r), 2, should_skip_update_fn=large(o))),
    "apply_every": Row(lambda o, r: down(o, o.apply_every(3), r)),
    "lookahead": Row(lambda o, r: o.lookahead(o.adam(r), 3, 0.4), in_optax=False),
    "ema": Row(lambda o, r: down(o, o.ema(0.9), r)),
    "ema[debias]": Row(lambda o, r: down(o, o.ema(0.9, debias=False), r)),
    "centralize": Row(lambda o, r: down(o, o.centralize(), r)),
    "zero_nans": Row(lambda o, r: down(o, o.zero_nans(), r)),
    "keep_params_nonnegative": Row(lambda o, r: o.chain(o.sgd(r), o.keep_params_nonnegative()), 0.1),
    "clip": Row(lambda o, r: down(o, o.clip(0.5), r)),
    "clip_by_global_norm": Row(lambda o, r: down(o, o.clip_by_global_norm(2.0), r)),
    "clip_by_block_rms": Row(lambda o, r: down(o, o.clip_by_block_rms(0.5), r)),
    "adaptive_grad_clip": Row(lambda o, r: down(o, o.adaptive_grad_clip(0.1), r), 0.1),
    "normalize_by_update_norm": Row(lambda o, r: down(o, o.normalize_by_update_norm(2.0), r)),
    "scale": Row(lambda o, r: o.chain(o.scale(-0.05)), None),
    "scale_by_learning_rate": Row(lambda o, r: o.chain(o.scale_by_learning_rate(r)), 0.05),
    "scale_by_schedule": Row(lambda o, r: o.scale_by_schedule(steeper), None),
    "add_decayed_weights": Row(lambda o, r: down(o, o.add_decayed_weights(0.1, MASK), r)),
    "identity": Row(lambda o, r: down(o, o.identity(), r)),
    "set_to_zero": Row(lambda o, r: down(o, o.set_to_zero(), r)),
    "stateless": Row(lambda o, r: down(o, o.stateless(decayed), r)),
    "stateless_with_tree_map": Row(lambda o, r: down(o, o.stateless_with_tree_map(sheared), r)),
    "custom": Row(lambda o, r: down(o, own(o), r)),
}

FURTHER = {
    "acprop": Row(lambda o, r: o.acprop(r, weight_decay=0.01)),
    "scale_by_acprop": Row(lambda o, r: down(o, o.scale_by_acprop(b2=0.9), r)),
    "adopt": Row(lambda o, r: o.adopt(r, b2=0.99)),
    "adopt[nesterov]": Row(lambda o, r: o.adopt(r, nesterov=True, use_clipping=False)),
    "scale_by_adopt": Row(lambda o, r: down(o, o.scale_by_adopt(b2=0.9), r)),
    "madgrad": Row(lambda o, r: o.madgrad(r, weight_decay=0.01)),
    "madgrad[momentum]": Row(lambda o, r: o.madgrad(r, momentum=0.5)),
    "scale_by_madgrad": Row(lambda o, r: o.scale_by_madgrad(r), 1e-2),
    "momo": Row(lambda o, r: o.momo(r, weight_decay=0.01), 0.1),
    "momo[adapt_lower_bound]": Row(lambda o, r: o.momo(r, lower_bound=-1.0, adapt_lower_bound=True), 0.1),
    "momo_adam": Row(lambda o, r: o.momo_adam(r, weight_decay=0.01)),
    "momo_adam[adapt_lower_bound]": Row(lambda o, r: o.momo_adam(r, lower_bound=-1.0, adapt_lower_bound=True)),
    "normalize": Row(lambda o, r: o.chain(o.normalize(), o.sgd(r))),
    "reduce_on_plateau": Row(
        lambda o, r: o.chain(o.sgd(r, 0.9), o.reduce_on_plateau(factor=0.5, patience=2, rtol=0.1, cooldown=1)), 0.05
    ),
    "flatten": Row(lambda o, r: o.flatten(o.adamw(r, weight_decay=0.1))),
    "freeze": Row(lambda o, r: o.chain(o.adam(r), o.freeze(MASK))),
    "selective_transform": Row(lambda o, r: o.selective_transform(o.adam(r), freeze_mask=MASK)),
    "split_real_and_imaginary": Row(lambda o, r: o.split_real_and_imaginary(o.adam(r))),
    "mechanize": Row(lambda o, r: o.mechanize(o.sgd(r), s_init=1e-2), is_stable=False),
}

ELSEWHERE = {
    "tests/conformance/test_optim_wrappers.py": {"dpsgd", "differentially_private_aggregate"},
    "src/unimod/testing/cases/optimizers_further.py": {
        "galore",
        "hutchinson_estimator_diag_hessian",
        "monitor",
        "sam",
        "scale_by_galore",
        "scale_by_sophia",
        "snapshot",
        "sophia",
    },
}
"""Whose gradients have an axis more, or that ask for the objective, a basis or a measure: the file of their tests."""

ROWS = {**MOMENTS, **SQUARES, **NORMS, **RATES, **SEARCHES, **AROUND, **FURTHER}


def target(row: str) -> str:
    """The public name that a row is about."""
    return row.partition("[")[0]


def public() -> set[str]:
    """The names of the public functions that make a transformation."""
    found = {name: getattr(um.optim, name) for name in um.optim.__all__}
    return {name for name, fn in found.items() if inspect.isfunction(fn) and makes_transformation(fn)}


def makes_transformation(fn: Any) -> bool:
    """Whether it is said to return one."""
    kind = typing.get_type_hints(fn).get("return")
    return isinstance(kind, type) and issubclass(kind, um.optim.Transformation)
