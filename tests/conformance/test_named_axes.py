"""Named axes: what the calls of a mapped function exchange, under other transforms, against JAX's own functions."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.errors import CapabilityError, OptionError, ShapeError, UnboundAxisError

jit = functools.partial(um.jit, compiler="graph")
RING = [(0, 1), (1, 2), (2, 0)]
RANDOM = np.random.default_rng(5)
X = RANDOM.uniform(-1.5, 1.5, (3, 6))
W = RANDOM.uniform(-1.5, 1.5, (3, 6))


def array(values, dtype=None):
    values = np.asarray(values)
    return um.numpy.asarray(values, dtype=dtype or str(values.dtype))


def host(x):
    return np.asarray(um.to_backend(x, "numpy"))


def same(found, expected, backend, tol=1e-12):
    assert um.engine_of(found).name == backend
    assert tuple(found.shape) == np.shape(expected)
    assert um.dtype_of(found) == str(np.asarray(expected).dtype)
    np.testing.assert_allclose(host(found), np.asarray(expected), rtol=tol, atol=tol)


@pytest.fixture(autouse=True)
def _wide():
    with um.use_x64():
        yield


# Each is a function of one call's x [6], over the axis "i" of length 3, and that function of all of them in numpy.
COLLECTIVES = {
    "psum": (lambda x: um.psum(x, "i"), lambda x: np.stack([x.sum(0)] * 3)),
    "pmean": (lambda x: um.pmean(x, "i"), lambda x: np.stack([x.mean(0)] * 3)),
    "pmax": (lambda x: um.pmax(x, "i"), lambda x: np.stack([x.max(0)] * 3)),
    "pmin": (lambda x: um.pmin(x, "i"), lambda x: np.stack([x.min(0)] * 3)),
    "all_gather": (lambda x: um.all_gather(x, "i"), lambda x: np.stack([x] * 3)),
    "all_gather last": (lambda x: um.all_gather(x, "i", axis=-1), lambda x: np.stack([x.T] * 3)),
    "all_gather tiled": (lambda x: um.all_gather(x, "i", tiled=True), lambda x: np.stack([x.reshape(-1)] * 3)),
    "ppermute": (lambda x: um.ppermute(x, "i", RING), lambda x: x[[2, 0, 1]]),
    "ppermute partial": (
        lambda x: um.ppermute(x, "i", [(2, 1), (0, 0)]),
        lambda x: np.stack([x[0], x[2], 0 * x[0]]),
    ),
    "psum_scatter": (
        lambda x: um.psum_scatter(um.numpy.reshape(x, (2, 3)), "i", axis=1),
        lambda x: x.reshape(3, 2, 3).sum(0).T,
    ),
    "psum_scatter tiled": (lambda x: um.psum_scatter(x, "i", tiled=True), lambda x: x.sum(0).reshape(3, 2)),
    "all_to_all": (
        lambda x: um.all_to_all(um.numpy.reshape(x, (2, 3)), "i", 1, 0),
        lambda x: x.reshape(3, 2, 3).transpose(2, 0, 1),
    ),
    "all_to_all tiled": (
        lambda x: um.all_to_all(x, "i", 0, 0, tiled=True),
        lambda x: x.reshape(3, 3, 2).transpose(1, 0, 2).reshape(3, 6),
    ),
    "index": (
        lambda x: x * (um.axis_index("i") + 1) / um.axis_size("i"),
        lambda x: x * np.arange(1, 4)[:, None] / 3,
    ),
}
NAMES = list(COLLECTIVES)


def mapped(name, **options):
    return um.vmap(COLLECTIVES[name][0], axis_name="i", **options)


@pytest.mark.thin(3)
@pytest.mark.parametrize("name", NAMES)
def test_values(any_backend, name):
    same(mapped(name)(array(X)), COLLECTIVES[name][1](X), any_backend)


@pytest.mark.thin(3)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_the_same_in_each_call(any_backend, name):
    y = um.vmap(lambda _, x: COLLECTIVES[name][0](x), in_axes=(0, None), axis_name="i")(array(X), array(X[0]))
    same(y, COLLECTIVES[name][1](np.stack([X[0]] * 3)), any_backend)


@pytest.mark.thin(3)
@pytest.mark.parametrize("name", NAMES)
def test_an_unnamed_axis_inside_and_outside(any_backend, name):
    fn, expected = COLLECTIVES[name]
    both = np.stack([X, W])
    wanted = np.stack([expected(X), expected(W)])
    same(um.vmap(mapped(name))(array(both)), wanted, any_backend)
    inside = um.vmap(um.vmap(fn), in_axes=1, out_axes=1, axis_name="i")(array(both))
    same(inside, wanted, any_backend)


@pytest.mark.thin(3)
@pytest.mark.parametrize("name", NAMES)
def test_jitted(backend, name):
    run = jit(mapped(name))
    same(run(array(X)), COLLECTIVES[name][1](X), backend)
    run(array(W))
    assert run.trace_count == 1


def native(lax):
    """The same collectives by JAX's own functions; those that it does not map, or derive, are left out."""
    return {
        "psum": lambda x: lax.psum(x, "i"),
        "pmean": lambda x: lax.pmean(x, "i"),
        "all_gather": lambda x: lax.all_gather(x, "i"),
        "all_gather last": lambda x: lax.all_gather(x, "i", axis=1),
        "all_gather tiled": lambda x: lax.all_gather(x, "i", tiled=True),
        "ppermute": lambda x: lax.ppermute(x, "i", RING),
        "psum_scatter": lambda x: lax.psum_scatter(x.reshape(2, 3), "i", scatter_dimension=1),
        "psum_scatter tiled": lambda x: lax.psum_scatter(x, "i", tiled=True),
        # The axis that is split is first already: with another one JAX 0.10 has no derivative inside of vmap.
        "all_to_all": lambda x: lax.all_to_all(x.reshape(2, 3).T, "i", 0, 0),
        "all_to_all tiled": lambda x: lax.all_to_all(x, "i", 0, 0, tiled=True),
        "index": lambda x: x * (lax.axis_index("i") + 1) / lax.psum(1, "i"),
    }


