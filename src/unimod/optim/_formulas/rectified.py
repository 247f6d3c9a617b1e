"""Rectified Adam: how far a second moment may be trusted after few steps, and the direction by that."""

from __future__ import annotations

import itertools
import math
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Array
from unimod.optim._formulas._means import (
    corrected,
    first_moment,
    following,
    mean,
    mean_of_squares,
    over_root,
    select,
    two_moments,
)
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


def length(lists: Lists, decay: Any, count: Array) -> tuple[Array, Any]:
    r"""``(rho_t, rho_inf)``, how many gradients the mean is about, now and in the end.

    .. math:: \rho_\infty = \frac{2}{1 - b} - 1, \quad \rho_t = \rho_\infty - \frac{2 t b^t}{1 - b^t}

    The difference of two numbers near 2000 is no use in float32. With :math:`h = -\log(b) / 2` and Langevin's
    function :math:`L(x) = \coth x - 1/x` it is :math:`t (1 - L(t h)) + L(h)`, where nothing cancels.
    """
    wide = "float64" if lists.engine.facts.has_x64() else "float32"
    steps = unp.astype(count, wide)
    if isinstance(decay, (int, float)):
        rate, limit = -math.log(decay) / 2, 2 / (1 - decay) - 1
        rest: Any = 1 / math.tanh(rate) - 1 / rate
    else:
        decay = unp.astype(decay, wide)
        rate, limit = unp.divide(unp.log1p(unp.subtract(decay, 1)), -2), 2 / (1 - decay) - 1
        rest = 1 - _remainder(rate)
    return unp.add(unp.multiply(steps, _remainder(unp.multiply(steps, rate))), rest), limit


def _remainder(x: Array) -> Array:
    """``1 - L(x)``: by a series for small numbers, by ``1 / x - 2 / expm1(2 x)`` for large ones."""
    square = unp.square(x)
    series: Any = 1.0
    for ratio in _RATIOS:
        series = unp.add(unp.multiply(unp.multiply(square, ratio), series), 1.0)
    small = unp.subtract(1.0, unp.multiply(unp.divide(x, 3.0), series))
    large = unp.subtract(unp.divide(1.0, x), unp.divide(2.0, unp.expm1(unp.multiply(x, 2.0))))
    return unp.where(unp.less(x, 0.5), small, large)


_COEFFICIENTS = (
    1 / 3,
    -1 / 45,
    2 / 945,
    -1 / 4725,
    2 / 93555,
    -1382 / 638512875,
    4 / 18243225,
    -3617 / 162820783125,
    87734 / 38979295480125,
)
"""Those of Langevin's function at x, x**3 and so on; below 0.5 what is left out is less than a rounding of float64."""
_RATIOS = tuple(b / a for a, b in itertools.pairwise(_COEFFICIENTS))[::-1]


def rectification(rho: Array, limit: Any, is_long: Array) -> Array:
    """The share of the adaptive step that is taken; 1 where the mean is too short for one."""
    rho = unp.where(is_long, rho, limit)
    share = unp.divide(unp.multiply(unp.multiply(rho - 4, rho - 2), limit), rho)
    return unp.sqrt(unp.divide(share, (limit - 4) * (limit - 2)))


@formula(two_moments)
def scale_by_radam(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any = 0.0,
    threshold: Any = 5.0,
    nesterov: bool = False,
) -> Result:
    """Adam's direction, times a rectification, where the second moment is about enough gradients; else the mean."""
    count = following(state["count"])
    mu, nu = mean(lists, state["mu"], updates, b1), mean_of_squares(lists, state["nu"], updates, b2)
    rho, limit = length(lists, b2, count)
    is_long = unp.greater_equal(rho, threshold)
    first = first_moment(lists, mu, updates, b1, count, nesterov)
    scaled = over_root(lists, first, corrected(lists, nu, b2, count), eps, eps_root)
    found = select(is_long, lists.mul(scaled, rectification(rho, limit, is_long)), first)
    return found, {"count": count, "mu": mu, "nu": nu}
