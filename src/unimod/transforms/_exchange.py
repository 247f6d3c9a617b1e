"""Collectives made of ``all_gather`` and ``axis_index``, for engines that have none of their own."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine

Array = Any


def psum(engine: Engine, x: Array, axis_name: Hashable) -> Array:
    """The sum over all calls."""
    return unp.astype(unp.sum(engine.parallel.all_gather(x, axis_name), axis=0), engine.arrays.dtype_name(x))


def pmax(engine: Engine, x: Array, axis_name: Hashable) -> Array:
    """The largest of all calls."""
    return unp.max(engine.parallel.all_gather(x, axis_name), axis=0)


def pmin(engine: Engine, x: Array, axis_name: Hashable) -> Array:
    """The smallest of all calls."""
    return unp.min(engine.parallel.all_gather(x, axis_name), axis=0)


def psum_scatter(engine: Engine, x: Array, axis_name: Hashable) -> Array:
    """The sum of ``x[i]`` over all calls, for call i."""
    return unp.take(engine.parallel.psum(x, axis_name), engine.parallel.axis_index(axis_name), axis=0)


def ppermute(engine: Engine, x: Array, axis_name: Hashable, sources: tuple[int, ...]) -> Array:
    """The array of call ``sources[i]``, for call i."""
    source = unp.take(engine.arrays.asarray(sources, "int32"), engine.parallel.axis_index(axis_name), axis=0)
    return unp.take(engine.parallel.all_gather(x, axis_name), source, axis=0)


def all_to_all(engine: Engine, x: Array, axis_name: Hashable) -> Array:
    """``x[i]`` of all calls, for call i."""
    return unp.take(engine.parallel.all_gather(x, axis_name), engine.parallel.axis_index(axis_name), axis=1)