DERIVED = [name for name in NAMES if name not in ("pmax", "pmin", "ppermute partial")]


def weigh(np_, y):
    """A nonlinear scalar of an array, with another slope at each place."""
    size = int(np.prod(tuple(y.shape)))
    weights = np_.reshape(np_.arange(1.0, size + 1.0, dtype=np_.float64), tuple(y.shape))
    return np_.sum(np_.sin(y) * weights)


def inside(np_, vmap, grad, fn):
    """The gradients of each call."""
    return vmap(grad(lambda x: weigh(np_, fn(x) * x[0])), axis_name="i")


def outside(np_, vmap, grad, fn):
    """The gradient of all calls."""
    return grad(lambda x: weigh(np_, vmap(lambda x: fn(x * x), axis_name="i")(x)))


def twice_inside(np_, vmap, grad, fn):
    def slope(x):
        return weigh(np_, grad(lambda x: weigh(np_, fn(x * x)))(x))

    return vmap(grad(slope), axis_name="i")


def twice_outside(np_, vmap, grad, fn):
    return grad(lambda x: weigh(np_, outside(np_, vmap, grad, fn)(x)))


def around_and_inside(np_, vmap, grad, fn):
    return grad(lambda x: weigh(np_, inside(np_, vmap, grad, fn)(x)))


def inside_of_unnamed(np_, vmap, grad, fn):
    """An unnamed axis within the named one, and a gradient between."""
    mapped = grad(lambda x: np_.sum(vmap(lambda s: weigh(np_, fn(x * s)))(np_.asarray([1.0, -0.5]))))
    return vmap(mapped, axis_name="i")


COMPOSED = [inside, outside, twice_inside, twice_outside, around_and_inside, inside_of_unnamed]


