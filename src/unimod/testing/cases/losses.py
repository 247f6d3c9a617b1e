"""Loss functions, by their predictions; each with every reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import losses
from unimod.testing.bounds import Bound
from unimod.testing.case import WIDE, Case, Data

Inputs = Callable[[Data], tuple[Any, ...]]


def _pair(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.array(3, 4) * 1.5


def _positive(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4, low=0.1), d.array(3, 4, low=0.2) + np.asarray(0.05, d.dtype)


def _classes(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.ints(0, 4, 3)


def _signs(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), np.where(d.bools(3, 4), 1, -1).astype(d.dtype)


def _shares(d: Data) -> tuple[Any, ...]:
    return d.array(3, 4), d.probabilities(3, 4)


_LOSSES: dict[str, tuple[Inputs, dict[str, Any]]] = {
    "mean_squared_error": (_pair, {}),
    "mean_absolute_error": (_pair, {}),
    "mean_absolute_percentage_error": (_positive, {}),
    "mean_squared_logarithmic_error": (_positive, {}),
    "huber": (_pair, {"delta": 0.8}),
    "hinge": (_signs, {}),
    "cosine_similarity": (_pair, {}),
    "kl_divergence": (_shares, {}),
    "cross_entropy": (_classes, {}),
    "softmax_cross_entropy": (_shares, {}),
    "binary_cross_entropy": (_shares, {}),
}
_SPECIAL: dict[str, tuple[Inputs, dict[str, Any]]] = {
    "cross_entropy[smoothing]": (_classes, {"label_smoothing": 0.1}),
    "cross_entropy[ignored]": (_classes, {"ignore_index": 2}),
    "cross_entropy[soft]": (_shares, {"label_smoothing": 0.2}),
    "binary_cross_entropy[probabilities]": (
        lambda d: (d.probabilities(3, 4), d.probabilities(3, 4)),
        {"from_logits": False},
    ),
}
_BOUND = Bound(eps=16, why="a chain of logarithms and sums")


def _case(name: str, suffix: str, inputs: Inputs, options: dict[str, Any]) -> Case:
    fn = getattr(losses, name.partition("[")[0])
    large = Bound(eps=16 * 100, why="per cents") if "percentage" in name else Bound(eps=32)
    bound = Bound(eps=_BOUND.eps, why=_BOUND.why)
    call = lambda preds, target: fn(preds, target, **options)  # noqa: E731
    return Case(f"losses.{name}{suffix}", call, inputs, dtypes=WIDE, wrt=(0,), bound=bound, gradient_bound=large)


CASES = (
    *(
        _case(name, "" if reduction == "mean" else f"[{reduction}]", inputs, {**options, "reduction": reduction})
        for name, (inputs, options) in _LOSSES.items()
        for reduction in ("mean", "sum", "none")
    ),
    *(_case(name, "", inputs, options) for name, (inputs, options) in _SPECIAL.items()),
    Case(
        "losses.cross_entropy[weight]",
        lambda logits, labels, weight: losses.cross_entropy(logits, labels, weight=weight),
        lambda d: (*_classes(d), d.array(4, low=0.5, high=2)),
        wrt=(0, 2),
        bound=_BOUND,
    ),
)
