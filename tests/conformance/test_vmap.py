"""``um.vmap``: axes of arguments and results, modules, keys, and what is refused."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod.errors import DTypeError, NotInitializedError, ShapeError

jit = functools.partial(um.jit, compiler="graph")


def array(values, dtype="float32"):
    return um.numpy.asarray(values, dtype=dtype)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_maps_the_first_axis(any_backend):
    y = um.vmap(um.numpy.sum)(array(X))
    assert um.engine_of(y).name == any_backend
    assert um.dtype_of(y) == "float32"
    assert numbers(y) == [3.0, 12.0]


@pytest.mark.parametrize("axis", [1, -1])
def test_maps_another_axis(any_backend, axis):
    assert numbers(um.vmap(um.numpy.sum, in_axes=axis)(array(X))) == [3.0, 5.0, 7.0]


def test_an_axis_for_each_argument(any_backend):
    f = um.vmap(lambda a, b: a * um.numpy.sum(b), in_axes=(0, None))
    assert numbers(f(array([1.0, 2.0]), array([3.0, 4.0]))) == [7.0, 14.0]


def test_axes_as_a_prefix_of_a_tree(any_backend):
    f = um.vmap(lambda t, n: t["a"] + t["b"][0] * n, in_axes=({"a": 0, "b": None}, None))
    assert numbers(f({"a": array([1.0, 2.0]), "b": [array(10.0)]}, 2)) == [21.0, 22.0]
    g = um.vmap(lambda pair: pair[0] + pair[1], in_axes=((0, None),))
    assert numbers(g((array([1.0, 2.0]), array(5.0)))) == [6.0, 7.0]


def test_keyword_arguments_are_mapped(any_backend):
    assert numbers(um.vmap(lambda x, *, y: x + y)(array([1.0, 2.0]), y=array([10.0, 20.0]))) == [11.0, 22.0]


@pytest.mark.parametrize(("axis", "shape"), [(0, (2, 3)), (1, (3, 2)), (-1, (3, 2))])
def test_results_are_stacked_along_an_axis(any_backend, axis, shape):
    y = um.vmap(lambda x: x + 1, out_axes=axis)(array(X))
    assert tuple(y.shape) == shape
    np.testing.assert_array_equal(np.asarray(numbers(y)), X + 1 if axis == 0 else (X + 1).T)


def test_out_axes_as_a_prefix(any_backend):
    out = um.vmap(lambda x: {"a": x, "b": (x, 1.0)}, out_axes={"a": 1, "b": (0, None)})(array(X))
    assert tuple(out["a"].shape) == (3, 2)
    assert tuple(out["b"][0].shape) == (2, 3)
    assert float(out["b"][1]) == 1.0


def test_results_that_are_no_arrays_are_kept(any_backend):
    out = um.vmap(lambda x: (x, "abc", None, [x]))(array([1.0, 2.0]))
    assert out[1:3] == ("abc", None)
    assert numbers(out[3][0]) == [1.0, 2.0]


def test_arguments_that_are_not_mapped_stay_what_they_are(any_backend):
    def f(x, n, text, pair):
        assert (type(n), text, pair) == (int, "relu", (1.5, True))
        return x**n

    assert numbers(um.vmap(f, in_axes=(0, None, None, None))(array([2.0]), 3, "relu", (1.5, True))) == [8.0]


def test_axis_size_where_nothing_is_mapped(any_backend):
    assert numbers(um.vmap(lambda x: x, in_axes=None, axis_size=2)(array(3.0))) == [3.0, 3.0]


def test_host_arrays_follow_the_engine_beside_them(backend):
    y = um.vmap(lambda a, b: a + b)(array([1.0]), np.asarray([2.0], np.float32))
    assert um.engine_of(y).name == backend


def test_nested(any_backend):
    outer = um.vmap(um.vmap(lambda a, b: a * b, in_axes=(None, 0)), in_axes=(0, None))
    assert numbers(outer(array([1.0, 2.0]), array([3.0, 4.0]))) == [[3.0, 4.0], [6.0, 8.0]]


def test_under_jit(backend):
    f = jit(um.vmap(lambda x: um.numpy.sum(x * x)))
    assert numbers(f(array(X))) == [5.0, 50.0]
    assert f.trace_count == 1


def test_of_a_jitted_function(backend):
    assert numbers(um.vmap(jit(lambda x: um.numpy.sum(x * x)))(array(X))) == [5.0, 50.0]


def test_the_layers_of_an_ensemble(any_backend):
    x = array([[1.0, 2.0]])
    singles = [um.nn.Linear(2, 3).init(seed) for seed in range(3)]
    ensemble = um.tree.map(lambda *leaves: um.numpy.stack(leaves), *singles)
    y = um.vmap(lambda layer, x: layer(x), in_axes=(0, None))(ensemble, x)
    assert tuple(y.shape) == (3, 1, 3)
    for single, row in zip(singles, numbers(y), strict=True):
        np.testing.assert_allclose(row, numbers(single(x)), rtol=1e-6)


def test_a_module_that_is_not_mapped(any_backend):
    layer = um.nn.Linear(3, 2).init(0)
    y = um.vmap(lambda layer, x: layer(x), in_axes=(None, 0))(layer, array(X))
    np.testing.assert_allclose(numbers(y), numbers(layer(array(X))), rtol=1e-6)


def test_modules_come_back(any_backend):
    layers = um.vmap(lambda key: um.nn.Linear(2, 3).init(key))(um.random.split(um.random.key(0), 4))
    assert isinstance(layers, um.nn.Linear)
    assert tuple(layers.kernel.shape) == (4, 2, 3)


def test_a_bound_method(any_backend):
    layer = um.nn.Linear(3, 2).init(0)
    np.testing.assert_allclose(numbers(um.vmap(layer)(array(X))), numbers(layer(array(X))), rtol=1e-6)
    np.testing.assert_allclose(numbers(um.vmap(layer.__call__)(array(X))), numbers(layer(array(X))), rtol=1e-6)


def test_a_bound_method_in_a_jitted_function(backend):
    layer = um.nn.Linear(3, 2).init(0)
    f = jit(um.vmap(layer))
    f(array(X))
    layer.bias = array([1.0, 1.0])
    np.testing.assert_allclose(numbers(f(array(X))), numbers(layer(array(X))), rtol=1e-6)
    assert f.trace_count == 1


def test_keys_are_mapped(any_backend):
    keys = um.random.split(um.random.key(0), 3)
    got = um.vmap(lambda key: um.random.normal(key, (2,)))(keys)
    want = [numbers(um.random.normal(key, (2,))) for key in keys]
    np.testing.assert_allclose(numbers(got), want, rtol=1e-6)


def test_gradients_of_each_example(backend):
    layer = um.nn.Linear(3, 1).init(0)
    loss = lambda layer, x: um.numpy.sum(layer(x))  # noqa: E731
    grads = um.vmap(um.grad(loss), in_axes=(None, 0))(layer, array(X))
    np.testing.assert_allclose(np.asarray(numbers(grads.kernel))[..., 0], X)
    assert numbers(grads.bias) == [[1.0], [1.0]]


# Errors ---------------------------------------------------------------------------------------------------------------


def test_axes_of_different_lengths(any_backend):
    with pytest.raises(ShapeError, match="different lengths") as caught:
        um.vmap(lambda a, b: a)(array([1.0]), array([1.0, 2.0]))
    assert caught.value.got == "1, 2"


def test_an_axis_that_is_not_there(any_backend):
    with pytest.raises(ShapeError, match="without the axis 2") as caught:
        um.vmap(lambda a, b: a, in_axes=(None, 2))(array(1.0), {"x": array([1.0])})
    assert caught.value.where == "args[1].x"


@pytest.mark.parametrize("axis", [3, -4])
def test_a_result_axis_that_is_not_there(any_backend, axis):
    with pytest.raises(ShapeError, match=f"along the axis {axis}"):
        um.vmap(lambda x: x, out_axes=axis)(array(X))


def test_nothing_to_map(any_backend):
    with pytest.raises(ShapeError, match="nothing to map"):
        um.vmap(lambda x: x, in_axes=None)(array(1.0))


def test_a_number_cannot_be_mapped(any_backend):
    with pytest.raises(DTypeError, match="can map arrays only") as caught:
        um.vmap(lambda x, y: x)(array([1.0]), 2.0)
    assert caught.value.where == "args[1]"


@pytest.mark.parametrize("axes", [(0,), (0, 0, 0), ({"a": 0}, 0), ((0, 0), 0), ("x", 0)])
def test_axes_that_do_not_fit(any_backend, axes):
    with pytest.raises(ShapeError, match="in_axes"):
        um.vmap(lambda x, y: x[0], in_axes=axes)([array([1.0])], array([1.0]))


def test_a_module_without_values_is_named(any_backend):
    with pytest.raises(NotInitializedError) as caught:
        um.vmap(lambda m, x: m(x))(um.nn.Linear(1, 1), array([[1.0]]))
    assert caught.value.where == "args[0].kernel"
