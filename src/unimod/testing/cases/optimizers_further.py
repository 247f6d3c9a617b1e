"""Optimizers with delayed moments, dual averages, models of the loss, and wrappers: some steps on a quadratic."""

from __future__ import annotations

from typing import Any

from unimod import optim
from unimod.testing.case import Case
from unimod.testing.cases.optimizers_more import Make, _down, _row, _schedule, _step

MAIN: dict[str, Make] = {
    "acprop": lambda: optim.acprop(0.1, eps_root=1e-3, weight_decay=0.02),
    "adopt": lambda: optim.adopt(0.1),
    "madgrad": lambda: optim.madgrad(0.1, weight_decay=0.02),
    "momo": lambda: optim.momo(0.2, weight_decay=0.02),
    "momo_adam": lambda: optim.momo_adam(0.1, weight_decay=0.02),
}
"""An optimizer by each name."""

OPTIONS: dict[str, Make] = {
    "acprop[schedule, eps_root]": lambda: optim.acprop(_schedule, eps_root=1e-2),
    "adopt[nesterov]": lambda: optim.adopt(0.1, nesterov=True, use_clipping=False),
    "adopt[clip_value_fn]": lambda: optim.adopt(0.1, clip_value_fn=_growing),
    "madgrad[schedule]": lambda: optim.madgrad(_schedule, momentum=0.5),
    "momo[adapt_lower_bound]": lambda: optim.momo(0.2, lower_bound=-1.0, adapt_lower_bound=True),
    "momo_adam[adapt_lower_bound]": lambda: optim.momo_adam(0.1, lower_bound=-1.0, adapt_lower_bound=True),
}
"""What options change."""

PARTS: dict[str, Make] = {
    "scale_by_acprop": lambda: _down(optim.scale_by_acprop(eps_root=1e-3)),
    "scale_by_adopt": lambda: _down(optim.scale_by_adopt()),
    "scale_by_madgrad": lambda: optim.scale_by_madgrad(0.1),
    "normalize": lambda: _down(optim.normalize()),
    "reduce_on_plateau": lambda: optim.chain(optim.sgd(0.1), optim.reduce_on_plateau(0.5, 1, rtol=0.9)),
}


def _growing(step: Any) -> Any:
    return step * 0.125


CASES: tuple[Case, ...] = (
    *(_row(name, make, dtypes=("float32", "float64")) for name, make in MAIN.items()),
    *(_row(name, make) for name, make in (OPTIONS | PARTS).items()),
    # The first step of ADOPT only looks.
    *(_step(name, make) for name, make in MAIN.items() if name != "adopt"),
)
