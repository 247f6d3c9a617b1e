"""Breaking one method of an engine, to see whether the suite notices; and recording which methods a call uses."""

from __future__ import annotations

import contextlib
import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any

from unimod import config
from unimod.backends import _protocol, _registry
from unimod.backends._protocol import Engine
from unimod.dtypes import DType
from unimod.numpy import _table
from unimod.testing import checks

Method = tuple[str, str]
"""The module of an engine, and a function in it."""

MODULES = tuple(field.name for field in dataclasses.fields(Engine) if field.name != "name")


def methods(engine: str) -> list[Method]:
    """Every function of an engine: those of the protocols, and those that the numpy engine has beside them.

    Example:
        >>> from unimod.testing.sabotage import methods
        >>> ("math", "add") in methods("numpy"), ("math", "cast") in methods("numpy")
        (True, False)
    """
    loaded, reference = _registry.load(engine), _registry.load(config.HOST)
    found: list[Method] = []
    for module in MODULES:
        names = {*_spelled_out(module), *public(getattr(reference, module))}
        found += [(module, name) for name in sorted(names) if hasattr(getattr(loaded, module), name)]
    return found


def _spelled_out(module: str) -> list[str]:
    field = next(field for field in dataclasses.fields(Engine) if field.name == module)
    protocol = getattr(_protocol, str(field.type))
    return [n for n, value in vars(protocol).items() if isinstance(value, types.FunctionType) and not n.startswith("_")]


def public(module: Any) -> list[str]:
    """The functions that a module of an engine offers."""
    listed = getattr(module, "__all__", ())
    return [n for n, value in vars(module).items() if not n.startswith("_") and (n in listed or _is_own(value, module))]


def _is_own(value: Any, module: Any) -> bool:
    """Whether a name is a function of the module, and no helper or type that it imported."""
    if not callable(value) or isinstance(value, type) or hasattr(value, "__origin__"):
        return False
    origin = getattr(value, "__module__", None) or ""
    is_made_here = origin == module.__name__ or "<locals>" in getattr(value, "__qualname__", "")
    return is_made_here or not origin.startswith(("unimod", "typing", "functools", "collections"))


@contextlib.contextmanager
def sabotage(engine: str, module: str, name: str) -> Iterator[None]:
    """Let one method of an engine give slightly wrong results inside a ``with`` block.

    Floats become ``1.01 x + 0.01``, integers ``x + 1`` (unsigned: ``x ^ 1``), bools the opposite, and words another
    word; in lists, tuples and dicts all of them. Shapes and dtypes stay. A jitted function loses its last output.

    Args:
        engine: the name of the engine.
        module: ``"math"``, ``"nn"``, ...
        name: the function.

    Example:
        >>> import numpy as np
        >>> import unimod as um
        >>> from unimod.testing.sabotage import sabotage
        >>> with sabotage("numpy", "math", "add"):
        ...     print(um.numpy.add(np.ones(1, np.int32), 1).tolist())
        [3]
    """
    found = _registry.load(engine)
    breaker = _Breaker(found)
    spoil = breaker.last if returns_function(module, name) else breaker.spoiled
    checks.forget()
    try:
        with _replaced(found, module, name, lambda call: lambda *args, **kwargs: spoil(call(*args, **kwargs))):
            yield
    finally:
        checks.forget()


def returns_function(module: str, name: str) -> bool:
    """Whether a method gives a function back, whose results are what can be wrong."""
    return (module, name) == ("compile", "jit")


@contextlib.contextmanager
def recorded(*engines: str) -> Iterator[set[tuple[str, str, str]]]:
    """Collect ``(engine, module, name)`` of every method that is called inside a ``with`` block."""
    calls: set[tuple[str, str, str]] = set()

    def noting(key: tuple[str, str, str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def around(call: Callable[..., Any]) -> Callable[..., Any]:
            def noted(*args: Any, **kwargs: Any) -> Any:
                calls.add(key)
                return call(*args, **kwargs)

            return noted

        return around

    with contextlib.ExitStack() as stack:
        for engine in engines:
            for module, name in methods(engine):
                stack.enter_context(_replaced(_registry.load(engine), module, name, noting((engine, module, name))))
        yield calls


@contextlib.contextmanager
def _replaced(engine: Engine, module: str, name: str, around: Callable[[Any], Any]) -> Iterator[None]:
    owner = getattr(engine, module)
    original = getattr(owner, name)
    setattr(owner, name, around(original))
    _table.forget()
    try:
        yield
    finally:
        setattr(owner, name, original)
        _table.forget()


class _Breaker:
    """Makes results wrong, by operators only: the methods of the engine may be the broken ones."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.dtype_name, self.astype = engine, engine.arrays.dtype_name, engine.arrays.astype

    def spoiled(self, value: Any) -> Any:
        """``value``, wrong in every number."""
        if isinstance(value, dict):
            return {name: self.spoiled(item) for name, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.spoiled(item) for item in value)
        if isinstance(value, str):
            return f"not_{value}"
        if isinstance(value, bool):
            return not value
        return self._array(value) if config.is_array(value) else value

    def last(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A flat function whose last output is lost."""

        def broken(leaves: list[Any]) -> tuple[list[Any], Any]:
            outputs, extra = function(leaves)
            return [*outputs[:-1], *(self._array(x) for x in outputs[-1:])], extra

        return broken

    def _array(self, x: Any) -> Any:
        owner = _registry.of_type(type(x))
        dtype_name, astype = self.dtype_name, self.astype
        if owner is not None and owner is not self.engine:
            dtype_name, astype = owner.arrays.dtype_name, owner.arrays.astype
        dtype = dtype_name(x)
        kind = DType(dtype).kind
        if kind == "bool":
            return ~x
        if kind == "uint":
            return x ^ 1
        return astype(x + 1 if kind == "int" else x * 1.01 + 0.01, dtype)
