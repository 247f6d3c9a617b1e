"""Linear layers over several axes: on any axes of the input, and by the subscripts of an einsum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.core.initializer import Initializer
from unimod.core.module import Module
from unimod.errors import NotInitializedError, OptionError, ShapeError
from unimod.nn import _affine, _axes, _leaves, initializers

Sizes = int | Sequence[int]


class LinearGeneral(Module):
    """A linear map of some axes of the input to one or more last axes of the output.

    Args:
        in_features: length of the axes ``axis``, in their order; None: taken from the example input at ``init``.
        out_features: length of the new last axis, or lengths of several.
        axis: the axis of the input to sum over, or several.
        use_bias: whether to add a bias.
        kernel_init: ``init(key, (inputs, outputs), dtype)`` of the kernel as a matrix, which then gets the shape
            ``(*in_features, *out_features)``.
        bias_init: likewise of the bias, of shape ``out_features``.
        dtype: of the leaves; inputs must have it too.

    Raises:
        ShapeError: an axis does not exist, or has another length.
        DTypeError: the input has another dtype.
        OptionError: an axis is named twice.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.LinearGeneral((2, 3), (4, 5), axis=(-2, -1)).init(0)
        >>> layer(um.numpy.ones((7, 2, 3))).shape == (7, 4, 5)
        True
    """

    def __init__(
        self,
        in_features: Sizes | None,
        out_features: Sizes,
        *,
        axis: Sizes = -1,
        use_bias: bool = True,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        self.in_features = None if in_features is None else _sizes(in_features)
        self.out_features, self.axis, self.use_bias = _sizes(out_features), _sizes(axis), use_bias
        self._kernel_init, self._bias_init, self._dtype = _AsMatrix(kernel_init, len(self.axis)), bias_init, str(dtype)
        if self.in_features is not None and len(self.in_features) != len(self.axis):
            raise OptionError(
                "LinearGeneral needs one length for each axis.",
                got=f"in_features = {self.in_features}, axis = {self.axis}",
                expected="as many lengths as axes",
                fix="pass axis=(-2, -1) for two lengths",
            )
        self._declare()

    def _declare(self) -> None:
        inputs = (None,) if self.in_features is None else self.in_features
        self.kernel: Any = _leaves.parameter(self._kernel_init, (*inputs, *self.out_features), self._dtype)
        self.bias: Any = _leaves.parameter(self._bias_init, self.out_features, self._dtype) if self.use_bias else None

    def infer_sizes(self, x: Any) -> None:
        """Take the missing sizes from an example input."""
        self.in_features = tuple(int(x.shape[place]) for place in self._places(x))
        self._declare()

    def _places(self, x: Any) -> tuple[int, ...]:
        places = tuple(_axes.resolve(x, axis) for axis in self.axis)
        if len(set(places)) < len(places):
            raise OptionError(
                "LinearGeneral got an axis twice.",
                got=f"axis = {self.axis}, for x of rank {len(x.shape)}",
                expected="axes that differ",
                fix="name each axis once",
            )
        return places

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``; the axes that are not summed over come first, in their order."""
        places = self._places(x)
        _leaves.check_input(self, x, self.kernel, None, "in_features")
        lengths = tuple(int(x.shape[place]) for place in places)
        if lengths != self.in_features:
            raise ShapeError(
                f"LinearGeneral got {lengths} on the axes {self.axis} of `x`, but was built for {self.in_features}.",
                got=f"x = {config.describe_value(x)}",
                expected=f"lengths {self.in_features} on the axes {self.axis}",
                fix=f"pass another x, or build it with in_features={lengths}",
            )
        if isinstance(self.kernel, Initializer):
            raise NotInitializedError("LinearGeneral has no kernel yet.", fix="model = model.init(seed)")
        rest = tuple(axis for axis in range(len(x.shape)) if axis not in places)
        rows = unp.reshape(
            unp.permute_dims(x, (*rest, *places)), (*(x.shape[axis] for axis in rest), math.prod(lengths))
        )
        kernel = unp.reshape(self.kernel, (math.prod(lengths), math.prod(self.out_features)))
        bias = None if self.bias is None else unp.reshape(self.bias, (-1,))
        return unp.reshape(_affine.linear(rows, kernel, bias), (*rows.shape[:-1], *self.out_features))


class Einsum(Module):
    """``einsum(subscripts, x, kernel) + bias``.

    Args:
        subscripts: of two operands, the input and the kernel, with the output: ``"btd,dnh->btnh"``; ``...`` is allowed.
        shape: of the kernel.
        bias_shape: of the bias, which broadcasts to the output; None for none.
        kernel_init: ``init(key, shape, dtype)`` of the kernel.
        bias_init: likewise of the bias.
        dtype: of the leaves; inputs must have it too.

    Raises:
        OptionError: the subscripts do not name two operands and the output.
        ShapeError: the input does not fit them.
        DTypeError: the input has another dtype.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Einsum("...td,dnh->...tnh", (8, 2, 4), bias_shape=(2, 4)).init(0)
        >>> layer(um.numpy.ones((3, 5, 8))).shape == (3, 5, 2, 4)
        True
    """

    def __init__(
        self,
        subscripts: str,
        shape: Sequence[int],
        *,
        bias_shape: Sequence[int] | None = None,
        kernel_init: _leaves.Fill = initializers.lecun_normal(),
        bias_init: _leaves.Fill = initializers.zeros(),
        dtype: str = "float32",
    ) -> None:
        inputs, arrow, _ = subscripts.replace(" ", "").partition("->")
        kernel = inputs.partition(",")[2].replace("...", "")
        if not arrow or inputs.count(",") != 1 or len(kernel) != len(tuple(shape)):
            raise OptionError(
                "Einsum needs the subscripts of an input, of its kernel, and of the output.",
                got=f"subscripts = {subscripts!r}, shape = {tuple(shape)}",
                expected="such as '...d,df->...f' with a letter for each axis of the kernel",
                fix="write the output after '->', and one letter for each axis of the kernel",
            )
        self.subscripts, self.shape = subscripts, tuple(shape)
        self.bias_shape = None if bias_shape is None else tuple(bias_shape)
        self.kernel: Any = _leaves.parameter(kernel_init, self.shape, str(dtype))
        self.bias: Any = None if self.bias_shape is None else _leaves.parameter(bias_init, self.bias_shape, str(dtype))

    def __call__(self, x: Any) -> Any:
        """Apply the layer to ``x``."""
        _leaves.check_input(self, x, self.kernel, None, "shape")
        if isinstance(self.kernel, Initializer):
            raise NotInitializedError("Einsum has no kernel yet.", fix="model = model.init(seed)")
        out = unp.einsum(self.subscripts, x, self.kernel)
        return out if self.bias is None else unp.add(out, self.bias)


class _AsMatrix:
    """An initializer that draws a kernel as a matrix, so that fans count all inputs and all outputs."""

    def __init__(self, init: _leaves.Fill, inputs: int) -> None:
        self.init, self.inputs = init, inputs

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: str) -> Any:
        sides = math.prod(shape[: self.inputs]), math.prod(shape[self.inputs :])
        return unp.reshape(self.init(key, sides, dtype), shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _AsMatrix) and (self.init, self.inputs) == (other.init, other.inputs)

    def __hash__(self) -> int:
        return hash((self.init, self.inputs))


def _sizes(value: Sizes) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)
