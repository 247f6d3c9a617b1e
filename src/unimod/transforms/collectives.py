"""What the calls of a mapped function exchange, by the name of the axis that they are mapped over.

Under derivatives a sum over the calls is its own transpose: the derivative of ``psum(x)`` sums the cotangents of all
calls. So ``pmean(grad(loss)(params), name)`` is the gradient of the mean of the losses, whether or not ``loss`` takes a
mean over the axis itself.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.errors import OptionError, ShapeError, UnboundAxisError
from unimod.transforms import _lift

Name = Hashable


def axis_size(axis_name: Name) -> int:
    """The number of calls that are mapped over an axis; of a tuple of names the product.

    Args:
        axis_name: of :func:`vmap`.

    Returns:
        An int, also while a function is traced.

    Raises:
        UnboundAxisError: nothing is mapped over an axis of this name here.

    Example:
        >>> import unimod as um
        >>> um.vmap(lambda x: x * um.axis_size("batch"), axis_name="batch")(um.numpy.ones(3)).tolist()
        [3.0, 3.0, 3.0]
    """
    return math.prod(_size(_engine([], name), name) for name in _names(axis_name))


def axis_index(axis_name: Name) -> Any:
    """The number of this call among those that are mapped over an axis, from 0.

    Args:
        axis_name: of :func:`vmap`; a tuple of names counts through all of them, the last one fastest.

    Returns:
        int32[].

    Raises:
        UnboundAxisError: nothing is mapped over an axis of this name here.

    Example:
        >>> import unimod as um
        >>> um.vmap(lambda x: um.axis_index("batch") * 10, axis_name="batch")(um.numpy.ones(3)).tolist()
        [0, 10, 20]
    """

    def joined(index: Any, name: Name) -> Any:
        engine = _engine([], name)
        inner = engine.parallel.axis_index(name)
        return inner if index is None else unp.add(unp.multiply(index, _size(engine, name)), inner)

    return functools.reduce(joined, _names(axis_name), None)


def psum(tree: Any, axis_name: Name) -> Any:
    """The sum of each array over all calls; bools count as int32.

    Args:
        tree: arrays, and Python numbers, which are the same in each call.
        axis_name: of :func:`vmap`, or a tuple of such names to sum over all of them.

    Returns:
        The same tree in each call.

    Raises:
        UnboundAxisError: nothing is mapped over an axis of this name here.

    Example:
        >>> import unimod as um
        >>> um.vmap(lambda x: x / um.psum(x, "i"), axis_name="i")(um.numpy.asarray([1.0, 3.0])).tolist()
        [0.25, 0.75]
    """
    return _over(tree, axis_name, lambda engine, x, name: engine.parallel.psum(_counting(x), name))


def pmean(tree: Any, axis_name: Name) -> Any:
    """The mean of each array over all calls, of ints and bools in float32; see :func:`psum`.

    With a module, for instance ``um.pmean(model.batch_stats(), "device")``, it is that of all its leaves.

    Example:
        >>> import unimod as um
        >>> um.vmap(lambda x: x - um.pmean(x, "i"), axis_name="i")(um.numpy.asarray([1.0, 3.0])).tolist()
        [-1.0, 1.0]
    """

    def mean(engine: Engine, x: Any, name: Name) -> Any:
        return unp.divide(engine.parallel.psum(_counting(x), name), _size(engine, name))

    return _over(tree, axis_name, mean)


def pmax(tree: Any, axis_name: Name) -> Any:
    """The largest of each array over all calls, element by element; see :func:`psum`.

    The calls that have it share the derivative evenly.

    Example:
        >>> import unimod as um
        >>> um.vmap(lambda x: x - um.pmax(x, "i"), axis_name="i")(um.numpy.asarray([1.0, 3.0])).tolist()
        [-2.0, 0.0]

    Differences: JAX's has no derivative.
    """
    return _over(tree, axis_name, lambda engine, x, name: engine.parallel.pmax(_counting(x), name))


def pmin(tree: Any, axis_name: Name) -> Any:
    """The smallest of each array over all calls; see :func:`pmax`.

    Example:
        >>> import unimod as um
        >>> um.vmap(lambda x: x - um.pmin(x, "i"), axis_name="i")(um.numpy.asarray([1.0, 3.0])).tolist()
        [0.0, 2.0]
    """
    return _over(tree, axis_name, lambda engine, x, name: engine.parallel.pmin(_counting(x), name))


def all_gather(tree: Any, axis_name: Name, *, axis: int = 0, tiled: bool = False) -> Any:
    """The arrays of all calls, stacked along a new axis, or joined along one that there is.

    Args:
        tree: arrays, all with the axis.
        axis_name: of :func:`vmap`, or a tuple of names, the last one fastest.
        axis: the new axis of the result.
        tiled: join along ``axis`` of the arrays, as ``concat`` does, and make no new one.

    Returns:
        The same tree in each call.

    Raises:
        UnboundAxisError: nothing is mapped over an axis of this name here.
        ShapeError: there is no such axis.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 3.0])
        >>> um.vmap(lambda x: um.all_gather(x, "i"), axis_name="i")(x).tolist()
        [[1.0, 3.0], [1.0, 3.0]]
    """

    def gathered(engine: Engine, x: Any) -> Any:
        place = _axis("all_gather", x, axis, len(x.shape) + (not tiled))
        shape = tuple(x.shape)
        for name in reversed(_names(axis_name)):
            x = engine.parallel.all_gather(x, name)
        x = unp.moveaxis(unp.reshape(x, (-1, *shape)) if _is_several(axis_name) else x, 0, place)
        return _merged(x, place) if tiled else x

    return _each(tree, axis_name, gathered)


def psum_scatter(tree: Any, axis_name: Name, *, axis: int = 0, tiled: bool = False) -> Any:
    """The sum of each array over all calls, of which each call gets one part.

    Args:
        tree: arrays, all with the axis; bools count as int32.
        axis_name: of :func:`vmap`, or a tuple of names, the last one fastest.
        axis: along which the sum is split. It has one entry for each call and goes, or with ``tiled``
            a multiple of that.
        tiled: keep the axis, with as many entries as there are for each call.

    Raises:
        UnboundAxisError: nothing is mapped over an axis of this name here.
        ShapeError: there is no such axis, or it does not split.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([[1.0, 2.0], [10.0, 20.0]])
        >>> um.vmap(lambda x: um.psum_scatter(x, "i"), axis_name="i")(x).tolist()
        [11.0, 22.0]
    """

    def scattered(engine: Engine, x: Any) -> Any:
        names = _names(axis_name)
        sizes = [_size(engine, name) for name in names]
        place = _axis("psum_scatter", x, axis, len(x.shape))
        x = _split("psum_scatter", _counting(x), place, math.prod(sizes), tiled)
        x = unp.reshape(x, (*sizes, *x.shape[1:]))
        for name in names:
            x = engine.parallel.psum_scatter(x, name)
        return unp.moveaxis(x, 0, place) if tiled else x

    return _each(tree, axis_name, scattered)


def all_to_all(tree: Any, axis_name: Name, split_axis: int, concat_axis: int, *, tiled: bool = False) -> Any:
    """Split each array along one axis, a part for each call, and put together what a call gets along another.

    Args:
        tree: arrays, all with the axes.
        axis_name: of :func:`vmap`.
        split_axis: has one entry for each call and goes, or with ``tiled`` a multiple of that.
        concat_axis: the new axis of the result, or with ``tiled`` the one along which the parts are joined.
        tiled: split and join as ``split`` and ``concat`` do.

    Raises:
        UnboundAxisError: nothing is mapped over an axis of this name here.
        ShapeError: there is no such axis, or it does not split.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([[1.0, 2.0], [10.0, 20.0]])
        >>> um.vmap(lambda x: um.all_to_all(x, "i", 0, 0), axis_name="i")(x).tolist()
        [[1.0, 10.0], [2.0, 20.0]]
    """
    name = _one("all_to_all", axis_name)

    def exchanged(engine: Engine, x: Any) -> Any:
        split, joined = (_axis("all_to_all", x, axis, len(x.shape)) for axis in (split_axis, concat_axis))
        x = _split("all_to_all", x, split, _size(engine, name), tiled)
        x = engine.parallel.all_to_all(x, name)
        if not tiled:
            return unp.moveaxis(x, 0, joined)
        # The parts of the split axis stand second, behind the calls that they came from.
        return _merged(unp.moveaxis(unp.moveaxis(x, 1, split + 1), 0, joined), joined)

    return _each(tree, axis_name, exchanged)


def ppermute(tree: Any, axis_name: Name, perm: Sequence[tuple[int, int]]) -> Any:
    """Send each array from one call to another; calls that nobody sends to get zeros.

    Args:
        tree: arrays.
        axis_name: of :func:`vmap`.
        perm: pairs ``(source, destination)`` of numbers of calls; none stands twice as a source or as a destination.

    Raises:
        UnboundAxisError: nothing is mapped over an axis of this name here.
        OptionError: ``perm`` is not such a list.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0, 3.0])
        >>> um.vmap(lambda x: um.ppermute(x, "i", [(0, 1), (1, 2)]), axis_name="i")(x).tolist()
        [0.0, 1.0, 2.0]

    Differences: JAX's refuses pairs that leave calls out under ``vmap``.
    """
    name = _one("ppermute", axis_name)

    def moved(engine: Engine, x: Any) -> Any:
        sources, is_sent = _sources(perm, _size(engine, name))
        y = engine.parallel.ppermute(x, name, sources)
        if all(is_sent):
            return y
        here = unp.take(engine.arrays.asarray(is_sent, "bool"), engine.parallel.axis_index(name), axis=0)
        return unp.where(here, y, unp.zeros_like(y))

    return _each(tree, axis_name, moved)


# Trees


def _over(tree: Any, axis_name: Name, function: Callable[[Engine, Any, Name], Any]) -> Any:
    """``function`` of each leaf, over one axis after the other."""

    def each(engine: Engine, x: Any) -> Any:
        for name in _names(axis_name):
            x = function(engine, x, name)
        return x

    return _each(tree, axis_name, each)


def _each(tree: Any, axis_name: Name, function: Callable[[Engine, Any], Any]) -> Any:
    leaves, structure = walk.flatten(tree)
    arrays = [leaf for leaf in leaves if config.is_array(leaf)]
    engine, *_ = [_engine(arrays, name) for name in _names(axis_name)]
    kept = _lift.to_engine(engine, leaves)
    return walk.unflatten(structure, [_applied(function, engine, leaf) for leaf in kept])


def _applied(function: Callable[[Engine, Any], Any], engine: Engine, leaf: Any) -> Any:
    if isinstance(leaf, _lift.NUMBERS) and not config.is_array(leaf):
        leaf = engine.arrays.asarray(leaf)
    return function(engine, leaf) if config.is_array(leaf) else leaf


def _counting(x: Any) -> Any:
    return unp.astype(x, "int32") if config.dtype_of(x) == "bool" else x


# Names


def _is_several(axis_name: Name) -> bool:
    return isinstance(axis_name, tuple)


def _names(axis_name: Name) -> tuple[Name, ...]:
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    if not names or None in names or not all(isinstance(name, Hashable) for name in names):
        raise OptionError(
            "A collective needs the name of an axis.",
            got=f"axis_name = {axis_name!r}",
            expected="a name, or a tuple of one or more names",
        )
    return names


def _one(what: str, axis_name: Name) -> Name:
    names = _names(axis_name)
    if len(names) != 1:
        raise OptionError(f"{what} works over one axis.", got=f"axis_name = {axis_name!r}", expected="one name")
    return names[0]


def _engine(arrays: list[Any], name: Name) -> Engine:
    """The engine of the arrays; where that is the host's or there are none, one that maps over the axis now."""
    first = config.engine_of(*arrays)
    others = _registry.loaded() if first.name == config.HOST or not arrays else ()
    for engine in (first, *others):
        if engine.parallel.axis_size(name) is not None:
            return engine
    raise UnboundAxisError(
        f"There is no mapped axis called {name!r} here.",
        got=f"axis_name = {name!r}",
        expected="the name of an axis that a surrounding um.vmap maps over",
        fix=f"call this in a function that is mapped by um.vmap(fn, axis_name={name!r})",
    )


