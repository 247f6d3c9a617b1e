"""The minimal gated unit as a pure function of arrays: one step, and all steps."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.nn import _checks, _recurrent_steps, activations
from unimod.nn import _recurrent_checks as checks
from unimod.nn._affine import linear
from unimod.nn._precision import entering
from unimod.numpy._dispatch import many

Array = Any


def mgu_cell(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    candidate_bias: Array | None = None,
    *,
    reset_gate: bool = True,
) -> Array:
    """One step of a minimal gated unit, whose one gate f resets and updates.

    ``f = sigmoid(x @ W_f + h @ U_f + b_f)``, ``n = tanh(x @ W_n + b_n + f * (h @ U_n + candidate_bias))``,
    ``h' = (1 - f) * n + f * h``

    Args:
        x: floating, ``(batch..., in)``.
        h: the state, ``(batch..., hidden)``, of the same dtype, as all arguments.
        kernel: ``W``, ``(in, 2 * hidden)``, for f and n.
        recurrent_kernel: ``U``, ``(hidden, 2 * hidden)``.
        bias: ``b``, ``(2 * hidden,)``; None for 0.
        candidate_bias: the second bias of n, ``(hidden,)``; None for 0.
        reset_gate: whether f stands in n too; without it ``n = tanh(x @ W_n + b_n + h @ U_n + candidate_bias)``.

    Returns:
        The new state, which is also the output.

    Raises:
        ShapeError: shapes do not fit.
        DTypeError: the dtypes differ, or are not floating.

    Example:
        >>> import unimod as um
        >>> x, h = um.numpy.ones((2, 3)), um.numpy.zeros((2, 4))
        >>> tuple(um.nn.functional.mgu_cell(x, h, um.numpy.ones((3, 8)), um.numpy.ones((4, 8))).shape)
        (2, 4)

    Source: Zhou et al. (2016), arXiv:1603.09420, in the form of Flax.
    """
    engine, x, h, kernel, recurrent_kernel, bias, candidate_bias = many(
        x, h, kernel, recurrent_kernel, bias, candidate_bias
    )
    size = checks.weights("mgu_cell", engine, x, kernel, recurrent_kernel, bias, 2)
    _checks.bias("mgu_cell", engine, x, candidate_bias, (size,))
    checks.state("mgu_cell", engine, x, (*x.shape[:-1], size), h=h)
    wide = widened(x, h, kernel, recurrent_kernel, bias, candidate_bias)
    new = step(linear(wide[0], wide[2], wide[4]), wide[1], wide[3], wide[5], reset_gate)
    return unp.astype(new, engine.arrays.dtype_name(x))


def step(gates: Array, h: Array, kernel: Array, candidate_bias: Array | None, reset_gate: bool) -> Array:
    """The state after one step, for gates f and n, side by side."""
    (outer, out), (inner, inside) = (_recurrent_steps.parts(part, 2) for part in (gates, unp.matmul(h, kernel)))
    f = activations.sigmoid(unp.add(outer, inner))
    inside = inside if candidate_bias is None else unp.add(inside, candidate_bias)
    n = activations.tanh(unp.add(out, unp.multiply(f, inside) if reset_gate else inside))
    return unp.add(n, unp.multiply(f, unp.subtract(h, n)))


def widened(*arrays: Array | None) -> list[Any]:
    """Arrays in the dtype to compute in."""
    return [None if x is None else entering(x)[0] for x in arrays]
