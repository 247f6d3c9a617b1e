"""Parametrized functions that change what another one computes: penalties, other parameters, one more axis."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.core import tree, walk
from unimod.core.kinds import Parameter
from unimod.functional import _bound
from unimod.functional._frame import current
from unimod.functional.parametrized import Parametrized
from unimod.transforms.vmap import vmap


def Regularized(loss: Any, regularizer: Callable[[Any], Any]) -> Parametrized:
    """``loss(*inputs) + sum_p sum(regularizer(p))`` over the parameters ``p`` of the loss.

    Args:
        loss: a parametrized function that returns a scalar.
        regularizer: of an array, elementwise or a scalar.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dense, L2Regularized, Sequential, ones
        >>> loss = L2Regularized(Sequential([Dense(1, ones, ones), um.numpy.sum]), 0.5)
        >>> x = um.numpy.zeros((1, 3))
        >>> float(loss(loss.init_params(0, x), x))
        2.0
    """

    def regularized(*inputs: Any, loss: Any = loss, **options: Any) -> Any:
        value = loss(*inputs, **options)
        for leaf in tree.leaves(loss.params.parameters()):
            value = value + unp.sum(regularizer(leaf))
        return value

    return Parametrized(regularized)


def L1Regularized(loss: Any, scale: float = 1.0) -> Parametrized:
    """``loss + scale * sum |p|``. See :func:`Regularized`."""
    return Regularized(loss, lambda p: scale * unp.abs(p))


def L2Regularized(loss: Any, scale: float = 1.0) -> Parametrized:
    """``loss + scale / 2 * sum p**2``. See :func:`Regularized`."""
    return Regularized(loss, lambda p: 0.5 * scale * unp.square(p))


def Reparametrized(net: Any, transform: Callable[[], Any]) -> Parametrized:
    """``net`` with each of its parameters ``p`` replaced by ``transform()(p)``.

    Args:
        net: a parametrized function.
        transform: makes a function of an array, parametrized or not, for each parameter.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dense, Param, Reparametrized, ones, parametrized, zeros
        >>> def Scaled():
        ...     @parametrized
        ...     def scaled(value, scale=Param((), zeros)):
        ...         return value * scale
        ...     return scaled
        >>> net = Reparametrized(Dense(2), Scaled)
        >>> x = um.numpy.ones((1, 3))
        >>> params = net.init_params(0, x)
        >>> params.scaled0
        scaled(scale=f32[])
        >>> net(params, x).tolist()
        [[0.0, 0.0]]
    """

    def reparametrized(*inputs: Any, net: Any = net, **options: Any) -> Any:
        if _is_filling():
            net(*inputs, **options)
        leaves, structure = walk.flatten_node(net.params)
        slots = structure.slots
        new = [
            transform()(leaf) if slot.kind is not None and issubclass(slot.kind, Parameter) else leaf
            for leaf, slot in zip(leaves, slots, strict=True)
        ]
        return net.part(walk.unflatten(structure, new), *inputs, **options)

    return Parametrized(reparametrized)


def Batched(net: Any) -> Parametrized:
    """``net`` mapped over the first axis of its inputs, with the same parameters for each entry.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Batched, Dense
        >>> net = Batched(Dense(2))
        >>> params = net.init_params(0, um.numpy.ones((5, 3)))
        >>> net(params, um.numpy.ones((7, 3))).shape == (7, 2)
        True
    """

    def batched(*inputs: Any, net: Any = net, **options: Any) -> Any:
        if _is_filling():
            args, kwargs = tree.map(lambda x: x[0], (inputs, options))
            net(*args, **kwargs)
        key = _bound.next_key(net)
        keys = None if key is None else random.split(key, tree.leaves((inputs, options))[0].shape[0])
        one = functools.partial(_one, net.part)
        return vmap(one, in_axes=(None, 0 if keys else None, 0, 0))(net.params, keys, inputs, options)

    return Parametrized(batched)


def _one(part: Any, params: Any, key: Any, inputs: Any, options: Any) -> Any:
    return _bound.bind(part, params, key)(*inputs, **options)


def _is_filling() -> bool:
    frame = current()
    return frame is not None and frame.filling is not None
