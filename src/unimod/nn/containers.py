"""Layers made of layers: one after the other, side by side, around a shortcut."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import unimod.numpy as unp
from unimod.core.module import Module
from unimod.errors import DTypeError, ShapeError
from unimod.nn import _leaves, activations, initializers
from unimod.nn.linear import Linear
from unimod.nn.stochastic import Dropout


class Sequential(Module):
    """Layers and functions, one after the other.

    Args:
        layers: modules and functions, as arguments or as one list.

    Example:
        >>> import unimod as um
        >>> net = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.relu, um.nn.Linear(3, 4)).init(0)
        >>> net(um.numpy.ones((1, 2))).shape == (1, 4), len(net), net[-1].out_features
        (True, 3, 4)
        >>> len(net[:2].append(um.nn.tanh))
        3
    """

    def __init__(self, *layers: Any) -> None:
        self.layers = _callables("Sequential", layers)

    def __call__(self, x: Any) -> Any:
        """Apply the layers in order."""
        for layer in self.layers:
            x = layer(x)
        return x

    def append(self, layer: Any) -> Sequential:
        """Add a layer at the end, in place; returns ``self``."""
        return self.extend([layer])

    def extend(self, layers: Iterable[Any]) -> Sequential:
        """Add layers at the end, in place; returns ``self``."""
        self.layers = _callables("Sequential", (*self.layers, *layers))
        return self

    def insert(self, index: int, layer: Any) -> Sequential:
        """Add a layer before the place ``index``, in place; returns ``self``."""
        layers = list(self.layers)
        layers.insert(index, layer)
        self.layers = _callables("Sequential", tuple(layers))
        return self

    def __getitem__(self, index: int | slice) -> Any:
        return Sequential(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __setitem__(self, index: int, layer: Any) -> None:
        layers = list(self.layers)
        layers[index] = layer
        self.layers = layers

    def __delitem__(self, index: int | slice) -> None:
        layers = list(self.layers)
        del layers[index]
        self.layers = layers

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)


class Residual(Module):
    """``layer(x) + shortcut(x)``.

    Args:
        layer: a module or a function.
        shortcut: what is added; None for ``x`` itself.

    Raises:
        ShapeError: the two have different shapes.

    Example:
        >>> import unimod as um
        >>> um.nn.Residual(um.nn.Lambda(lambda x: 2 * x))(um.numpy.asarray([1.0, 2.0])).tolist()
        [3.0, 6.0]

    Source: He et al., "Deep Residual Learning for Image Recognition", 2015.
    """

    def __init__(self, layer: Any, *, shortcut: Any = None) -> None:
        _callables("Residual", (layer, *(() if shortcut is None else (shortcut,))))
        self.layer, self.shortcut = layer, shortcut

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``, and add the shortcut."""
        straight = x if self.shortcut is None else self.shortcut(x)
        changed = self.layer(x)
        if tuple(changed.shape) != tuple(straight.shape):
            raise ShapeError(
                "Residual cannot add what its layer made of the input.",
                got=f"shapes {tuple(changed.shape)} and {tuple(straight.shape)}",
                expected="one shape",
                fix="pass shortcut=, a layer that gives the shape of the branch",
            )
        return unp.add(changed, straight)


class Parallel(Module):
    """Layers side by side: each gets the same input.

    Args:
        layers: modules and functions, as arguments or as one list.
        merge: what makes one result of the list of results; None gives a tuple of them.

    Example:
        >>> import unimod as um
        >>> net = um.nn.Parallel(um.nn.Identity(), um.nn.relu)
        >>> [y.tolist() for y in net(um.numpy.asarray([-1.0, 2.0]))]
        [[-1.0, 2.0], [0.0, 2.0]]
    """

    def __init__(self, *layers: Any, merge: Callable[[list[Any]], Any] | None = None) -> None:
        self.layers, self.merge = _callables("Parallel", layers), merge

    def __call__(self, *inputs: Any) -> Any:
        """Apply every layer to the inputs."""
        results = [layer(*inputs) for layer in self.layers]
        return tuple(results) if self.merge is None else self.merge(results)


class Concat(Module):
    """Layers side by side, whose results are joined along an axis.

    Args:
        layers: modules and functions, as arguments or as one list.
        axis: the axis along which to join.

    Example:
        >>> import unimod as um
        >>> um.nn.Concat(um.nn.Identity(), um.nn.relu)(um.numpy.asarray([-1.0, 2.0])).tolist()
        [-1.0, 2.0, 0.0, 2.0]
    """

    def __init__(self, *layers: Any, axis: int = -1) -> None:
        self.layers, self.axis = _callables("Concat", layers), axis

    def __call__(self, *inputs: Any) -> Any:
        """Apply every layer to the inputs, and join."""
        return unp.concat([layer(*inputs) for layer in self.layers], axis=self.axis)


class MLP(Module):
    """Linear layers with an activation between them.

    Between two layers come the normalisation, the activation and the dropout, in this order.

    Args:
        features: lengths of all layers, that of the input first (None: taken from the example input at ``init``).
        activation: function between the layers.
        out_activation: function after the last layer; None for none.
        norm: makes a normalisation of a number of features, such as ``um.nn.LayerNorm``; None for none.
        dropout: the probability of dropping between the layers.
        use_bias: whether the layers have a bias.
        kernel_init: ``init(key, shape, dtype)`` of the kernels.
        bias_init: likewise of the biases.
        dtype: of the leaves of the linear layers; inputs must have it too.

    Raises:
        DTypeError: a length is missing.
        OptionError: ``dropout`` is not a probability.

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
        out_activation: Callable[[Any], Any] | None = None,
        norm: Callable[[int], Any] | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        sizes = list(features)
        if len(sizes) < 2 or None in sizes[1:]:
            raise DTypeError(
                "MLP needs the length of its input (or None) and of at least one layer.", got=repr(features)
            )
        options: Any = {"use_bias": use_bias, "kernel_init": kernel_init, "bias_init": bias_init, "dtype": dtype}
        self.layers = [Linear(a, b, **options) for a, b in itertools.pairwise(sizes)]  # type: ignore[arg-type]
        self.norms = [] if norm is None else [norm(size) for size in sizes[1:-1] if size is not None]
        self.dropouts = [Dropout(dropout) for _ in sizes[1:-1]] if dropout else []
        self.activation, self.out_activation = activation, out_activation

    def __call__(self, x: Any) -> Any:
        """Apply the layers to ``x``, of shape ``(..., features[0])``."""
        for index, layer in enumerate(self.layers[:-1]):
            x = layer(x)
            x = self.activation(self.norms[index](x) if self.norms else x)
            x = self.dropouts[index](x) if self.dropouts else x
        x = self.layers[-1](x)
        return x if self.out_activation is None else self.out_activation(x)


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


def _callables(name: str, layers: tuple[Any, ...]) -> list[Any]:
    """The layers as a list, whether they came one by one or as one list."""
    if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
        layers = tuple(layers[0])
    for index, layer in enumerate(layers):
        if not callable(layer):
            raise DTypeError(
                f"A layer of {name} cannot be called.",
                where=f"layers[{index}]",
                got=repr(layer),
                expected="a module or a function",
                fix="pass layers, not what they gave",
            )
    return list(layers)
