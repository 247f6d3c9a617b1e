"""Eigenvalues and eigenvectors."""

from __future__ import annotations

from typing import Any, NamedTuple

from unimod.backends._protocol import Array, Engine
from unimod.errors import CapabilityError
from unimod.numpy.linalg._matrices import all_narrowed, narrowed, squares, telling, working

_AS_LARGE = 1 - 1e-3
"""The share of the largest component from which on another one counts as equal to it, whatever the roundings."""


class EighResult(NamedTuple):
    """The eigenvalues of Hermitian matrices, and their eigenvectors as columns."""

    eigenvalues: Array
    eigenvectors: Array


class EigResult(NamedTuple):
    """The eigenvalues of matrices, and their eigenvectors as columns."""

    eigenvalues: Array
    eigenvectors: Array


@telling(squares)
def eigh(x: Array, /) -> EighResult:
    """``(eigenvalues, eigenvectors)`` of Hermitian matrices ``(..., n, n)``: ``x @ v = v * eigenvalues``.

    The lower triangle of ``x`` is read. The eigenvalues ascend. An eigenvector, a column of ``v``, has length 1, and
    its largest component is real and positive; of components whose magnitudes differ by less than 0.1 % the first
    counts. So the result is the same on every engine, and gradients are those of this choice; they are nan where
    eigenvalues are equal and the eigenvectors are used. A matrix with nan or inf gives nan. Integers give float32.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> values, vectors = unp.linalg.eigh([[2.0, 1.0], [1.0, 2.0]])
        >>> unp.round(values).tolist(), unp.round(unp.multiply(vectors, 2**0.5)).tolist()
        ([1.0, 3.0], [[1.0, 1.0], [-1.0, 1.0]])
    """
    engine, x, name = working(x)
    values, vectors = engine.linalg.eigh(x)
    return EighResult(*all_narrowed(engine, name, (values, _canonical(engine, vectors))))


@telling(squares)
def eigvalsh(x: Array, /) -> Array:
    """The eigenvalues of Hermitian matrices ``(..., n, n)`` in ascending order; the lower triangle of ``x`` is read.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.round(unp.linalg.eigvalsh([[2.0, 1.0], [1.0, 2.0]])).tolist()
        [1.0, 3.0]
    """
    engine, x, name = working(x)
    values = getattr(engine.linalg, "eigvalsh", None) or (lambda a: engine.linalg.eigh(a)[0])
    return narrowed(engine, name, values(x))


@telling(squares)
def eig(x: Array, /) -> EigResult:
    """``(eigenvalues, eigenvectors)`` of square matrices ``(..., n, n)``, both complex: ``x @ v = v * eigenvalues``.

    The order of the eigenvalues is LAPACK's. Eigenvectors have length 1 and the phase of :func:`eigh`. Half precision
    and integers give complex64.

    Raises:
        CapabilityError: the engine has no such function on this device.
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.eig([[2.0, 0.0], [0.0, 3.0]]).eigenvalues.tolist()
        [(2+0j), (3+0j)]
    """
    engine, x, _ = working(x)
    values, vectors = _available(engine, "eig")(x)
    return EigResult(values, _canonical(engine, _of_length_one(engine, vectors)))


@telling(squares)
def eigvals(x: Array, /) -> Array:
    """The complex eigenvalues of square matrices ``(..., n, n)``, in LAPACK's order.

    Raises:
        CapabilityError: the engine has no such function on this device.
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.eigvals([[2.0, 0.0], [0.0, 3.0]]).tolist()
        [(2+0j), (3+0j)]
    """
    engine, x, _ = working(x)
    return _available(engine, "eigvals")(x)


def _available(engine: Engine, name: str) -> Any:
    found = getattr(engine.linalg, name, None)
    if found is None:
        raise CapabilityError(f"{engine.name} has no {name}.")
    return found


def _canonical(engine: Engine, vectors: Array) -> Array:
    """Columns turned so that the largest component is real and positive."""
    if 0 in vectors.shape:
        return vectors
    math = engine.math
    size = math.abs(vectors)
    bound = math.multiply(math.max(size, -2, True), _AS_LARGE)
    first = math.argmax(math.greater_equal(size, bound), -2, True)
    lead = engine.arrays.take_along_axis(vectors, first, -2)
    if not engine.arrays.dtype_name(vectors).startswith("complex"):
        return math.multiply(vectors, math.sign(lead))
    return math.multiply(vectors, math.divide(math.conj(lead), math.abs(lead)))


def _of_length_one(engine: Engine, vectors: Array) -> Array:
    """Columns of length 1; the engine's are already, but not their derivatives."""
    math = engine.math
    squares = math.add(math.square(math.real(vectors)), math.square(math.imag(vectors)))
    return math.divide(vectors, math.sqrt(math.sum(squares, -2, True)))
