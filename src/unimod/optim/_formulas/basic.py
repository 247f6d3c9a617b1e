"""Scaling, weight decay and momentum."""

from __future__ import annotations

from typing import Any

from unimod.optim._formulas._means import cast, together
from unimod.optim._formulas._table import Result, State, formula
from unimod.optim._lists import Arrays, Lists


@formula()
def scale(lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, step_size: Any) -> Result:
    """``step_size * u``."""
    return lists.mul(updates, step_size), state


@formula(needs_params=True)
def add_decayed_weights(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, weight_decay: Any
) -> Result:
    """``u + weight_decay * p``."""
    return lists.add_scaled(updates, params or [], weight_decay), state


def _trace(lists: Lists, params: Arrays, *, accumulator_dtype: str | None = None, **options: Any) -> State:
    return {"trace": cast(lists.zeros(params), accumulator_dtype)}


@formula(_trace, spends=("trace",))
def trace(
    lists: Lists,
    updates: Arrays,
    state: State,
    params: Arrays | None,
    *,
    decay: Any,
    nesterov: bool = False,
    accumulator_dtype: str | None = None,
) -> Result:
    """``t = u + decay * t``; with ``nesterov`` the result is ``u + decay * t``."""
    updates, before = together(updates, state["trace"])
    summed = lists.add_scaled(updates, before, decay)
    kept = {"trace": cast(summed, accumulator_dtype)}
    return lists.add_scaled(updates, summed, decay) if nesterov else summed, kept
