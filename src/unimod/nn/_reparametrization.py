"""Kernels by other parameters: divided by the largest singular value, or by the norm of each output."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.errors import OptionError
from unimod.nn import _axes, _checks
from unimod.nn._normalization import widened
from unimod.numpy._dispatch import many
from unimod.transforms.grad import stop_gradient

Array = Any


def spectral_norm(
    kernel: Array, u: Array, v: Array, *, num_steps: int = 1, epsilon: float = 1e-12
) -> tuple[Array, Array, Array]:
    """A kernel divided by an estimate of its largest singular value, ``v^T W u``.

    ``W`` is the kernel as a matrix ``(rest, out)``; a step of the power iteration is ``v = W u / |W u|``,
    ``u = W^T v / |W^T v|``. Derivatives go through ``W``, not through the vectors.

    Args:
        kernel: floating, ``(..., out)``.
        u: ``(out,)``, the vectors so far.
        v: ``(rest,)``, where ``rest`` is the size of all axes but the last.
        num_steps: the number of steps; 0 takes the vectors as they are.
        epsilon: the least norm that is divided by.

    Returns:
        The kernel, ``u`` and ``v`` after the steps, each in its own dtype.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: ``kernel`` is not floating.
        OptionError: ``num_steps`` is negative.

    Example:
        >>> import unimod as um
        >>> kernel = um.numpy.asarray([[3.0, 0.0], [0.0, 1.0]])
        >>> start = um.numpy.ones((2,))
        >>> scaled, _, _ = um.nn.functional.spectral_norm(kernel, start, start, num_steps=10)
        >>> [[round(v, 3) for v in row] for row in scaled.tolist()]
        [[1.0, 0.0], [0.0, 0.333]]

    Source: Miyato et al. (2018), arXiv:1802.05957, algorithm 1.
    """
    engine, kernel, u, v = many(kernel, u, v)
    _checks.floating("spectral_norm", engine, kernel)
    _checks.rank("spectral_norm", "kernel", kernel, 2)
    wide = widened(engine, kernel)
    matrix = unp.reshape(wide, (-1, kernel.shape[-1]))
    _checks.shapes("spectral_norm", (matrix.shape[1],), u=u)
    _checks.shapes("spectral_norm", (matrix.shape[0],), v=v)
    if num_steps < 0:
        raise OptionError(
            "spectral_norm cannot go back.", got=f"num_steps = {num_steps}", expected="num_steps >= 0", fix="pass 1"
        )
    new_u, new_v = _power_iteration(stop_gradient(matrix), widened(engine, u), widened(engine, v), num_steps, epsilon)
    sigma = unp.sum(unp.multiply(new_v, unp.matmul(matrix, new_u)))
    # Zero kernels stay as they are.
    safe = unp.where(unp.equal(sigma, 0.0), unp.ones_like(sigma), sigma)
    name = engine.arrays.dtype_name
    return (
        unp.astype(unp.divide(wide, safe), name(kernel)),
        unp.astype(new_u, name(u)),
        unp.astype(new_v, name(v)),
    )


def weight_norm(kernel: Array, scale: Array, *, axis: int = -1, epsilon: float = 1e-12) -> Array:
    """``kernel / |kernel| * scale``, with the norm over all axes but ``axis``.

    Args:
        kernel: floating, ``(..., out)``: the direction for each output.
        scale: ``(out,)``: the norm for each output.
        axis: that of the outputs.
        epsilon: the least norm that is divided by.

    Returns:
        The shape and dtype of ``kernel``.

    Raises:
        ShapeError: ``scale`` has another shape.
        DTypeError: ``kernel`` is not floating.

    Example:
        >>> import unimod as um
        >>> kernel, scale = um.numpy.asarray([[3.0], [4.0]]), um.numpy.asarray([10.0])
        >>> um.nn.functional.weight_norm(kernel, scale)[:, 0].tolist()
        [6.0, 8.0]

    Source: Salimans, Kingma (2016), arXiv:1602.07868, equation 2.
    """
    engine, kernel, scale = many(kernel, scale)
    _checks.floating("weight_norm", engine, kernel)
    place = _axes.resolve(kernel, axis)
    _checks.shapes("weight_norm", (kernel.shape[place],), scale=scale)
    wide, after = widened(engine, kernel), (1,) * (len(kernel.shape) - place - 1)
    axes = tuple(a for a in range(len(kernel.shape)) if a != place)
    factor = unp.multiply(_reciprocal_norm(wide, axes, epsilon), unp.reshape(widened(engine, scale), (-1, *after)))
    return unp.astype(unp.multiply(wide, factor), engine.arrays.dtype_name(kernel))


def _reciprocal_norm(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """``1 / max(|x|, epsilon)``, with a finite derivative at 0."""
    squares = unp.sum(unp.square(x), axis=axes, keepdims=True)
    return unp.rsqrt(unp.maximum(squares, epsilon**2))


def _power_iteration(matrix: Array, u: Array, v: Array, steps: int, epsilon: float) -> tuple[Array, Array]:
    for _ in range(steps):
        v = _unit(unp.matmul(matrix, u), epsilon)
        u = _unit(unp.matmul(v, matrix), epsilon)
    return u, v


def _unit(x: Array, epsilon: float) -> Array:
    return unp.multiply(x, _reciprocal_norm(x, (0,), epsilon))