@functools.cache
def wanted_of(name, compose):
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        return jax.jit(compose(jnp, jax.vmap, jax.grad, native(jax.lax)[name]))(jnp.asarray(X))


@pytest.mark.thin(12)
@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize(
    ("name", "compose"),
    [(name, compose) for name in DERIVED for compose in (twice_inside, around_and_inside)]
    + [(name, compose) for name in ("psum", "all_to_all", "psum_scatter") for compose in COMPOSED],
)
def test_derivatives_are_those_of_jax(backend, name, compose):
    wanted = wanted_of(name, compose)
    if backend == "jax":
        found = jit(compose(unp, um.vmap, um.grad, COLLECTIVES[name][0]))(array(X))
        return same(found, wanted, backend, 1e-9)
    found = compose(unp, um.vmap, um.grad, COLLECTIVES[name][0])(array(X))
    return same(found, wanted, backend, 1e-9)


@pytest.mark.parametrize("compose", [around_and_inside, inside_of_unnamed])
def test_derivatives_are_traced(backend, compose):
    def chain(x):
        y = um.ppermute(um.psum(x, "i") * x, "i", RING)
        return y + um.psum_scatter(um.all_gather(x, "i"), "i") * um.pmax(x, "i")

    fn = compose(unp, um.vmap, um.grad, chain)
    same(jit(fn)(array(X)), host(fn(array(X))), backend, 1e-9)


def forward(backend, fn, x, direction):
    if backend == "jax":
        import jax

        return jax.jvp(fn, (x,), (direction,))[1]
    import torch

    return torch.func.jvp(fn, (x,), (direction,))[1]


@pytest.mark.thin(3)
@pytest.mark.parametrize("name", NAMES)
def test_the_forward_derivative_outside_and_inside(backend, name):
    fn = mapped(name)
    x, direction, step = X, W, 1e-6
    with um.use_backend("numpy"):
        both = [host(fn(np.asarray(x + sign * step * direction))) for sign in (1, -1)]
    wanted = (both[0] - both[1]) / (2 * step)
    same(forward(backend, fn, array(x), array(direction)), wanted, backend, 1e-8)
    within = um.vmap(lambda x, d: forward(backend, COLLECTIVES[name][0], x, d), axis_name="i")
    same(within(array(x), array(direction)), wanted, backend, 1e-8)


