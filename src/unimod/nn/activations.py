"""Activation functions: elementwise, on arrays of any engine.

All take one floating array of any shape and return one of the same shape and dtype; ints and bools are taken as
float32. Half precision is computed in float32 and rounded once. At a kink the derivative is that of the flat side
(0 for :func:`relu` at 0, for :func:`relu6` at 0 and 6, for :func:`hard_tanh` at -1 and 1), the same on all engines.

``swish`` is another name of :func:`silu`, ``hard_swish`` of :func:`hard_silu`; PyTorch's ``Hardsigmoid``, ``Softsign``
and ``Tanhshrink`` are :func:`hard_sigmoid`, :func:`soft_sign` and :func:`unimod.nn.tanh_shrink`.
"""

from __future__ import annotations

from typing import Any

from unimod.backends._protocol import Engine
from unimod.errors import OptionError, ShapeError
from unimod.nn import _axes, _checks
from unimod.numpy._dispatch import unary

Array = Any


def _floating(x: Any) -> tuple[Engine, Array]:
    engine, x = unary(x)
    return engine, x if _checks.is_floating(engine, x) else engine.arrays.astype(x, "float32")


def relu(x: Array) -> Array:
    """Rectified linear unit, ``max(x, 0)``. Its derivative at 0 is 0.

    Example:
        >>> import unimod as um
        >>> um.nn.relu(um.numpy.asarray([-1.0, 0.0, 2.0])).tolist()
        [0.0, 0.0, 2.0]
    """
    engine, x = _floating(x)
    return engine.nn.relu(x)


def relu6(x: Array) -> Array:
    """``min(max(x, 0), 6)``. Its derivative at 0 and at 6 is 0.

    Example:
        >>> import unimod as um
        >>> um.nn.relu6(um.numpy.asarray([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]
    """
    engine, x = _floating(x)
    return engine.nn.relu6(x)


def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    """``x`` where ``x > 0``, else ``negative_slope * x``. Its derivative at 0 is ``negative_slope``.

    Example:
        >>> import unimod as um
        >>> um.nn.leaky_relu(um.numpy.asarray([-4.0, 2.0]), negative_slope=0.25).tolist()
        [-1.0, 2.0]
    """
    engine, x = _floating(x)
    return engine.nn.leaky_relu(x, negative_slope=negative_slope)


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.sigmoid(um.numpy.asarray([-2.0, 0.0, 2.0])).tolist()]
        [0.1192, 0.5, 0.8808]
    """
    engine, x = _floating(x)
    return engine.nn.sigmoid(x)


def log_sigmoid(x: Array) -> Array:
    """``log(sigmoid(x)) = -softplus(-x)``, without overflow.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.log_sigmoid(um.numpy.asarray([-100.0, 0.0])).tolist()]
        [-100.0, -0.6931]
    """
    engine, x = _floating(x)
    return engine.nn.log_sigmoid(x)


def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``, without overflow.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.softplus(um.numpy.asarray([0.0, 100.0])).tolist()]
        [0.6931, 100.0]
    """
    engine, x = _floating(x)
    return engine.nn.softplus(x)


def silu(x: Array) -> Array:
    """Sigmoid-weighted linear unit (swish), ``x * sigmoid(x)``.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.silu(um.numpy.asarray([-1.0, 0.0, 1.0])).tolist()]
        [-0.2689, 0.0, 0.7311]

    Source: Elfwing, Uchibe, Doya (2017), arXiv:1702.03118, equation 5.
    """
    engine, x = _floating(x)
    return engine.nn.silu(x)


