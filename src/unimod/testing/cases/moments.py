"""Adam and its relatives, adaptive and sign optimizers: some steps on a quadratic, and one step for the transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import optim
from unimod.core import tree
from unimod.testing.bounds import Bound
from unimod.testing.case import WIDE, Case
from unimod.testing.cases.optimizers import _schedule, _start, quadratic

STEPS = 6
"""Enough for the rectification of ``radam`` to begin."""

Make = Callable[[], optim.Transformation]


def _matrices(params: Any) -> Any:
    return tree.map(lambda x: x.ndim > 1, params)


DIRECTIONS: dict[str, Make] = {
    "scale_by_amsgrad": lambda: optim.scale_by_amsgrad(b2=0.9),
    "scale_by_adamax": lambda: optim.scale_by_adamax(b2=0.9),
    "scale_by_belief": lambda: optim.scale_by_belief(eps_root=1e-6),
    "scale_by_yogi": lambda: optim.scale_by_yogi(),
    "scale_by_radam": lambda: optim.scale_by_radam(),
    "scale_by_adan": lambda: optim.scale_by_adan(),
    "scale_by_novograd": lambda: optim.scale_by_novograd(),
    "scale_by_lion": lambda: optim.scale_by_lion(mode="smooth"),
    "scale_by_rss": lambda: optim.scale_by_rss(),
    "scale_by_rms": lambda: optim.scale_by_rms(),
    "scale_by_stddev": lambda: optim.scale_by_stddev(eps=1e-3),
    "scale_by_adadelta": lambda: optim.scale_by_adadelta(eps=1e-3),
    "scale_by_sm3": lambda: optim.scale_by_sm3(),
    "scale_by_sign": lambda: optim.scale_by_sign(),
    "scale_by_rprop": lambda: optim.scale_by_rprop(0.1),
}

OPTIMIZERS: dict[str, Make] = {
    "nadam": lambda: optim.nadam(0.1),
    "nadamw": lambda: optim.nadamw(0.1, weight_decay=0.02),
    "radam": lambda: optim.radam(0.1),
    "adamax": lambda: optim.adamax(0.1),
    "adamaxw": lambda: optim.adamaxw(0.1, weight_decay=0.02),
    "amsgrad": lambda: optim.amsgrad(0.1),
    "adabelief": lambda: optim.adabelief(0.1, eps_root=1e-6),
    "adan": lambda: optim.adan(0.1, weight_decay=0.02),
    "yogi": lambda: optim.yogi(0.1),
    "novograd": lambda: optim.novograd(0.1, weight_decay=0.02),
    "lion": lambda: optim.lion(0.1),
    "adagrad": lambda: optim.adagrad(0.1),
    "adadelta": lambda: optim.adadelta(1.0),
    "rmsprop": lambda: optim.rmsprop(0.1),
    "sm3": lambda: optim.sm3(0.1),
    "sign_sgd": lambda: optim.sign_sgd(0.1),
    "signum": lambda: optim.signum(0.1),
    "rprop": lambda: optim.rprop(0.1),
    "asgd": lambda: optim.asgd(0.1, lambd=0.01, t0=2.0, weight_decay=0.02),
}

OPTIONS: dict[str, Make] = {
    "scale_by_adam[mu_dtype]": lambda: optim.scale_by_adam(mu_dtype="float32"),
    "scale_by_amsgrad[uncorrected]": lambda: optim.scale_by_amsgrad(bias_correction_mu=False, bias_correction_nu=False),
    "scale_by_belief[nesterov]": lambda: optim.scale_by_belief(eps_root=1e-6, nesterov=True),
    "scale_by_radam[options]": lambda: optim.scale_by_radam(b2=0.9, threshold=3.0, eps_root=1e-6, nesterov=True),
    "scale_by_novograd[options]": lambda: optim.scale_by_novograd(eps_root=1e-6, weight_decay=0.1, mu_dtype="float32"),
    "scale_by_lion[mode='refined']": lambda: optim.scale_by_lion(mode="refined"),
    "scale_by_rms[options]": lambda: optim.scale_by_rms(initial_scale=0.5, eps_in_sqrt=False, bias_correction=True),
    "scale_by_stddev[options]": lambda: optim.scale_by_stddev(
        eps=1e-3, initial_scale=0.5, eps_in_sqrt=False, bias_correction=True
    ),
    "scale_by_sm3[b2]": lambda: optim.scale_by_sm3(b2=0.9),
    "add_decayed_weights[mask]": lambda: optim.add_decayed_weights(0.1, {"a": True, "b": [False]}),
    "add_decayed_weights[schedule]": lambda: optim.add_decayed_weights(_schedule, _matrices),
}

DEFINITIONS: dict[str, Make] = {
    "sgd[dampening]": lambda: optim.sgd(0.1, 0.8, dampening=0.5, weight_decay=0.02, maximize=True),
    "adam[amsgrad=True]": lambda: optim.adam(0.1, amsgrad=True, weight_decay=0.02),
    "adamw[definition='torch']": lambda: optim.adamw(0.1, definition="torch", mask=_matrices),
    "nadam[definition='torch']": lambda: optim.nadam(0.1, definition="torch"),
    "radam[definition='torch']": lambda: optim.radam(0.1, definition="torch"),
    "adagrad[definition='torch']": lambda: optim.adagrad(0.1, definition="torch"),
    "rmsprop[definition='torch']": lambda: optim.rmsprop(
        0.1, definition="torch", centered=True, momentum=0.5, eps=0.01
    ),
    "rprop[definition='torch']": lambda: optim.rprop(0.1, definition="torch"),
}

_BOUND = Bound(eps=64, why="six steps, each of which rounds the parameters, a quotient and a square root")


def _scaled(make: Make) -> Make:
    return lambda: optim.chain(make(), optim.scale(-0.1))


def _steps(name: str, make: Make, dtypes: tuple[str, ...]) -> Case:
    return Case(f"optim.{name}", quadratic(make, STEPS), _start, dtypes=dtypes, bound=_BOUND, jit=False, vmap=False)


CASES = (
    *(_steps(name, _scaled(make), WIDE[:1]) for name, make in DIRECTIONS.items()),
    *(_steps(name, make, (*WIDE, "bfloat16")) for name, make in OPTIMIZERS.items()),
    *(_steps(name, _scaled(make), WIDE[:1]) for name, make in OPTIONS.items()),
    *(_steps(name, make, WIDE[:1]) for name, make in DEFINITIONS.items()),
    *(
        Case(f"optim.{name}[step]", quadratic(_scaled(make), 1), _start, wrt=(0, 1))
        for name, make in DIRECTIONS.items()
    ),
)