def _size(engine: Engine, name: Name) -> int:
    size = engine.parallel.axis_size(name)
    assert size is not None
    return size


# Shapes


def _axis(what: str, x: Any, axis: int, rank: int) -> int:
    if -rank <= axis < rank:
        return axis % rank
    raise ShapeError(f"{what} got an array without the axis {axis}.", got=config.short(x), fix="choose another axis")


def _split(what: str, x: Any, axis: int, count: int, tiled: bool) -> Any:
    """``x`` with an axis of the length ``count`` in front; with ``tiled`` the rest of the split axis comes second."""
    length = int(x.shape[axis])
    if length % count if tiled else length != count:
        raise ShapeError(
            f"{what} cannot split the axis {axis} over {count} calls.",
            got=config.short(x),
            expected=f"an axis whose length is {'a multiple of ' if tiled else ''}{count}",
            fix="pad it, or split another axis" if tiled else "pass tiled=True to give each call several entries",
        )
    first = unp.moveaxis(x, axis, 0)
    return unp.reshape(first, (count, length // count, *first.shape[1:])) if tiled else first


def _merged(x: Any, axis: int) -> Any:
    """``x`` with the axis and the next one made one."""
    shape = tuple(x.shape)
    return unp.reshape(x, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _sources(perm: Sequence[tuple[int, int]], count: int) -> tuple[tuple[int, ...], list[bool]]:
    """For each call the one that sends to it, completed to a permutation, and whether that one was asked to."""
    pairs = [tuple(pair) for pair in perm]
    is_pairs = all(len(pair) == 2 and all(isinstance(n, int) and 0 <= n < count for n in pair) for pair in pairs)
    if not is_pairs or any(len(set(column)) < len(column) for column in zip(*pairs, strict=True)):
        raise OptionError(
            "ppermute got what is no permutation of the calls.",
            got=f"perm = {list(perm)!r}",
            expected=f"pairs (source, destination) in [0, {count}), each number once on each side",
        )
    source = {pair[1]: pair[0] for pair in pairs}
    idle = iter(sorted(set(range(count)) - set(source.values())))
    return tuple(source[n] if n in source else next(idle) for n in range(count)), [n in source for n in range(count)]
