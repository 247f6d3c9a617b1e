"""What an engine needs not have: written with what it must have, and put in place when it is loaded.

So the front may call ``engine.arrays.stack`` on every engine; one that has a function of its own keeps it. What stands
in the files of ``ON_DEMAND`` is imported when it is first called, since the engines of unimod have it all.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

from unimod.backends import _registry
from unimod.backends._protocol import Array, Axis, Engine, Shape
from unimod.numpy._options import axes_of, device_of


def zeros(engine: Engine, shape: Shape, dtype: str, device: Any = None) -> Array:
    """All zeros."""
    return engine.arrays.full(shape, 0, dtype, device)


def ones(engine: Engine, shape: Shape, dtype: str, device: Any = None) -> Array:
    """All ones."""
    return engine.arrays.full(shape, 1, dtype, device)


def zeros_like(engine: Engine, x: Array, dtype: str | None = None) -> Array:
    """Zeros of the shape of ``x``."""
    return engine.arrays.full_like(x, 0, dtype)


def ones_like(engine: Engine, x: Array, dtype: str | None = None) -> Array:
    """Ones of the shape of ``x``."""
    return engine.arrays.full_like(x, 1, dtype)


def view(engine: Engine, x: Array, shape: Shape) -> Array:
    """The same memory in another shape: of arrays that cannot be changed nobody can tell."""
    return engine.arrays.reshape(x, shape)


def expand_dims(engine: Engine, x: Array, axis: int) -> Array:
    """A new axis of size 1."""
    shape, place = tuple(x.shape), axis + len(x.shape) + 1 if axis < 0 else axis
    if not 0 <= place <= len(shape):
        raise IndexError(axis)
    return engine.arrays.reshape(x, (*shape[:place], 1, *shape[place:]))


def squeeze(engine: Engine, x: Array, axis: int | tuple[int, ...]) -> Array:
    """Axes of size 1 dropped."""
    axes = axes_of(axis, len(x.shape))
    return engine.arrays.reshape(x, tuple(size for place, size in enumerate(x.shape) if place not in axes))


def moveaxis(engine: Engine, x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Array:
    """Axes moved to other places."""
    rank = len(x.shape)
    places = dict(zip(axes_of(destination, rank), axes_of(source, rank), strict=True))
    others = iter(i for i in range(rank) if i not in places.values())
    order = tuple(places[i] if i in places else next(others) for i in range(rank))
    if sorted(order) != list(range(rank)) or not set(places) <= set(order):
        raise IndexError(source)
    return engine.arrays.permute_dims(x, order)


def stack(engine: Engine, xs: Sequence[Array], axis: int) -> Array:
    """Joined along a new axis."""
    if any(tuple(x.shape) != tuple(xs[0].shape) for x in xs):
        raise ValueError("shapes differ")
    return engine.arrays.concat([expand_dims(engine, x, axis) for x in xs], axis)


def flip(engine: Engine, x: Array, axis: Axis) -> Array:
    """The order along the axes reversed; None is all axes."""
    for place in axes_of(axis, len(x.shape)):
        order = engine.arrays.arange(x.shape[place] - 1, -1, -1, "int32", device_of(engine, x))
        x = engine.arrays.take(x, order, place)
    return x


def pad(engine: Engine, x: Array, widths: tuple[tuple[int, int], ...], value: Any = 0) -> Array:
    """``value`` put before and after each axis."""
    for axis, pair in enumerate(widths):
        x = framed(engine, x, axis, pair, (value, value))
    return x


def framed(engine: Engine, x: Array, axis: int, widths: tuple[int, int], values: tuple[Any, ...]) -> Array:
    """One value put before an axis and one after it."""
    dtype, shape = engine.arrays.dtype_name(x), tuple(x.shape)
    blocks = [
        engine.arrays.full((*shape[:axis], width, *shape[axis + 1 :]), value, dtype, device_of(engine, x))
        for width, value in zip(widths, values, strict=True)
    ]
    return engine.arrays.concat([blocks[0], x, blocks[1]], axis)


def tril(engine: Engine, x: Array, k: int) -> Array:
    """Zeros above the ``k``-th diagonal."""
    inside = engine.math.less_equal(_diagonals(engine, x), k)
    return engine.arrays.where(inside, x, engine.arrays.full_like(x, 0))


def triu(engine: Engine, x: Array, k: int) -> Array:
    """Zeros below the ``k``-th diagonal."""
    inside = engine.math.greater_equal(_diagonals(engine, x), k)
    return engine.arrays.where(inside, x, engine.arrays.full_like(x, 0))


def _diagonals(engine: Engine, x: Array) -> Array:
    """For each element of a matrix the diagonal on which it is."""
    device, (n, m) = device_of(engine, x), x.shape[-2:]
    rows = engine.arrays.reshape(engine.arrays.arange(0, n, 1, "int32", device), (n, 1))
    return engine.math.subtract(engine.arrays.arange(0, m, 1, "int32", device), rows)


DEFAULTS: tuple[Callable[..., Array], ...] = (
    zeros, ones, zeros_like, ones_like, view, expand_dims, squeeze, moveaxis, stack, flip, pad, tril, triu,
)  # fmt: skip
"""The functions, whose first argument is the engine."""


def complete(module: str, functions: Sequence[Callable[..., Array]], engine: Engine) -> None:
    """Put in place what a module of the engine does not have."""
    own = getattr(engine, module)
    for function in functions:
        if not hasattr(own, function.__name__):
            setattr(own, function.__name__, functools.partial(function, engine))


ON_DEMAND: dict[str, tuple[str, str]] = {
    "numpy._composed_arrays": (
        "arrays",
        "broadcast_to copy device_name devices dtype_name from_foreign full_like is_concrete one_hot set_slices sort "
        "take_along_axis",
    ),
    "numpy._composed_math": (
        "math",
        "abs acos asin bitwise_left_shift bitwise_right_shift log10 log2 minimum negative round",
    ),
    "numpy._composed_reductions": ("math", "argmax cumprod cumsum einsum min prod"),
    "numpy._composed_fft": ("fft", "ifftn irfft rfft"),
    "nn._composed": (
        "nn",
        "celu elu gelu hard_sigmoid hard_silu hard_tanh leaky_relu log_sigmoid mish relu relu6 selu sigmoid silu "
        "soft_sign softplus tanh",
    ),
    "nn._composed_layers": ("nn", "layer_norm linear log_softmax moments normalize softmax"),
    "nn._composed_windows": ("nn", "conv conv_transpose max_pool sum_pool"),
    "random._composed": (
        "random",
        "bernoulli exponential gumbel key normal truncated_normal uniform",
    ),
    "random._composed_choices": ("random", "categorical choice permutation randint"),
    "transforms._composed": (
        "autodiff",
        "checkpoint_name custom_jvp custom_vjp eval_shape jvp linearize remat vjp",
    ),
    "transforms._inspected": ("inspect", "callback cost trace_file wait"),
    "transforms._exchange": ("parallel", "all_to_all pmax pmin ppermute psum psum_scatter"),
}
"""Files below ``unimod``, the module of an engine that each completes, and the functions, which take the engine."""


def complete_on_demand(engine: Engine) -> None:
    """Put in place what imports its file when it is called."""
    for file, (module, names) in ON_DEMAND.items():
        own = getattr(engine, module)
        for name in names.split():
            if not hasattr(own, name):
                setattr(own, name, functools.partial(_called, file, name, engine))


def _called(file: str, name: str, engine: Engine, *args: Any, **options: Any) -> Any:
    return getattr(importlib.import_module(f"unimod.{file}"), name)(engine, *args, **options)


_registry.on_load(functools.partial(complete, "arrays", DEFAULTS))
_registry.on_load(complete_on_demand)
