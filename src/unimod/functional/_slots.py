"""What stands in the defaults of a parametrized function: parameters, other parametrized functions, layers."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from unimod import config
from unimod.core.initializer import Initializer
from unimod.core.module import Module
from unimod.errors import ShapeError

Init = Callable[..., Any]


class Part:
    """Base of what has parameters of its own and is known by its identity."""

    name: str
    slots: dict[str, Any]


class Param:
    """A parameter, as the default of an argument of a parametrized function.

    Args:
        shape: a shape, or a function of the inputs that returns one.
        init: ``init(key, shape)``; those of ``um.nn.initializers`` are such functions.
        dtype: passed to ``init`` as its third argument; None: ``init`` decides.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Param, parametrized, zeros
        >>> @parametrized
        ... def shift(inputs, bias=Param(lambda inputs: inputs.shape[-1:], zeros)):
        ...     return inputs + bias
        >>> shift.init_params(0, um.numpy.ones((2, 3)))
        shift(bias=f32[3])
    """

    __slots__ = ("dtype", "init", "shape")

    def __init__(self, shape: Callable[..., Any] | tuple[int, ...], init: Init, dtype: str | None = None) -> None:
        self.shape, self.init, self.dtype = shape, init, dtype

    def shape_for(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[int, ...]:
        """The shape that the parameter has for these inputs."""
        shape = self.shape(*inputs, **options) if callable(self.shape) else self.shape
        return (shape,) if isinstance(shape, int) else tuple(map(int, shape))

    def initializer(self, shape: tuple[int, ...]) -> Initializer:
        """The recipe of the leaf."""

        def fill(key: Any) -> Any:
            value = self.init(key, shape) if self.dtype is None else self.init(key, shape, self.dtype)
            if tuple(value.shape) != shape:
                raise ShapeError(
                    "An initializer gave an array of another shape than that of its parameter.",
                    got=config.short(value),
                    expected=f"shape {shape}",
                    fix="return an array of the shape that init(key, shape) is called with",
                )
            return value

        return Initializer(fill, shape, self.dtype or "float32")


class View:
    """A transformed part, such as ``um.jit(part)``: called in its place, with the parameters of the part.

    Attributes:
        call: what is called: a method, of an object with the parameters.
        part: a parametrized function, or a layer.
    """

    def __init__(self, call: Any, part: Any) -> None:
        self.call, self.part = call, part


def part_of(value: Any) -> Any:
    """What has parameters in a default value: a Param, a part, a view of one, a layer; None for anything else."""
    if hasattr(type(value), "_um_part"):  # the part of another call, handed on
        return value._um_part
    if isinstance(value, (Param, Part, Module)):
        return value
    inner = getattr(value, "__wrapped__", None)
    if isinstance(inner, Part):
        return View(value, inner)
    method = getattr(value, "_um_method", value)
    owner = getattr(method, "__self__", None) if isinstance(method, types.MethodType) else None
    is_layer = isinstance(owner, Module) and not hasattr(type(owner), "_um_part")
    return View(method.__func__, owner) if is_layer else None


def own_of(value: Any) -> Any:
    """:func:`part_of`, with the part itself in place of a view of it."""
    own = part_of(value)
    return own.part if isinstance(own, View) else own


def has_parts(value: Any) -> bool:
    """Whether there is anything with parameters in a default value."""
    return any(part_of(leaf) is not None for leaf in leaves(value))


def leaves(value: Any) -> Iterator[Any]:
    """What is in a default value, containers taken apart."""
    if type(value) in (list, tuple, dict) or (isinstance(value, tuple) and hasattr(value, "_fields")):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def mapped(function: Callable[..., Any], value: Any, *stored: Any) -> Any:
    """The same containers with ``function(leaf, *what is stored at its place)`` in place of each leaf."""
    if type(value) is dict:
        return {name: mapped(function, item, *(s[name] for s in stored)) for name, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(function, *items) for items in zip(value, *stored, strict=True)))
    if type(value) in (list, tuple):
        return type(value)(mapped(function, *items) for items in zip(value, *stored, strict=True))
    return function(value, *stored)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The leaves of a default value with their paths."""
    if type(value) is dict:
        items = list(value.items())
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        items = list(zip(value._fields, value, strict=True))
    elif type(value) in (list, tuple):
        items = list(enumerate(value))
    else:
        yield path, value
        return
    for name, item in items:
        yield from places(item, (*path, name))
