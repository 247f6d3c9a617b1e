"""Transforms in transforms in transforms: every ordered nesting gives the same numbers on both engines.

Each transform takes a function from trees to trees of the same structure to another such function, so that all of them
nest. Some leave the numbers as they are: what is nested without these is the reference on the same engine.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapabilityError

unp = um.numpy
jit = functools.partial(um.jit, compiler="graph")


class Net(um.Module):
    def __init__(self, a, b):
        self.a, self.inner = um.Parameter(a), Inner(b)

    def __call__(self):
        return Net(self.inner(unp.sin(self.a)), unp.cos(self.inner.b) * unp.sum(unp.tanh(self.a)))


class Inner(um.Module):
    def __init__(self, b):
        self.b = um.Parameter(b)

    def __call__(self, x):
        return x * self.b


def of_dict(t):
    return {"a": unp.sin(t["a"]) * t["b"], "b": unp.cos(t["b"]) * unp.sum(unp.tanh(t["a"]))}


def numbers():
    return unp.asarray([0.3, -0.7], dtype="float64"), unp.asarray(1.2, dtype="float64")


TREES = {
    "dict": (of_dict, lambda: dict(zip("ab", numbers(), strict=True))),
    "module": (lambda net: net(), lambda: Net(*numbers())),
}


# Transforms of functions from trees to trees --------------------------------------------------------------------------


def total(f):
    return lambda t: functools.reduce(unp.add, (unp.sum(unp.square(x)) for x in um.tree.leaves(f(t))))


def tangent(t):
    return um.tree.map(lambda x: unp.ones_like(x) * 0.4, t)


def mapped(f):
    """The sum of two calls."""

    def run(t):
        both = um.tree.map(lambda x: unp.stack([x, 0.5 * x]), t)
        return um.tree.map(lambda x: unp.sum(x, axis=0), um.vmap(f)(both))

    return run


def ravelled(f, t):
    """``f`` as a function of a vector, and that of ``t``."""
    leaves = um.tree.leaves(t)
    sizes = np.cumsum([int(np.prod(x.shape)) for x in leaves])

    def back(v):
        parts = [v[int(end) - int(np.prod(x.shape)) : int(end)] for x, end in zip(leaves, sizes, strict=True)]
        new = iter([unp.reshape(part, tuple(x.shape)) for part, x in zip(parts, leaves, strict=True)])
        return um.tree.map(lambda _: next(new), t)

    def flat(t):
        return unp.concat([unp.ravel(x) for x in um.tree.leaves(t)])

    return lambda v: flat(f(back(v))), flat(t), back


def by_matrix(jacobian):
    def transform(f):
        def run(t):
            function, vector, back = ravelled(f, t)
            return back(jacobian(function)(vector) @ vector)

        return run

    return transform


def branched(f):
    def run(t):
        is_positive = unp.sum(um.tree.leaves(t)[0]) > -100.0
        return um.cond(is_positive, f, lambda t: um.tree.map(lambda x: 3.0 * x, f(t)), t)

    return run


def ruled(f):
    """By a rule that is the derivative."""
    function = um.custom_vjp(f)
    function.defvjp(lambda t: (f(t), t), lambda t, slope: um.vjp(f, t)[1](slope))
    return function


def ruled_forward(f):
    function = um.custom_jvp(f)
    function.defjvp(lambda primals, tangents: um.jvp(f, primals, tangents))
    return function


PLAIN = {
    "jit": jit,
    "remat": um.remat,
    "cond": branched,
    "custom_vjp": ruled,
    "custom_jvp": ruled_forward,
}
"""Transforms that leave the numbers as they are."""

TRANSFORMS = {
    **PLAIN,
    "grad": lambda f: um.grad(total(f)),
    "vmap": mapped,
    "jvp": lambda f: lambda t: um.jvp(f, (t,), (tangent(t),))[1],
    "scan": lambda f: lambda t: um.scan(lambda c, _: (f(c), None), t, length=2)[0],
    "jacrev": by_matrix(um.jacrev),
    "hessian": by_matrix(lambda f: um.hessian(lambda v: unp.sum(unp.square(f(v))))),
}


FORWARD = {"jvp", "hessian", "custom_jvp"}
"""Those that push tangents through what they transform, which a custom_vjp refuses."""


def value(tree, names, engine):
    """What the nesting gives on an engine, as numpy arrays; or the text of the error where it is refused."""
    function, make = TREES[tree]
    for name in reversed(names):
        function = TRANSFORMS[name](function)
    with um.use_backend(engine), um.use_x64(True):
        t = make()
        try:
            leaves = um.tree.leaves(function(t))
        except CapabilityError as error:
            return str(error)
        for leaf in leaves:
            assert um.engine_of(leaf).name == engine
            assert um.dtype_of(leaf) == "float64"
            assert not getattr(leaf, "requires_grad", False)
        return [um.to_backend(leaf, "numpy") for leaf in leaves]


@functools.cache
def reference(tree, names, engine):
    return value(tree, tuple(name for name in names if name not in PLAIN), engine)


def assert_near(found, wanted):
    assert [x.shape for x in found] == [x.shape for x in wanted]
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-10)


def checked(names, tree, backend):
    """What the nesting gives, near what it gives without the transforms that leave the numbers as they are."""
    found = value(tree, names, backend)
    if isinstance(found, str):
        assert "custom_vjp" in names
        assert FORWARD & set(names[: len(names) - names[::-1].index("custom_vjp")])
    else:
        assert_near(found, reference(tree, names, backend))
    return found


def nestings(names, depth):
    """Each nesting, with one tree after the other."""
    return list(zip(itertools.product(names, repeat=depth), itertools.cycle(TREES), strict=False))


@pytest.mark.parametrize(("names", "tree"), nestings(TRANSFORMS, 2), ids=str)
@pytest.mark.needs("jax", "torch")
@pytest.mark.thin(30)
def test_pairs(names, tree):
    on_jax, on_torch = (checked(names, tree, engine) for engine in ("jax", "torch"))
    if isinstance(on_jax, str):
        assert on_jax == on_torch
    else:
        assert_near(on_torch, on_jax)


@pytest.mark.parametrize(("names", "tree"), nestings([x for x in TRANSFORMS if x not in PLAIN], 3), ids=str)
@pytest.mark.needs("jax", "torch")
@pytest.mark.thin(80)
def test_triples_of_those_that_change_numbers(names, tree):
    assert_near(value(tree, names, "torch"), value(tree, names, "jax"))


@pytest.mark.parametrize(("names", "tree"), nestings(TRANSFORMS, 3), ids=str)
@pytest.mark.needs("torch")
@pytest.mark.thin(160)
def test_triples(names, tree):
    checked(names, tree, "torch")


# What went wrong once -------------------------------------------------------------------------------------------------

ONCE = [
    ("remat", "jacrev"),
    ("jit", "remat", "jacrev"),
    ("jit", "grad", "remat"),
    ("remat", "grad", "custom_jvp"),
    ("jvp", "hessian", "custom_vjp"),
    ("jvp", "hessian", "custom_jvp"),
]


@pytest.mark.parametrize("names", ONCE, ids=str)
@pytest.mark.thin(2)
def test_what_went_wrong_once(names, backend):
    checked(names, "dict", backend)


@pytest.mark.parametrize("name", ["det", "psum", "pmax"])
def test_second_tangents_of_functions_with_rules(name, backend):
    """Forward over forward mode."""
    functions = {
        "det": lambda x: unp.linalg.det(unp.stack([x, unp.sin(unp.flip(x))])),
        "psum": lambda x: unp.sum(um.vmap(lambda x: unp.sin(um.psum(x * x, "i")), axis_name="i")(x)),
        "pmax": lambda x: unp.sum(um.vmap(lambda x: unp.sin(um.pmax(x * x, "i")), axis_name="i")(x)),
    }
    f = functions[name]
    with um.use_x64(True):
        x, t = unp.asarray([0.3, -0.7], dtype="float64"), unp.asarray([0.5, 0.2], dtype="float64")
        push = lambda g: lambda x: um.jvp(g, (x,), (t,))[1]  # noqa: E731
        twice = push(push(f))
        found = twice(x)
        assert (um.engine_of(found).name, um.dtype_of(found), tuple(found.shape)) == (backend, "float64", ())
        wanted = t @ um.jacrev(um.grad(f))(x) @ t
        np.testing.assert_allclose(*(um.to_backend(v, "numpy") for v in (found, wanted)), rtol=1e-10)


def test_nothing_of_a_derivative_is_left_in_results(backend):
    x = unp.asarray([0.3, -0.7])
    for make in (um.vjp, um.linearize):
        out, linear = make(lambda x: unp.sin(x) * x, x)

        def loss(c, linear=linear):
            return unp.sum(um.tree.leaves(linear(c))[0] * c)

        rows = unp.stack([x, 2.0 * x])
        found = [out, um.grad(loss)(x), um.vmap(um.grad(loss))(rows), um.vmap(um.jacfwd(loss))(rows), linear(x)]
        assert not any(getattr(leaf, "requires_grad", False) for leaf in um.tree.leaves(found))
        slopes = np.asarray([0.3, -0.7]) * np.cos([0.3, -0.7]) + np.sin([0.3, -0.7])
        for leaf in found[2:4]:
            assert um.engine_of(leaf).name == backend
            wanted = 2 * slopes * np.asarray([[0.3, -0.7], [0.6, -1.4]])
            np.testing.assert_allclose(um.to_backend(leaf, "numpy"), wanted, rtol=1e-5)
