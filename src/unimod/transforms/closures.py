"""``closure_convert``: the arrays that a function captured, as arguments."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.core import walk
from unimod.core.module import Module
from unimod.dtypes import is_inexact


def closure_convert(fun: Callable[..., Any], *example_args: Any) -> tuple[Callable[..., Any], list[Any]]:
    """``fun`` as a function of the arrays that it captured too, and the list of these.

    A rule such as that of :class:`custom_vjp` sees only the arguments of its function. What a function that is passed
    to it has captured becomes an argument this way.

    Args:
        fun: a function; the floating-point arrays in its closure and defaults are found, also within trees, modules and
            functions that it captured. Arrays that it finds as globals are not among them.
        example_args: not needed; they stand here as in JAX.

    Returns:
        ``(converted, consts)`` with ``converted(*args, *consts) == fun(*args)``.

    Example:
        >>> import unimod as um
        >>> def scaled_by(factor):
        ...     return lambda x: x * factor
        >>> converted, consts = um.closure_convert(scaled_by(um.numpy.asarray(3.0)), 1.0)
        >>> len(consts), float(converted(2.0, *consts)), float(converted(2.0, 5.0))
        (1, 6.0, 10.0)

    Differences:
        ``jax.closure_convert`` lists only arrays by which something is being differentiated.
    """
    found = _Captured()
    found.collect(fun)

    def converted(*args: Any) -> Any:
        count = len(args) - len(found.consts)
        return found.rebuilt(fun, iter(args[count:]))(*args[:count])

    return converted, list(found.consts)


class _Captured:
    """The arrays that a function and what it captured hold, in one order."""

    def __init__(self) -> None:
        self.consts: list[Any] = []
        self.open: list[Any] = []

    def collect(self, fun: Any) -> None:
        self.rebuilt(fun, None)

    def rebuilt(self, value: Any, given: Any) -> Any:
        """The value with the next of the given arrays in place of each of its own; without any, collect them."""
        if any(value is outer for outer in self.open):
            return value
        self.open.append(value)
        try:
            if isinstance(value, functools.partial):
                inner, args, kwargs = self.rebuilt((value.func, value.args, value.keywords), given)
                return functools.partial(inner, *args, **kwargs)
            if isinstance(value, types.MethodType):
                return types.MethodType(value.__func__, self.rebuilt(value.__self__, given))
            return self._function(value, given) if isinstance(value, types.FunctionType) else self._tree(value, given)
        finally:
            self.open.pop()

    def _function(self, fun: types.FunctionType, given: Any) -> Any:
        cells = tuple(self._cell(cell, given) for cell in fun.__closure__ or ())
        defaults, by_name = self.rebuilt((fun.__defaults__, fun.__kwdefaults__), given)
        if given is None:
            return fun
        made = types.FunctionType(fun.__code__, fun.__globals__, fun.__name__, defaults, cells)
        made.__kwdefaults__ = by_name
        return functools.update_wrapper(made, fun)

    def _cell(self, cell: Any, given: Any) -> Any:
        try:
            content = cell.cell_contents
        except ValueError:  # a name that has no value yet
            return cell
        new = self.rebuilt(content, given)
        return cell if new is content else types.CellType(new)

    def _tree(self, value: Any, given: Any) -> Any:
        if not (config.is_array(value) or isinstance(value, (Module, tuple, list, dict))):
            return value
        leaves, structure = walk.flatten(value)
        new = [self._leaf(leaf, given) for leaf in leaves]
        return value if all(a is b for a, b in zip(new, leaves, strict=True)) else walk.unflatten(structure, new)

    def _leaf(self, leaf: Any, given: Any) -> Any:
        if config.is_array(leaf):
            if not is_inexact(config.dtype_of(leaf)):
                return leaf
            self.consts += [leaf] if given is None else []
            return leaf if given is None else next(given)
        return self.rebuilt(leaf, given) if callable(leaf) else leaf
