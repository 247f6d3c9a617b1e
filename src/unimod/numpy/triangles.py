"""The triangles of matrices."""

from __future__ import annotations

from unimod.backends._protocol import Array
from unimod.errors import ShapeError
from unimod.numpy._dispatch import unary
from unimod.numpy._table import Table

_tril = Table("arrays", "tril")
_triu = Table("arrays", "triu")


def tril(x: Array, /, *, k: int = 0) -> Array:
    """Zeros above the ``k``-th diagonal of the last two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.tril([[1, 2], [3, 4]]).tolist()
        [[1, 0], [3, 4]]
    """
    x = _matrix("tril", x)
    return _tril[type(x)](x, _near(x, k))


def triu(x: Array, /, *, k: int = 0) -> Array:
    """Zeros below the ``k``-th diagonal of the last two axes.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.triu([[1, 2], [3, 4]]).tolist()
        [[1, 2], [0, 4]]
    """
    x = _matrix("triu", x)
    return _triu[type(x)](x, _near(x, k))


def _matrix(name: str, x: Array) -> Array:
    x = unary(x)[1]
    if len(x.shape) < 2:
        raise ShapeError(f"{name} needs a matrix.", got=f"the shape {tuple(x.shape)}", expected="at least two axes")
    return x


def _near(x: Array, k: int) -> int:
    """A diagonal no further away than the corners: engines count in 32 bits."""
    near: int = max(-x.shape[-2], min(x.shape[-1], k))
    return near
