"""Layers as pure functions of arrays: convolution, pooling, normalisation, dropout, embedding.

Images are channels-last, ``(batch..., spatial..., channels)``; kernels are ``(spatial..., in // groups, out)``. All
checks stand here, so that errors are the same on every engine; the modules of ``unimod.nn`` add where they happened.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.backends._protocol import Engine
from unimod.nn import _checks, _shapes
from unimod.nn._affine import linear as linear
from unimod.nn._attention import scaled_dot_product_attention as scaled_dot_product_attention
from unimod.nn._positions import alibi as alibi
from unimod.nn._positions import rotary as rotary
from unimod.nn._positions import sinusoidal as sinusoidal
from unimod.nn._recurrent import gru as gru
from unimod.nn._recurrent import gru_cell as gru_cell
from unimod.nn._recurrent import lstm as lstm
from unimod.nn._recurrent import lstm_cell as lstm_cell
from unimod.nn._recurrent import rnn as rnn
from unimod.nn._recurrent import rnn_cell as rnn_cell
from unimod.nn._shapes import Padding, Windows
from unimod.numpy._dispatch import many, unary

Array = Any
Shape = tuple[int, ...]
Sizes = int | Sequence[int]


def conv(
    x: Array,
    kernel: Array,
    *,
    stride: Sizes = 1,
    padding: Padding = "SAME",
    dilation: Sizes = 1,
    groups: int = 1,
) -> Array:
    """Convolution over 1, 2 or 3 spatial axes (cross-correlation: the kernel is not flipped).

    ``y[b, p, o] = sum_{k, i} x[b, p * stride + k * dilation - low, i] * kernel[k, i, o]``

    Args:
        x: floating, ``(batch..., spatial..., in)``.
        kernel: of the same dtype, ``(spatial..., in // groups, out)``; its rank says how many axes are spatial.
        stride: the step between outputs, one for all axes or one for each.
        padding: ``"SAME"`` (XLA's), ``"VALID"``, ``"CAUSAL"`` (one axis), a width, or a width or pair for each axis.
        dilation: the step between kernel taps.
        groups: splits the channels into independent convolutions; ``groups == in`` is a depthwise one.

    Returns:
        ``(batch..., spatial'..., out)``, in the dtype of ``x``.

    Raises:
        ShapeError: the ranks or channels do not fit, or the kernel is larger than the padded input.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x, kernel = um.numpy.ones((1, 5, 5, 2)), um.numpy.ones((3, 3, 2, 4))
        >>> tuple(um.nn.functional.conv(x, kernel, stride=2, padding="SAME").shape)
        (1, 3, 3, 4)
    """
    engine, x, kernel = many(x, kernel)
    rank = _checks.kernel("conv", engine, x, kernel, groups)
    plan = _shapes.plan(_spatial(x, rank), tuple(kernel.shape[:rank]), stride, dilation, padding)
    out = engine.nn.conv(
        _one_batch_axis(x, rank),
        kernel,
        stride=plan.stride,
        padding=plan.padding,
        dilation=plan.dilation,
        groups=groups,
    )
    return _restore_batch(out, x, rank)


def conv_transpose(
    x: Array,
    kernel: Array,
    *,
    stride: Sizes = 1,
    padding: Padding = "SAME",
    dilation: Sizes = 1,
    groups: int = 1,
) -> Array:
    """Transposed convolution: what the derivative of :func:`conv` by its input does, with ``in`` and ``out`` swapped.

    ``y[b, p * stride + k * dilation - low, o] += x[b, p, i] * kernel[k, i, o]``

    Args:
        x: floating, ``(batch..., spatial..., in)``.
        kernel: of the same dtype, ``(spatial..., in // groups, out)``.
        stride: the step between the outputs of neighbouring inputs.
        padding: ``"SAME"`` gives ``n * stride`` outputs, ``"VALID"`` ``n * stride + max(extent - stride, 0)``; widths
            are cut from both ends of the full output, ``(n - 1) * stride + extent``.
        dilation: the step between kernel taps.
        groups: splits the channels into independent convolutions.

    Returns:
        ``(batch..., spatial'..., out)``, in the dtype of ``x``.

    Raises:
        ShapeError: the ranks or channels do not fit, or nothing would be left.
        DTypeError: the dtypes differ, or are not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x, kernel = um.numpy.ones((1, 3, 3, 4)), um.numpy.ones((3, 3, 4, 2))
        >>> tuple(um.nn.functional.conv_transpose(x, kernel, stride=2).shape)
        (1, 6, 6, 2)
    """
    engine, x, kernel = many(x, kernel)
    rank = _checks.kernel("conv_transpose", engine, x, kernel, groups)
    strides, steps = _shapes.per_axis("stride", stride, rank), _shapes.per_axis("dilation", dilation, rank)
    crop = _shapes.plan_transposed(_spatial(x, rank), tuple(kernel.shape[:rank]), strides, steps, padding)
    out = engine.nn.conv_transpose(
        _one_batch_axis(x, rank), kernel, stride=strides, crop=crop, dilation=steps, groups=groups
    )
    return _restore_batch(out, x, rank)


def max_pool(x: Array, window: Sizes, *, stride: Sizes | None = None, padding: Padding = "VALID") -> Array:
    """The largest value in each window, for each channel; padding counts as -inf.

    Args:
        x: floating, ``(batch, spatial..., channels)``; all axes between the first and the last are spatial, unless
            ``window`` is a tuple, whose length then says how many are (further axes before them are batch axes).
        window: the size of the window.
        stride: the step between windows, by default ``window``.
        padding: as in :func:`conv`.

    Raises:
        ShapeError: the rank does not fit, or the window is larger than the padded input.
        DTypeError: ``x`` is not floating.
        OptionError: an option has a wrong value.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.reshape(um.numpy.asarray([1.0, 4.0, 2.0, 3.0]), (1, 4, 1))
        >>> um.nn.functional.max_pool(x, 2)[0, :, 0].tolist()
        [4.0, 3.0]
    """
    engine, x, plan = _plan_pool("max_pool", x, window, stride, padding)
    return _pooled(engine.nn.max_pool, x, plan)


def sum_pool(x: Array, window: Sizes, *, stride: Sizes | None = None, padding: Padding = "VALID") -> Array:
    """The sum of each window, for each channel. Arguments and errors as in :func:`max_pool`.

    Example:
        >>> import unimod as um
        >>> um.nn.functional.sum_pool(um.numpy.ones((1, 4, 1)), 2)[0, :, 0].tolist()
        [2.0, 2.0]
    """
    engine, x, plan = _plan_pool("sum_pool", x, window, stride, padding)
    return _pooled(engine.nn.sum_pool, x, plan)


def avg_pool(
    x: Array,
    window: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
) -> Array:
    """The mean of each window, for each channel. Arguments and errors as in :func:`max_pool`.

    Args:
        x: floating, ``(batch, spatial..., channels)``.
        window: the size of the window.
        stride: the step between windows, by default ``window``.
        padding: as in :func:`conv`.
        count_include_pad: whether padding counts as values (zeros) in the mean.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((1, 3, 1))
        >>> um.nn.functional.avg_pool(x, 2, padding="SAME")[0, :, 0].tolist()
        [1.0, 0.5]
        >>> um.nn.functional.avg_pool(x, 2, padding="SAME", count_include_pad=False)[0, :, 0].tolist()
        [1.0, 1.0]
    """
    engine, x, plan = _plan_pool("avg_pool", x, window, stride, padding)
    total = _pooled(engine.nn.sum_pool, x, plan)
    if count_include_pad or not any(map(any, plan.padding)):
        return unp.divide(total, float(math.prod(plan.size)))
    ones = engine.arrays.ones_like(x[(*(slice(1),) * (len(x.shape) - len(plan.size) - 1), ..., slice(1))])
    return unp.divide(total, _pooled(engine.nn.sum_pool, ones, plan))


def layer_norm(
    x: Array, scale: Array | None = None, bias: Array | None = None, *, num_axes: int = 1, epsilon: float = 1e-5
) -> Array:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``, with statistics of each example.

    Args:
        x: floating, ``(..., features...)``.
        scale: ``(features...)``, the last ``num_axes`` axes of ``x``; None for 1.
        bias: of that shape; None for 0.
        num_axes: over how many of the last axes to normalise.
        epsilon: is added to the (biased, two-pass) variance.

    Returns:
        The shape and dtype of ``x``; statistics are computed in float32 at least.

    Raises:
        ShapeError: ``x`` has too few axes, or ``scale`` or ``bias`` has another shape.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> y = um.nn.functional.layer_norm(um.numpy.asarray([1.0, 2.0, 3.0]))
        >>> [round(v, 3) for v in y.tolist()]
        [-1.225, 0.0, 1.225]

    Source: Ba, Kiros, Hinton (2016), arXiv:1607.06450.
    """
    engine, x, scale, bias = many(x, scale, bias)
    _checks.floating("layer_norm", engine, x)
    _checks.rank("layer_norm", "x", x, num_axes)
    features = tuple(x.shape[len(x.shape) - num_axes :])
    _checks.shapes("layer_norm", features, scale=scale, bias=bias)
    return engine.nn.layer_norm(x, scale, bias, num_axes=num_axes, epsilon=epsilon)


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and biased, two-pass variance of each channel, over all axes but the last.

    Args:
        x: floating, ``(..., channels)``.

    Returns:
        Two arrays ``(channels,)``, in float32 where ``x`` has half precision, else in its dtype.

    Raises:
        ShapeError: there are less than two values for each channel, so that there is no variance.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> mean, var = um.nn.functional.moments(um.numpy.asarray([[1.0, 10.0], [3.0, 10.0]]))
        >>> mean.tolist(), var.tolist()
        ([2.0, 10.0], [1.0, 0.0])
    """
    engine, x = unary(x)
    _checks.floating("moments", engine, x)
    _checks.batch("moments", x)
    return engine.nn.moments(x)


def batch_norm(
    x: Array,
    mean: Array,
    var: Array,
    scale: Array | None = None,
    bias: Array | None = None,
    *,
    epsilon: float = 1e-5,
) -> Array:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``, with given statistics for each channel (the last axis).

    Args:
        x: floating, ``(..., channels)``.
        mean: ``(channels,)``, of the batch (see :func:`moments`) or running.
        var: ``(channels,)``.
        scale: ``(channels,)``; None for 1.
        bias: ``(channels,)``; None for 0.
        epsilon: is added to the variance.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: an argument does not have one value for each channel.
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([[1.0], [3.0]])
        >>> y = um.nn.functional.batch_norm(x, *um.nn.functional.moments(x))
        >>> [round(v, 3) for v in y[:, 0].tolist()]
        [-1.0, 1.0]

    Source: Ioffe, Szegedy (2015), arXiv:1502.03167, algorithm 1.
    """
    engine, x, mean, var, scale, bias = many(x, mean, var, scale, bias)
    _checks.floating("batch_norm", engine, x)
    _checks.rank("batch_norm", "x", x, 1)
    _checks.shapes("batch_norm", tuple(x.shape[-1:]), mean=mean, var=var, scale=scale, bias=bias)
    return engine.nn.normalize(x, mean, var, scale, bias, epsilon=epsilon)


def dropout(x: Array, key: Any, rate: float, *, broadcast_axes: Sequence[int] = ()) -> Array:
    """Set each value to 0 with the probability ``rate``, and scale the others by ``1 / (1 - rate)``.

    Args:
        x: floating, any shape.
        key: draws the mask; the same key and shape give the same mask on every engine.
        rate: the probability of dropping, in [0, 1].
        broadcast_axes: axes along which one draw holds for all entries.

    Returns:
        The shape and dtype of ``x``. What is dropped is 0 also where ``x`` is inf or NaN.

    Raises:
        OptionError: ``rate`` is outside of [0, 1].
        DTypeError: ``x`` is not floating.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.ones((3,))
        >>> um.nn.functional.dropout(x, um.random.key(0), 1.0).tolist()
        [0.0, 0.0, 0.0]

    Source: Srivastava et al. (2014), JMLR 15.
    """
    engine, x = unary(x)
    _checks.floating("dropout", engine, x)
    _checks.rate(rate)
    if rate == 0:
        return x
    if rate == 1:
        return engine.arrays.zeros_like(x)
    single = {axis % len(x.shape) for axis in broadcast_axes}
    shape = tuple(1 if axis in single else size for axis, size in enumerate(x.shape))
    mask = random.bernoulli(key, 1.0 - rate, shape)
    # The reciprocal is taken here: XLA turns a division by a constant into it, other compilers do not.
    return engine.arrays.where(mask, unp.multiply(x, 1.0 / (1.0 - rate)), engine.arrays.zeros_like(x))


def embedding(table: Array, ids: Array) -> Array:
    """Rows of a table: ``table[ids]``.

    Args:
        table: ``(num, features...)``.
        ids: integers of any shape in [-num, num); negative ones count from the end, others are undefined.

    Returns:
        ``(ids..., features...)``, in the dtype of ``table``.

    Raises:
        ShapeError: ``table`` has no axis.
        DTypeError: ``ids`` are not integers.

    Example:
        >>> import unimod as um
        >>> table = um.numpy.asarray([[1.0, 2.0], [3.0, 4.0]])
        >>> um.nn.functional.embedding(table, um.numpy.asarray([1, 0])).tolist()
        [[3.0, 4.0], [1.0, 2.0]]
    """
    engine, table, ids = many(table, ids)
    _checks.rank("embedding", "table", table, 1)
    _checks.integers("embedding", "ids", engine, ids)
    rows = unp.take(table, unp.reshape(ids, (-1,)), axis=0)
    return unp.reshape(rows, (*ids.shape, *table.shape[1:]))


def _spatial(x: Array, rank: int) -> Shape:
    return tuple(x.shape[len(x.shape) - rank - 1 : -1])


def _one_batch_axis(x: Array, rank: int) -> Array:
    if len(x.shape) == rank + 2:
        return x
    return unp.reshape(x, (math.prod(x.shape[: -rank - 1]), *x.shape[-rank - 1 :]))


def _restore_batch(out: Array, x: Array, rank: int) -> Array:
    if len(x.shape) == rank + 2:
        return out
    return unp.reshape(out, (*x.shape[: -rank - 1], *out.shape[1:]))


def _plan_pool(
    name: str, x: Array, window: Sizes, stride: Sizes | None, padding: Padding
) -> tuple[Engine, Array, Windows]:
    engine, x = unary(x)
    _checks.floating(name, engine, x)
    rank = len(x.shape) - 2 if isinstance(window, int) else len(tuple(window))
    _checks.spatial(name, rank)
    _checks.rank(name, "x", x, rank + 1)
    sizes = _shapes.per_axis("window", window, rank)
    return engine, x, _shapes.plan(_spatial(x, rank), sizes, sizes if stride is None else stride, 1, padding)


def _pooled(fn: Any, x: Array, plan: Windows) -> Array:
    rank = len(plan.size)
    out = fn(_one_batch_axis(x, rank), window=plan.size, stride=plan.stride, padding=plan.padding)
    return _restore_batch(out, x, rank)
