"""Which of two definitions an optimizer has, where ``optax`` and ``torch.optim`` mean different things by one name."""

from __future__ import annotations

from typing import Literal, TypeVar, get_args

from unimod.errors import OptionError

Definition = Literal["optax", "torch"]

V = TypeVar("V")

# Of a formula, not of an engine: each definition runs on every engine.
_USUAL, _OTHER = get_args(Definition)


def is_torch(name: str, definition: str) -> bool:
    """Whether the definition is that of ``torch.optim``.

    Raises:
        OptionError: it is neither.
    """
    if definition not in (_USUAL, _OTHER):
        raise OptionError(
            f"{name} has two definitions.", got=f"definition = {definition!r}", expected='"optax" or "torch"'
        )
    return bool(definition == _OTHER)


def default(value: V | None, of_torch: V, of_optax: V, is_torch: bool) -> V:
    """The value, or where there is none the default of the definition."""
    if value is not None:
        return value
    return of_torch if is_torch else of_optax