def mish(x: Array) -> Array:
    """``x * tanh(softplus(x))``.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.mish(um.numpy.asarray([-1.0, 0.0, 1.0])).tolist()]
        [-0.3034, 0.0, 0.8651]

    Source: Misra (2019), arXiv:1908.08681.
    """
    engine, x = _floating(x)
    return engine.nn.mish(x)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.tanh(um.numpy.asarray([-1.0, 0.0])).tolist()]
        [-0.7616, 0.0]
    """
    engine, x = _floating(x)
    return engine.nn.tanh(x)


def soft_sign(x: Array) -> Array:
    """``x / (1 + |x|)``.

    Example:
        >>> import unimod as um
        >>> um.nn.soft_sign(um.numpy.asarray([-1.0, 0.0, 3.0])).tolist()
        [-0.5, 0.0, 0.75]
    """
    engine, x = _floating(x)
    return engine.nn.soft_sign(x)


def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """Exponential linear unit: ``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.elu(um.numpy.asarray([-1.0, 2.0])).tolist()]
        [-0.6321, 2.0]

    Source: Clevert, Unterthiner, Hochreiter (2015), arXiv:1511.07289.
    """
    engine, x = _floating(x)
    return engine.nn.elu(x, alpha=alpha)


def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """Continuously differentiable elu: ``x`` where ``x > 0``, else ``alpha * (exp(x / alpha) - 1)``.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.celu(um.numpy.asarray([-1.0, 2.0]), alpha=2.0).tolist()]
        [-0.7869, 2.0]

    Source: Barron (2017), arXiv:1704.07483.
    """
    engine, x = _floating(x)
    return engine.nn.celu(x, alpha=alpha)


def selu(x: Array) -> Array:
    """Self-normalising elu: ``scale * elu(x, alpha)`` with ``scale = 1.0507...`` and ``alpha = 1.6733...``.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.selu(um.numpy.asarray([-1.0, 1.0])).tolist()]
        [-1.1113, 1.0507]

    Source: Klambauer et al. (2017), arXiv:1706.02515, equation 2.
    """
    engine, x = _floating(x)
    return engine.nn.selu(x)


def gelu(x: Array, *, approximate: str = "none") -> Array:
    """Gaussian error linear unit, ``x * Phi(x)`` with ``Phi`` the distribution function of the standard normal.

    Args:
        x: a floating array.
        approximate: ``"none"`` for the definition; ``"tanh"`` for
            ``0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))``, which differs by up to 5e-4.

    Raises:
        OptionError: ``approximate`` is neither of them.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.gelu(um.numpy.asarray([-1.0, 0.0, 1.0])).tolist()]
        [-0.1587, 0.0, 0.8413]

    Source: Hendrycks, Gimpel (2016), arXiv:1606.08415.
    """
    if approximate not in ("none", "tanh"):
        raise OptionError(
            "gelu does not know this approximation.",
            got=f"approximate = {approximate!r}",
            expected="'none' or 'tanh'",
            fix="leave `approximate` out for the definition by the error function",
        )
    engine, x = _floating(x)
    return engine.nn.gelu(x, approximate=approximate)


def hard_tanh(x: Array) -> Array:
    """``x`` clipped to [-1, 1]. Its derivative at -1 and 1 is 0.

    Example:
        >>> import unimod as um
        >>> um.nn.hard_tanh(um.numpy.asarray([-3.0, 0.5, 3.0])).tolist()
        [-1.0, 0.5, 1.0]
    """
    engine, x = _floating(x)
    return engine.nn.hard_tanh(x)


def hard_sigmoid(x: Array) -> Array:
    """``relu6(x + 3) / 6``.

    Example:
        >>> import unimod as um
        >>> um.nn.hard_sigmoid(um.numpy.asarray([-4.0, 0.0, 1.5])).tolist()
        [0.0, 0.5, 0.75]
    """
    engine, x = _floating(x)
    return engine.nn.hard_sigmoid(x)


def hard_silu(x: Array) -> Array:
    """``x * hard_sigmoid(x)`` (hard swish).

    Example:
        >>> import unimod as um
        >>> um.nn.hard_silu(um.numpy.asarray([0.0, 1.5, 4.0])).tolist()
        [0.0, 1.125, 4.0]

    Source: Howard et al. (2019), arXiv:1905.02244, section 5.2.
    """
    engine, x = _floating(x)
    return engine.nn.hard_silu(x)


def softmax(x: Array, *, axis: int = -1, where: Array | None = None) -> Array:
    """``exp(x) / sum(exp(x))`` along ``axis``, without overflow.

    Args:
        x: a floating array.
        axis: the axis that sums to 1.
        where: bool, broadcastable to ``x``: the entries that take part. The others, and slices without any, are 0.

    Raises:
        ShapeError: ``x`` has no such axis.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.softmax(um.numpy.asarray([0.0, 1.0, 2.0])).tolist()]
        [0.09, 0.2447, 0.6652]
    """
    engine, x = _floating(x)
    axis = _axes.resolve(x, axis)
    if where is None:
        return engine.nn.softmax(x, axis)
    masked = engine.nn.softmax(_masked(engine, x, where), axis)
    return engine.arrays.where(where, masked, engine.arrays.zeros_like(x))


def _masked(engine: Engine, x: Array, where: Array) -> Array:
    # The lowest finite number instead of -inf: a slice that is masked as a whole stays finite, as do its derivatives.
    lowest = -6e4 if engine.arrays.dtype_name(x) == "float16" else -3e38
    return engine.arrays.where(where, x, engine.arrays.full_like(x, lowest))


def log_softmax(x: Array, *, axis: int = -1, where: Array | None = None) -> Array:
    """``x - log(sum(exp(x)))`` along ``axis``, without overflow.

    Args:
        x: a floating array.
        axis: the axis whose exponentials sum to 1.
        where: bool, broadcastable to ``x``: the entries that take part. The others, and slices without any, are -inf.

    Raises:
        ShapeError: ``x`` has no such axis.

    Example:
        >>> import unimod as um
        >>> [round(v, 4) for v in um.nn.log_softmax(um.numpy.asarray([0.0, 1.0, 2.0])).tolist()]
        [-2.4076, -1.4076, -0.4076]
    """
    engine, x = _floating(x)
    axis = _axes.resolve(x, axis)
    if where is None:
        return engine.nn.log_softmax(x, axis)
    masked = engine.nn.log_softmax(_masked(engine, x, where), axis)
    return engine.arrays.where(where, masked, engine.arrays.full_like(x, -float("inf")))


def glu(x: Array, *, axis: int = -1) -> Array:
    """Gated linear unit: ``a * sigmoid(b)`` with ``a`` and ``b`` the halves of ``x`` along ``axis``.

    Raises:
        ShapeError: ``x`` has no such axis, or its length is odd.

    Example:
        >>> import unimod as um
        >>> um.nn.glu(um.numpy.asarray([4.0, 8.0, 0.0, 0.0])).tolist()
        [2.0, 4.0]

    Source: Dauphin et al. (2016), arXiv:1612.08083, equation 1.
    """
    engine, x = _floating(x)
    axis = _axes.resolve(x, axis)
    half, rest = divmod(x.shape[axis], 2)
    if rest:
        raise ShapeError(
            f"glu cannot halve axis {axis}.",
            got=f"an axis of {x.shape[axis]}",
            expected="an even length",
            fix="give the layer before it an even number of features",
        )
    before = (slice(None),) * axis
    return x[(*before, slice(half))] * engine.nn.sigmoid(x[(*before, slice(half, None))])


swish = silu
hard_swish = hard_silu
