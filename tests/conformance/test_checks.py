"""``um.checkify`` and ``um.check``: which failure is found, with which text, under which transforms."""

from __future__ import annotations

import functools

import pytest

import unimod as um
import unimod.numpy as unp
from unimod.errors import CapabilityError, CheckFailedError, DTypeError, OptionError

jit = functools.partial(um.jit, compiler="graph")
NAN = "An operation gave nan."
ZERO = "A number was divided by zero."
INDEX = "An index is outside of its axis."


def array(values, dtype="float32"):
    return unp.asarray(values, dtype=dtype)


def positive(x):
    um.check(x > 0, "x is {}, which is not above {}", x, 0)
    return unp.sqrt(x)


AROUND = {
    "alone": lambda fn, errors: um.checkify(fn, errors),
    "jitted": lambda fn, errors: jit(um.checkify(fn, errors)),
    "of a jitted function": lambda fn, errors: um.checkify(jit(fn), errors),
}


@pytest.mark.parametrize("around", AROUND)
def test_a_check_of_the_user(backend, around):
    fn = AROUND[around](positive, "user")
    error, y = fn(array(4.0))
    assert (error.get(), float(y)) == (None, 2.0)
    error.throw()
    error, y = fn(array(-1.0))
    assert error.get() == "x is -1.0, which is not above 0"
    assert um.engine_of(y).name == backend
    with pytest.raises(CheckFailedError, match=r"^x is -1\.0, which is not above 0$"):
        error.throw()


@pytest.mark.parametrize("around", AROUND)
def test_nan_division_and_indices(backend, around):
    def run(fn, errors, *args):
        return AROUND[around](fn, errors)(*args)[0].get()

    assert run(lambda x: unp.log(x) * 2, "nan", array(-1.0)) == NAN
    assert run(lambda x: unp.log(x) * 2, "nan", array(1.0)) is None
    assert run(lambda x: unp.log(x), ("user", "division"), array(-1.0)) is None
    assert run(lambda x, y: unp.divide(x, y), "division", array([1.0, 2.0]), array([1.0, 0.0])) == ZERO
    assert run(lambda x, y: unp.divide(x, y), "division", array([1.0, 2.0]), array([1.0, 4.0])) is None
    assert run(lambda x, i: unp.take(x, i), "index", array([1.0, 2.0]), array([1, 2], "int32")) == INDEX
    assert run(lambda x, i: unp.take(x, i), "index", array([1.0, 2.0]), array([1, -2], "int32")) is None


def test_the_numpy_engine_checks_what_it_is_asked(any_backend):
    assert um.checkify(positive)(array(-1.0))[0].get() == "x is -1.0, which is not above 0"
    take = um.checkify(lambda x, i: unp.take_along_axis(x, i), "index")
    assert take(array([1.0, 2.0]), array([5], "int32"))[0].get() == INDEX
    assert take(array([1.0, 2.0]), array([-1], "int32"))[0].get() is None


def test_the_first_failure_is_told(any_backend):
    def fn(x):
        um.check(x > 5, "first {}", x)
        um.check(x > 6, "second")
        return x

    checked = um.checkify(fn)
    assert checked(array(1.0))[0].get() == "first 1.0"
    assert checked(array(5.5))[0].get() == "second"
    assert checked(array(7.0))[0].get() is None


def test_a_text_with_braces(any_backend):
    assert um.checkify(lambda x: um.check(x > 0, "{a}"))(array(-1.0))[0].get() == "{a}"


def test_under_vmap_one_of_the_failing_calls_is_told(any_backend):
    checked = um.checkify(um.vmap(positive))
    assert checked(array([1.0, -2.0, 3.0]))[0].get() == "x is -2.0, which is not above 0"
    assert checked(array([1.0, 2.0]))[0].get() is None
    assert um.checkify(um.vmap(um.vmap(positive)))(array([[1.0, 1.0], [1.0, -3.0]]))[0].get() is not None


def test_in_derivatives(backend):
    checked = um.checkify(um.grad(lambda x: positive(x) * 3.0))
    error, slope = checked(array(4.0))
    assert (error.get(), float(slope)) == (None, 0.75)
    assert checked(array(-4.0))[0].get() == "x is -4.0, which is not above 0"
    # The square root of 0 is no nan; its derivative times 0 is.
    nan = um.checkify(um.grad(lambda x: unp.sqrt(x) * 0.0), "nan")
    assert nan(array(0.0))[0].get() == NAN


@pytest.mark.parametrize("around", AROUND)
def test_in_loops(backend, around):
    def fn(x):
        def body(carry, y):
            um.check(y < 3, "y is {}", y)
            return carry * y, carry

        return um.scan(body, array(1.0), x)[0]

    error, product = AROUND[around](fn, "user")(array([1.0, 5.0, 2.0]))
    assert (error.get(), float(product)) == ("y is 5.0", 10.0)
    assert AROUND[around](fn, "user")(array([1.0, 2.0, 2.0]))[0].get() is None


def test_kinds_that_are_not_asked_for(any_backend):
    assert um.checkify(positive, "index")(array(-1.0))[0].get() is None


def test_outside_of_checkify(any_backend):
    positive(array(1.0))
    with pytest.raises(CheckFailedError, match=r"x is -1\.0"):
        positive(array(-1.0))


def test_in_a_trace_without_checkify(backend):
    with pytest.raises(CapabilityError, match=r"needs um\.checkify"):
        jit(positive)(array(1.0))


def test_nothing_is_asked_for_after_an_error(any_backend):
    def fails(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        um.checkify(fails)(array(1.0))
    with pytest.raises(CheckFailedError):
        um.check(array(-1.0) > 0, "at once")


def test_bad_options(any_backend):
    with pytest.raises(OptionError, match="no such check"):
        um.checkify(positive, "nans")
    with pytest.raises(DTypeError, match="needs a bool"):
        um.check(array(1.0), "text")