@pytest.mark.parametrize("name", ["pmax", "pmin"])
def test_calls_that_are_level_share_the_derivative_of_the_largest(backend, name):
    x = array([[1.0, 2.0], [1.0, 0.0], [0.0, 2.0]] if name == "pmax" else [[0.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    slopes = um.grad(lambda x: unp.sum(mapped(name)(x)))(x)
    same(slopes, np.asarray([[1.5, 1.5], [1.5, 0.0], [0.0, 1.5]]), backend)


def test_the_transpose_of_a_sum_is_a_sum(backend):
    """The gradients of each call, of a loss that is w * x_i for it: its own, or with psum all of them."""
    x, w = array([1.0, 2.0, 3.0, 4.0]), array([2.0, 2.0, 2.0, 2.0])

    def gradients(loss):
        return host(um.vmap(um.grad(loss), in_axes=(0, 0), axis_name="i")(w, x)).tolist()

    assert gradients(lambda w, x: (w * x) ** 2) == [4.0, 16.0, 36.0, 64.0]
    assert gradients(lambda w, x: um.pmean((w * x) ** 2, "i")) == [4.0, 16.0, 36.0, 64.0]
    assert gradients(lambda w, x: um.psum((w * x) ** 2, "i")) == [16.0, 64.0, 144.0, 256.0]
    mean = um.vmap(lambda w, x: um.pmean(um.grad(lambda w: (w * x) ** 2)(w), "i"), axis_name="i")(w, x)
    same(mean, np.full(4, 30.0), backend)


# Several names


def test_two_axes(any_backend):
    x = np.arange(6.0).reshape(2, 3) + 1

    def fn(x):
        return um.psum(x, "a"), um.psum(x, "b"), um.psum(x, ("a", "b")), um.pmean(x * um.psum(x, "b"), "a")

    found = um.vmap(um.vmap(fn, axis_name="b"), axis_name="a")(array(x))
    ones = np.ones_like(x)
    wanted = x.sum(0) * ones, x.sum(1, keepdims=True) * ones, x.sum() * ones
    for have, want in zip(found, (*wanted, (x * x.sum(1, keepdims=True)).mean(0) * ones), strict=True):
        same(have, want, any_backend)


def test_a_tuple_of_names_counts_the_last_one_fastest(any_backend):
    x = np.arange(48.0).reshape(2, 3, 8)[..., :6]

    def fn(x):
        names = ("a", "b")
        parts = um.psum_scatter(x, names)
        return um.axis_index(names), um.all_gather(x, names), parts, x * um.axis_size(names)

    index, gathered, parts, sized = um.vmap(um.vmap(fn, axis_name="b"), axis_name="a")(array(x))
    same(index, np.arange(6, dtype=np.int32).reshape(2, 3), any_backend)
    same(gathered, np.broadcast_to(x.reshape(6, 6), (2, 3, 6, 6)), any_backend)
    same(parts, x.sum((0, 1)).reshape(2, 3), any_backend)
    same(sized, x * 6, any_backend)


def test_an_inner_axis_hides_an_outer_one_of_the_same_name(any_backend):
    def outer(x):
        before = um.psum(x, "i")
        inner = um.vmap(lambda y: um.psum(y, "i"), axis_name="i")(unp.stack([x, x, x]))
        return before, inner, um.axis_size("i")

    before, inner, size = um.vmap(outer, axis_name="i")(array([1.0, 2.0]))
    same(before, np.asarray([3.0, 3.0]), any_backend)
    same(inner, np.asarray([[3.0] * 3, [6.0] * 3]), any_backend)
    assert host(size).tolist() == [2, 2]


# Trees, modules, keys


def test_trees_and_numbers(any_backend):
    def fn(tree):
        assert um.pmean({"name": "relu", "x": tree["x"]}, "i")["name"] == "relu"
        return um.psum({"x": tree["x"], "n": 1, "none": None, "pair": (2.5, tree["b"])}, "i")

    out = um.vmap(fn, axis_name="i", in_axes=({"x": 0, "b": None},))({"x": array([1.0, 2.0]), "b": array(True)})
    assert out["none"] is None
    same(out["x"], np.asarray([3.0, 3.0]), any_backend)
    assert host(out["n"]).tolist() == [2, 2]
    assert um.dtype_of(out["n"]) == "int32"
    assert host(out["pair"][0]).tolist() == [5.0, 5.0]
    same(out["pair"][1], np.asarray([2, 2], np.int32), any_backend)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "int64", "complex64"])
def test_dtypes_are_kept(any_backend, dtype):
    x = array([[1, 2, 3], [4, 5, 6]], dtype)
    y = um.vmap(lambda x: um.psum(x, "i"), axis_name="i")(x)
    assert um.dtype_of(y) == dtype
    assert host(unp.astype(unp.real(y), "float64")).tolist() == [[5, 7, 9]] * 2


def test_host_arrays_follow_the_engine_of_the_axis(backend):
    y = um.vmap(lambda x: x + um.psum(np.asarray([1.0, 2.0]), "i"), axis_name="i")(array(X[:, :2]))
    same(y, X[:, :2] + [3.0, 6.0], backend)


def test_out_axes(any_backend):
    fn = um.vmap(lambda x: (x, um.pmean(x, "i")), in_axes=1, out_axes=(1, None), axis_name="i")
    x, mean = fn(array(X.T))
    same(x, X.T, any_backend)
    same(mean, X.mean(0), any_backend)


def test_statistics_of_a_model_are_averaged(any_backend):
    model = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3)).init(0)
    x = array(RANDOM.normal(size=(2, 5, 2)), "float32")

    def run(model, x):
        model(x)
        return model.update(um.pmean(model.batch_stats(), "device")), model

    synced, alone = um.vmap(run, in_axes=(None, 0), axis_name="device")(model, x)
    means = host(alone.layers[1].mean)
    assert abs(means[0] - means[1]).max() > 1e-3
    same(synced.layers[1].mean, np.stack([means.mean(0)] * 2), any_backend, 1e-6)


