"""Loss scales: growth, shrinkage and bounds, dtypes, and a step that is held when the gradients overflow."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import unimod as um


def array(value, dtype="float32"):
    return um.numpy.asarray(value, dtype=dtype)


def told(scale, steps):
    seen = []
    for is_finite in steps:
        scale = scale.adjust(array(is_finite, "bool"))
        seen.append((float(scale.loss_scale), int(scale.counter)))
    return seen


def test_it_grows_and_shrinks(any_backend):
    scale = um.DynamicLossScale(4.0, period=3, factor=4)
    assert told(scale, [True] * 4) == [(4.0, 1), (4.0, 2), (16.0, 0), (16.0, 1)]
    assert told(scale, [True, True, False, True]) == [(4.0, 1), (4.0, 2), (1.0, 0), (1.0, 1)]


def test_it_is_at_least_the_least(any_backend):
    assert told(um.DynamicLossScale(2.0), [False, False]) == [(1.0, 0), (1.0, 0)]
    assert told(um.DynamicLossScale(2.0, min_loss_scale=0.25), [False] * 4) == [
        (1.0, 0),
        (0.5, 0),
        (0.25, 0),
        (0.25, 0),
    ]


def test_it_never_becomes_infinite(any_backend):
    largest = 2.0**127
    assert told(um.DynamicLossScale(largest, period=1), [True, True]) == [(largest, 0), (largest, 0)]


def test_a_counter_may_be_given(any_backend):
    assert told(um.DynamicLossScale(2.0, counter=1, period=2), [True]) == [(4.0, 0)]


@pytest.mark.parametrize("make", [um.StaticLossScale, um.DynamicLossScale])
@pytest.mark.parametrize(
    ("dtype", "expected"), [("float16", "float32"), ("float32", "float32"), ("bfloat16", "float32")]
)
def test_scaled_in_float32_at_least(any_backend, make, dtype, expected):
    scale = make(2.0**15)
    scaled = scale.scale({"x": array([3.0], dtype)})["x"]
    assert (um.dtype_of(scaled), um.engine_of(scaled).name) == (expected, any_backend)
    assert float(scaled[0]) == 3.0 * 2**15
    back = scale.unscale(scaled)
    assert (um.dtype_of(back), float(back[0])) == (expected, 3.0)


def test_no_scale_does_nothing(any_backend):
    scale, x = um.NoOpLossScale(), array([1.0], "float16")
    assert scale.scale(x) is x
    assert scale.unscale(x) is x
    assert scale.adjust(array(False, "bool")) is scale
    assert scale.loss_scale == 1


def test_a_static_scale_stays(any_backend):
    scale = um.StaticLossScale(8.0)
    assert scale.adjust(array(False, "bool")) is scale


def test_a_scale_may_be_an_array(backend):
    given = array(4.0)
    scale = um.StaticLossScale(given)
    assert um.tree.leaves(scale)[0] is given
    derivative = um.grad(lambda s: um.numpy.sum(um.StaticLossScale(s).scale(array([1.0, 2.0]))))(given)
    assert float(derivative) == 3.0


@pytest.mark.parametrize("how", [copy.deepcopy, lambda scale: pickle.loads(pickle.dumps(scale)), lambda s: s.copy()])
def test_it_is_a_module(any_backend, how):
    scale = um.DynamicLossScale(4.0, period=2).adjust(array(True, "bool"))
    assert list(scale.state_dict()) == ["loss_scale", "counter", "min_loss_scale"]
    assert told(how(scale), [True]) == told(scale, [True]) == [(8.0, 0)]
    fresh = um.DynamicLossScale(1.0, period=2).load_state_dict(scale.state_dict())
    assert told(fresh, [True]) == [(8.0, 0)]


@pytest.mark.needs("jax", "torch")
def test_it_moves_to_another_engine():
    for first, second in (("jax", "torch"), ("torch", "jax")):
        scale = um.DynamicLossScale(4.0, period=2).adjust(um.numpy.asarray(True, backend=first))
        assert {um.engine_of(leaf).name for leaf in um.tree.leaves(scale)} == {first}
        moved = um.to_backend(scale, second).adjust(um.numpy.asarray(True, backend=second))
        assert {um.engine_of(leaf).name for leaf in um.tree.leaves(moved)} == {second}
        assert float(moved.loss_scale) == 8.0


def test_all_finite(any_backend):
    tree = {"a": array([1.0, 2.0]), "n": array([1, 2], "int32"), "z": array([1j], "complex64"), "k": um.random.key(0)}
    found = um.all_finite(tree)
    assert (um.dtype_of(found), found.shape, um.engine_of(found).name) == ("bool", (), any_backend)
    assert bool(found)
    for bad in (math.nan, math.inf, -math.inf):
        assert not bool(um.all_finite({**tree, "b": array([0.0, bad])}))
    assert bool(um.all_finite({}))
    assert bool(um.all_finite({"n": array([1], "int32")}))


def test_select_tree(any_backend):
    one, other = {"a": array([1.0]), "n": array(1, "int32")}, {"a": array([2.0]), "n": array(2, "int32")}
    for condition, expected in ((True, one), (array(False, "bool"), other)):
        chosen = um.select_tree(condition, one, other)
        assert float(chosen["a"][0]) == float(expected["a"][0])
        assert um.dtype_of(chosen["n"]) == "int32"


def half():
    net = um.nn.Linear(2, 1, use_bias=False).init(0)
    return net.map(lambda x: um.numpy.ones_like(x))


def test_a_step_that_overflows_is_held(backend):
    net, opt = half(), um.optim.adam(0.1).init(half())
    scale = um.DynamicLossScale(2.0**15, period=2)

    def step(net, opt, scale, x):
        grads = um.grad(lambda net: scale.scale(um.numpy.sum(net(x))))(net)
        return um.apply_gradients(net, opt, grads, loss_scale=scale)

    jitted = um.jit(step, compiler="graph")
    seen = []
    for value in (1.0, 1e38, 1.0, 1.0):
        net, opt, scale = jitted(net, opt, scale, um.numpy.full((1, 2), value, dtype="float32"))
        seen.append((round(float(net.kernel[0, 0]), 3), int(opt[0].count), float(scale.loss_scale)))
    assert seen == [(0.9, 1, 2.0**15), (0.9, 1, 2.0**14), (0.8, 2, 2.0**14), (0.7, 3, 2.0**15)]
    assert jitted.trace_count == 1


@pytest.mark.parametrize("scale", [um.NoOpLossScale(), um.StaticLossScale(16.0), um.DynamicLossScale(16.0)])
def test_the_step_is_that_without_a_scale(any_backend, scale):
    net = half()
    opt = um.optim.sgd(0.1, momentum=0.9).init(net)
    new, _, same = um.apply_gradients(net, opt, net.map(scale.scale), loss_scale=scale)
    expected, _ = um.apply_gradients(net, opt, net)
    np.testing.assert_array_equal(um.to_backend(new.kernel, "numpy"), um.to_backend(expected.kernel, "numpy"))
    assert type(same) is type(scale)


def test_a_scale_and_all_finite(any_backend):
    net = half()
    opt, scale = um.optim.sgd(0.1).init(net), um.DynamicLossScale(16.0)
    new, _, after = um.apply_gradients(net, opt, net, all_finite=array(False, "bool"), loss_scale=scale)
    assert float(after.loss_scale) == 8.0
    assert float(new.kernel[0, 0]) == 1.0
