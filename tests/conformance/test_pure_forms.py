"""``um.pure`` of free functions: ordinary ones and those of the stateful style, told by the call."""

from __future__ import annotations

import functools
import inspect

import pytest

import unimod as um
import unimod.stateful as sf
from tests.conformance.stateful_runs import Compared, array, numbers, zeros
from unimod.errors import NotInitializedError, OptionError

pytestmark = pytest.mark.usefixtures("backend")
compare = Compared()
jit = functools.partial(um.jit, compiler="graph")


def count(by):
    return sf.put("n", sf.get("n", zeros) + by)


def test_a_function_of_the_stateful_style(backend):
    pure = um.pure(count)
    state, n = pure({}, 2, create=True)
    again, m, track = pure(state, array(3.0), track=True)
    assert (numbers(n), numbers(state["n"]), numbers(m), numbers(again["n"])) == (2.0, 2.0, 5.0, 5.0)
    assert track.modified == {"n"}
    compare("stateful", backend, (state, again, m))


def test_it_can_be_transformed_as_the_other_is(backend):
    pure = um.pure(count)
    state, n = jit(pure)({}, array(2.0), create=True)
    states, many = um.vmap(pure, in_axes=(None, 0))(state, array([1.0, 2.0]))
    slopes = um.grad(lambda state, x: pure(state, x)[1])(state, array(1.0))
    carry, _ = um.scan(lambda state, x: pure(state, x), state, array([1.0, 2.0]))
    assert (numbers(n), numbers(many), numbers(slopes["n"]), numbers(carry["n"])) == (2.0, [3.0, 4.0], 1.0, 5.0)
    compare("transformed", backend, (states, slopes, carry))


def test_what_takes_stateful_functions_takes_it():
    pure = um.pure(count)
    assert numbers(sf.init(pure)({}, 2.0, seed=0)["n"]) == 0.0
    step = sf.jit(pure, compiler="graph")
    assert numbers(step(step({}, 2.0, seed=0)[0], 3.0)[1]) == 5.0
    assert numbers(sf.pure(pure)({}, 2.0, create=True)[1]) == 2.0
    assert numbers(um.pure(um.stateful.pure(count))({}, 2.0, create=True)[1]) == 2.0


def test_dicts_of_ordinary_functions_stay_arguments():
    weights = {"w": array([1.0, 2.0])}
    seen = um.pure(lambda params, x=None: params["w"])(weights)
    assert numbers(seen) == [1.0, 2.0]
    assert numbers(um.pure(lambda *trees: trees[0]["w"])(weights, weights)) == [1.0, 2.0]
    create = um.pure(lambda params, create: create)
    assert create(weights, True) is True
    assert create(weights, create="own") == "own"


def test_options_are_part_of_the_signature_where_their_names_are_free():
    own = inspect.signature(um.pure(lambda x, seed, **rest: x))
    assert list(own.parameters) == ["x", "seed", "create", "modify", "ignore", "track", "rest"]


def later(by=1.0):
    return sf.get("n", zeros) + by


def test_a_call_that_fits_both_forms_names_both():
    with pytest.raises(NotInitializedError, match="two ways") as caught:
        um.pure(later)({"n": array(1.0)})
    assert "um.stateful.pure(later)(state, ...)" in str(caught.value)
    assert "else pass it by name" in str(caught.value)
    assert numbers(um.pure(later)({"n": array(1.0)}, modify=False)[1]) == 2.0
    assert numbers(um.pure(later)({"n": array(1.0)}, array(2.0))[1]) == 3.0


def test_a_stateful_function_without_a_state_says_what_is_missing():
    with pytest.raises(NotInitializedError, match="There is no state here"):
        um.pure(count)(2.0)
    with pytest.raises(TypeError, match="positional"):
        um.pure(count)({}, 2.0, 3.0)
    with pytest.raises(OptionError, match="not to be modified"):
        um.pure(count)({"n": array(1.0)}, 2.0, modify=False)
