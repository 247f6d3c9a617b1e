"""Layers as parametrized functions: sizes of inputs are never named, they come from the example inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod.functional._inline import is_training, random_key
from unimod.functional._slots import Init, Param
from unimod.functional.initializers import glorot, randn
from unimod.functional.parametrized import Parametrized, parametrized
from unimod.nn import BatchNorm as _BatchNorm
from unimod.nn import functional
from unimod.nn._shapes import Padding

Sizes = int | Sequence[int]
Function = Callable[..., Any]


def Dense(out_dim: int, kernel_init: Init = glorot(), bias_init: Init = randn()) -> Parametrized:
    """``inputs @ kernel + bias`` on the last axis.

    Args:
        out_dim: length of the last axis of the output.
        kernel_init: of the kernel, ``(in, out_dim)``.
        bias_init: of the bias, ``(out_dim,)``.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dense
        >>> Dense(4).init_params(0, um.numpy.ones((2, 3)))
        dense(kernel=f32[3, 4], bias=f32[4])
    """

    def dense(
        inputs: Any,
        kernel: Any = Param(lambda inputs: (inputs.shape[-1], out_dim), kernel_init),
        bias: Any = Param((out_dim,), bias_init),
    ) -> Any:
        return functional.linear(inputs, kernel, bias)

    return Parametrized(dense)


def Conv(
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sizes = 1,
    padding: Padding = "VALID",
    kernel_init: Init = glorot(),
    bias_init: Init = randn(),
) -> Parametrized:
    """Convolution of images ``(batch, spatial..., channels)`` with a kernel ``(*filter_shape, in, out_chan)``.

    Options as in ``um.nn.functional.conv``.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Conv
        >>> Conv(2, (3, 3)).init_params(0, um.numpy.zeros((3, 5, 5, 1)))
        conv(kernel=f32[3, 3, 1, 2], bias=f32[2])
    """

    def conv(
        inputs: Any,
        kernel: Any = Param(lambda inputs: (*filter_shape, inputs.shape[-1], out_chan), kernel_init),
        bias: Any = Param((out_chan,), bias_init),
    ) -> Any:
        return functional.conv(inputs, kernel, bias, stride=strides, padding=padding)

    return Parametrized(conv)


def ConvTranspose(
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sizes = 1,
    padding: Padding = "VALID",
    kernel_init: Init = glorot(),
    bias_init: Init = randn(),
) -> Parametrized:
    """Transposed convolution, with a kernel ``(*filter_shape, in, out_chan)``.

    Options as in ``um.nn.functional.conv_transpose``.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import ConvTranspose
        >>> net = ConvTranspose(2, (3, 3), strides=2, padding="SAME")
        >>> x = um.numpy.zeros((3, 5, 5, 1))
        >>> net(net.init_params(0, x), x).shape == (3, 10, 10, 2)
        True
    """

    def conv_transpose(
        inputs: Any,
        kernel: Any = Param(lambda inputs: (*filter_shape, inputs.shape[-1], out_chan), kernel_init),
        bias: Any = Param((out_chan,), bias_init),
    ) -> Any:
        return functional.conv_transpose(inputs, kernel, bias, stride=strides, padding=padding)

    return Parametrized(conv_transpose)


def GeneralConv(
    dimension_numbers: tuple[str, str, str],
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sizes = 1,
    padding: Padding = "VALID",
    kernel_init: Init | None = None,
    bias_init: Init = randn(),
) -> Parametrized:
    """Convolution of arrays whose axes are in any order.

    Args:
        dimension_numbers: the axes of input, kernel and output, such as ``("HWCN", "OIHW", "NHWC")``.
        out_chan: number of output channels.
        filter_shape: size of the kernel along its spatial axes, in their order.
        strides: as in ``um.nn.functional.general_conv``.
        padding: likewise.
        kernel_init: of the kernel; None: ``glorot()`` over its axes ``I`` and ``O``.
        bias_init: of the bias, ``(out_chan,)``.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import GeneralConv
        >>> net = GeneralConv(("HWCN", "OIHW", "NHWC"), 4, (3, 3))
        >>> x = um.numpy.zeros((5, 6, 2, 1))
        >>> params = net.init_params(0, x)
        >>> params.kernel.shape == (4, 2, 3, 3), net(params, x).shape == (1, 3, 4, 4)
        (True, True)
    """
    _, order, _ = dimension_numbers
    sizes = iter(filter_shape)
    spatial = {axis: next(sizes) for axis in order if axis not in "IO"}

    def shape(inputs: Any) -> tuple[int, ...]:
        channels = inputs.shape[dimension_numbers[0].index("C")]
        return tuple({"I": channels, "O": out_chan, **spatial}[axis] for axis in order)

    def general_conv(
        inputs: Any,
        kernel: Any = Param(shape, kernel_init or _glorot_over(order)),
        bias: Any = Param((out_chan,), bias_init),
    ) -> Any:
        return functional.general_conv(
            inputs, kernel, bias, dimension_numbers=dimension_numbers, stride=strides, padding=padding
        )

    return Parametrized(general_conv)


def _glorot_over(order: str) -> Init:
    """``glorot()`` of a kernel whose axes are in another order: drawn channels last, and turned."""
    last = [axis for axis in order if axis not in "IO"] + ["I", "O"]

    def init(key: Any, shape: tuple[int, ...]) -> Any:
        drawn = glorot()(key, tuple(shape[order.index(axis)] for axis in last))
        return unp.permute_dims(drawn, tuple(last.index(axis) for axis in order))

    return init


def _pooled(pool: Function, window: Sequence[int], strides: Sizes | None, padding: Padding) -> Function:
    size = tuple(window)
    steps: Any = (1,) * len(size) if strides is None else strides

    def pooled(inputs: Any) -> Any:
        return pool(inputs, size, stride=steps, padding=padding)

    return pooled


def MaxPool(window: Sequence[int], strides: Sizes | None = None, padding: Padding = "VALID") -> Function:
    """The largest value in each window of ``(batch, spatial..., channels)``; strides are 1 by default.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import MaxPool
        >>> MaxPool((2, 2))(um.numpy.ones((1, 4, 4, 3))).shape == (1, 3, 3, 3)
        True
    """
    return _pooled(functional.max_pool, window, strides, padding)


def SumPool(window: Sequence[int], strides: Sizes | None = None, padding: Padding = "VALID") -> Function:
    """The sum of each window. Arguments as in :func:`MaxPool`."""
    return _pooled(functional.sum_pool, window, strides, padding)


def AvgPool(window: Sequence[int], strides: Sizes | None = None, padding: Padding = "VALID") -> Function:
    """The mean of each window, of its elements that are there. Arguments as in :func:`MaxPool`."""

    def mean(inputs: Any, size: tuple[int, ...], **options: Any) -> Any:
        return functional.avg_pool(inputs, size, count_include_pad=False, **options)

    return _pooled(mean, window, strides, padding)


def BatchNorm(axis: int = -1, decay: float = 0.9, epsilon: float = 1e-5) -> Parametrized:
    """``um.nn.BatchNorm`` of inputs of any size: in training it normalises by the batch, else by running statistics.

    ``net.apply(params, x, with_state=True)`` gives the parameters with new statistics; ``params.eval()`` uses them.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import BatchNorm
        >>> x = um.numpy.asarray([[1.0], [3.0]])
        >>> net = BatchNorm(decay=0.5)
        >>> _, params = net.apply(net.init_params(0, x), x, with_state=True)
        >>> params.layer.mean.tolist()
        [1.0]
    """
    return parametrized(_BatchNorm(None, axis=axis, decay=decay, epsilon=epsilon))


def Dropout(rate: float) -> Parametrized:
    """Set elements to 0 with probability ``rate``, and scale the others up; keys come from ``random_key()``.

    With ``params.eval()`` the input passes as it is, and no key is needed.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dropout
        >>> net, x = Dropout(0.5), um.numpy.ones((100,))
        >>> params = net.init_params(0, x)
        >>> sorted(set(net.apply(params, x, key=um.random.key(1)).tolist())), set(net(params.eval(), x).tolist())
        ([0.0, 2.0], {1.0})

    Differences: the rate is the probability of dropping, not of keeping.
    """

    def dropout(inputs: Any) -> Any:
        return functional.dropout(inputs, random_key(), rate) if is_training() else inputs

    return Parametrized(dropout)


def flatten(inputs: Any) -> Any:
    """All axes but the first as one.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import flatten
        >>> flatten(um.numpy.ones((2, 3, 4))).shape == (2, 12)
        True
    """
    return unp.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))
