"""Where an engine has a short way for the common case: the same values, dtypes and derivatives as on the long one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3) / 5
IDS = np.asarray([[0, -1, 2], [3, 3, -4]], np.int32)


def cubes(table: Any, ids: Any) -> Any:
    return unp.sum(unp.take(table, ids, axis=0) ** 3)


def test_rows_of_a_table_and_their_derivatives(backend):
    table, ids = unp.asarray(TABLE, backend=backend), unp.asarray(IDS, backend=backend)
    counts = np.bincount((IDS % 4).ravel(), minlength=4)[:, None]
    slope = um.grad(cubes)(table, ids)
    assert unp.to_numpy(unp.take(table, ids, axis=0)).tolist() == TABLE[IDS].tolist()
    np.testing.assert_allclose(unp.to_numpy(slope), 3 * counts * TABLE**2, rtol=1e-6)
    second = um.grad(lambda x: unp.sum(um.grad(cubes)(x, ids)))(table)
    np.testing.assert_allclose(unp.to_numpy(second), 6 * counts * TABLE, rtol=1e-6)
    both = um.vmap(um.grad(cubes))(unp.stack([table, 2 * table]), unp.stack([ids, ids]))
    np.testing.assert_allclose(unp.to_numpy(both[1]), 4 * unp.to_numpy(slope), rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("bool", ["bool", "int32", "float32", "complex64"]),
        ("int8", ["int8", "int8", "float32", "complex64"]),
        ("uint16", ["uint16", "uint16", "float32", "complex64"]),
        ("bfloat16", ["bfloat16", "bfloat16", "bfloat16", "complex64"]),
    ],
)
def test_a_choice_beside_a_number_has_the_dtype_of_arithmetic(any_backend, dtype, expected):
    x = unp.asarray([0, 1, 1], dtype=dtype, backend=any_backend)
    chosen = [unp.where(unp.equal(x, 0), x, other) for other in (True, 1, 0.5, 1j)]
    assert [str(um.dtype_of(one)) for one in chosen] == expected
    assert all(type(one) is type(x) for one in chosen)
    assert unp.astype(chosen[1], "float32").tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 0, 3), (2, 4, 3)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_affine_functions_of_any_number_of_axes(backend, shape, use_bias):
    layer = um.nn.Linear(3, 4, use_bias=use_bias).init(0, backend=backend)
    x = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    kernel = unp.to_numpy(layer.kernel)
    y, slope = um.value_and_grad(lambda layer: unp.sum(layer(unp.asarray(x, backend=backend)) ** 2))(layer)
    expected = x @ kernel
    np.testing.assert_allclose(float(y), (expected**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(
        unp.to_numpy(slope.kernel), 2 * x.reshape(-1, 3).T @ expected.reshape(-1, 4), rtol=1e-4, atol=1e-6
    )


def test_a_derivative_of_attention_taken_once_is_that_which_is_differentiated_again(backend):
    x = unp.asarray(np.random.default_rng(0).standard_normal((2, 5, 2, 4)).astype("float32"), backend=backend)

    def loss(x: Any) -> Any:
        return unp.sum(um.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True) ** 2)

    once = um.grad(loss)(x)
    again: list[Any] = []

    def outer(x: Any) -> Any:
        again[:] = [um.grad(loss)(x)]
        return unp.sum(again[0]), again[0]

    _, kept = um.grad(outer, has_aux=True)(x)
    np.testing.assert_allclose(unp.to_numpy(kept), unp.to_numpy(once), rtol=1e-4, atol=1e-5)


def test_gradients_by_some_leaves_beside_frozen_modules_and_twice_by_one_argument(backend):
    layer = um.nn.Linear(2, 1).init(0, backend=backend).freeze()
    x = unp.ones((2,), backend=backend)
    slope = um.grad(lambda both: unp.sum(both["layer"](both["x"])))({"layer": layer, "x": x})
    assert um.tree.leaves(slope["layer"]) == []
    assert slope["x"].tolist() == unp.to_numpy(layer.kernel)[:, 0].tolist()
    first, second = um.grad(lambda x, n: unp.sum(x * x), argnums=(0, 0))(x, 3)
    assert first.tolist() == second.tolist() == [2.0, 2.0]
    passed_over = um.grad(lambda both: unp.sum(both["x"] ** 2), allow_int=True)(
        {"n": unp.asarray(1, backend=backend), "x": x}
    )
    assert passed_over["n"] is um.Nothing
    assert passed_over["x"].tolist() == [2.0, 2.0]
