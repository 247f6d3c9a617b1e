"""The texts of failed checks, the same on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

NAN: Final = "nan"
DIVISION: Final = "division"

TEXTS: Final = {NAN: "An operation gave nan.", DIVISION: "A number was divided by zero."}
"""What the engines look for themselves."""


def formatted(text: str, values: Sequence[Any]) -> str:
    """``text`` with the values in its fields; a text without fields stays as it is."""
    return text.format(*values) if values else text
