"""Callbacks from inside of functions that are jitted, mapped or differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.core import walk


def debug_callback(fn: Callable[..., Any], *args: Any, ordered: bool = False) -> None:
    """Call ``fn(*args)`` with values, also from inside of a function that is traced.

    Under ``jit`` it is called whenever the compiled function runs, under ``vmap`` once for each mapped call, and under
    ``grad`` once, with the values of the function. What it returns is dropped, and derivatives are not changed by it.

    Args:
        fn: gets the arguments with numpy arrays in the place of arrays.
        args: trees.
        ordered: whether callbacks come in the order of the program (JAX then refuses to map them); eager calls and
            those of torch always do.

    Example:
        >>> import unimod as um
        >>> seen = []
        >>> um.debug_callback(lambda x: seen.append(float(x)), um.numpy.asarray(2.0))
        >>> seen
        [2.0]
    """
    leaves, structure = walk.flatten(args)
    places = [place for place, leaf in enumerate(leaves) if config.is_array(leaf)]
    arrays = [leaves[place] for place in places]

    def with_values(values: list[Any]) -> None:
        full = list(leaves)
        for place, value in zip(places, values, strict=True):
            full[place] = value
        fn(*walk.unflatten(structure, full))

    if arrays:
        config.engine_of(*arrays).inspect.callback(with_values, arrays, ordered)
    else:
        config.default_engine().inspect.callback(with_values, [], ordered)


def debug_print(fmt: str, *args: Any, ordered: bool = False, **kwargs: Any) -> None:
    """Print ``fmt.format(*args, **kwargs)`` with values, also from inside of a traced function.

    Args:
        fmt: a format string, as of ``str.format``.
        args: trees for the fields ``{}``.
        ordered: as for :func:`debug_callback`.
        kwargs: trees for the fields with names.

    Example:
        >>> import unimod as um
        >>> um.debug_print("x = {x:.2f}", x=um.numpy.asarray(1.0))
        x = 1.00
    """
    debug_callback(lambda args, kwargs: print(fmt.format(*args, **kwargs)), args, kwargs, ordered=ordered)
