"""The parameters of a parametrized function: a module without a call, with an attribute for each of its parts."""

from __future__ import annotations

from typing import Any

from unimod.core.module import Module


class Params(Module):
    """Parameters by the names of the arguments and of the inline parts: ``params.layers[3].bias``.

    A module: trees, gradients, optimizers and state dicts treat it as they treat any other.
    """

    def __init__(self, name: str = "params") -> None:
        self._name = name

    @property
    def _um_title(self) -> str:
        return str(self._name)


def entries(params: Params) -> dict[str, Any]:
    """The attributes that are parameters."""
    return {name: value for name, value in vars(params).items() if name != "_name"}


RESERVED = frozenset(dir(Module)) | {"_name"}
"""Names that a part cannot have."""
