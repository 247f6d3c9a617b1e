"""Finding the engine of a call by the type of its data; one dictionary look-up on the common path."""

from __future__ import annotations

from typing import Any

from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.config import HOST, default_engine, engine_of

_by_type = _registry._by_type


def unary(x: Any) -> tuple[Engine, Any]:
    """The engine of ``x`` and ``x`` as an array of it (Python scalars and lists become arrays of the chosen engine)."""
    engine = _by_type.get(type(x))
    if engine is not None:
        return engine, x
    engine = _registry.of_type(type(x))
    if engine is not None:
        return engine, x
    if isinstance(x, (list, tuple)):
        engine = engine_of(*x)
        return engine, engine.arrays.asarray(x)
    engine = default_engine()
    return engine, engine.arrays.asarray(x)


def binary(x: Any, y: Any) -> tuple[Engine, Any, Any]:
    """The engine of two operands, of which one may be a Python scalar, a list or a host array."""
    engine = _by_type.get(type(x))
    if engine is not None and (type(y) is type(x) or type(y) in _SCALARS):
        return engine, x, y
    return _binary(x, y)


_SCALARS = frozenset({int, float, bool, complex})


def _binary(x: Any, y: Any) -> tuple[Engine, Any, Any]:
    engine = engine_of(x, y)
    x, y = (v if type(v) in _SCALARS else adopt(engine, v) for v in (x, y))
    if type(x) in _SCALARS and type(y) in _SCALARS:
        x = engine.arrays.asarray(x)
    return engine, x, y


def adopt(engine: Engine, x: Any) -> Any:
    """``x`` as an array of ``engine``; a host array or a list is converted, another engine's array is left alone."""
    owner = _registry.of_type(type(x))
    if owner is engine:
        return x
    if owner is None or owner.name == HOST:
        return engine.arrays.asarray(x)
    return x


def many(*values: Any) -> tuple[Any, ...]:
    """The engine of several operands, then the operands as its arrays (Python scalars and None are kept)."""
    engine = engine_of(*values)
    return (engine, *(v if v is None or type(v) in _SCALARS else adopt(engine, v) for v in values))
