"""The functions of the namespace that are one function of the engine: a table from the type of the data to it.

A decorated function gives the name, the signature and the text; what runs is the engine's function of that name. The
body of a *composite* runs on an engine that has none: it is written with the public functions, so that an engine can
do without every function that has a body.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from unimod.backends import _capabilities as has
from unimod.backends import _registry
from unimod.backends._host import limits as whole_limits
from unimod.backends._host import unfit
from unimod.backends._promotion import promote_scalar
from unimod.backends._protocol import Engine, Plain
from unimod.config import dtype_of, is_array
from unimod.dtypes import DType
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import SCALARS, binary, engine_inside

Op = Callable[..., Any]

_tables: weakref.WeakSet[Any] = weakref.WeakSet()


class Table(dict[type, Op]):
    """One function of every engine, by the type of its first operand; filled when a type is met for the first time.

    Args:
        module: the module of the engine in which the function is.
        name: of the function.
        otherwise: what runs on an engine that has none of that name.
        only: the dtypes for which the function is, of ``explain.ONLY``; "" is all.

    Example:
        >>> import numpy as np
        >>> from unimod.numpy._table import Table
        >>> add = Table("math", "add")
        >>> add[np.ndarray](np.ones(2), 1.0).tolist()
        [2.0, 2.0]
    """

    __slots__ = ("__weakref__", "module", "name", "only", "otherwise")
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, module: str, name: str, otherwise: Op | None = None, only: str = "") -> None:
        super().__init__()
        self.module, self.name, self.otherwise, self.only = module, name, otherwise, only
        _tables.add(self)

    def of(self, engine: Engine) -> Op:
        """The function of one engine."""
        module = getattr(engine, self.module)
        found: Op = getattr(module, self.name) if self.otherwise is None else getattr(module, self.name, self.otherwise)
        return found if not self.only or self._refuses(found, engine) else explain.guarded(found, self.only)

    def _refuses(self, found: Op, engine: Engine) -> bool:
        is_strict = self.only in explain.REFUSED_BY_STRICT and has.STRICT in engine.facts.CAPABILITIES
        return is_strict and found is not self.otherwise

    def __missing__(self, cls: type) -> Op:
        engine = _registry.of_type(cls)
        if engine is None:
            return self._adopting
        found = self[cls] = self.of(engine)
        return found

    def _adopting(self, x: Any, *rest: Any, **options: Any) -> Any:
        engine = engine_inside(x)
        return self.of(engine)(engine.arrays.asarray(x), *rest, **options)


class ByDType(dict[Any, Op]):
    """The same by a dtype, under which stands the framework's own function where it needs no help (``Plain``).

    Args:
        table: the function by the type of its first operand.
        use: the field of ``Plain`` with the dtypes in question.
        shared: what runs where there is none, and for the dtypes of numpy, which are those of several engines.
    """

    __slots__ = ("__weakref__", "shared", "table", "use")
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, table: Table, use: str = "alike", shared: Op | None = None) -> None:
        super().__init__()
        self.table, self.use, self.shared = table, use, shared or self._by_type
        _tables.add(self)

    def __missing__(self, dtype: Any) -> Op:
        if not isinstance(dtype, np.dtype):
            return functools.partial(self._first, dtype)
        found = self[dtype] = self.shared
        return found

    def _by_type(self, x: Any, *rest: Any) -> Any:
        return self.table[type(x)](x, *rest)

    def _first(self, dtype: Any, x: Any, *rest: Any) -> Any:
        engine = _registry.of_type(type(x))
        if engine is None:
            raise TypeError(type(x))
        found = self[dtype] = self._of(engine, dtype)
        return found(x, *rest)

    def _of(self, engine: Engine, dtype: Any) -> Op:
        plain: Plain | None = getattr(self.table.of(engine), "plain", None)
        own: Op | None = plain.function if plain is not None and dtype in getattr(plain, self.use) else None
        return own or self.shared


def forget() -> None:
    """Look all functions up again, where an engine is not what it was (tests replace its functions)."""
    for table in _tables:
        table.clear()


def unary_op(public: Op | None = None, *, only: str = "") -> Op:
    """The engines' elementwise function of one array; ``only`` (of ``explain.ONLY``) says for which dtypes it is."""
    return _decorated(_unary, public, only)


