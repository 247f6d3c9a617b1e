"""What a traced loop or branch batches and differentiates: only what a mapped or a moved value reaches."""

from __future__ import annotations

import contextlib
import functools

import numpy as np
import pytest

import unimod as um

jit = functools.partial(um.jit, compiler="graph")
unp = um.numpy


def array(*shape, seed=0):
    return unp.asarray(np.random.default_rng(seed).uniform(0.2, 1.0, shape), dtype="float64")


def scanned(x, w):
    """A counter, a value of its own, and one that the mapped argument reaches by the third way only."""

    def step(carry, row):
        n, t, v = carry
        return (n + 1, unp.tanh(unp.matmul(t, w)), v * unp.sum(t) + row * n), (unp.sum(t), v)

    return um.scan(step, (0, w[0], x), unp.ones((4,), dtype="float64"))


def passed_on(x, w):
    """The mapped value arrives at the last carry in the third step."""
    step = lambda c, _: ((c[0], c[0] + 0.0, unp.sin(c[1]), c[3] * 2.0), None)  # noqa: E731
    return um.scan(step, (x, w[0], w[1], w[0]), None, 4)[0]


def counted(x, w):
    return um.while_loop(lambda c: c[0] < 4, lambda c: (c[0] + 1, unp.sin(c[1]), c[2] * unp.sum(c[1])), (0, w[0], x))


def asked(x, w):
    """The mapped value decides how long the loop is, so that all of the carry is mapped."""
    return um.while_loop(lambda c: unp.sum(c[1]) < 9.0, lambda c: (unp.sin(c[0]), c[1] * 2.0), (w[0], x))


def chosen(x, w):
    return um.cond(unp.sum(w) > 0, lambda: (x * 2.0, w * 3.0), lambda: (x, w))


def inside(x, w):
    """A branch and a loop in a loop."""

    def step(c, _):
        a = um.cond(unp.sum(c[0]) > 0, lambda a: unp.sin(a), lambda a: a, c[0])
        b = um.fori_loop(0, 2, lambda i, b: b * unp.sum(a), c[1])
        return (a, b), unp.sum(a)

    return um.scan(step, (w[0], x), None, 3)


FUNCTIONS = {
    # the function, and which of its results are mapped
    scanned: (False, False, True, False, True),
    passed_on: (True, True, True, False),
    counted: (False, False, True),
    asked: (True, True),
    chosen: (True, False),
    inside: (False, True, False),
}


@contextlib.contextmanager
def axes_seen():
    """The axes of the examples in what the outermost loop or branch gives."""
    from unimod.backends.torch._regions import _Apply

    seen, rule = [], _Apply.vmap

    def noting(info, dims, region, *inputs):
        outputs, found = rule(info, dims, region, *inputs)
        seen.append(tuple(axis is not None for axis in found))
        return outputs, found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Apply, "vmap", staticmethod(noting))
        yield seen


def assert_near(found, wanted):
    found, wanted = um.tree.leaves(found), um.tree.leaves(wanted)
    assert len(found) == len(wanted) > 0
    for x, y in zip(found, wanted, strict=True):
        assert um.engine_of(x).name == um.engine_of(y).name
        assert (tuple(x.shape), um.dtype_of(x)) == (tuple(y.shape), um.dtype_of(y))
        np.testing.assert_allclose(um.to_backend(x, "numpy"), um.to_backend(y, "numpy"), rtol=1e-12, atol=1e-12)


@pytest.fixture(autouse=True)
def wide():
    with um.use_x64(True):
        yield


@pytest.mark.needs("torch")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_only_what_a_mapped_value_reaches_is_mapped(function):
    with um.use_backend("torch"):
        mapped, args = um.vmap(function, in_axes=(0, None)), (array(5, 2), array(2, 2, seed=1))
        with axes_seen() as seen:
            found = jit(mapped)(*args)
        assert seen[-1] == FUNCTIONS[function]
        assert_near(found, mapped(*args))


@pytest.mark.parametrize("function", [scanned, counted, asked, inside], ids=lambda function: function.__name__)
def test_each_example_alone(backend, function):
    x, w = array(3, 2), array(2, 2, seed=1)
    rows = [function(row, w) for row in x]
    wanted = um.tree.map(lambda *parts: unp.stack(list(parts)), *rows)
    assert_near(jit(um.vmap(function, in_axes=(0, None)))(x, w), wanted)


@pytest.mark.needs("torch")
def test_random_numbers_of_the_framework_differ_from_example_to_example():
    import torch

    def drawn(x):
        return um.scan(lambda c, _: (c + torch.rand(()), x), unp.zeros((), dtype="float32"), None, 3)

    with um.use_backend("torch"):
        last, _ = jit(um.vmap(drawn))(torch.zeros(4))
        assert last.shape == (4,)
        assert len(set(last.tolist())) == 4


@pytest.mark.needs("torch")
def test_a_write_into_a_view_is_seen():
    import torch

    def step(c, _):
        buffer = torch.zeros(3, dtype=c[0].dtype)
        view = buffer[:2]
        buffer[1:].add_(c[0])
        return (c[0] * 2.0, view.sum()), None

    def last(x):
        return um.scan(step, (x, torch.zeros((), dtype=x.dtype)), None, 3)[0][1]

    with um.use_backend("torch"):
        x = array()
        assert_near(jit(um.value_and_grad(last))(x), (4.0 * x, 4.0 * torch.ones_like(x)))


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: um.grad(f),
        lambda f: um.grad(f, argnums=1),
        lambda f: lambda x, w: um.jvp(lambda x: f(x, w), (x,), (x,)),
        lambda f: um.hessian(f),
        lambda f: lambda x, w: um.vmap(um.grad(f), in_axes=(0, None))(unp.stack([x, 2 * x]), w),
    ],
    ids=["first", "second", "tangents", "hessian", "mapped"],
)
def test_derivatives_of_a_carry_that_some_of_the_arguments_reach(backend, transform):
    def total(x, w):
        leaves = um.tree.leaves(scanned(x, w))
        return functools.reduce(unp.add, (unp.sum(unp.sin(unp.astype(leaf, "float64"))) for leaf in leaves))

    f, args = transform(total), (array(2), array(2, 2, seed=1))
    assert_near(jit(f)(*args), f(*args))
