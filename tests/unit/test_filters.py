# ruff: noqa: RUF009 (the functions make fields)
"""Choosing leaves and merging them again."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import unimod as um
from unimod.errors import DTypeError, TreeError

X = np.arange(3, dtype=np.float32)


class Layer(um.Module):
    def __init__(self, size=3):
        self.w = um.Parameter(X)
        self.mean = um.BatchStat(X)
        self.key = um.Rng(X)
        self.plain = X
        self.loss = um.Loss(X)
        self.size = size


class Net(um.Module):
    def __init__(self):
        self.first = Layer()
        self.rest = [Layer(), {"a": Layer(4)}]
        self.own = um.Parameter(X)


def paths(tree) -> list[str]:
    return um.tree.paths_of(tree)


def test_by_kind_and_by_its_base():
    net = Layer()
    assert paths(net.filter(um.Parameter)) == ["w"]
    assert paths(net.filter(um.State)) == ["mean", "key", "plain"]
    assert paths(net.filter(um.TreePart)) == ["w", "mean", "key", "plain", "loss"]


def test_what_is_left_out_is_nothing():
    chosen = Layer().filter(um.Parameter)
    assert chosen.mean is um.Nothing
    assert chosen.size == 3
    assert chosen.w is X


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parameters", ["w"]),
        ("states", ["mean", "key", "plain"]),
        ("rngs", ["key"]),
        ("model_states", ["mean"]),
        ("batch_stats", ["mean"]),
        ("opt_states", []),
        ("logs", ["loss"]),
        ("losses", ["loss"]),
        ("metrics", []),
        ("trainable_parameters", ["w"]),
    ],
)
def test_shortcuts(name, expected):
    assert paths(getattr(Layer(), name)()) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("first", ["first.w"]),
        ("first.w", ["first.w"]),
        ("rest.1", ["rest.1.a.w"]),
        ("rest", ["rest.0.w", "rest.1.a.w"]),
        ("fir", []),
        ("own", ["own"]),
        ("first.w.x", []),
    ],
)
def test_by_path(path, expected):
    assert paths(Net().filter(um.Parameter, path)) == expected


def test_by_module_instance():
    net = Net()
    assert paths(net.filter(net.rest[1]["a"], um.Parameter)) == ["rest.1.a.w"]
    assert len(paths(net.filter(net))) == len(paths(net))
    assert paths(net.filter(Layer())) == []


def test_by_class_of_modules():
    assert paths(Net().filter(Net)) == paths(Net())
    assert paths(Net().filter(Layer, um.Rng)) == ["first.key", "rest.0.key", "rest.1.a.key"]


def test_by_predicate():
    net = Net()
    seen: list[um.FieldInfo] = []
    chosen = net.filter(lambda f: seen.append(f) or f.name == "w")
    assert paths(chosen) == ["first.w", "rest.0.w", "rest.1.a.w"]
    info = next(f for f in seen if f.path == "rest.1.a.mean")
    assert (info.name, info.kind, info.value is X, info.module) == ("mean", um.BatchStat, True, net.rest[1]["a"])


def test_a_predicate_sees_the_module():
    net = Net()
    net.first.freeze(inplace=True)
    assert paths(net.filter(um.Parameter, lambda f: not f.module.frozen)) == ["rest.0.w", "rest.1.a.w", "own"]
    assert paths(net.filter(um.Parameter, lambda f: f.module.frozen)) == ["first.w"]
    assert paths(net.parameters()) == ["rest.0.w", "rest.1.a.w", "own"]
    assert paths(Net().filter(lambda f: isinstance(f.module, Layer) and f.module.size == 4, um.Rng)) == ["rest.1.a.key"]


def test_all_filters_must_hold():
    assert paths(Net().filter(um.Parameter, "rest", Layer, lambda f: f.path.endswith("a.w"))) == ["rest.1.a.w"]
    assert paths(Net().states(lambda f: not issubclass(f.kind, um.Rng), "first")) == ["first.mean", "first.plain"]


def test_of_a_lazy_module():
    net = um.tree.map(lambda x: x, Net())
    assert paths(net.filter(lambda f: f.name == "w")) == ["first.w", "rest.0.w", "rest.1.a.w"]
    assert paths(net.filter(net.first, um.Parameter)) == ["first.w"]


def test_of_any_tree():
    chosen = um.filter({"a": 1, "b": Layer(), "c": [X]}, um.Parameter)
    assert chosen["a"] is um.Nothing
    assert chosen["c"] == [um.Nothing]
    assert chosen["b"].w is X


def test_an_unusable_filter_is_an_error():
    with pytest.raises(DTypeError, match="A filter is of a type"):
        Net().filter(3)


def test_a_single_leaf_cannot_be_filtered():
    with pytest.raises(TreeError, match="module or a container"):
        um.filter(X, um.Parameter)


# Merging --------------------------------------------------------------------------------------------------------------


def test_update_takes_what_is_there():
    net = Net()
    new = net.update(net.map(lambda x: x + 1).parameters())
    np.testing.assert_array_equal(new.first.w, X + 1)
    assert new.first.mean is X
    assert net.first.w is X


def test_update_goes_from_left_to_right():
    net = Layer()
    one, two = (net.map(lambda x, n=n: x + n) for n in (1, 2))
    new = net.update(one, two.parameters())
    np.testing.assert_array_equal(new.w, X + 2)
    np.testing.assert_array_equal(new.mean, X + 1)


def test_nothing_never_overwrites_and_none_does():
    net = Layer()
    hole, none = Layer(), Layer()
    hole.w, none.w = um.Nothing, None
    assert net.update(hole).w is X
    assert net.update(none).w is None
    assert none.update(net).w is X
    assert hole.update(net).w is X


def test_statics_stay_unless_asked():
    net, other = Layer(3), Layer(4)
    other.extra = "new"
    new = net.update(other)
    assert (new.size, new.extra) == (3, "new")
    new = net.update(other, merge_static=True)
    assert (new.size, new.extra) == (4, "new")


def test_modes_stay_unless_asked():
    other = Layer(4).eval().freeze()
    new = Layer().update(other)
    assert new.training
    assert not new.frozen
    new = Layer().update(other, merge_static=True)
    assert not new.training
    assert new.frozen


def test_update_adds_what_is_new_with_its_kind():
    other = Layer()
    other.extra = um.Parameter(X)
    assert paths(Layer().update(other).parameters()) == ["w", "extra"]


def test_update_of_lists_and_dicts():
    net, other = Net(), Net()
    other.rest[1]["b"] = Layer()
    assert paths(net.update(other).parameters()) == ["first.w", "rest.0.w", "rest.1.a.w", "rest.1.b.w", "own"]
    new = um.update({"a": 1, "b": [X, 2]}, {"a": um.Nothing, "b": [um.Nothing, 3], "c": 4})
    assert new == {"a": 1, "b": [X, 3], "c": 4}


def test_declared_numbers_are_leaves_and_declared_statics_stay():
    class Declared(um.Module):
        w: Any = um.Parameter.node()
        table: Any = um.static()

        def __init__(self, w, table):
            self.w, self.table = w, table

    other = Declared(2.0, {"b": 2})
    other.extra = X
    new = Declared(1.0, {"a": 1}).update(other)
    assert (new.w, new.table) == (2.0, {"a": 1})


def test_update_in_place_keeps_the_objects():
    net = Net()
    child = net.rest[1]["a"]
    assert net.update(net.map(lambda x: x + 1), inplace=True) is net
    assert net.rest[1]["a"] is child
    np.testing.assert_array_equal(child.w, X + 1)


def test_filter_and_update_are_inverse():
    net = Net()
    parts = [net.parameters(), net.states(), net.logs()]
    again = parts[0].update(*parts[1:])
    assert um.tree.structure(again) is um.tree.structure(net)


def test_filter_and_update_are_inverse_for_ties_of_modules_without_hash():
    @dataclasses.dataclass
    class Unhashable(um.Module):
        a: Any = um.field()
        b: Any = um.field()
        w: Any = um.Parameter.node()

    box = um.State(X)
    net = Unhashable(box, box, X)
    again = net.parameters().update(net.states())
    assert um.tree.structure(again) is um.tree.structure(net)
    assert again.a is again.b


def test_update_needs_a_tree():
    with pytest.raises(TreeError, match="module or a container"):
        Net().update(3)
