"""The inputs of a parametrized function: its arguments without those that hold its parts."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any


class Inputs:
    """Which inputs a function takes, and how it is called with them.

    Args:
        signature: of the function.
        slots: the names of the arguments that hold its parts.
    """

    def __init__(self, signature: inspect.Signature, slots: Iterable[str]) -> None:
        parameters = [p for name, p in signature.parameters.items() if name not in set(slots)]
        self.slots = tuple(slots)
        self.signature = signature.replace(parameters=_ordered(parameters), return_annotation=inspect.Signature.empty)
        kinds = {p.kind for p in parameters}
        self.is_by_place = bool({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY} & kinds)

    @property
    def with_params(self) -> inspect.Signature:
        """The signature with the parameters in front."""
        first = inspect.Parameter("params", inspect.Parameter.POSITIONAL_ONLY)
        return self.signature.replace(parameters=[first, *self.signature.parameters.values()])

    def bind(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The inputs by place as far as they have one, the others by name.

        Raises:
            TypeError: the function does not take them.
        """
        bound = self.signature.bind(*inputs, **options)
        return bound.args, bound.kwargs

    def arranged(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What the function is called with: by name, where arguments that hold parts stand between."""
        if self.is_by_place:
            return inputs, options
        return (), {**dict(zip(self.signature.parameters, inputs, strict=False)), **options}


def _ordered(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """The same, valid as a signature: behind an argument with a default none has to follow without one."""
    has_default = False
    ordered = []
    for parameter in parameters:
        is_by_place = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        if is_by_place and has_default and parameter.default is inspect.Parameter.empty:
            parameter = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        has_default = has_default or (is_by_place and parameter.default is not inspect.Parameter.empty)
        ordered.append(parameter)
    return ordered
