"""``sequential_map``: a function over the first axis of arrays, one element (or one batch) after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod.core import tree
from unimod.errors import OptionError
from unimod.transforms import _control, _lift
from unimod.transforms._scan import length_of, scan
from unimod.transforms.vmap import vmap


def sequential_map(f: Callable[[Any], Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """``f(x)`` for each ``x`` along the first axis of ``xs``, stacked.

    It takes the memory of one call where ``vmap`` takes that of all, and runs one branch of a :func:`cond` for each
    element.

    Args:
        f: of a tree; it may capture modules and not change them.
        xs: a tree of arrays of one length.
        batch_size: so many calls are done at once, by ``vmap``; the last ones may be fewer.

    Raises:
        ShapeError: the arrays do not have one length.
        DTypeError: a leaf is no array.
        OptionError: ``batch_size`` is less than 1.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0, 3.0])
        >>> [float(v) for v in um.sequential_map(lambda x: x * x, x, batch_size=2)]
        [1.0, 4.0, 9.0]

    Differences: this is ``jax.lax.map``; ``um.map`` is a function over the leaves of a module.
    """
    name = f"sequential_map of {_lift.target_of(f).name}"
    leaves, structure = _control.array_leaves(name, xs, "xs")
    size = length_of(name, leaves, structure, 0, None)
    if batch_size is None:
        return _one_by_one(f, xs, size)
    if batch_size < 1:
        raise OptionError(f"{name} got no batch size.", got=f"batch_size = {batch_size}", expected="1 or more")
    batches = size // batch_size
    if batches < 1:
        return vmap(f)(xs)
    done = batches * batch_size
    first = tree.map(lambda x: unp.reshape(x[:done], (batches, batch_size, *x.shape[1:])), xs)
    ys = _one_by_one(vmap(f), first, batches)
    ys = tree.map(lambda y: unp.reshape(y, (done, *y.shape[2:])), ys)
    if done == size:
        return ys
    return tree.map(lambda y, z: unp.concat([y, z], axis=0), ys, vmap(f)(tree.map(lambda x: x[done:], xs)))


def _one_by_one(f: Callable[[Any], Any], xs: Any, length: int) -> Any:
    return scan(lambda _, x: (None, f(x)), None, xs, length)[1]