@pytest.mark.parametrize("has_mask", [False, True])
def test_synchronized_batch_norm_is_that_of_the_whole_batch(any_backend, has_mask):
    x = RANDOM.normal(size=(3, 4, 2)) * np.asarray([1.0, 5.0, 0.1])[:, None, None]
    mask = RANDOM.uniform(size=(3, 4, 1)) < 0.6 if has_mask else np.ones((3, 4, 1), bool)

    def run(model, x, mask):
        return model(x, mask=mask if has_mask else None), model

    options = {"dtype": "float64", "unbiased": True}
    synced = um.nn.BatchNorm(2, axis_name="i", **options).init(0)
    alone = um.nn.BatchNorm(2, **options).init(0)
    y, model = um.vmap(run, in_axes=(None, 0, 0), axis_name="i")(synced, array(x), array(mask))
    wanted, whole = run(alone, array(x.reshape(12, 2)), array(mask.reshape(12, 1)))
    same(y, host(wanted).reshape(3, 4, 2), any_backend, 1e-12)
    same(model.mean, np.stack([host(whole.mean)] * 3), any_backend)
    same(model.var, np.stack([host(whole.var)] * 3), any_backend)
    with pytest.raises(UnboundAxisError):
        synced(array(x[0]))
    assert tuple(synced.eval()(array(x[0])).shape) == (4, 2)


def test_gradients_go_through_synchronized_statistics(backend):
    x = RANDOM.normal(size=(3, 4, 2))

    def loss(model, x):
        return unp.sum(unp.sin(model(x)) * x), model

    synced, alone = (um.nn.BatchNorm(2, axis_name=name, dtype="float64").init(0) for name in ("i", None))

    def whole(model, x):
        losses, model = um.vmap(loss, in_axes=(None, 0), axis_name="i")(model, x)
        return unp.sum(losses), model

    slopes, _ = um.grad(whole, argnums=1, has_aux=True)(synced, array(x))
    flat, _ = um.grad(loss, argnums=1, has_aux=True)(alone, array(x.reshape(12, 2)))
    same(slopes, host(flat).reshape(3, 4, 2), backend, 1e-11)


def test_each_call_has_its_own_dropout(any_backend):
    key = um.random.key(3)

    def draw(x):
        return um.random.uniform(um.random.fold_in(key, um.axis_index("i")), (4,)) + 0 * x

    rows = host(um.vmap(draw, axis_name="i")(array(np.zeros(3), "float32")))
    wanted = [host(um.random.uniform(um.random.fold_in(key, i), (4,))) for i in range(3)]
    np.testing.assert_array_equal(rows, np.stack(wanted))
    assert len(np.unique(rows)) == 12


def test_a_jitted_function_inside(backend):
    inner = jit(lambda x: um.psum(x, "i") * um.axis_size("i"))
    same(um.vmap(inner, axis_name="i")(array([1.0, 2.0])), np.asarray([6.0, 6.0]), backend)
    same(um.vmap(inner, axis_name="i")(array([1.0, 2.0, 3.0])), np.asarray([18.0] * 3), backend)


def test_in_a_loop(backend):
    def fn(x):
        return um.scan(lambda carry, y: (carry + um.psum(y * carry, "i"), um.axis_index("i")), x[0], x)

    with um.use_backend("numpy"):
        wanted = [host(y) for y in um.vmap(fn, axis_name="i")(X)]
    run = um.vmap(fn, axis_name="i")
    for found in (run(array(X)), jit(run)(array(X))):
        for y, expected in zip(found, wanted, strict=True):
            same(y, expected, backend)


