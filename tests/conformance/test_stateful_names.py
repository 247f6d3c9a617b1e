"""Stateful functions: seeds that are missing, and arguments that are called as options of ``pure`` are."""

from __future__ import annotations

import functools

import pytest

import unimod as um
import unimod.stateful as sf
from tests.conformance.stateful_runs import Compared, array, batch, numbers, zeros
from unimod.errors import NotInitializedError, OptionError

pytestmark = pytest.mark.usefixtures("backend")
compare = Compared()
jit = functools.partial(um.jit, compiler="graph")


@pytest.mark.parametrize("make", [lambda: um.nn.Linear(None, 3), lambda: um.nn.Dropout(0.5)], ids=["values", "a key"])
@pytest.mark.parametrize("through", [lambda f: f, jit], ids=["eager", "jit"])
def test_a_layer_that_draws_needs_a_seed(make, through):
    layer = sf.Layer(make(), name="h")
    with pytest.raises(NotInitializedError, match="got no seed") as caught:
        through(sf.pure(layer))({}, batch(), create=True)
    assert caught.value.where.startswith("h/")
    state, _ = sf.pure(layer)({}, batch(), create=True, seed=0)
    with pytest.raises(NotInitializedError, match="got no seed"):
        sf.pure(layer)({}, batch(), create=True)
    assert set(through(sf.pure(layer))(state, batch(), create=True)[0]) == set(state)


def test_a_layer_of_constants_needs_none(backend):
    norm = sf.Layer(um.nn.BatchNorm, None, name="n")
    state, y = sf.pure(norm)({}, batch(), create=True)
    seeded, other = sf.pure(norm)({}, batch(), create=True, seed=3)
    assert {key: numbers(value) for key, value in state.items()} == {k: numbers(v) for k, v in seeded.items()}
    assert numbers(y) == numbers(other)
    compare("constants", backend, (state, y))


def scaled(x, seed, create=1.0):
    return sf.get("a", zeros) + x * seed * create


def test_an_argument_with_the_name_of_an_option():
    state = {"a": array(1.0)}
    assert numbers(sf.pure(scaled)(state, array(2.0), 3.0)[1]) == 7.0
    assert numbers(sf.pure(scaled)(state, array(2.0), 3.0, 2.0, seed=0, create=True)[1]) == 13.0
    with pytest.raises(OptionError, match="seed is an argument of scaled, and an option of pure") as caught:
        sf.pure(scaled)(state, array(2.0), seed=3.0)
    assert "pass the argument by place" in caught.value.fix
    with pytest.raises(OptionError, match="create is an argument of scaled"):
        sf.pure(scaled)(state, array(2.0), 3.0, create=2.0)
    with pytest.raises(OptionError, match="seed is an argument of scaled"):
        um.pure(scaled)(state, array(2.0), seed=3.0)


def test_an_argument_that_is_called_state():
    double = sf.pure(lambda state: state + sf.get("a", zeros))
    assert numbers(double({"a": array(1.0)}, state=array(2.0))[1]) == 3.0
    assert numbers(double({"a": array(1.0)}, array(2.0))[1]) == 3.0
    with pytest.raises(TypeError):
        double(state=array(2.0))
