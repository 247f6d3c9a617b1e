"""Initializers with a structure: orthogonal matrices, identities, sparse matrices."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.errors import OptionError, ShapeError
from unimod.nn.initializers._plain import Array, Initializer, Shape, _Constant

_HALF = ("float16", "bfloat16")


@dataclasses.dataclass(frozen=True)
class _Orthogonal:
    scale: float
    column_axis: int

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        shape = tuple(shape)
        _check_rank("orthogonal", shape, (2, math.inf))
        if 0 in shape:
            return _Constant(0.0)(key, shape, dtype)
        axis = self.column_axis % len(shape)
        columns, rest = shape[axis], (*shape[:axis], *shape[axis + 1 :])
        matrix = _sign_fixed(key, math.prod(rest), columns, "float32" if str(dtype) in _HALF else dtype)
        out = unp.moveaxis(unp.reshape(matrix, (*rest, columns)), -1, axis)
        return unp.astype(unp.multiply(out, self.scale), dtype)


def _sign_fixed(key: Any, rows: int, columns: int, dtype: str) -> Array:
    """An orthogonal matrix, uniformly distributed: QR with a positive diagonal of R, which no engine chooses."""
    q, r = unp.linalg.qr(random.normal(key, (max(rows, columns), min(rows, columns)), dtype=dtype))
    diagonal = unp.diagonal(r)
    q = unp.multiply(q, unp.where(unp.less(diagonal, 0.0), -1.0, unp.ones_like(diagonal)))
    return unp.matrix_transpose(q) if rows < columns else q


@dataclasses.dataclass(frozen=True)
class _DeltaOrthogonal:
    scale: float
    column_axis: int

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        shape = tuple(shape)
        _check_rank("delta_orthogonal", shape, (3, 5))
        if shape[-1] < shape[-2]:
            raise ShapeError(
                "delta_orthogonal needs at least as many outputs as inputs.",
                got=f"shape = {shape}",
                expected="(spatial..., in, out) with in <= out",
                fix="use orthogonal, or more outputs",
            )
        matrix = _Orthogonal(self.scale, self.column_axis)(key, shape[-2:], dtype)
        return unp.where(_is_centre(key, shape), matrix, _Constant(0.0)(key, shape, dtype))


@dataclasses.dataclass(frozen=True)
class _Identity:
    scale: float

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        shape = tuple(shape)
        _check_rank("identity", shape, (2, 2))
        is_diagonal = unp.equal(_places(key, shape, 0), _places(key, shape, 1))
        return unp.where(is_diagonal, _Constant(self.scale)(key, shape, dtype), _Constant(0.0)(key, shape, dtype))


@dataclasses.dataclass(frozen=True)
class _Dirac:
    groups: int

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        shape = tuple(shape)
        _check_rank("dirac", shape, (3, 5))
        outputs = shape[-1]
        if self.groups < 1 or outputs % self.groups:
            raise OptionError(
                "dirac cannot split the outputs into groups.",
                got=f"{outputs} outputs, groups = {self.groups}",
                expected="a number of outputs that `groups` divides",
                fix="pass the `groups` of the convolution",
            )
        within = unp.remainder(_places(key, shape, -1), float(outputs // self.groups))
        is_one = unp.logical_and(unp.equal(_places(key, shape, -2), within), _is_centre(key, shape, upper=True))
        return unp.where(is_one, _Constant(1.0)(key, shape, dtype), _Constant(0.0)(key, shape, dtype))


@dataclasses.dataclass(frozen=True)
class _Sparse:
    sparsity: float
    stddev: float

    def __call__(self, key: Any, shape: Shape, dtype: str = "float32") -> Array:
        shape = tuple(shape)
        _check_rank("sparse", shape, (2, 2))
        for_values, for_places = random.split(key)
        places = unp.broadcast_to(_places(key, shape, 1), shape)
        shuffled = random.permutation(for_places, places, axis=1, independent=True)
        drawn = unp.multiply(random.normal(for_values, shape, dtype=dtype), self.stddev)
        is_kept = unp.greater_equal(shuffled, float(math.ceil(self.sparsity * shape[1])))
        return unp.where(is_kept, drawn, unp.zeros_like(drawn))


def _places(key: Any, shape: Shape, axis: int) -> Array:
    """0, 1, ... along one axis, to be broadcast; made from the key, so that it is on the device of the key."""
    axis %= len(shape)
    ones = _Constant(1.0)(key, (shape[axis],))
    along = tuple(size if index == axis else 1 for index, size in enumerate(shape))
    return unp.reshape(unp.subtract(unp.cumsum(ones), 1.0), along)


def _is_centre(key: Any, shape: Shape, *, upper: bool = False) -> Array:
    """Where all spatial indices are those of the centre; of an even number of taps the lower or the upper one."""
    found = _Constant(1.0)(key, (1,) * len(shape), "bool")
    for axis, size in enumerate(shape[:-2]):
        centre = size // 2 if upper else (size - 1) // 2
        found = unp.logical_and(found, unp.equal(_places(key, shape, axis), float(centre)))
    return found


def _check_rank(name: str, shape: Shape, allowed: tuple[int, float]) -> None:
    least, most = allowed
    if not least <= len(shape) <= most:
        span = f"{least}" if least == most else f"{least} to {most}" if most < math.inf else f"{least} or more"
        raise ShapeError(
            f"{name} does not make arrays of {len(shape)} axes.",
            got=f"shape = {shape}",
            expected=f"{span} axes",
            fix="use another initializer, such as normal or zeros",
        )


def orthogonal(scale: float = 1.0, *, column_axis: int = -1) -> Initializer:
    """``scale`` times a random matrix with orthonormal columns (or rows, where there are fewer of them).

    An array of more axes is a matrix of which ``column_axis`` is one side, and all others are the other.

    Args:
        scale: the factor.
        column_axis: the axis of the outputs.

    Raises:
        ShapeError: the shape has fewer than two axes.

    Example:
        >>> import unimod as um
        >>> q = um.nn.initializers.orthogonal()(um.random.key(0), (4, 2))
        >>> [[round(abs(v), 4) for v in row] for row in (q.T @ q).tolist()]
        [[1.0, 0.0], [0.0, 1.0]]

    Source: Saxe, McClelland, Ganguli (2013), arXiv:1312.6120; Mezzadri (2006), arXiv:math-ph/0609050.
    """
    return _Orthogonal(scale, column_axis)


def delta_orthogonal(scale: float = 1.0, *, column_axis: int = -1) -> Initializer:
    """A convolution kernel ``(spatial..., in, out)`` that is orthogonal at the centre and 0 elsewhere.

    Raises:
        ShapeError: there are not 1 to 3 spatial axes, or there are more inputs than outputs.

    Example:
        >>> import unimod as um
        >>> kernel = um.nn.initializers.delta_orthogonal()(um.random.key(0), (3, 2, 4))
        >>> [round(v, 3) for v in um.numpy.sum(kernel**2, axis=(1, 2)).tolist()]
        [0.0, 2.0, 0.0]

    Source: Xiao et al. (2018), arXiv:1806.05393, algorithm 1.
    """
    return _DeltaOrthogonal(scale, column_axis)


def identity(scale: float = 1.0) -> Initializer:
    """``scale`` on the diagonal of a matrix, 0 elsewhere.

    Raises:
        ShapeError: the shape does not have two axes.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.identity()(um.random.key(0), (2, 3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    return _Identity(scale)


def dirac(*, groups: int = 1) -> Initializer:
    """A convolution kernel ``(spatial..., in, out)`` that passes on the first channels of each group as they are.

    Raises:
        ShapeError: there are not 1 to 3 spatial axes.
        OptionError: ``groups`` does not divide the outputs.

    Example:
        >>> import unimod as um
        >>> um.nn.initializers.dirac()(um.random.key(0), (3, 1, 1))[:, 0, 0].tolist()
        [0.0, 1.0, 0.0]
    """
    return _Dirac(groups)


def sparse(sparsity: float, *, stddev: float = 1e-2) -> Initializer:
    """A normal matrix ``(in, out)`` in which each input has a fraction ``sparsity`` (rounded up) of zeros.

    Raises:
        OptionError: the fraction is not in [0, 1].
        ShapeError: the shape does not have two axes.

    Example:
        >>> import unimod as um
        >>> kernel = um.nn.initializers.sparse(0.5)(um.random.key(0), (2, 4))
        >>> um.numpy.count_nonzero(kernel, axis=1).tolist()
        [2, 2]

    Source: Martens (2010), Deep learning via Hessian-free optimization, section 5.
    """
    if not 0 <= sparsity <= 1:
        raise OptionError(
            "`sparsity` is not a fraction.",
            got=f"sparsity = {sparsity!r}",
            expected="0 <= sparsity <= 1",
            fix="`sparsity` is the fraction of zeros: 0.9 keeps one of ten",
        )
    return _Sparse(sparsity, stddev)


eye = identity
