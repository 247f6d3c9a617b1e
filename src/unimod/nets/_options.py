"""Checks of the options of networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unimod.errors import OptionError


def one_of(net: str, name: str, value: Any, known: Iterable[Any]) -> None:
    """``value`` is one of those known.

    Raises:
        OptionError: it is not.
    """
    choices = list(known)
    if value not in choices:
        raise OptionError(
            f"{net} does not know this `{name}`.",
            got=f"{name} = {value!r}",
            expected=f"one of {', '.join(map(repr, choices))}",
            fix=f"pass {name}={choices[0]!r}, or another of them",
        )


def counts(net: str, name: str, values: Any, least: int = 1) -> tuple[int, ...]:
    """``values`` as a tuple of at least one positive int.

    Raises:
        OptionError: there are none, or one of them is no such number.
    """
    numbers = tuple(values)
    if len(numbers) >= least and all(isinstance(n, int) and n > 0 for n in numbers):
        return numbers
    raise OptionError(
        f"{net} needs positive numbers as `{name}`.",
        got=f"{name} = {values!r}",
        expected=f"at least {least} of them, each an int of 1 or more",
        fix=f"pass {name} as a tuple, one number for each stage",
    )
