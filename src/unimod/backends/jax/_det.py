"""JAX: the determinant with a derivative that is right for all singular matrices.

JAX's own takes some cofactors for 0 where elimination meets a pivot of 0 before the last one.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

_EPS = {4: 2.0**-23, 8: 2.0**-52}
"""The precision of real numbers by their size in bytes."""


def det(x: Any) -> Any:
    """The determinants of square matrices."""
    # up to 3 x 3 JAX has polynomials, which it differentiates as often as one likes
    return jnp.linalg.det(x) if x.shape[-1] < 4 or x.ndim < 2 else _det(x)


@jax.custom_jvp
def _det(x: Any) -> Any:
    return jnp.linalg.det(x)


@_det.defjvp
def _det_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    (x,), (dx,) = primals, tangents
    return _det(x), jnp.sum(_cofactors(x) * dx, (-2, -1))


def _cofactors(x: Any) -> Any:
    """The derivative of the determinant by each element, by a matrix with one row and one column more.

    That one is regular where ``x`` has rank n - 1 at least. With ``M = [[x, u], [v, 0]]`` and
    ``M^-1 = [[X, y], [z, w]]`` it is ``det(x) = det(M) w`` for any fixed ``u`` and ``v``, so the derivative is
    ``det(M) (w X - y z)^T``. The borders are the singular vectors of the least singular value. Of lower rank all
    cofactors are 0.
    """
    bordered, is_low = _bordered(x)
    inverse = jnp.linalg.inv(bordered)
    core, column = inverse[..., :-1, :-1], inverse[..., :-1, -1:]
    row, corner = inverse[..., -1:, :-1], inverse[..., -1:, -1:]
    found = _det(bordered)[..., None, None] * (corner * core - column * row).mT
    return jnp.where(is_low, 0, found)


def _bordered(x: Any) -> tuple[Any, Any]:
    left, values, right = jnp.linalg.svd(jax.lax.stop_gradient(x))
    greatest, last_but_one = values[..., :1, None], values[..., -2:-1, None]
    is_low = last_but_one <= x.shape[-1] * _EPS[x.dtype.itemsize // (1 + (x.dtype.kind == "c"))] * greatest
    top = jnp.concat([x, greatest * left[..., -1:]], axis=-1)
    bottom = jnp.concat([greatest * right[..., -1:, :], jnp.zeros_like(x[..., :1, :1])], axis=-1)
    bordered = jnp.concat([top, bottom], axis=-2)
    return jnp.where(is_low, jnp.eye(x.shape[-1] + 1, dtype=x.dtype), bordered), is_low
