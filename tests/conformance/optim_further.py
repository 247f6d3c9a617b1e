"""Optimizers that optax keeps apart or wraps around others: how each is made, and a problem for them."""

from __future__ import annotations

import numpy as np

import unimod as um

STEPS = 50

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
        o.sgd(0.5, momentum=0.9),
        o.reduce_on_plateau(factor=0.5, patience=2, rtol=0.1, cooldown=1, accumulation_size=2, min_scale=0.2),
    ),
    "sophia": lambda o: o.sophia(0.1, update_interval=3, gamma=0.5),
    "sophia[no clip]": lambda o: o.sophia(
        0.1, b2=0.5, clip_threshold=None, hessian_diagonal_fn=o.stateless(lambda u, p: um.tree.map(lambda x: x * x, u))
    ),
    "mechanize": lambda o: o.mechanize(o.adam(0.1), s_init=0.01),
    "mechanize[num_betas]": lambda o: o.mechanize(o.sgd(0.5, momentum=0.5), weight_decay=0.1, num_betas=3),
    "sam": lambda o: o.sam(o.sgd(0.2), o.chain(o.normalize(), o.sgd(0.1))),
    "sam[sync_period]": lambda o: o.sam(o.adam(0.1), o.sgd(0.1, momentum=0.5), sync_period=3, reset_state=False),
    # Not projected anew: the signs of singular vectors, and with them the moments after that, are anyone's choice.
    "galore": lambda o: o.galore(0.1, rank=2, weight_decay=0.01),
    "galore[base_optimizer]": lambda o: o.galore(
        0.1, rank=1, scale=0.5, base_optimizer=o.trace(0.5), weight_dimension_numbers=numbers(o, "GaLore")
    ),
    "muon[dimension numbers]": lambda o: o.muon(0.1, muon_weight_dimension_numbers=numbers(o, "Muon")),
    "muon[function]": lambda o: o.muon(0.1, muon_weight_dimension_numbers=lambda params: numbers(o, "Muon")),
    "flatten": lambda o: o.flatten(o.chain(o.clip_by_block_rms(0.1), o.adam(0.1))),
    "freeze": lambda o: o.chain(o.adam(0.1), o.freeze({"w": True, "b": False, "s": True})),
    "selective_transform": lambda o: o.selective_transform(o.adam(0.1), freeze_mask={"w": True, "b": False, "s": True}),
    "split_real_and_imaginary": lambda o: o.split_real_and_imaginary(o.adam(0.1)),
    "sgd[accumulator_dtype]": lambda o: o.sgd(0.1, momentum=0.5, nesterov=True, accumulator_dtype="float32"),
    "optimistic_adam_v2[mu_dtype]": lambda o: o.optimistic_adam_v2(0.1, mu_dtype="float32"),
    "scale_by_factored_rms[decay_rate_fn]": lambda o: o.chain(
        o.scale_by_factored_rms(min_dim_size_to_factor=2, decay_rate_fn=lambda i, rate: 0.5 + 0.25 * (i > 2)),
        o.scale_by_learning_rate(-0.1, flip_sign=False),
    ),
    "inject_hyperparams": lambda o: o.inject_hyperparams(o.adam)(0.1, b1=lambda count: 1 - 0.5 / (count + 2.0)),
    "monitor": lambda o: o.chain(o.sgd(0.1), o.monitor({"m": o.measure_with_ema(lambda u: u["b"] * 2, 0.5)})),
    "normalize": lambda o: o.chain(o.normalize(), o.sgd(0.1)),
}
"""How an optimizer is made, by the functions of either library."""


def numbers(o, name):
    return {"w": getattr(o, f"{name}DimensionNumbers")(1, 0), "b": None, "s": None}


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
    return opt.step(x, slope(x), **needed(opt, x))


def needed(opt, x):
    """What the optimizer asks for beside the gradients."""
    known = {"value": loss(x), "obj_fn": loss}
    return {name: known[name] for name in set(opt.hyperparameters()) & known.keys()}


def trained(opt, dtype, steps=STEPS):
    x = cast(START, dtype)
    opt = opt.init(x)
    is_jax = um.engine_of(x["w"]).name == "jax"
    step = um.jit(lambda x, opt: stepped(opt, x), compiler="graph") if is_jax else lambda x, opt: stepped(opt, x)
    for _ in range(steps):
        x, opt = step(x, opt)
    assert getattr(step, "trace_count", 1) == 1
    return x, opt
