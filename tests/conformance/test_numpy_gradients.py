"""Gradients where there is a choice: at ties, at zero and at bounds. Both engines make the same one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unimod.numpy as unp

INF, NAN = float("inf"), float("nan")


def gradients(backend: str, fn: Callable[..., Any], *points: list[float]) -> list[np.ndarray]:
    """The gradient of ``sum(fn(*points))`` by each point, taken by the framework itself."""
    args = [unp.asarray(point, backend=backend) for point in points]
    found = {"jax": of_jax, "torch": of_torch}[backend](lambda *xs: unp.sum(fn(*xs)), args)
    return [unp.to_numpy(one) for one in found]


def of_jax(fn: Callable[..., Any], args: list[Any]) -> Any:
    import jax

    return jax.grad(fn, argnums=tuple(range(len(args))))(*args)


def of_torch(fn: Callable[..., Any], args: list[Any]) -> Any:
    import torch

    leaves = [x.requires_grad_() for x in args]
    return torch.autograd.grad(fn(*leaves), leaves, allow_unused=True, materialize_grads=True)


ONE = {
    "abs at 0": (unp.abs, [-2.0, 0.0, 3.0], [-1, 0, 1]),
    "sign": (unp.sign, [-2.0, 0.0, 3.0], [0, 0, 0]),
    "clip on the bounds": (lambda x: unp.clip(x, -1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 2.0], [0, 1, 1, 1, 0]),
    "clip above": (lambda x: unp.clip(x, None, 1.0), [0.0, 1.0, 2.0], [1, 1, 0]),
    "maximum with 0": (lambda x: unp.maximum(x, 0.0), [-1.0, 0.0, 1.0], [0, 0.5, 1]),
    "minimum with 0": (lambda x: unp.minimum(0.0, x), [-1.0, 0.0, 1.0], [1, 0.5, 0]),
    "max of ties": (unp.max, [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
    "min of ties": (lambda x: unp.min(x, axis=0), [1.0, 1.0, 3.0], [0.5, 0.5, 0]),
    "std of equals": (unp.std, [2.0, 2.0], [0, 0]),
    "std": (unp.std, [1.0, 3.0], [-0.5, 0.5]),
    "var of equals": (unp.var, [2.0, 2.0], [0, 0]),
    "sqrt at 0": (unp.sqrt, [0.0, 4.0], [INF, 0.25]),
    "x ** 0 at 0": (lambda x: unp.pow(x, 0.0), [0.0, 2.0], [0, 0]),
    "x ** 0 (int) at 0": (lambda x: unp.pow(x, 0), [0.0, 2.0], [0, 0]),
    "x ** 2": (lambda x: unp.pow(x, 2), [0.0, -3.0], [0, -6]),
    "x ** 1.5 at 0": (lambda x: unp.pow(x, 1.5), [0.0, 4.0], [0, 3]),
    "floor": (unp.floor, [0.5, 1.0], [0, 0]),
    "round": (unp.round, [0.5, 1.0], [0, 0]),
    "floor_divide": (lambda x: unp.add(x, unp.floor_divide(x, 2.0)), [3.0, 4.0], [1, 1]),
    "remainder": (lambda x: unp.remainder(x, 2.0), [3.5, -0.5], [1, 1]),
    "prod with a zero": (unp.prod, [0.0, 2.0, 3.0], [6, 0, 0]),
    "prod with two zeros": (lambda x: unp.prod(x, axis=0), [0.0, 0.0, 3.0], [0, 0, 0]),
    "logsumexp": (unp.logsumexp, [5.0, 5.0], [0.5, 0.5]),
    "where": (lambda x: unp.where(unp.greater(x, 0), x, 0.0), [-1.0, 0.0, 1.0], [0, 0, 1]),
    "take twice": (lambda x: unp.take(x, [0, 0, -1]), [1.0, 2.0, 3.0], [2, 0, 1]),
    "take_along_axis": (lambda x: unp.take_along_axis(x, [-1, -1]), [1.0, 2.0, 3.0], [0, 0, 2]),
    "sort": (lambda x: unp.multiply(unp.sort(x), [1.0, 2.0, 3.0]), [2.0, 3.0, 1.0], [2, 3, 1]),
    "repeat": (lambda x: unp.repeat(x, 3), [1.0, 2.0], [3, 3]),
    "stacked in a list": (lambda x: unp.asarray([x, unp.multiply(x, 2.0)]), [1.0, 2.0], [3, 3]),
}

TWO = {
    "maximum at a tie": (unp.maximum, ([1.0, 2.0], [1.0, 1.0]), ([0.5, 1], [0.5, 0])),
    "minimum at a tie": (unp.minimum, ([1.0, 2.0], [1.0, 1.0]), ([0.5, 0], [0.5, 1])),
    "0 ** 0": (unp.pow, ([0.0, 2.0], [0.0, 1.0]), ([0, 1], [0, 2 * np.log(2)])),
    "atan2 at the origin": (unp.atan2, ([0.0, 0.0], [0.0, 2.0]), ([0, 0.5], [0, 0])),
    "clip by arrays": (lambda x, a: unp.clip(x, a, None), ([1.0, 0.0], [1.0, 2.0]), ([1, 0], [0, 1])),
    "floor_divide": (lambda x, y: unp.add(unp.subtract(x, y), unp.floor_divide(x, y)), ([3.0], [2.0]), ([1], [-1])),
    "broadcast": (unp.multiply, ([1.0, 2.0], [3.0]), ([3, 3], [3])),
}


@pytest.mark.parametrize("case", ONE)
def test_gradients_of_one(case, backend):
    fn, point, expected = ONE[case]
    (found,) = gradients(backend, fn, point)
    np.testing.assert_allclose(found, np.float32(expected), rtol=1e-6, atol=0)
    assert found.dtype == np.float32


@pytest.mark.parametrize("case", TWO)
def test_gradients_of_two(case, backend):
    fn, points, expected = TWO[case]
    for found, wanted in zip(gradients(backend, fn, *points), expected, strict=True):
        np.testing.assert_allclose(found, np.float32(wanted), rtol=1e-6, atol=0)


def test_no_gradient_of_a_value_in_range_is_nan(backend):
    """The branches that are not taken leave nothing behind, also where their own derivative is infinite."""
    for fn in (unp.std, unp.abs, lambda x: unp.pow(x, 0.0), lambda x: unp.atan2(x, x)):
        (found,) = gradients(backend, fn, [0.0, 0.0, 0.0])
        np.testing.assert_array_equal(found, np.zeros(3, np.float32))
