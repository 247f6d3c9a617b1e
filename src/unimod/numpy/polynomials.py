"""Products of polynomials (convolutions), and their values."""

from __future__ import annotations

from unimod.backends._promotion import promote
from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.dtypes import DType
from unimod.errors import OptionError, ShapeError
from unimod.numpy._dispatch import several, unary
from unimod.numpy.arithmetic import add, multiply, subtract
from unimod.numpy.joining import stack
from unimod.numpy.reductions import sum
from unimod.numpy.rounding import conj, imag, real


def convolve(x: Array, y: Array, /, *, mode: str = "full") -> Array:
    """``z[k] = sum_j x[j] y[k - j]``: the coefficients of the product of two polynomials.

    Args:
        x: numbers [n].
        y: numbers [m].
        mode: ``"full"`` gives all ``n + m - 1`` elements, ``"same"`` the ``max(n, m)`` in their middle, and ``"valid"``
            the ``max(n, m) - min(n, m) + 1`` in which the shorter array lies wholly inside the longer one.

    Returns:
        the elements, in the dtype in which the two meet; of bools whether some term is not 0.

    Raises:
        ShapeError: an array has not one axis, or no elements.
        OptionError: the mode is not known.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.convolve([1, 2, 3], [1, 10]).tolist()
        [1, 12, 23, 30]
        >>> unp.convolve([1, 2, 3], [1, 10], mode="valid").tolist()
        [12, 23]
    """
    engine, (x, y) = _sequences("convolve", x, y)
    n, m = max(x.shape[0], y.shape[0]), min(x.shape[0], y.shape[0])
    return _product(engine, x, y, *_part("convolve", n, m, mode, (m - 1) // 2))


def correlate(x: Array, y: Array, /, *, mode: str = "valid") -> Array:
    """``z[k] = sum_j x[j + k] conj(y[j])``, from the first ``k`` at which the two arrays overlap.

    Args:
        x: numbers [n].
        y: numbers [m].
        mode: as in :func:`convolve`.

    Raises:
        ShapeError: an array has not one axis, or no elements.
        OptionError: the mode is not known.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.correlate([1, 2, 3], [1, 10], mode="full").tolist()
        [10, 21, 32, 3]
    """
    engine, (x, y) = _sequences("correlate", x, y)
    n, m = max(x.shape[0], y.shape[0]), min(x.shape[0], y.shape[0])
    middle = (m - 1) // 2 if x.shape[0] == n else m // 2
    return _product(engine, x, engine.arrays.flip(conj(y), 0), *_part("correlate", n, m, mode, middle))


def _sequences(name: str, *xs: Array) -> tuple[Engine, list[Array]]:
    """Arrays of one axis in the dtype in which they meet."""
    engine, found = several(xs)
    if any(len(x.shape) != 1 or not x.shape[0] for x in found):
        raise ShapeError(f"{name} takes sequences.", got=", ".join(map(short, found)), expected="one axis, not empty")
    names = [engine.arrays.dtype_name(x) for x in found]
    return engine, [engine.arrays.astype(x, promote(*names)) for x in found]


def _part(name: str, n: int, m: int, mode: str, middle: int) -> tuple[int, int]:
    """The first element of the full convolution that is wanted, and how many."""
    parts = {"full": (0, n + m - 1), "same": (middle, n), "valid": (m - 1, n - m + 1)}
    if mode in parts:
        return parts[mode]
    raise OptionError(f"{name} does not know this mode.", got=repr(mode), expected="full, same or valid")


def _product(engine: Engine, x: Array, y: Array, start: int, count: int) -> Array:
    if x.shape[0] < y.shape[0]:
        x, y = y, x
    kind = DType(engine.arrays.dtype_name(x)).kind
    if kind == "float":
        return _convolved(engine, x, y, start, count)
    if kind != "complex":
        return _skewed(engine, x, y)[start : start + count]
    parts = [(one, other) for one in (real(x), imag(x)) for other in (real(y), imag(y))]
    rr, ri, ir, ii = (_convolved(engine, *pair, start, count) for pair in parts)
    return add(subtract(rr, ii), multiply(add(ri, ir), 1j))


def _convolved(engine: Engine, x: Array, y: Array, start: int, count: int) -> Array:
    """Elements of the full convolution of real numbers, by the layer of that name."""
    n, m = x.shape[0], y.shape[0]
    signal = engine.arrays.reshape(x, (1, n, 1))
    kernel = engine.arrays.reshape(engine.arrays.flip(y, 0), (m, 1, 1))
    low = m - 1 - start
    padding = ((low, count + m - 1 - n - low),)
    found = engine.nn.conv(signal, kernel, stride=(1,), padding=padding, dilation=(1,), groups=1)
    return engine.arrays.reshape(found, (count,))


def _skewed(engine: Engine, x: Array, y: Array) -> Array:
    """The full convolution by sums of products, for integers, which layers do not take on every device.

    All products stand in a matrix, in whose row ``j`` those of ``y[j]`` begin at the left. Read again as rows that are
    one element shorter, row ``j`` begins ``j`` places further right, and columns are to be added.
    """
    n, m = x.shape[0], y.shape[0]
    products = multiply(engine.arrays.expand_dims(y, 1), engine.arrays.expand_dims(x, 0))
    flat = engine.arrays.reshape(engine.arrays.pad(products, ((0, 0), (0, m))), (-1,))
    rows = engine.arrays.reshape(flat[: m * (n + m - 1)], (m, n + m - 1))
    return engine.arrays.astype(sum(rows, axis=0), engine.arrays.dtype_name(x))


def polyval(coefficients: Array, x: Array, /) -> Array:
    """``sum_i c[i] x**(k - 1 - i)``: the polynomial with these ``k`` coefficients, the highest power first, at ``x``.

    Args:
        coefficients: numbers [k].
        x: numbers of any shape.

    Returns:
        numbers of the shape of ``x``, in the dtype in which the two meet.

    Raises:
        ShapeError: the coefficients have not one axis, or there are none.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.polyval([1, 0, 2], [0, 1, 3]).tolist()
        [2, 3, 11]
    """
    engine, (coefficients, x) = several((coefficients, x))
    if len(coefficients.shape) != 1 or not coefficients.shape[0]:
        raise ShapeError("polyval takes a sequence of coefficients.", got=short(coefficients), expected="[k], k > 0")
    name = promote(engine.arrays.dtype_name(coefficients), engine.arrays.dtype_name(x))
    coefficients, x = engine.arrays.astype(coefficients, name), engine.arrays.astype(x, name)
    found = engine.arrays.broadcast_to(coefficients[0], tuple(x.shape))
    for i in range(1, coefficients.shape[0]):
        found = add(multiply(found, x), coefficients[i])
    return found


def vander(x: Array, /, num_columns: int | None = None, *, increasing: bool = False) -> Array:
    """The matrix of the powers of ``x``, one row for each element, the highest power first.

    Args:
        x: numbers [n].
        num_columns: how many powers, from 0 on; None is ``n``.
        increasing: whether the lowest power comes first.

    Returns:
        the matrix [n, num_columns] in the dtype of ``x``.

    Raises:
        ShapeError: ``x`` has not one axis.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.vander([1, 2, 3], 3).tolist()
        [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    """
    engine, x = unary(x)
    if len(x.shape) != 1:
        raise ShapeError("vander takes a sequence.", got=short(x), expected="one axis")
    count = x.shape[0] if num_columns is None else num_columns
    columns = [engine.arrays.ones_like(x)]
    while len(columns) < count:
        columns.append(multiply(columns[-1], x))
    columns = columns if increasing else columns[::-1]
    return stack(columns, axis=-1)[:, :count]
