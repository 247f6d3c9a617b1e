"""Which of two definitions an optimizer has, where ``optax`` and ``torch.optim`` mean different things by one name."""

from __future__ import annotations

from typing import Literal, TypeVar

from unimod.errors import OptionError

Definition = Literal["optax", "torch"]

V = TypeVar("V")

_IS_TORCH = {"optax": False, "torch": True}


def is_torch(name: str, definition: str) -> bool:
    """Whether the definition is that of ``torch.optim``.

    Raises:
        OptionError: it is neither.
    """
    if definition not in _IS_TORCH:
        raise OptionError(
            f"{name} has two definitions.", got=f"definition = {definition!r}", expected='"optax" or "torch"'
        )
    return _IS_TORCH[definition]


def default(value: V | None, of_torch: V, of_optax: V, is_torch: bool) -> V:
    """The value, or where there is none the default of the definition."""
    if value is not None:
        return value
    return of_torch if is_torch else of_optax
