"""Scaling, weight decay and momentum."""

from __future__ import annotations

from typing import Any

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
    return lists.add(updates, lists.mul(params or [], weight_decay)), state


def _trace(lists: Lists, params: Arrays, **options: Any) -> State:
    return {"trace": lists.zeros(params)}


@formula(_trace)
def trace(
    lists: Lists, updates: Arrays, state: State, params: Arrays | None, *, decay: Any, nesterov: bool = False
) -> Result:
    """``t = u + decay * t``; with ``nesterov`` the result is ``u + decay * t``."""
    summed = lists.add(lists.mul(state["trace"], decay), updates)
    return lists.add(lists.mul(summed, decay), updates) if nesterov else summed, {"trace": summed}
