"""The table of formulas, and how one gets into it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from unimod.optim._lists import Arrays, Lists

State = dict[str, Any]
"""The state of a transformation: an array, or a list with one for each parameter, by field name."""
Result = tuple[Arrays, State]
Update = Callable[..., Result]
Init = Callable[..., State]


@dataclasses.dataclass(frozen=True)
class Formula:
    """One transformation.

    Attributes:
        update: ``update(lists, updates, state, params, **options)`` gives the new updates and the new state.
        init: ``init(lists, params, **options)`` gives the first state.
        extras: the names of further values that each update needs, such as ``value``; they come beside the options.
        needs_params: whether it cannot do without the parameters.
        is_real: whether it takes real parameters only.
        spends: the lists of the state that it gives to one operation, and does not look at again.
    """

    update: Update
    init: Init
    extras: tuple[str, ...] = ()
    needs_params: bool = False
    is_real: bool = False
    spends: tuple[str, ...] = ()


FORMULAS: dict[str, Formula] = {}
"""The formulas by the names of the transformations."""


def stateless(lists: Lists, params: Arrays, **options: Any) -> State:
    """No state."""
    return {}


def formula(
    init: Init = stateless,
    *,
    extras: tuple[str, ...] = (),
    needs_params: bool = False,
    is_real: bool = False,
    spends: tuple[str, ...] = (),
) -> Callable[[Update], Update]:
    """Put a function into the table under its own name."""

    def enter(update: Update) -> Update:
        FORMULAS[update.__name__] = Formula(update, init, extras, needs_params, is_real, spends)
        return update

    return enter
