"""Functions of matrices."""

from __future__ import annotations

from unimod.backends._protocol import Array, Engine
from unimod.numpy.linalg._matrices import identity_like, narrowed, squares, telling, working

_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_REACH = 5.371920351148152
"""The 1-norm up to which the approximant of degree 13 is exact in float64."""

_DOUBLINGS = 12


@telling(squares)
def expm(x: Array, /) -> Array:
    """The matrix exponential ``1 + x + x @ x / 2 + ...`` of square matrices ``(..., n, n)``.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.linalg.expm([[0.0, 1.0], [0.0, 0.0]]).tolist()
        [[1.0, 1.0], [0.0, 1.0]]

    Source: N. J. Higham, "The scaling and squaring method for the matrix exponential revisited", 2005.
    """
    engine, x, name = working(x)
    native = getattr(engine.linalg, "expm", None)
    if 0 in x.shape:
        return narrowed(engine, name, x)
    return narrowed(engine, name, _expm(engine, x) if native is None else native(x))


def _expm(engine: Engine, x: Array) -> Array:
    """A rational approximation of ``exp(x / 2**k)``, squared ``k`` times; ``k`` depends on the size of ``x``."""
    math = engine.math
    size = math.max(math.sum(math.abs(x), -2, True), -1, True)
    wanted = math.ceil(math.log2(math.maximum(math.divide(size, _REACH), 1.0)))
    count = engine.autodiff.stop_gradient(math.minimum(wanted, float(_DOUBLINGS)))
    found = _approximant(engine, math.multiply(x, math.pow(2.0, math.negative(count))))
    for step in range(_DOUBLINGS):
        is_due = math.less(float(step), count)
        base = engine.arrays.where(is_due, found, 0)  # the square of what is large enough would be inf
        found = engine.arrays.where(is_due, math.matmul(base, base), found)
    return found


def _approximant(engine: Engine, x: Array) -> Array:
    math, b, unit = engine.math, _PADE, identity_like(engine, x)
    x2 = math.matmul(x, x)
    x4 = math.matmul(x2, x2)
    x6 = math.matmul(x4, x2)

    def total(*terms: tuple[float, Array]) -> Array:
        found = math.multiply(terms[0][1], terms[0][0])
        for factor, power in terms[1:]:
            found = math.add(found, math.multiply(power, factor))
        return found

    high = math.matmul(x6, total((b[13], x6), (b[11], x4), (b[9], x2)))
    odd = math.matmul(x, math.add(high, total((b[7], x6), (b[5], x4), (b[3], x2), (b[1], unit))))
    high = math.matmul(x6, total((b[12], x6), (b[10], x4), (b[8], x2)))
    even = math.add(high, total((b[6], x6), (b[4], x4), (b[2], x2), (b[0], unit)))
    return engine.linalg.solve(math.subtract(even, odd), math.add(even, odd))
