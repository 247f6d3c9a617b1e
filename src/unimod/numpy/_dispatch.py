"""Finding the engine of a call by the type of its data; one dictionary look-up on the common path."""

from __future__ import annotations

from typing import Any

from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.config import HOST, default_engine, engine_of

by_type = _registry._by_type
"""The engines by the types of their arrays, as far as they have been met."""

SCALARS = frozenset({int, float, bool, complex})
"""The Python numbers that may stand beside arrays."""


def unary(x: Any) -> tuple[Engine, Any]:
    """The engine of ``x`` and ``x`` as an array of it (Python scalars and lists become arrays of the chosen engine)."""
    engine = by_type.get(type(x)) or _registry.of_type(type(x))
    if engine is not None:
        return engine, x
    engine = engine_inside(x)
    return engine, engine.arrays.asarray(x)


def binary(x: Any, y: Any) -> tuple[Engine, Any, Any]:
    """The engine of two operands, of which one may be a Python scalar, a list or a host array."""
    engine = by_type.get(type(x))
    if engine is not None and (type(y) in SCALARS or by_type.get(type(y)) is engine):
        return engine, x, y
    engine, x, y = many(x, y)
    if type(x) in SCALARS and type(y) in SCALARS:
        x = engine.arrays.asarray(x)
    return engine, x, y


def many(*values: Any) -> tuple[Any, ...]:
    """The engine of several operands, then the operands as its arrays (Python scalars and None are kept)."""
    engine = _shared(values)
    if engine is not None:
        return (engine, *values)
    engine = engine_inside(values)
    return (engine, *(v if v is None or type(v) in SCALARS else adopt(engine, v) for v in values))


def several(values: Any) -> tuple[Engine, list[Any]]:
    """The engine of a list of operands, and each of them as an array of it."""
    engine = _shared(values) or engine_inside(values)
    return engine, [adopt(engine, value) for value in values]


def _shared(values: Any) -> Engine | None:
    """The engine of all values that are neither scalars nor None; None where that takes more than a look."""
    found = None
    for value in values:
        engine = by_type.get(type(value))
        if engine is None:
            if value is not None and type(value) not in SCALARS:
                return None
        elif found is None:
            found = engine
        elif engine is not found:
            return None
    return found


def adopt(engine: Engine, x: Any) -> Any:
    """``x`` as an array of ``engine``; a host array, a list or a scalar is converted."""
    return x if by_type.get(type(x)) is engine else engine.arrays.asarray(x)


def engine_inside(value: Any, backend: str | None = None) -> Engine:
    """The engine of the arrays in ``value``, which may be a nested list of them; else the chosen one."""
    return engine_of(*_leaves(value), backend=backend)


def engine_for_creation(value: Any, backend: str | None = None) -> Engine:
    """The engine that makes an array of ``value``: that of the arrays in it; the chosen one for host data."""
    if backend is not None:
        return default_engine(backend)
    engine = engine_inside(value)
    return default_engine() if engine.name == HOST else engine


def _leaves(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return (value,)
    return [leaf for one in value for leaf in _leaves(one)]
