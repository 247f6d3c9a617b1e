"""Choosing among the elements of an array: permutations, categories, samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from unimod import config
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.numpy._dispatch import adopt
from unimod.random._key import Key, single
from unimod.random._options import engine_beside, float_dtype, normalized_shape

Shape = int | Sequence[int]


def permutation(key: Key, x: Any, *, axis: int = 0, independent: bool = False) -> Any:
    """The elements of an array in random order.

    Args:
        key: one key.
        x: an array of any dtype, or the number of integers 0, 1, ... to permute.
        axis: the axis along which slices change places.
        independent: every vector along ``axis`` in an order of its own.

    Returns:
        an array of the shape and dtype of ``x``; int32 for a number.

    Example:
        >>> import unimod as um
        >>> um.random.permutation(um.random.key(0), 5).tolist()
        [0, 1, 4, 3, 2]
    """
    engine, data = single("permutation", key)
    x = _population("permutation", data, x)
    axis = 0 if isinstance(x, int) else _axis("permutation", x, axis)
    return engine.random.permutation(data, x, axis, independent)


def categorical(key: Key, logits: Any, *, axis: int = -1, shape: Shape | None = None) -> Any:
    """Indices of categories, with the probabilities ``softmax(logits)``.

    Args:
        key: one key.
        logits: floating point array; categories lie along ``axis``.
        axis: the axis of the categories.
        shape: the shape of the result, which ends with the shape of ``logits`` without ``axis`` (and is that if left
            out).

    Returns:
        int32, [*shape].

    Example:
        >>> import unimod as um
        >>> um.random.categorical(um.random.key(0), [0.0, 1.0, 2.0], shape=(5,)).tolist()
        [1, 1, 2, 1, 2]
    """
    engine, data = single("categorical", key)
    logits = _adopted(data, logits)
    float_dtype("categorical", config.dtype_of(logits))
    axis = _axis("categorical", logits, axis)
    batch = (*logits.shape[:axis], *logits.shape[axis + 1 :])
    full = batch if shape is None else normalized_shape("categorical", shape)
    if len(full) < len(batch) or any(n not in (1, m) for n, m in zip(batch[::-1], full[::-1], strict=False)):
        raise ShapeError(
            "The shape asked for does not end with the shape of the logits.",
            got=f"logits = {config.describe_value(logits)}, axis = {axis}, shape = {full}",
            expected=f"shape = (..., {', '.join(map(str, batch))})",
        )
    return engine.random.categorical(data, logits, axis, full)


def choice(key: Key, x: Any, shape: Shape = (), *, replace: bool = True, p: Any = None, axis: int = 0) -> Any:
    """Random elements of an array.

    Args:
        key: one key.
        x: an array of any dtype, or the number of integers 0, 1, ... to choose from.
        shape: how many to draw.
        replace: whether an element may be drawn more than once.
        p: the probabilities of the elements, [x.shape[axis]]; left out, all are equal.
        axis: the axis along which the elements lie.

    Returns:
        an array of the dtype of ``x`` (int32 for a number), in whose shape ``shape`` stands in place of ``axis``.

    Raises:
        OptionError: more elements are asked for than there are.
        ShapeError: ``p`` does not have one value for each element.

    Example:
        >>> import unimod as um
        >>> um.random.choice(um.random.key(0), [10, 20, 30], (4,)).tolist()
        [20, 10, 30, 20]
    """
    engine, data = single("choice", key)
    x = _population("choice", data, x)
    axis = 0 if isinstance(x, int) else _axis("choice", x, axis)
    size, full = (x if isinstance(x, int) else x.shape[axis]), normalized_shape("choice", shape)
    _check_number(size, full, replace)
    return engine.random.choice(data, x, full, replace, _probabilities(data, size, p), axis)


def _population(name: str, data: Any, x: Any) -> Any:
    if isinstance(x, int) or (hasattr(x, "__index__") and not config.is_array(x)):
        return x
    x = _adopted(data, x)
    if x.shape:
        return x
    if config.dtype_of(x).kind in ("int", "uint"):
        return int(x)
    raise DTypeError(f"`{name}` takes an array with axes, or an integer.", got=f"x = {config.describe_value(x)}")


def _adopted(data: Any, x: Any) -> Any:
    return adopt(engine_beside(data, x), x)


def _axis(name: str, x: Any, axis: int) -> int:
    rank = len(x.shape)
    if -rank <= axis < rank:
        return axis % rank
    raise ShapeError(f"`{name}` got an axis that is not there.", got=f"axis = {axis}, {config.describe_value(x)}")


def _check_number(size: int, shape: tuple[int, ...], replace: bool) -> None:
    draws = math.prod(shape)
    if draws and not size:
        raise OptionError("There is nothing to choose from.", got=f"0 elements, shape = {shape}")
    if not replace and draws > size:
        raise OptionError(
            "More elements are asked for than there are.",
            got=f"{draws} draws from {size} elements, replace = False",
            expected=f"at most {size} draws",
            fix="draw fewer, or pass replace=True",
        )


def _probabilities(data: Any, size: int, p: Any) -> Any:
    if p is None:
        return None
    p = _adopted(data, p)
    float_dtype("choice", config.dtype_of(p))
    if tuple(p.shape) != (size,):
        raise ShapeError(
            "`p` has one probability for each element.",
            got=f"p = {config.describe_value(p)}",
            expected=f"p = f32[{size}]",
        )
    return p