def a_scan(fn):
    return lambda x: um.scan(lambda c, y: (unp.sin(fn(c)) * y + x, unp.sum(c)), x, unp.ones((2,), dtype="float64"))


def a_while_loop(fn):
    return lambda x: um.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, unp.sin(fn(c[1])) + x), (0, x))


def a_branch(fn):
    return lambda x: um.cond(um.psum(unp.sum(x), "i") > 0, lambda x: fn(x) * 2.0, lambda x: x, x)


def weighed(tree):
    leaves = [unp.sum(unp.cos(unp.astype(leaf, "float64"))) for leaf in um.tree.leaves(tree)]
    return functools.reduce(unp.add, leaves)


IN_CONTROL = {
    "value": lambda f: um.vmap(f, axis_name="i"),
    "gradient outside": lambda f: um.grad(lambda x: weighed(um.vmap(f, axis_name="i")(x))),
    "gradient inside": lambda f: um.vmap(um.grad(lambda x: weighed(f(x))), axis_name="i"),
    "tangents": lambda f: lambda x: um.jvp(um.vmap(f, axis_name="i"), (x,), (x,)),
    "another axis": lambda f: (
        lambda x: um.vmap(lambda a: um.vmap(lambda b: f(a * b), axis_name="i")(x), axis_name="j")(
            unp.asarray([1.0, 2.0], dtype="float64")
        )
    ),
}


@pytest.mark.thin(6)
@pytest.mark.needs("torch")
@pytest.mark.parametrize("way", IN_CONTROL)
@pytest.mark.parametrize("region", [a_scan, a_while_loop, a_branch], ids=lambda region: region.__name__)
@pytest.mark.parametrize("name", ["psum", "pmax", "all_gather", "psum_scatter", "ppermute", "all_to_all", "axis_index"])
def test_in_a_traced_loop_or_branch(name, region, way):
    if region is a_while_loop and "gradient" in way:
        way = "tangents"
    fn = {
        "psum": lambda x: um.psum(x, "i"),
        "pmax": lambda x: um.pmax(x, "i"),
        "all_gather": lambda x: um.all_gather(x, "i")[1] * 2.0,
        "psum_scatter": lambda x: um.psum_scatter(unp.stack([x, 2 * x, 3 * x]), "i"),
        "ppermute": lambda x: um.ppermute(x, "i", [(0, 1), (1, 2), (2, 0)]),
        "all_to_all": lambda x: unp.sum(um.all_to_all(unp.stack([x, 2 * x, 3 * x]), "i", 0, 0), axis=0),
        "axis_index": lambda x: x * um.axis_index("i"),
    }[name]
    with um.use_backend("torch"):
        run, x = IN_CONTROL[way](region(fn)), unp.asarray([[0.3, 0.9], [0.5, 0.2], [0.7, 0.4]], dtype="float64")
        found, wanted = um.tree.leaves(jit(run)(x)), um.tree.leaves(run(x))
        assert len(found) == len(wanted) > 0
        for y, expected in zip(found, wanted, strict=True):
            assert um.dtype_of(y) == um.dtype_of(expected)
            same(y, expected, "torch", 1e-10)


@pytest.mark.needs("torch")
def test_a_traced_loop_with_a_collective_is_one_node():
    from unimod.backends.torch import _lower, _trace

    def size(length):
        rows = um.to_backend(np.ones((length,)), "torch")
        run = um.vmap(lambda x: um.scan(lambda c, y: (um.psum(c, "i") * y, None), x, rows)[0], axis_name="i")
        flat = lambda leaves: ([run(*leaves)], None)  # noqa: E731
        traced = _trace.trace(flat, [um.to_backend(np.ones(3), "torch")], compiler=_lower.choose("graph"))
        return len(traced.graph.graph.nodes)

    assert size(3) == size(100)


@pytest.mark.needs("jax")
def test_axes_that_jax_names_itself():
    import jax

    y = jax.vmap(lambda x: um.psum(x, "i") * um.axis_size("i") + um.axis_index("i"), axis_name="i")(jax.numpy.ones(3))
    assert y.tolist() == [9.0, 10.0, 11.0]


