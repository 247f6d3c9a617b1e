"""What the options of schedules may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimod.errors import OptionError


def at_least(low: float, **options: Any) -> None:
    """Refuse numbers below ``low``; arrays are not looked at.

    Raises:
        OptionError: an option is too small.
    """
    for name, value in options.items():
        if isinstance(value, (int, float)) and not value >= low:
            raise OptionError(f"{name} is too small.", got=f"{name}={value!r}", expected=f"{low} or more")


def positive(**options: Any) -> None:
    """Refuse numbers that are not above 0; arrays are not looked at.

    Raises:
        OptionError: an option is 0 or less.
    """
    for name, value in options.items():
        if isinstance(value, (int, float)) and not value > 0:
            raise OptionError(f"{name} has to be positive.", got=f"{name}={value!r}", expected="more than 0")


def one_of(names: tuple[str, ...], **options: Any) -> None:
    """Refuse names that are not known.

    Raises:
        OptionError: an option is another.
    """
    for name, value in options.items():
        if value not in names:
            raise OptionError(
                f"There is no such {name}.", got=f"{name}={value!r}", expected=f"one of {', '.join(names)}"
            )


def increasing(name: str, boundaries: list[Any]) -> None:
    """Refuse boundaries that are negative or out of order.

    Raises:
        OptionError: the boundaries do not increase from 0 or more.
    """
    if any(low > high for low, high in zip([0, *boundaries], boundaries, strict=False)):
        raise OptionError(f"{name} do not increase.", got=f"{name}={boundaries!r}", expected="0 or more, increasing")


def steps_and_scales(boundaries_and_scales: Mapping[int, Any] | None) -> tuple[list[int], list[Any]]:
    """The boundaries in order, and the factor of each.

    Raises:
        OptionError: a boundary or a factor is negative.
    """
    found = sorted((boundaries_and_scales or {}).items(), key=lambda item: item[0])
    boundaries, scales = [boundary for boundary, _ in found], [scale for _, scale in found]
    increasing("boundaries", boundaries)
    for scale in scales:
        at_least(0, scale=scale)
    return boundaries, scales
