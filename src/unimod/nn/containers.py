"""Layers made of layers, and layers without leaves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.errors import DTypeError
from unimod.nn import activations
from unimod.nn.linear import Linear


class Sequential(Module):
    """Layers and functions, one after the other.

    Args:
        layers: modules and functions, as arguments or as one list.

    Example:
        >>> import unimod as um
        >>> net = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.relu, um.nn.Linear(3, 4)).init(0)
        >>> net(um.numpy.ones((1, 2))).shape == (1, 4), len(net), net[-1].out_features
        (True, 3, 4)
    """

    def __init__(self, *layers: Any) -> None:
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            layers = tuple(layers[0])
        for index, layer in enumerate(layers):
            if not callable(layer):
                raise DTypeError("A layer of Sequential cannot be called.", where=f"layers[{index}]", got=repr(layer))
        self.layers = list(layers)

    def __call__(self, x: Any) -> Any:
        """Apply the layers in order."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __getitem__(self, index: int | slice) -> Any:
        return Sequential(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __setitem__(self, index: int, layer: Any) -> None:
        layers = list(self.layers)
        layers[index] = layer
        self.layers = layers

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)


class Lambda(Module):
    """A function as a layer.

    Example:
        >>> import unimod as um
        >>> um.nn.Lambda(lambda x: 2 * x)(3)
        6
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.fn(*args, **kwargs)


class Identity(Module):
    """The layer that returns its input.

    Example:
        >>> import unimod as um
        >>> um.nn.Identity()(3)
        3
    """

    def __call__(self, x: Any) -> Any:
        """Return ``x``."""
        return x


class Flatten(Module):
    """Make one axis of all axes from ``start_axis`` on.

    Example:
        >>> import unimod as um
        >>> um.nn.Flatten()(um.numpy.ones((5, 2, 3))).shape == (5, 6)
        True
    """

    def __init__(self, start_axis: int = 1) -> None:
        self.start_axis = start_axis

    def __call__(self, x: Any) -> Any:
        """Flatten ``x``; the axes before ``start_axis`` stay."""
        kept = tuple(x.shape[: self.start_axis])
        size = 1
        for length in x.shape[self.start_axis :]:
            size *= length
        return unp.reshape(x, (*kept, size))


class MLP(Module):
    """Linear layers with an activation between them.

    Args:
        features: lengths of all layers, that of the input first (None: taken from the example input at ``init``).
        activation: function between the layers.
        use_bias: whether the layers have a bias.

    Example:
        >>> import unimod as um
        >>> model = um.nn.MLP([1, 12, 8, 1]).init(42)
        >>> model(um.numpy.ones((5, 1))).shape == (5, 1), um.tree.size(model)
        (True, 137)
    """

    def __init__(
        self,
        features: Sequence[int | None],
        *,
        activation: Callable[[Any], Any] = activations.relu,
        use_bias: bool = True,
    ) -> None:
        if len(features) < 2 or any(size is None for size in features[1:]):
            raise DTypeError(
                "MLP needs the length of its input (or None) and of at least one layer.", got=repr(features)
            )
        sizes = list(features)
        self.layers = [Linear(a, b, use_bias=use_bias) for a, b in itertools.pairwise(sizes)]  # type: ignore[arg-type]
        self.activation = activation

    def __call__(self, x: Any) -> Any:
        """Apply the layers to ``x``, of shape ``(..., features[0])``."""
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


def sequence(*layers: Any) -> Callable[[Any], Any]:
    """The composition of functions and modules as a plain function.

    Example:
        >>> import unimod as um
        >>> um.nn.sequence(lambda x: x + 1, lambda x: 2 * x)(3)
        8
    """

    def composed(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return composed
