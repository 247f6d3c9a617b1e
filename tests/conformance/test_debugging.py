"""``um.debug_callback`` and ``um.debug_print`` inside of other transforms."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp

jit = functools.partial(um.jit, compiler="graph")


def array(values):
    return unp.asarray(values, dtype="float32")


@pytest.fixture
def seen():
    return []


@pytest.fixture
def noting(seen):
    """x**2, whose x is seen."""

    def fn(x):
        um.debug_callback(lambda x: seen.append(x.tolist()), x)
        return x * x

    return fn


def test_called_at_once_with_numpy_arrays(any_backend):
    got = []
    um.debug_callback(lambda tree, text: got.append((tree, text)), {"a": array([1.0, 2.0]), "n": 3}, "text")
    ((tree, text),) = got
    assert type(tree["a"]) is np.ndarray
    assert tree["a"].dtype == np.float32
    assert (tree["a"].tolist(), tree["n"], text) == ([1.0, 2.0], 3, "text")


def test_once_for_each_mapped_call(any_backend, noting, seen):
    um.vmap(noting)(array([1.0, 2.0, 3.0]))
    assert seen == [1.0, 2.0, 3.0]


def test_each_time_a_jitted_function_runs(backend, noting, seen):
    run = jit(noting)
    for value in (1.0, 2.0, 3.0):
        run(array(value))
    um.numpy.asarray(run(array(4.0)))
    assert sorted(seen) == [1.0, 2.0, 3.0, 4.0]
    assert run.trace_count == 1


def test_a_derivative_is_what_it_was(backend, noting, seen):
    assert float(um.grad(noting)(array(3.0))) == 6.0
    assert float(um.grad(um.grad(noting))(array(3.0))) == 2.0
    assert set(seen) == {3.0}


def test_under_jit_vmap_and_grad_together(backend, noting, seen):
    run = jit(um.vmap(um.grad(noting)))
    assert run(array([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert run(array([3.0, 4.0])).tolist() == [6.0, 8.0]
    assert sorted(seen) == [1.0, 2.0, 3.0, 4.0]


def test_with_a_result_that_nobody_uses(backend, seen):
    def fn(x):
        um.debug_callback(lambda y: seen.append(y.tolist()), unp.exp(x))
        return x

    jit(fn)(array(0.0)).tolist()
    assert seen == [1.0]


@pytest.mark.needs("torch")
def test_inductor_keeps_it():
    seen = []

    def fn(x):
        um.debug_callback(lambda y: seen.append(y.tolist()), x * 2)
        return unp.sin(x)

    with um.use_backend("torch"):
        run = um.jit(um.grad(fn), compiler="inductor")
        run(array(1.0))
        run(array(2.0))
    assert seen == [2.0, 4.0]


def test_ordered(backend, seen):
    def fn(x):
        for i in range(4):
            um.debug_callback(lambda x, i=i: seen.append((i, float(x))), x, ordered=True)
        return x

    jit(fn)(array(1.0)).tolist()
    assert seen == [(i, 1.0) for i in range(4)]


def test_in_a_loop(backend, noting, seen):
    def fn(xs):
        return um.scan(lambda carry, x: (carry + noting(x), x), array(0.0), xs)[0]

    assert float(jit(fn)(array([1.0, 2.0, 3.0]))) == 14.0
    assert sorted(seen) == [1.0, 2.0, 3.0]


def test_without_arrays(any_backend, seen):
    um.debug_callback(seen.append, 5)
    assert seen == [5]


def test_print(any_backend, capsys):
    um.debug_print("x = {x:.1f}, {}, {}", array([1.0, 2.0]), "b", x=array(2.0))
    assert capsys.readouterr().out == "x = 2.0, [1. 2.], b\n"


def test_print_in_a_trace(backend, capsys):
    jit(um.vmap(lambda x: um.debug_print("{}", x) or x))(array([1.0, 2.0])).tolist()
    assert sorted(capsys.readouterr().out.split()) == ["1.0", "2.0"]
