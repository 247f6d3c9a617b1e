"""Linear algebra where it has an edge: singular, empty, rank-deficient, complex and half-precise matrices; errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.backends import _registry
from unimod.errors import OptionError, ShapeError

pytestmark = pytest.mark.thin(3)

la = unp.linalg
RNG = np.random.default_rng(7)

both_engines = pytest.mark.needs("jax", "torch")


def made(x, backend, dtype="float32"):
    return unp.asarray(np.asarray(x), dtype=dtype, backend=backend)


def host(x):
    return np.asarray(unp.to_numpy(x))


def assert_native(x, backend, shape, dtype):
    assert _registry.of_type(type(x)).name == backend
    assert tuple(x.shape) == shape
    assert str(unp.dtype_of(x)) == dtype


def assert_near(x, expected, tolerance=1e-5):
    np.testing.assert_allclose(host(x), expected, rtol=tolerance, atol=tolerance)


def definite(*shape):
    x = RNG.normal(size=shape)
    return x @ x.swapaxes(-1, -2) + shape[-1] * np.eye(shape[-1])


# Where there is no answer

SINGULAR = [[1.0, 2.0], [2.0, 4.0]]


def test_the_factor_of_what_is_not_positive_definite_is_nan(any_backend):
    x = made([[[1.0, 0.0], [2.0, 1.0]], [[4.0, 9.0], [2.0, 10.0]]], any_backend)
    lower = la.cholesky(x)
    assert_native(lower, any_backend, (2, 2, 2), "float32")
    np.testing.assert_array_equal(host(lower[0]), [[np.nan, 0], [np.nan, np.nan]])
    assert_near(lower[1], [[2, 0], [1, 3]])
    upper = host(la.cholesky(x, upper=True))
    np.testing.assert_array_equal(upper[0], [[np.nan, np.nan], [0, np.nan]])


def test_the_inverse_of_a_singular_matrix_is_not_finite(any_backend):
    x = made([SINGULAR, [[2.0, 0.0], [0.0, 4.0]]], any_backend)
    inverse = host(la.inv(x))
    assert not np.isfinite(inverse[0]).all()
    np.testing.assert_array_equal(inverse[1], [[0.5, 0], [0, 0.25]])
    solution = host(la.solve(x, made([1.0, 3.0], any_backend)))
    assert not np.isfinite(solution[0]).all()
    np.testing.assert_array_equal(solution[1], [0.5, 0.75])
    np.testing.assert_array_equal(host(la.det(x)), [0, 8])
    sign, logarithm = map(host, la.slogdet(x))
    assert (sign[0], logarithm[0]) == (0, -np.inf)


@pytest.mark.parametrize("name", ["svd", "svdvals", "eigh", "eigvalsh", "eig", "eigvals", "pinv", "inv", "cholesky"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_spoils_its_own_matrix_only(any_backend, name, bad):
    x = np.stack([definite(3, 3), definite(3, 3)])
    x[0] = bad
    results = getattr(la, name)(made(x, any_backend))
    for result in results if isinstance(results, tuple) else (results,):
        values = host(result)
        assert not np.isfinite(values[0]).all()
        assert np.isfinite(values[1]).all()


def test_no_answer_under_a_trace_is_the_same(backend):
    x = made([[[1.0, 0.0], [2.0, 1.0]], [[4.0, 9.0], [2.0, 10.0]]], backend)
    jitted = um.jit(la.cholesky)
    np.testing.assert_array_equal(host(jitted(x)), host(la.cholesky(x)))


# Empty matrices and batches

EMPTY = [(0, 0), (0, 3, 3), (2, 0, 0)]
RECTANGULAR = [(0, 3), (3, 0), (2, 0, 3), (0, 2, 3)]


@pytest.mark.parametrize("shape", EMPTY, ids=str)
def test_empty_squares(any_backend, shape):
    x, batch, n = made(np.zeros(shape), any_backend), shape[:-2], shape[-1]
    for name in ("inv", "cholesky", "expm", "pinv"):
        assert_native(getattr(la, name)(x), any_backend, shape, "float32")
    for n_factors in (0, 1, 3, -2):
        assert_native(la.matrix_power(x, n_factors), any_backend, shape, "float32")
    assert_native(la.det(x), any_backend, batch, "float32")
    assert (host(la.det(x)) == 1).all()
    values, vectors = la.eigh(x)
    assert_native(values, any_backend, (*batch, n), "float32")
    assert_native(vectors, any_backend, shape, "float32")
    assert_native(la.eigvalsh(x), any_backend, (*batch, n), "float32")
    assert_native(la.eigvals(x), any_backend, (*batch, n), "complex64")
    assert_native(la.slogdet(x).logabsdet, any_backend, batch, "float32")
    assert_native(la.solve(x, made(np.ones((n, 2)), any_backend)), any_backend, (*batch, n, 2), "float32")


@pytest.mark.parametrize("shape", RECTANGULAR, ids=str)
def test_empty_rectangles(any_backend, shape):
    x, (*batch, m, n) = made(np.zeros(shape), any_backend), shape
    k = min(m, n)
    u, s, vh = la.svd(x, full_matrices=False)
    assert [tuple(one.shape) for one in (u, s, vh)] == [(*batch, m, k), (*batch, k), (*batch, k, n)]
    assert [tuple(one.shape) for one in la.svd(x)] == [(*batch, m, m), (*batch, k), (*batch, n, n)]
    assert [tuple(one.shape) for one in la.qr(x)] == [(*batch, m, k), (*batch, k, n)]
    assert [tuple(one.shape) for one in la.qr(x, mode="complete")] == [(*batch, m, m), (*batch, m, n)]
    assert_native(la.svdvals(x), any_backend, (*batch, k), "float32")
    assert_native(la.pinv(x), any_backend, (*batch, n, m), "float32")
    assert_native(la.matrix_rank(x), any_backend, tuple(batch), "int32")
    assert_native(la.matrix_norm(x), any_backend, tuple(batch), "float32")
    assert_native(la.trace(x), any_backend, tuple(batch), "float32")


def test_one_by_one(any_backend):
    x = made([[-4.0]], any_backend)
    values, vectors = la.eigh(x)
    assert (host(values).tolist(), host(vectors).tolist()) == ([-4.0], [[1.0]])
    assert la.inv(x).tolist() == [[-0.25]]
    assert la.det(x).tolist() == -4.0
    assert la.svdvals(x).tolist() == [4.0]
    assert la.expm(made([[0.0]], any_backend)).tolist() == [[1.0]]


# Conventions


def test_the_lower_triangle_is_read(any_backend):
    x = definite(3, 3).astype("float32")
    spoiled = np.tril(x) + np.triu(np.full((3, 3), 50.0), 1)
    given = made(spoiled, any_backend)
    assert_near(la.cholesky(given), np.linalg.cholesky(x), 1e-5)
    assert_near(la.eigvalsh(given), np.linalg.eigvalsh(x), 1e-5)
    assert_near(la.eigh(given).eigenvalues, np.linalg.eigvalsh(x), 1e-5)


def test_the_largest_component_of_an_eigenvector_is_positive_and_the_first_of_equal_ones(any_backend):
    vectors = host(la.eigh(made([[2.0, 1.0], [1.0, 2.0]], any_backend)).eigenvectors)
    np.testing.assert_allclose(vectors * 2**0.5, [[1, 1], [-1, 1]], atol=1e-5)
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=(4, 4))
        vectors = host(la.eigh(made(x + x.T, any_backend)).eigenvectors)
        largest = np.abs(vectors).argmax(0)
        assert (vectors[largest, range(4)] > 0).all()


@both_engines
def test_eigenvectors_are_the_same_on_both_engines():
    x = definite(5, 6, 6)
    for dtype, z in (("float32", x), ("complex64", x + 1j * (np.tril(x, -1) - np.triu(x, 1)))):
        one, other = (la.eigh(made(z, name, dtype)) for name in ("jax", "torch"))
        np.testing.assert_allclose(host(one.eigenvectors), host(other.eigenvectors), atol=1e-4)
        one, other = (la.eig(made(z, name, dtype)) for name in ("jax", "torch"))
        assert type(one) is type(other)


def test_eig_satisfies_its_equation(any_backend):
    x = RNG.normal(size=(2, 4, 4)).astype("float32")
    values, vectors = map(host, la.eig(made(x, any_backend)))
    assert values.dtype == vectors.dtype == np.complex64
    np.testing.assert_allclose(x @ vectors, vectors * values[:, None], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-2), 1, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (3, 3), (2, 4, 3)], ids=str)
def test_lu_is_a_factorisation(any_backend, shape):
    x = RNG.normal(size=shape).astype("float32")
    p, low, up = map(host, la.lu(made(x, any_backend)))
    assert p.dtype == np.float32
    assert ((p == 0) | (p == 1)).all()
    np.testing.assert_allclose(p @ low @ up, x, atol=1e-5)
    assert np.abs(low).max() <= 1
    np.testing.assert_array_equal(low, np.tril(low))
    np.testing.assert_array_equal(up, np.triu(up))


def test_a_rank_is_that_of_the_precision(any_backend):
    x = np.diag([1.0, 1e-3, 1e-9])
    assert la.matrix_rank(made(x, any_backend)).tolist() == 2
    assert la.matrix_rank(made(x, any_backend), rtol=1e-2).tolist() == 1
    assert la.matrix_rank(made(x, any_backend, "bfloat16")).tolist() == 1
    batch = la.matrix_rank(made(np.stack([x, x]), any_backend), rtol=made([1e-2, 1e-5], any_backend))
    assert_native(batch, any_backend, (2,), "int32")
    assert batch.tolist() == [1, 2]


def test_pinv_of_deficient_matrices_and_of_a_tolerance_for_each(any_backend):
    x = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])
    assert_near(la.pinv(made(x, any_backend)), np.linalg.pinv(x), 1e-6)
    pair = np.stack([np.diag([4.0, 1.0]), np.diag([4.0, 1.0])])
    found = la.pinv(made(pair, any_backend), rtol=made([0.5, 0.1], any_backend))
    assert_near(found, [np.diag([0.25, 0]), np.diag([0.25, 1])], 1e-6)


def test_lstsq_of_deficient_and_wide_matrices(any_backend):
    for shape in ((5, 3), (3, 5)):
        a, b = RNG.normal(size=shape), RNG.normal(size=(shape[0], 2))
        a[:, -1] = a[:, 0]
        found = la.lstsq(made(a, any_backend), made(b, any_backend))
        solution, _, rank, values = np.linalg.lstsq(a, b, rcond=1e-6)
        assert_near(found.solution, solution, 1e-4)
        assert found.rank.tolist() == rank
        assert_near(found.singular_values, values, 1e-4)
        assert_near(found.residuals, ((a @ solution - b) ** 2).sum(0), 1e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_rounded_once(any_backend, dtype):
    x = made(definite(3, 3), any_backend, dtype)
    wide = unp.astype(x, "float32")
    for name in ("inv", "det", "cholesky", "eigvalsh", "svdvals", "pinv", "vector_norm", "matrix_norm", "expm"):
        found, exact = getattr(la, name)(x), getattr(la, name)(wide)
        assert str(unp.dtype_of(found)) == dtype
        np.testing.assert_array_equal(
            host(unp.astype(found, "float32")), host(unp.astype(unp.astype(exact, dtype), "float32"))
        )


def test_a_norm_in_half_precision_does_not_overflow_on_the_way(any_backend):
    x = made([300.0, 400.0], any_backend, "float16")
    assert la.vector_norm(x).tolist() == 500.0


def test_integers_become_float32(any_backend):
    x = made([[2, 1], [1, 3]], any_backend, "int32")
    for name in ("inv", "cholesky", "pinv", "expm"):
        assert_native(getattr(la, name)(x), any_backend, (2, 2), "float32")
    assert_native(la.vector_norm(x), any_backend, (), "float32")
    assert_native(la.solve(x, made([1, 2], any_backend, "int32")), any_backend, (2,), "float32")
    assert_native(la.matrix_power(x, 2), any_backend, (2, 2), "int32")
    assert_native(
        la.vecdot(made([1, 2], any_backend, "int8"), made([3, 4], any_backend, "int8")), any_backend, (), "int8"
    )


def test_solve_tells_vectors_from_matrices_by_their_axes(any_backend):
    a = made(np.stack([np.eye(3) * (i + 1) for i in range(3)]), any_backend)
    b = made(np.arange(9.0).reshape(3, 3), any_backend)
    assert tuple(la.solve(a, b).shape) == (3, 3, 3)
    np.testing.assert_allclose(host(la.solve(a, b))[1], np.arange(9.0).reshape(3, 3) / 2, rtol=1e-6)
    assert tuple(la.solve(a, b[0]).shape) == (3, 3)


def test_a_triangular_solver_does_not_read_the_rest(any_backend):
    a = made([[2.0, np.nan], [1.0, 4.0]], any_backend)
    b = made([2.0, 9.0], any_backend)
    assert la.solve_triangular(a, b, lower=True).tolist() == [1.0, 2.0]
    a = made([[np.nan, np.nan], [1.0, np.nan]], any_backend)
    assert la.solve_triangular(a, b, lower=True, unit_diagonal=True).tolist() == [2.0, 7.0]


def test_cholesky_solve_of_one_vector_for_many_factors(any_backend):
    x = definite(2, 3, 3)
    for upper in (False, True):
        factor = la.cholesky(made(x, any_backend), upper=upper)
        found = la.cholesky_solve(factor, made([1.0, 2.0, 3.0], any_backend), upper=upper)
        assert_near(found, np.linalg.solve(x, np.array([1.0, 2.0, 3.0])[:, None])[..., 0], 1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0, 60.0])
def test_expm_of_small_and_large_matrices(any_backend, scale):
    x = np.array([[0.0, 1.0], [-1.0, 0.0]]) * scale
    angle = np.float32(scale)
    expected = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    assert_near(la.expm(made(x, any_backend)), expected, 1e-4)


@pytest.mark.parametrize("offset", [-9, -2, -1, 0, 1, 3, 9])
def test_diagonals_beyond_the_corner_are_empty(any_backend, offset):
    x = np.arange(24.0).reshape(2, 3, 4)
    found = la.diagonal(made(x, any_backend), offset=offset)
    expected = np.diagonal(x, offset, -2, -1)
    assert_native(found, any_backend, expected.shape, "float32")
    np.testing.assert_array_equal(host(found), expected)
    np.testing.assert_array_equal(host(la.trace(made(x, any_backend), offset=offset)), expected.sum(-1))
    composite = unp.linear_algebra._diagonal
    engine = _registry.load(any_backend)
    if abs(offset) < 4:
        np.testing.assert_array_equal(host(composite(engine, made(x, any_backend), offset, 1, 2)), expected)


def test_diag_keeps_infinities_and_dtypes(any_backend):
    for dtype in ("float32", "int32", "bool", "complex64", "bfloat16"):
        assert_native(unp.diag(made([1, 0], any_backend, dtype), 1), any_backend, (3, 3), dtype)
    found = host(unp.diag(made([np.inf, 1.0], any_backend), -1))
    np.testing.assert_array_equal(found, [[0, 0, 0], [np.inf, 0, 0], [0, 1, 0]])


# What an engine can do without

WITHOUT = ["det", "inv", "eigvalsh", "svdvals", "pinv", "solve_triangular", "vector_norm", "expm", "diagonal"]


@pytest.mark.parametrize("name", WITHOUT)
def test_a_function_that_an_engine_lacks_is_composed(any_backend, name, monkeypatch):
    x = made(definite(2, 3, 3) / 4, any_backend)
    rest = (x,) if name == "solve_triangular" else ()
    expected = host(getattr(la, name)(x, *rest))
    monkeypatch.delattr(_registry.load(any_backend).linalg, name, raising=False)
    found = getattr(la, name)(x, *rest)
    assert_native(found, any_backend, expected.shape, "float32")
    np.testing.assert_allclose(host(found), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["eig", "eigvals", "lu"])
def test_what_cannot_be_composed_is_a_missing_capability(any_backend, name, monkeypatch):
    monkeypatch.delattr(_registry.load(any_backend).linalg, name)
    with pytest.raises(um.CapabilityError, match=f"{any_backend} has no {name}"):
        getattr(la, name)(made(np.eye(2), any_backend))


# Gradients


def test_the_gradient_of_a_norm_at_zero_is_zero(backend):
    x = made(np.zeros((2, 3)), backend)
    for ord in (1, 2, 3, 0.5, 0, -1, np.inf):
        gradient = um.grad(lambda v, ord=ord: unp.sum(la.vector_norm(v, axis=-1, ord=ord)))(x)
        np.testing.assert_array_equal(host(gradient), np.zeros((2, 3)))
    np.testing.assert_array_equal(host(um.grad(la.matrix_norm)(x)), np.zeros((2, 3)))
    np.testing.assert_array_equal(host(um.grad(la.norm)(x)), np.zeros((2, 3)))
    z = made(np.zeros((2, 3)), backend, "complex64")
    np.testing.assert_array_equal(host(um.grad(la.vector_norm)(z)), np.zeros((2, 3)))


def test_the_greatest_element_shares_the_gradient_of_its_norm(backend):
    x = made([2.0, -2.0, 1.0], backend)
    found = um.grad(lambda v: la.vector_norm(v, ord=np.inf))(x)
    np.testing.assert_array_equal(host(found), [0.5, -0.5, 0])


def cofactors(x):
    n = x.shape[-1]
    found = np.zeros_like(x)
    for i, j in itertools.product(range(n), range(n)):
        minor = np.delete(np.delete(x, i, 0), j, 1)
        found[i, j] = (-1) ** (i + j) * (np.linalg.det(minor) if n > 1 else 1)
    return found


def of_rank(n, rank):
    """A matrix in general position whose singular values are 0 or between 1 and 2."""
    left, right = (np.linalg.qr(RNG.normal(size=(n, n)))[0] for _ in range(2))
    return (left[:, :rank] * np.linspace(1, 2, rank)) @ right[:rank]


PIVOTS = [
    np.diag([0.0, 1.0, 2.0, 3.0]),
    np.diag([1.0, 0.0, 2.0, 3.0])[[2, 0, 3, 1]],
    np.zeros((2, 2)),
    np.zeros((4, 4)),
]
"""Elimination meets a pivot of 0 at once, or later."""

DETS = [of_rank(n, rank) for n in (1, 2, 3, 4, 5) for rank in (n, n - 1, n - 2) if rank > 0] + PIVOTS


@pytest.mark.parametrize("x", DETS, ids=lambda x: f"{len(x)}-{np.linalg.matrix_rank(x)}")
def test_the_gradient_of_a_determinant_is_its_cofactors(backend, x):
    expected, given = cofactors(x), made(x, backend)
    for gradient in (um.grad(la.det), um.jit(um.grad(la.det), compiler="graph")):
        assert_near(gradient(given), expected)


def test_the_gradient_of_determinants_of_a_batch(backend):
    x = np.stack([of_rank(4, 3), of_rank(4, 4), of_rank(4, 2), PIVOTS[0], PIVOTS[1]])
    expected = np.stack([cofactors(one) for one in x])
    total = um.grad(lambda v: unp.sum(la.det(v)))(made(x, backend))
    each = um.vmap(um.grad(la.det))(made(x, backend))
    for found in (total, each):
        assert_near(found, expected)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_second_derivatives_of_a_determinant(backend, n):
    x, direction = RNG.normal(size=(2, n, n))

    def slope(v):
        return unp.sum(unp.multiply(um.grad(la.det)(v), made(direction, backend)))

    step = 1e-4
    ahead, behind = cofactors(x + step * direction), cofactors(x - step * direction)
    # the second derivatives are symmetric: the gradient of the slope is the slope of the gradient
    assert_near(um.grad(slope)(made(x, backend)), (ahead - behind) / (2 * step), 1e-3)


def test_second_derivatives_of_a_singular_determinant(backend):
    x, direction = of_rank(4, 3), RNG.normal(size=(4, 4))

    def slope(v):
        return unp.sum(unp.multiply(um.grad(la.det)(v), made(direction, backend)))

    step = 1e-4
    expected = (cofactors(x + step * direction) - cofactors(x - step * direction)) / (2 * step)
    found = um.grad(slope)(made(x, backend))
    assert_near(found, expected, 1e-3)


def test_the_gradient_of_cholesky_is_symmetric(backend):
    gradient = host(um.grad(lambda x: unp.sum(la.cholesky(x)))(made(definite(3, 3), backend)))
    np.testing.assert_allclose(gradient, gradient.T, atol=1e-6)


def test_the_gradient_of_pinv_at_equal_singular_values(backend):
    weights = made(RNG.normal(size=(3, 3)), backend)
    found = host(um.grad(lambda x: unp.sum(unp.multiply(la.pinv(x), weights)))(made(np.eye(3), backend)))
    np.testing.assert_allclose(found, -host(weights), atol=1e-5)


def test_a_complex_gradient_descends(backend):
    z = made(RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3)) + 4 * np.eye(3), backend, "complex64")
    for fn in (la.vector_norm, lambda v: unp.abs(la.det(v)), lambda v: unp.sum(la.svdvals(v)), la.matrix_norm):
        gradient = um.grad(fn)(z)
        stepped = unp.subtract(z, unp.multiply(gradient, 1e-3))
        drop = float(fn(z)) - float(fn(stepped))
        assert drop == pytest.approx(1e-3 * float(np.sum(np.abs(host(gradient)) ** 2)), rel=0.05)


# Products


def test_einsum_of_what_engines_do_not_all_take(any_backend):
    x, y = made(RNG.normal(size=(2, 3)), any_backend), made(RNG.normal(size=(3, 3)), any_backend)
    for subscripts, arrays in (
        (" i j , j k -> k i ", (x, y)), ("ba", (x,)), ("ij->", (x,)), ("ii->i", (y,)), ("ii", (y,)), ("Ab,bC", (x, y)),
        ("...j,jk", (x, y)), ("ij,ij->ij", (x, x)), ("i...->...", (x,)), ("ij,jk,kl,lm->im", (x, y, y, y)),
        ("ij,kl,jk", (x, y, y)), ("ij,...jk,k->...i", (x, y, y[0])),
    ):  # fmt: skip
        expected = np.einsum(subscripts, *map(host, arrays))
        for optimize in (True, False, "greedy", "optimal"):
            found = unp.einsum(subscripts, *arrays, optimize=optimize)
            assert_native(found, any_backend, expected.shape, "float32")
            np.testing.assert_allclose(host(found), expected, atol=1e-4)


def test_einsum_follows_a_path(any_backend):
    x, y = made(RNG.normal(size=(2, 3)), any_backend), made(RNG.normal(size=(3, 3)), any_backend)
    expected = np.einsum("ij,jk,kl->il", host(x), host(y), host(y))
    np.testing.assert_allclose(
        host(unp.einsum("ij,jk,kl->il", x, y, y, optimize=[(0, 1), (0, 1)])), expected, atol=1e-4
    )
    with pytest.raises(OptionError, match="must end with one array"):
        unp.einsum("ij,jk,kl->il", x, y, y, optimize=[(0, 1)])
    with pytest.raises(OptionError, match="does not know this order"):
        unp.einsum("ij,jk,kl->il", x, y, y, optimize="best")


def test_einsum_of_integers_keeps_their_dtype(any_backend):
    x = made([[1, 2], [3, 4]], any_backend, "int32")
    assert_native(unp.einsum("ij->i", x), any_backend, (2,), "int32")
    assert_native(unp.einsum("iij,jk", unp.stack([x, x]), x), any_backend, (2,), "int32")


def test_multi_dot_takes_the_shortest_way():
    from unimod.numpy.linalg.products import _best_splits

    assert _best_splits((10, 100, 5, 50))[0, 2] == 1
    assert _best_splits((100, 5, 50, 10))[0, 2] == 0


def test_multi_dot_of_vectors_at_the_ends(any_backend):
    x, y = made([1.0, 2.0], any_backend), made([[1.0, 2.0], [3.0, 4.0]], any_backend)
    assert_native(la.multi_dot([x, y, y, x]), any_backend, (), "float32")
    assert la.multi_dot([x, y, x]).tolist() == 27.0
    assert la.multi_dot([x, y]).tolist() == [7.0, 10.0]


# Errors


def text(error, call):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value).replace("jax", "engine").replace("torch", "engine").replace("numpy", "engine")


WRONG = {
    "inv": lambda x, v: la.inv(x),
    "det": lambda x, v: la.det(v),
    "cholesky": lambda x, v: la.cholesky(x),
    "eigh": lambda x, v: la.eigh(x),
    "eigvals": lambda x, v: la.eigvals(x),
    "svd": lambda x, v: la.svd(v),
    "qr": lambda x, v: la.qr(v),
    "expm": lambda x, v: la.expm(x),
    "solve": lambda x, v: la.solve(x, v),
    "solve of another size": lambda x, v: la.solve(unp.matmul(x, unp.matrix_transpose(x)), v),
    "solve_triangular": lambda x, v: la.solve_triangular(x, v),
    "lstsq": lambda x, v: la.lstsq(x, v),
    "matrix_power": lambda x, v: la.matrix_power(x, 2),
    "matrix_power 0": lambda x, v: la.matrix_power(x, 0),
    "cross": lambda x, v: la.cross(x, v[:2]),
    "outer": lambda x, v: la.outer(x, v),
    "vecdot": lambda x, v: la.vecdot(x, v[:2]),
    "tensordot": lambda x, v: la.tensordot(x, v, axes=1) if x.shape[1] != 3 else la.tensordot(v, x, axes=2),
    "vector_norm": lambda x, v: la.vector_norm(x, axis=2),
    "matrix_norm": lambda x, v: la.matrix_norm(v),
    "empty matrix_norm": lambda x, v: la.matrix_norm(x[:0], ord=2),
    "empty vector_norm": lambda x, v: la.vector_norm(v[:0], ord=np.inf),
    "norm": lambda x, v: la.norm(x, 1, (0, 1, 2)),
    "diagonal": lambda x, v: la.diagonal(v),
    "trace": lambda x, v: la.trace(v),
    "diag": lambda x, v: unp.diag(unp.stack([x])),
    "multi_dot": lambda x, v: la.multi_dot([x]),
    "einsum": lambda x, v: unp.einsum("ij,jk,kl", x, v, v),
    "cond": lambda x, v: la.cond(x, 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_shapes_are_told_alike(any_backend, name):
    x, v = np.ones((2, 3)), np.ones(3)
    told = text(ShapeError, lambda: WRONG[name](made(x, any_backend), made(v, any_backend)))
    assert told == text(ShapeError, lambda: WRONG[name](made(x, "numpy"), made(v, "numpy")))
    assert "got:" in told
    assert name.split()[-1].split(" of")[0] in told or name.split()[0] in told


def test_unknown_options_are_refused(any_backend):
    x = made(np.eye(2), any_backend)
    for call in (
        lambda: la.qr(x, mode="raw"),
        lambda: la.matrix_norm(x, ord=3),
        lambda: la.norm(x[0], "fro", 0),
        lambda: la.matrix_power(x, 0.5),
    ):
        with pytest.raises(OptionError):
            call()
