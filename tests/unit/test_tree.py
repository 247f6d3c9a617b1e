"""``um.tree``: one order and one set of rules on every engine."""

from __future__ import annotations

import collections
from typing import Any, NamedTuple

import numpy as np
import pytest
import tree as dm_tree
from hypothesis import given, settings
from hypothesis import strategies as st

import unimod as um
from unimod.errors import DTypeError, TreeError


class Pair(NamedTuple):
    one: Any
    two: Any


def array(values, dtype="float32"):
    return um.numpy.asarray(values, dtype=dtype)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


leaf = st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
trees = st.recursive(
    leaf | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.builds(Pair, inner, inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2).map(collections.OrderedDict)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(trees)
def test_flatten_and_unflatten_are_inverse(tree):
    leaves, structure = um.tree.flatten(tree)
    assert um.tree.unflatten(structure, leaves) == tree
    assert um.tree.structure(um.tree.unflatten(structure, leaves)) == structure


@settings(deadline=None)
@given(trees)
@pytest.mark.needs("jax")
def test_leaves_come_in_the_order_of_jax(tree):
    import jax

    assert um.tree.leaves(tree) == jax.tree.leaves(tree)


plain = st.recursive(
    st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(plain)
def test_leaves_of_plain_trees_come_in_the_order_of_dm_tree(tree):
    assert um.tree.leaves(tree) == dm_tree.flatten(tree)
    assert um.tree.map(lambda x: -x, tree) == dm_tree.map_structure(lambda x: -x, tree)


@settings(deadline=None)
@given(trees)
def test_there_is_a_path_for_each_leaf(tree):
    paths = um.tree.paths_of(tree)
    assert len(paths) == len(um.tree.leaves(tree))
    assert len(set(paths)) == len(paths)


@settings(deadline=None)
@given(trees)
def test_map_keeps_the_structure(tree):
    assert um.tree.leaves(um.tree.map(str, tree)) == [str(x) for x in um.tree.leaves(tree)]
    assert um.tree.structure(um.tree.map(str, tree)) == um.tree.structure(tree)


def test_none_is_an_empty_tree_and_nothing_is_no_leaf():
    assert um.tree.leaves([None, um.Nothing, 1]) == [1]
    assert um.tree.map(lambda x: x + 1, [None, um.Nothing, 1]) == [None, um.Nothing, 2]


def test_map_over_several_trees():
    assert um.tree.map(lambda a, b, c: a + b * c, {"x": 1}, {"x": 2}, {"x": 3}) == {"x": 7}


def test_map_of_a_single_leaf():
    assert um.tree.map(lambda x: x + 1, 3) == 4


def test_map_of_arrays_and_numbers(any_backend):
    out = um.tree.map(lambda x: x * 2, {"a": [array(3.0), array(4.0)], "c": 4})
    assert [float(x) for x in out["a"]] == [6.0, 8.0]
    assert out["c"] == 8
    assert um.engine_of(out["a"][0]).name == any_backend


def test_map_with_path():
    assert um.tree.map_with_path(lambda path, x: f"{path}={x}", {"a": [1], "b": 2}) == {"a": ["a.0=1"], "b": "b=2"}


def test_map_over_modules_ignores_modes(any_backend):
    model = um.nn.Linear(2, 1).init(0)
    out = um.tree.map(lambda a, b: a + b, model, model.eval())
    assert out.training


def test_dots_in_keys_do_not_make_paths_alike():
    assert um.tree.paths_of({"a.b": 1, "a": {"b": 2}, "~1": 3}) == ["a.b", "a~1b", "~01"]


def test_the_order_of_leaves_of_a_module_is_that_of_definition():
    class Model(um.Module):
        def __init__(self):
            self.z, self.a = array(1.0), array(2.0)

    assert um.tree.paths_of(Model()) == ["z", "a"]


def test_mixed_keys_cannot_be_sorted():
    with pytest.raises(TreeError, match="cannot be sorted"):
        um.tree.leaves({1: 1, "a": 2})


@pytest.mark.parametrize("count", [1, 3])
def test_unflatten_counts_the_leaves(count):
    with pytest.raises(TreeError, match="number of leaves") as caught:
        um.tree.unflatten(um.tree.structure([1, 2]), [0] * count)
    assert (caught.value.got, caught.value.expected) == (f"{count} leaves", "2 leaves")


def test_flatten_gives_a_list_of_its_own():
    tree = um.tree.unflatten(um.tree.structure(um.nn.Linear(1, 1)), [1, 2])
    um.tree.flatten(tree)[0].clear()
    um.tree.leaves(tree).clear()
    assert um.tree.leaves(tree) == [1, 2]


def test_unflatten_does_not_keep_the_list():
    leaves = [1, 2]
    tree = um.tree.unflatten(um.tree.structure(um.nn.Linear(1, 1)), leaves)
    leaves[0] = 5
    assert um.tree.leaves(tree) == [1, 2]


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        ({"a": 1}, {"a": 1, "b": 1}, "tree.b"),
        ({"a": 1, "b": 1}, {"a": 1}, "tree.b"),
        ({"a": [1, 2]}, {"a": [1]}, "tree.a[1]"),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": (2,)}]}, "tree.a[1].b"),
        ([1], (1,), "tree"),
        ({"a": None}, {"a": 1}, "tree.a"),
    ],
)
def test_a_difference_is_named_by_its_path(one, other, where):
    with pytest.raises(TreeError, match="do not have the same structure") as caught:
        um.tree.map(lambda a, b: a, one, other)
    assert caught.value.where == where
    with pytest.raises(TreeError):
        um.tree.assert_same(one, other)


