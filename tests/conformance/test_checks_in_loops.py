"""``um.checkify`` of loops, branches and ``remat``, traced and step by step; a traced loop stays one node."""

from __future__ import annotations

import functools

import pytest

import unimod as um
from unimod.errors import CapabilityError

jit = functools.partial(um.jit, compiler="graph")
unp = um.numpy
NAN = "An operation gave nan."


def root(x):
    um.check(x > 0, "x is {}", x)
    return unp.sqrt(x)


def scanned(x):
    return um.scan(lambda c, y: (root(c - y), c), x, unp.asarray([0.25, 0.25, 0.75], dtype="float32"))[0]


def counted(x):
    return um.fori_loop(0, 4, lambda i, v: root(v - 0.25 * unp.astype(i, "float32")), x)


def repeated(x):
    """The check of the condition and that of the body."""
    return um.while_loop(lambda v: root(v - 0.125) < 2.0, lambda v: root(v - 0.25) * 4.0, x)


def chosen(x):
    return um.cond(x > 0.5, lambda x: root(x - 0.75), lambda x: x * 2.0, x)


def nested(x):
    return um.scan(lambda c, _: (um.cond(c > 0.5, counted, lambda c: c, c) + 4.0, None), x, None, 2)[0]


def again(x):
    return um.remat(lambda x: root(x - 0.5))(x)


FUNCTIONS = {scanned: 0.5, counted: 0.5, repeated: 0.25, chosen: 0.625, nested: 0.625, again: 0.25}
"""Each with a number for which a check fails; for 4.0 none does."""
WAYS = {
    "value": (lambda f, errors: um.checkify(f, errors)),
    "gradient": (lambda f, errors: um.checkify(um.grad(f), errors)),
    "tangents": (lambda f, errors: um.checkify(lambda x: um.jvp(f, (x,), (x,)), errors)),
    "mapped": (lambda f, errors: lambda x: um.checkify(um.vmap(f), errors)(unp.stack([x, x]))),
    "inside of a gradient": (
        lambda f, errors: lambda x: um.grad(lambda x: um.checkify(f, errors)(x)[::-1], has_aux=True)(x)[::-1]
    ),
}


def number(x):
    return unp.asarray(x, dtype="float32")


def rounded(text):
    """A text whose number, if it has one, is good to three places: engines round on their way in their own manner."""
    return f"x is {float(text.removeprefix('x is ')):.3f}" if text and text.startswith("x is ") else text


@functools.cache
def expected(function, errors, start):
    """What the numpy engine says, or for nan the failure of the user's check, which comes at the same place."""
    if function is again:
        return NAN if errors == "nan" else "x is -0.250"
    with um.use_backend("numpy"):
        text = um.checkify(function)(number(start))[0].get()
    return NAN if text and errors == "nan" else rounded(text)


LOST_ON_JAX = {scanned, counted, nested}
"""Loops whose checks of the user JAX leaves out of a gradient, as it does with whatever the gradient does not need."""


@pytest.mark.thin(6)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("errors", ["user", "nan"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_the_first_failure(backend, function, errors, way):
    if function is repeated and "gradient" in way:
        way = "tangents"
    run = jit(WAYS[way](function, errors))
    start = FUNCTIONS[function]
    if backend == "jax" and function is repeated and way == "mapped":
        with pytest.raises(CapabilityError, match="JAX cannot check a mapped while_loop"):
            run(number(start))
        return
    error, _ = run(number(start))
    if backend == "jax" and function in LOST_ON_JAX and (errors, way) == ("user", "gradient"):
        assert error.get() is None
        return
    assert rounded(error.get()) == expected(function, errors, start) is not None
    error, _ = run(number(4.0))
    assert error.get() is None
    assert run.trace_count == 1


@pytest.mark.needs("torch")
def test_step_by_step():
    with um.use_backend("torch"):
        for function, start in FUNCTIONS.items():
            assert rounded(um.checkify(function)(number(start))[0].get()) == expected(function, "user", start)
        # Forward mode makes zeros without memory.
        assert um.checkify(lambda x: um.jvp(scanned, (x,), (x,)), "nan")(number(4.0))[0].get() is None


def test_of_a_map_the_failing_call_is_told(backend):
    def fn(x):
        um.check(x > 0, "x is {}", x)
        return x

    xs = unp.asarray([1.0, -2.0, 3.0], dtype="float32")
    assert jit(um.checkify(um.vmap(fn)))(xs)[0].get() == "x is -2.0"


@pytest.mark.needs("torch")
def test_a_traced_loop_with_checks_is_one_node():
    import torch

    from unimod.backends.torch import _lower, _trace

    def size(length):
        checked = um.checkify(lambda xs: um.scan(lambda c, x: (root(c + x), None), xs[0], xs)[0])
        flat = lambda leaves: (um.tree.leaves(checked(*leaves)), None)  # noqa: E731
        return len(_trace.trace(flat, [torch.ones(length)], compiler=_lower.choose("graph")).graph.graph.nodes)

    with um.use_backend("torch"):
        assert size(3) == size(100)


@pytest.mark.needs("torch")
def test_two_checked_functions_in_each_other():
    def inner(x):
        error, y = um.checkify(scanned)(x)
        return unp.log(y - 9.0), error

    with um.use_backend("torch"):
        outer, (_, error) = jit(um.checkify(inner, "nan"))(number(4.0))
        assert (outer.get(), error.get()) == (NAN, None)
        outer, (_, error) = jit(um.checkify(inner, "nan"))(number(0.5))
        assert rounded(error.get()) == expected(scanned, "user", 0.5)