@pytest.mark.needs("torch")
def test_inductor_compiles_a_step_with_synchronized_gradients():
    with um.use_backend("torch"):
        step = um.vmap(lambda w, x: um.pmean(um.grad(lambda w: unp.sum((w * x) ** 2))(w), "i"), axis_name="i")
        compiled = um.jit(step, compiler="inductor")
        same(compiled(array(W), array(X)), np.stack([(2 * W * X * X).mean(0)] * 3), "torch")


# Errors


EVERY = {
    "psum": lambda x: um.psum(x, "j"),
    "pmean": lambda x: um.pmean(x, ("j", "i")),
    "pmax": lambda x: um.pmax(x, "j"),
    "pmin": lambda x: um.pmin(x, "j"),
    "all_gather": lambda x: um.all_gather(x, "j"),
    "ppermute": lambda x: um.ppermute(x, "j", RING),
    "psum_scatter": lambda x: um.psum_scatter(x, "j"),
    "all_to_all": lambda x: um.all_to_all(x, "j", 0, 0),
    "axis_index": lambda x: um.axis_index("j"),
    "axis_size": lambda x: x * um.axis_size("j"),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_name_that_is_not_bound(any_backend, name):
    for call in (EVERY[name], um.vmap(EVERY[name], axis_name="i")):
        with pytest.raises(UnboundAxisError, match="no mapped axis called 'j'") as caught:
            call(array(X))
        assert isinstance(caught.value, NameError)
        assert "um.vmap(fn, axis_name='j')" in caught.value.fix


def test_no_name_is_bound_after_a_call_or_an_error(any_backend):
    def fails(x):
        um.psum(x, "i")
        raise KeyboardInterrupt

    um.vmap(lambda x: um.psum(x, "i"), axis_name="i")(array(X))
    with pytest.raises(KeyboardInterrupt):
        um.vmap(fails, axis_name="i")(array(X))
    with pytest.raises(UnboundAxisError):
        um.psum(array(X), "i")


@pytest.mark.parametrize(
    ("fn", "error", "text"),
    [
        (lambda x: um.all_gather(x, "i", axis=3), ShapeError, "without the axis 3"),
        (lambda x: um.psum_scatter(x, "i"), ShapeError, "cannot split the axis 0 over 3 calls"),
        (lambda x: um.psum_scatter(x[:4], "i", tiled=True), ShapeError, "a multiple of 3"),
        (lambda x: um.all_to_all(x, "i", 0, 0), ShapeError, "pass tiled=True"),
        (lambda x: um.all_to_all(x, ("i", "i"), 0, 0), OptionError, "over one axis"),
        (lambda x: um.ppermute(x, "i", [(0, 1), (2, 1)]), OptionError, "no permutation"),
        (lambda x: um.ppermute(x, "i", [(0, 3)]), OptionError, "no permutation"),
        (lambda x: um.psum(x, None), OptionError, "the name of an axis"),
        (lambda x: um.psum(x, ()), OptionError, "the name of an axis"),
        (lambda x: um.psum(x, ["i"]), OptionError, "the name of an axis"),
    ],
)
def test_bad_options(any_backend, fn, error, text):
    with pytest.raises(error, match=text):
        um.vmap(fn, axis_name="i")(array(X))


@pytest.mark.parametrize("name", [("a", "b"), ["a"]])
def test_what_is_no_name(any_backend, name):
    with pytest.raises(OptionError, match="no name for an axis"):
        um.vmap(lambda x: x, axis_name=name)


@pytest.mark.needs("numpy")
def test_calls_that_part_ways_are_noticed():
    with um.use_backend("numpy"), pytest.raises(CapabilityError, match="Some of the mapped calls wait"):
        um.vmap(lambda x: um.psum(x, "i") if x > 0 else x, axis_name="i")(array([1.0, -1.0]))