def test_the_difference_of_two_modules_is_named(any_backend):
    one, other = (um.nn.Sequential(um.nn.Linear(2, size)).init(0) for size in (3, 4))
    with pytest.raises(TreeError) as caught:
        um.tree.add(one, other)
    assert (caught.value.where, caught.value.got, caught.value.expected) == ("tree.layers[0].out_features", "4", "3")


# Arithmetic -----------------------------------------------------------------------------------------------------------


def test_arithmetic(any_backend):
    a, b = {"x": array([1.0, 2.0])}, {"x": array([10.0, 20.0])}
    assert numbers(um.tree.add(a, b)["x"]) == [11.0, 22.0]
    assert numbers(um.tree.add(a, b, alpha=0.5)["x"]) == [6.0, 12.0]
    assert numbers(um.tree.sub(a, b)["x"]) == [-9.0, -18.0]
    assert numbers(um.tree.neg(a)["x"]) == [-1.0, -2.0]
    assert float(um.tree.sum([a, b])) == 33.0
    assert float(um.tree.vdot(a, b)) == 50.0
    assert float(um.tree.norm_sq(a)) == 5.0
    assert um.tree.size([a, b, 3.0]) == 5


def test_results_are_native_scalars(any_backend):
    for result in (um.tree.norm({"x": array([3.0, 4.0])}), um.tree.sum([array([1.0])]), um.tree.norm_sq([array(2.0)])):
        assert um.engine_of(result).name == any_backend
        assert tuple(result.shape) == ()
        assert um.dtype_of(result) == "float32"


def test_complex_products_conjugate_the_first(any_backend):
    a, b = [array([1j], "complex64")], [array([2j], "complex64")]
    assert complex(um.tree.vdot(a, b)) == 2 + 0j
    assert float(um.tree.norm_sq(b)) == 4.0


def test_the_gradient_of_the_norm_at_zero_is_zero(backend):
    grads = um.grad(um.tree.norm)({"a": array([0.0, 0.0])})
    assert numbers(grads["a"]) == [0.0, 0.0]


def test_ravel(any_backend):
    tree = {"b": array([[1.0, 2.0], [3.0, 4.0]]), "a": array(5.0), "c": array(np.zeros((0, 3)))}
    flat, restore = um.tree.ravel(tree)
    assert numbers(flat) == [5.0, 1.0, 2.0, 3.0, 4.0]
    back = restore(flat * 2)
    assert numbers(back["b"]) == [[2.0, 4.0], [6.0, 8.0]]
    assert tuple(back["c"].shape) == (0, 3)
    assert tuple(back["a"].shape) == ()


def test_ravel_of_a_module(any_backend):
    model = um.nn.Linear(2, 3).init(0)
    flat, restore = um.tree.ravel(model)
    assert tuple(flat.shape) == (9,)
    assert um.tree.structure(restore(flat)) is um.tree.structure(model)


def test_ravel_needs_one_dtype(any_backend):
    with pytest.raises(DTypeError, match="several dtypes") as caught:
        um.tree.ravel([array([1.0]), array([1], "int32")])
    assert caught.value.got == "float32, int32"


def test_copy_has_memory_of_its_own():
    tree = {"a": np.ones(2), "n": 3}
    new = um.tree.copy(tree)
    new["a"] += 1
    assert tree["a"].tolist() == [1.0, 1.0]
    assert new["n"] == 3
