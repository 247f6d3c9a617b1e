"""Calling a function through an engine, which may run it again or in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.backends._protocol import Engine, FlatFn
from unimod.core import walk
from unimod.transforms import _lift

Run = Callable[[Engine, FlatFn, list[Any]], tuple[list[Any], _lift.Packed]]


def call(target: _lift.Target, watch: _lift.StateWatch, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``target`` returns when ``run`` calls it; the module of a bound method is the first of ``args``."""
    _lift.rehearse((args, kwargs), lambda: target.fn(*args, **kwargs))
    leaves, structure = walk.flatten((args, kwargs))
    engine, leaves = _lift.settle(leaves)
    is_bound = target.owner is not None
    flat = _lift.flat_function(
        target,
        structure,
        watch,
        are_numbers_arrays=False,
        written_back=(lambda both: [both[0][0]]) if is_bound else None,
    )
    flat, arrays, _ = _lift.only_arrays(flat, leaves)
    found, packed = run(engine, flat, arrays)
    result = packed.unpack(found)
    if is_bound:
        result, copies = result
        _lift.write_back([args[0]], copies)
    return result
