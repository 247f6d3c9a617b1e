"""Parametrized functions made of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod.functional.parametrized import Parametrized

Function = Callable[..., Any]


def Sequential(*layers: Any) -> Parametrized:
    """One after the other; the first takes all inputs.

    Args:
        layers: functions, parametrized or not, and layers of ``um.nn``; or one list of them. The same one twice shares
            its parameters.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dense, Sequential, relu
        >>> net = Sequential([Dense(3), relu, um.nn.Linear(None, 2)])
        >>> net.init_params(0, um.numpy.ones((1, 4))).layers[2].kernel.shape == (3, 2)
        True
    """

    def sequential(*inputs: Any, layers: Any = _list(layers)) -> Any:
        for layer in layers:
            inputs = (layer(*inputs),)
        return inputs[0] if len(inputs) == 1 else inputs

    return Parametrized(sequential)


def parallel(*layers: Any) -> Parametrized:
    """Each function on its own input: of a tuple of inputs a tuple of results.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dense, parallel
        >>> net = parallel(Dense(3), Dense(2))
        >>> x = um.numpy.ones((1, 4))
        >>> [y.shape[-1] for y in net(net.init_params(0, (x, x)), (x, x))]
        [3, 2]
    """

    def parallel(inputs: Any, layers: Any = _list(layers)) -> Any:
        return tuple(layer(x) for layer, x in zip(layers, inputs, strict=True))

    return Parametrized(parallel)


def FanOut(*layers: Any) -> Parametrized:
    """All functions on the same inputs: a tuple of results; with one int the input so many times.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dense, FanInConcat, FanOut, Sequential, identity
        >>> net = Sequential(FanOut(Dense(3), identity), FanInConcat())
        >>> x = um.numpy.ones((1, 4))
        >>> net(net.init_params(0, x), x).shape == (1, 7)
        True
    """
    found = [identity] * layers[0] if len(layers) == 1 and isinstance(layers[0], int) else _list(layers)

    def fan_out(*inputs: Any, layers: Any = found) -> Any:
        return tuple(layer(*inputs) for layer in layers)

    # With functions alone there is nothing in the default, and the list is no input either.
    return Parametrized(fan_out)


def FanInSum() -> Function:
    """The sum of a tuple of inputs."""

    def fan_in_sum(inputs: Any) -> Any:
        total, *rest = inputs
        for x in rest:
            total = total + x
        return total

    return fan_in_sum


def FanInConcat(axis: int = -1) -> Function:
    """The inputs of a tuple, one behind the other along an axis."""

    def fan_in_concat(inputs: Any) -> Any:
        return unp.concat(list(inputs), axis=axis)

    return fan_in_concat


def identity(inputs: Any) -> Any:
    """The input."""
    return inputs


def _list(layers: tuple[Any, ...]) -> list[Any]:
    return list(layers[0]) if len(layers) == 1 and isinstance(layers[0], (list, tuple)) else list(layers)