def unary_composite(public: Op | None = None, *, only: str = "") -> Op:
    """The engines' elementwise function of one array, else the body."""
    return _decorated(_unary, public, only, is_composite=True)


def binary_op(public: Op | None = None, *, only: str = "") -> Op:
    """The engines' elementwise function of two operands; ``only`` as above."""
    return _decorated(_binary, public, only)


def binary_composite(public: Op | None = None, *, only: str = "") -> Op:
    """The engines' elementwise function of two operands, else the body."""
    return _decorated(_binary, public, only, is_composite=True)


def _decorated(make: Op, public: Op | None, only: str, *, is_composite: bool = False) -> Op:
    def decorate(public: Op) -> Op:
        if is_composite:
            _registry.on_load(functools.partial(_complete, public))
        made: Op = make(public, public if is_composite else None, only)
        return made

    return decorate if public is None else decorate(public)


def _complete(body: Op, engine: Engine) -> None:
    """Put the body in place of what the engine does not have, so that the front may call it there too."""
    if not hasattr(engine.math, body.__name__):
        setattr(engine.math, body.__name__, body)


def _unary(public: Op, body: Op | None, only: str) -> Op:
    table = Table("math", public.__name__, body, only)
    by_dtype = ByDType(table)

    @functools.wraps(public)
    def op(x: Any, /) -> Any:
        try:
            return by_dtype[x.dtype](x)
        except Exception:  # no array, or one that is refused: both are settled below
            return general(x)

    def general(x: Any) -> Any:
        try:
            return table[type(x)](x)
        except Exception as error:
            raise explain.operands(error, public.__name__, x, only=only)  # noqa: B904 (it carries its cause)

    return op


def _binary(public: Op, body: Op | None, only: str) -> Op:
    table = Table("math", public.__name__, body, only)

    @functools.wraps(public)
    def op(x1: Any, x2: Any, /) -> Any:
        try:
            if type(x2) is float:
                return beside_float[x1.dtype](x1, x2)
            if type(x2) is int:
                return general(x1, x2)
            dtype = x1.dtype
            if dtype is x2.dtype:
                return alike[dtype](x1, x2)
        except Exception:  # no arrays, or the framework's function refuses: both are settled below
            pass
        return general(x1, x2)

    def general(x1: Any, x2: Any) -> Any:
        try:
            if type(x2) in SCALARS:
                if type(x2) is int and not 0 <= x2 < 128:
                    check_fit(x2, x1)
                return table[type(x1)](x1, x2)
            if type(x1) is int:
                check_fit(x1, x2)
            engine, x1, x2 = binary(x1, x2)
            return table.of(engine)(x1, x2)
        except Exception as error:
            raise explain.operands(error, public.__name__, x1, x2, only=only)  # noqa: B904 (it carries its cause)

    def of_one_type(x1: Any, x2: Any) -> Any:
        cls = type(x1)
        return table[cls](x1, x2) if cls is type(x2) else general(x1, x2)

    alike, beside_float = ByDType(table, shared=of_one_type), ByDType(table, "beside_float")
    return op


_limits: dict[Any, tuple[int, int] | None] = {}


def check_fit(number: int, x: Any) -> None:
    """Refuse a Python integer that the dtype of the array beside it cannot hold.

    Raises:
        DTypeError: it does not fit; frameworks would wrap it, or raise errors of their own.
    """
    dtype = getattr(x, "dtype", None)
    if dtype not in _limits:
        _limits[dtype] = _limits_of(x)
    limits = _limits[dtype]
    if limits is not None and not limits[0] <= number <= limits[1]:
        raise unfit(number, str(dtype_of(x)))


def _limits_of(x: Any) -> tuple[int, int] | None:
    if not is_array(x):
        return None
    name = promote_scalar(dtype_of(x), int)
    return whole_limits(name) if DType(name).kind in ("int", "uint") else None
