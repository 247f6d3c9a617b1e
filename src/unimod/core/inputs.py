"""Example inputs as one object."""

from __future__ import annotations

from typing import Any


class Inputs:
    """Positional and keyword arguments of a call, wherever example inputs are taken.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((4, 3))
        >>> um.nn.Linear(None, 2).init(0, um.Inputs(x)).in_features
        3
        >>> um.Inputs.from_value((x, x)).args == (x, x), um.Inputs.from_value({"x": 1}).kwargs
        (True, {'x': 1})
    """

    __slots__ = ("args", "kwargs")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs

    def __repr__(self) -> str:
        parts = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())]
        return f"Inputs({', '.join(parts)})"

    @classmethod
    def from_value(cls, value: Any) -> Inputs:
        """A tuple as positional arguments, a dict as keyword arguments, anything else as the one argument."""
        if isinstance(value, Inputs):
            return value
        if isinstance(value, tuple):
            return cls(*value)
        return cls(**value) if isinstance(value, dict) else cls(value)


def spread(inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with the contents of an :class:`Inputs` in its place."""
    if not any(isinstance(item, Inputs) for item in inputs):
        return inputs, options
    args: list[Any] = []
    for item in inputs:
        args += item.args if isinstance(item, Inputs) else (item,)
        options = {**(item.kwargs if isinstance(item, Inputs) else {}), **options}
    return tuple(args), options
