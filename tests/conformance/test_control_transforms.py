"""Derivatives, maps and traces of loops and branches: traced ones against those that run step by step, and JAX's."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um

jit = functools.partial(um.jit, compiler="graph")
unp = um.numpy
grad3 = functools.partial(um.grad, argnums=(0, 1, 2))


def numbers(x):
    return um.to_backend(x, "numpy")


def data(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [unp.asarray(rng.normal(size=shape), dtype="float64") for shape in shapes]


def assert_near(found, wanted, backend, rtol=1e-12):
    """In float64 a few roundings, relative to the largest number: the same operations, added in another order."""
    found, wanted = um.tree.leaves(found), um.tree.leaves(wanted)
    assert len(found) == len(wanted) > 0
    for x, y in zip(found, wanted, strict=True):
        assert um.engine_of(x).name == backend
        assert (tuple(x.shape), um.dtype_of(x)) == (tuple(y.shape), um.dtype_of(y))
        y = numbers(y)
        np.testing.assert_allclose(numbers(x), y, rtol=0, atol=rtol * max(1.0, np.abs(y).max()))


@pytest.fixture(autouse=True)
def wide():
    with um.use_x64(True):
        yield


# Functions of (w, h, xs) ----------------------------------------------------------------------------------------------


def total(tree):
    return functools.reduce(unp.add, (unp.sum(unp.square(leaf)) for leaf in um.tree.leaves(tree)))


def plain(w, h, xs):
    def step(c, x):
        c = unp.tanh(unp.add(unp.matmul(c, w), x))
        return c, {"y": unp.square(c), "s": unp.sum(c)}

    return um.scan(step, h, xs)


def backward(w, h, xs):
    return um.scan(lambda c, x: (unp.sin(unp.add(unp.matmul(c, w), x)), unp.cos(c)), h, xs, reverse=True)


def counting(w, h, xs):
    """A carry with an integer, which decides about each step."""

    def step(c, x):
        i, v = c
        v = um.cond(unp.equal(unp.remainder(i, 2), 0), lambda v: unp.tanh(unp.matmul(v, w)), lambda v: v * x, v)
        return (i + 1, v), i

    (_, last), _ = um.scan(step, (0, h), xs)
    return last


def nested(w, h, xs):
    def step(c, x):
        c, _ = um.scan(lambda c, k: (unp.sin(unp.add(unp.matmul(c, w), k * x)), None), c, xs[:3])
        return c, unp.sum(c)

    return um.scan(step, h, xs)


def derived_inside(w, h, xs):
    def step(c, x):
        a, b = um.grad(lambda c, w: unp.sum(unp.sin(unp.matmul(c, w) + x)), argnums=(0, 1))(c, w)
        return c - 0.1 * a, unp.sum(b)

    return um.scan(step, h, xs)


def mapped_inside(w, h, xs):
    def step(c, x):
        y = um.vmap(lambda column, c: unp.sum(column * c), in_axes=(1, None))(w, c + x)
        return unp.tanh(y), y

    return um.scan(step, h, xs)


def branches(w, h, xs):
    functions = [lambda h: unp.matmul(h, w), lambda h: unp.sin(h) * xs[0], lambda h: h * 2.0]
    return [um.switch(i, functions, h) for i in (0, 1, 2)] + [um.switch(unp.argmax(xs[0]), functions, h)]


def counted(w, h, xs):
    return um.fori_loop(0, 4, lambda i, c: unp.tanh(unp.matmul(c, w)) * (i + 1), h)


def prefixes(w, h, xs):
    return um.associative_scan(lambda a, b: (a[0] * b[0], b[0] * a[1] + b[1]), (unp.sin(xs), xs * h))


def one_by_one(w, h, xs):
    return um.sequential_map(lambda x: unp.tanh(unp.matmul(x, w)) * h, xs, batch_size=2)


def returned(w, h, xs):
    """What is captured comes out as it is."""
    return um.scan(lambda c, x: (c, w), h, xs)


FUNCTIONS = [
    plain, backward, counting, nested, derived_inside, mapped_inside, branches, counted, prefixes, one_by_one, returned,
]  # fmt: skip
TRANSFORMS = {
    "value": lambda f: f,
    "grad": lambda f: grad3(lambda *args: total(f(*args))),
    "grad of grad": lambda f: grad3(lambda *args: total(grad3(lambda *inner: total(f(*inner)))(*args))),
    "vmap": lambda f: um.vmap(f, in_axes=(None, 0, None)),
    "vmap of grad": lambda f: um.vmap(grad3(lambda *args: total(f(*args))), in_axes=(None, 0, None)),
    "grad of vmap": lambda f: grad3(lambda *args: total(um.vmap(f, in_axes=(0, None, None))(*args))),
}


def arguments(name):
    shapes = {"vmap": [(3, 3), (2, 3), (5, 3)], "grad of vmap": [(2, 3, 3), (3,), (5, 3)]}
    return data(*shapes.get(name.removesuffix(" of grad"), [(3, 3), (3,), (5, 3)]))


@pytest.mark.thin(4)
@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_trace_gives_what_the_steps_give(function, name):
    with um.use_backend("torch"):
        f, args = TRANSFORMS[name](function), arguments(name)
        run = jit(f)
        assert_near(run(*args), f(*args), "torch")
        assert_near(run(*args), f(*args), "torch")
        assert run.trace_count == 1


@pytest.mark.thin(4)
@pytest.mark.needs("torch", "jax")
@pytest.mark.parametrize("name", ["grad", "vmap of grad"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_the_engines_agree(function, name):
    found = {}
    for engine in ("jax", "torch"):
        with um.use_backend(engine):
            found[engine] = jit(TRANSFORMS[name](function))(*arguments(name))
    assert_near(found["torch"], um.to_backend(found["jax"], "torch"), "torch")


# Forward mode ---------------------------------------------------------------------------------------------------------


@pytest.mark.needs("torch")
@pytest.mark.parametrize("function", [plain, counting, nested, branches], ids=lambda function: function.__name__)
def test_tangents(function):
    import torch

    with um.use_backend("torch"):
        args = arguments("value")
        for f in (function, grad3(lambda *args: total(function(*args)))):
            push = lambda *args, f=f: torch.func.jvp(f, args, tuple(torch.cos(x) for x in args))  # noqa: E731
            assert_near(jit(push)(*args), push(*args), "torch")


@pytest.mark.needs("torch", "jax")
def test_tangents_of_a_loop_with_a_condition():
    import jax
    import torch

    def loop(x, y):
        return um.while_loop(lambda v: unp.sum(v) < 50.0, lambda v: v * (1.5 + y * y), x)

    values = np.random.default_rng(0).uniform(0.5, 1.5, (2, 2, 3))
    wanted = jax.jvp(loop, tuple(map(jax.numpy.asarray, values)), tuple(map(jax.numpy.asarray, values)))
    x = tuple(map(torch.tensor, values))
    for run in (jit, lambda f: f):
        found = run(lambda x, y: torch.func.jvp(loop, (x, y), (x, y)))(*x)
        assert_near(found, um.to_backend(wanted, "torch"), "torch")
        rows = run(um.vmap(loop))(*x)
        assert_near(rows, torch.stack([loop(*pair) for pair in zip(*x, strict=True)]), "torch")
        both = run(um.vmap(lambda x, y: torch.func.jvp(loop, (x, y), (x, y))))(*x)
        assert_near(both[1][0], torch.func.jvp(loop, (x[0][0], x[1][0]), (x[0][0], x[1][0]))[1], "torch")


@pytest.mark.needs("jax")
def test_against_jax_itself():
    import jax
    from jax import lax

    with um.use_backend("jax"):
        w, h, xs = arguments("value")
        native = lambda w, h, xs: lax.scan(lambda c, x: (jax.numpy.tanh(c @ w + x), c.sum()), h, xs)  # noqa: E731
        ours = lambda w, h, xs: um.scan(lambda c, x: (unp.tanh(unp.matmul(c, w) + x), unp.sum(c)), h, xs)  # noqa: E731
        wanted = jax.grad(lambda *args: sum((x**2).sum() for x in native(*args)), argnums=(0, 1, 2))(w, h, xs)
        assert_near(grad3(lambda *args: total(ours(*args)))(w, h, xs), wanted, "jax")
        add = lambda a, b: (a[0] * b[0], b[0] * a[1] + b[1])  # noqa: E731
        for reverse in (False, True):
            pair = (jax.numpy.sin(xs), xs)
            assert_near(um.associative_scan(add, pair, reverse), lax.associative_scan(add, pair, reverse), "jax")
        assert_near(um.sequential_map(unp.cos, xs, batch_size=2), lax.map(jax.numpy.cos, xs, batch_size=2), "jax")


# What a trace holds ---------------------------------------------------------------------------------------------------


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", ["value", "grad", "grad of grad", "vmap of grad"])
def test_a_long_loop_is_as_small_a_graph_as_a_short_one(name):
    from unimod.backends.torch import _lower, _trace

    def size(length):
        args = data((3, 3), (2, 3) if name.startswith("vmap") else (3,), (length, 3))
        f = TRANSFORMS[name](plain)
        traced = _trace.trace(lambda leaves: (um.tree.leaves(f(*leaves)), None), args, compiler=_lower.choose("graph"))
        return len(traced.graph.graph.nodes)

    with um.use_backend("torch"):
        assert size(4) == size(300)


def test_captured_arrays_of_several_shapes_in_a_derivative_in_a_body(backend):
    def train(w, x, y):
        def loss(w, x, y):
            return unp.mean((x @ w) * y)

        return um.fori_loop(0, 3, lambda i, w: w - um.grad(loss)(w, x, y), w)

    args = data((4, 3), (6, 4), (6, 3))
    assert_near(jit(train)(*args), train(*args), backend)


@pytest.mark.needs("torch")
def test_nothing_of_a_trace_outlives_the_function():
    import gc

    from unimod.backends.torch import _regions

    with um.use_backend("torch"):
        gc.collect()
        before = len(_regions._table)
        run = jit(TRANSFORMS["grad"](plain))
        run(*data((3, 3), (3,), (11, 3)))
        assert len(_regions._table) > before
        del run
        gc.collect()
        assert len(_regions._table) == before


@pytest.mark.needs("torch")
def test_a_write_into_a_captured_array_is_refused():
    import torch

    def f(x):
        buffer = x * 0.0

        def step(c, row):
            buffer.add_(row)
            return c, None

        return um.scan(step, x[0], x)[0]

    with pytest.raises(um.CapabilityError, match="writes into an array from outside"):
        jit(f)(torch.ones(3, 2))


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", ["grad", "vmap of grad"])
def test_compiled_by_inductor(name):
    with um.use_backend("torch"):
        f, args = TRANSFORMS[name](counting), arguments(name)
        assert_near(um.jit(f, compiler="inductor")(*args), f(*args), "torch")
