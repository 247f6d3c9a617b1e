"""The module as an object: sharing, copies, modes, edits, and the laziness that nobody sees."""

from __future__ import annotations

import abc
import collections
import copy
import gc
import threading
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest

import unimod as um
from unimod.core import lazy as core
from unimod.errors import TreeError

X = np.arange(3, dtype=np.float32)


def lazy(module):
    """A copy that has not been touched."""
    return um.tree.unflatten(um.tree.structure(module), um.tree.leaves(module))


def is_lazy(module) -> bool:
    return core.is_lazy(module)


class Leaf(um.Module):
    def __init__(self, value=1.0):
        self.w = um.Parameter(np.float32(value) * X)


class Pair(NamedTuple):
    one: Any
    two: Any


class Everything(um.Module):
    """Modules and arrays in every container."""

    def __init__(self):
        self.list = [Leaf(1), [Leaf(2)]]
        self.tuple = (Leaf(3), X)
        self.dict = {"b": Leaf(4), "a": X}
        self.pair = Pair(Leaf(5), None)
        self.ordered = collections.OrderedDict(b=Leaf(6), a=Leaf(7))
        self.default = collections.defaultdict(list, a=Leaf(8))
        self.label = "text"
        self.hole = um.Nothing


# Finding leaves -------------------------------------------------------------------------------------------------------


def test_leaves_are_found_in_every_container_and_in_one_order():
    assert um.tree.paths_of(Everything()) == [
        "list.0.w",
        "list.1.0.w",
        "tuple.0.w",
        "tuple.1",
        "dict.a",
        "dict.b.w",
        "pair.one.w",
        "ordered.b.w",
        "ordered.a.w",
        "default.a.w",
    ]


def test_every_container_comes_back():
    old, new = Everything(), lazy(Everything())
    for name in ("list", "tuple", "dict", "pair", "ordered", "default"):
        assert type(getattr(new, name)) is type(getattr(old, name))
    assert list(new.ordered) == ["b", "a"]
    assert new.default.default_factory is list
    assert new.pair.two is None
    assert new.hole is um.Nothing
    assert um.tree.structure(new) is um.tree.structure(old)


def test_attributes_are_normal_attributes():
    module = Leaf()
    module.tag = "x"
    assert module.tag == "x"
    del module.tag
    assert not hasattr(module, "tag")


@pytest.mark.parametrize(
    ("where", "make"),
    [
        ("set", lambda: {1, Leaf()}),
        ("frozenset", lambda: frozenset([Leaf()])),
        ("partial", lambda: __import__("functools").partial(print, X)),
        ("keyword of a partial", lambda: __import__("functools").partial(print, end=X)),
        ("bound method", lambda: Leaf().filter),
        ("deque", lambda: collections.deque([X])),
        ("mapping proxy", lambda: __import__("types").MappingProxyType({"a": X})),
    ],
)
def test_a_hidden_leaf_is_an_error(where, make):
    module = Leaf()
    module.hidden = make()
    with pytest.raises(TreeError, match="hidden in a static place") as caught:
        um.tree.leaves(module)
    assert caught.value.where == "Leaf.hidden"


def test_a_leaf_in_a_set_in_a_declared_attribute_is_an_error():
    module = Leaf()
    module.w = {Leaf()}
    with pytest.raises(TreeError, match="hidden in a static place: Leaf"):
        um.tree.leaves(module)


@pytest.mark.parametrize("make", [lambda: X, lambda: Leaf(), lambda: [X], lambda: {"a": [Leaf()]}])
def test_a_leaf_in_a_static_field_is_an_error(make):
    class Declared(um.Module):
        table: Any = um.static()

        def __init__(self):
            self.table = make()

    with pytest.raises(TreeError, match="hidden in a static place") as caught:
        um.tree.leaves(Declared())
    assert caught.value.where == "Declared.table"


def test_hashable_hides_an_array_on_purpose():
    module = Leaf()
    module.table = um.Hashable(X)
    assert len(um.tree.leaves(module)) == 1
    assert lazy(module).table.value is X


def test_an_unhashable_static_value_is_an_error():
    class Thing:
        __hash__ = None

    module = Leaf()
    module.thing = Thing()
    with pytest.raises(TreeError, match="neither a leaf nor hashable") as caught:
        um.tree.leaves(module)
    assert caught.value.where == "Leaf.thing"
    assert "um.Hashable" in caught.value.fix


def test_a_cycle_is_an_error():
    module = Leaf()
    module.child = [module]
    with pytest.raises(TreeError, match="contains itself"):
        um.tree.leaves(module)


@pytest.mark.parametrize("make", [list, dict])
def test_a_container_in_itself_is_an_error(make):
    cycle = make()
    cycle.append(cycle) if make is list else cycle.update(a=cycle)
    module = Leaf()
    module.cycle = cycle
    with pytest.raises(TreeError, match="contains itself"):
        um.tree.leaves(module)


def test_a_static_container_in_itself_is_an_error():
    class Declared(um.Module):
        table: Any = um.static()

    cycle = []
    cycle.append(cycle)
    module = Declared()
    module.table = cycle
    with pytest.raises(TreeError, match="contains itself"):
        um.tree.leaves(module)


def nested(depth):
    module = Leaf()
    for _ in range(depth):
        outer = Leaf()
        outer.child = module
        module = outer
    return module


def test_150_levels_work():
    module = nested(150)
    new = um.tree.map(lambda x: x + 1, module)
    np.testing.assert_array_equal(new.child.child.w, X + 1)
    assert len(um.tree.leaves(new)) == 151


def test_more_than_200_levels_are_an_error():
    with pytest.raises(TreeError, match="more than 200 levels"):
        um.tree.leaves(nested(250))


def test_more_than_200_nested_lists_are_an_error():
    value = [X]
    for _ in range(250):
        value = [value]
    with pytest.raises(TreeError, match="more than 200 levels"):
        um.tree.leaves(value)


# Sharing --------------------------------------------------------------------------------------------------------------


class Shared(um.Module):
    def __init__(self):
        self.a = Leaf()
        self.b = [self.a, {"c": self.a}]


class Tied(um.Module):
    """One leaf in two modules, and one in two attributes of the same module."""

    def __init__(self):
        self.a, self.b = Leaf(), Leaf(2)
        self.b.w = self.a.share("w")
        box = um.State(X)
        self.s = box
        self.t = box


THROUGH = {
    "unflatten": lazy,
    "map": lambda m: um.tree.map(lambda x: x, m),
    "module map": lambda m: m.map(lambda x: x),
    "update": lambda m: m.update(m.parameters()),
    "update with new": lambda m: m.update(m.map(lambda x: x + 1).parameters()),
    "filter twice": lambda m: m.parameters().update(m.states()),
    "eval": lambda m: m.eval(),
    "copy": lambda m: m.copy(),
    "deepcopy": copy.deepcopy,
    "apply": lambda m: m.apply(lambda child: child),
    "to_backend": lambda m: um.to_backend(m, "numpy"),
    "merge objects": lambda m: m.update(m, merge_static=True),
}


@pytest.mark.parametrize("name", THROUGH)
def test_a_shared_module_is_emitted_once_and_stays_shared(name):
    module = THROUGH[name](Shared())
    assert um.tree.paths_of(module) == ["a.w"]
    assert module.b[0] is module.a
    assert module.b[1]["c"] is module.a


@pytest.mark.parametrize("name", THROUGH)
def test_tied_leaves_are_emitted_once_and_both_places_see_an_assignment(name):
    module = THROUGH[name](Tied())
    assert um.tree.paths_of(module) == ["a.w", "s"]
    assert module.a.w is module.b.w
    assert module.s is module.t
    for first, second in ((module.a, module.b), (module.b, module.a)):
        first.w = X + 7
        assert second.w is first.w
    module.t = X + 9
    assert module.s is module.t
    assert um.tree.paths_of(lazy(module)) == ["a.w", "s"]
    assert lazy(module).b.w[0] == 7


def test_filters_keep_ties():
    kept = Tied().filter(um.Parameter)
    assert kept.b.w is kept.a.w is um.tree.leaves(kept)[0]
    assert kept.s is kept.t is um.Nothing


def test_a_new_box_on_a_tied_leaf_is_a_new_value_for_both():
    module = Tied()
    module.b.w = um.Parameter(X + 3)
    assert module.a.w is module.b.w
    np.testing.assert_array_equal(module.a.w, X + 3)


def test_deleting_ends_a_tie():
    module = Tied()
    del module.b.w
    module.a.w = X + 1
    assert not hasattr(module.b, "w")
    module.b.w = X + 2
    assert um.tree.paths_of(module) == ["a.w", "b.w", "s"]
    np.testing.assert_array_equal(lazy(module).b.w, X + 2)
    untied = Leaf()
    assert um.tree.structure(module.a) is um.tree.structure(untied)


def test_a_box_of_another_leaf_moves_the_tie():
    module = Tied()
    other = Leaf(5)
    module.c = other
    module.b.w = other.share("w")
    assert module.b.w is other.w
    np.testing.assert_array_equal(module.a.w, X)
    assert um.tree.paths_of(module) == ["a.w", "b.w", "s"]


def test_only_single_leaves_can_be_tied():
    class Wrong(um.Module):
        def __init__(self):
            box = um.Parameter([X, X])
            self.a = box
            self.b = box

    with pytest.raises(TreeError, match="single leaves"):
        um.tree.leaves(Wrong())


def test_the_same_box_twice_on_one_attribute_is_no_tie():
    class Once(um.Module):
        def __init__(self):
            box = um.Parameter(X)
            self.w = box
            self.w = box

    assert um.tree.structure(Once()).children[0].is_tied is False


def test_a_shared_and_a_split_structure_differ():
    split = Shared()
    split.b = [Leaf(), {"c": Leaf()}]
    assert um.tree.structure(split) is not um.tree.structure(Shared())


# Laziness -------------------------------------------------------------------------------------------------------------


class Rich(um.Module):
    default = 5

    def __init__(self):
        self.w = um.Parameter(X)
        self.tag = "t"

    def __len__(self):
        return len(self.w)

    def __getitem__(self, index):
        return self.w[index]

    def __contains__(self, value):
        return value in self.w

    def __call__(self, x):
        return self.w + x

    def __getattr__(self, name):
        if name.startswith("get_"):
            return name
        raise AttributeError(name)

    @property
    def total(self):
        return self.w.sum()

    @property
    def broken(self):
        raise AttributeError("inner")


class RichChild(Rich):
    def __call__(self, x):
        return super().__call__(x) * 2


USES = {
    "attribute": lambda m: m.tag == "t",
    "class default": lambda m: m.default == 5,
    "property": lambda m: m.total == 3.0,
    "getattr": lambda m: m.get_this == "get_this",
    "missing": lambda m: not hasattr(m, "missing"),
    "len": lambda m: len(m) == 3,
    "item": lambda m: m[1] == 1.0,
    "iteration": lambda m: [float(v) for v in m] == [0.0, 1.0, 2.0],
    "contains": lambda m: 2.0 in m,
    "call and super": lambda m: m(1.0)[0] == 2.0,
    "vars": lambda m: list(vars(m)) == ["w", "tag"],
    "dir": lambda m: "w" in dir(m),
    "repr": lambda m: repr(m) == "RichChild(w=f32[3], tag='t')",
    "bool": lambda m: bool(m),
    "set": lambda m: setattr(m, "w", X) is None and m.w is X,
    "delete": lambda m: delattr(m, "tag") is None and not hasattr(m, "tag"),
    "training": lambda m: m.training,
    "object.__setattr__ after a read": lambda m: m.w is not None and object.__setattr__(m, "z", 1) is None and m.z == 1,
}


@pytest.mark.parametrize("name", USES)
def test_a_lazy_module_behaves_like_an_ordinary_one(name):
    assert USES[name](RichChild())
    module = lazy(RichChild())
    assert USES[name](module)
    assert type(module) is RichChild


def test_a_lazy_module_is_an_instance_and_stays_lazy_when_asked():
    module = lazy(RichChild())
    assert isinstance(module, RichChild)
    assert isinstance(module, Rich)
    assert not isinstance(module, Leaf)
    assert module.__class__ is type(module) is RichChild
    assert is_lazy(module)


def test_an_attribute_goes_before_the_value_in_the_class():
    class Child(Rich):
        def filter(self):
            return "method"

    module = Child()
    module.default, module.label = 6, "label"
    assert (lazy(module).default, lazy(module).filter()) == (6, "method")
    module.filter = 7
    assert lazy(module).filter == 7


def test_what_is_set_past_a_lazy_module_stays():
    module = lazy(Rich())
    object.__setattr__(module, "tag", "new")
    assert module.w is X
    assert module.tag == "new"


def test_a_lazy_module_takes_the_getattr_of_a_mixin():
    class Mixin:
        def __getattr__(self, name):
            return f"mixin {name}"

    class Child(Mixin, um.Module):
        def __init__(self):
            self.w = X

    module = lazy(Child())
    assert module.other == "mixin other"
    assert module.w is X
    assert lazy(Child()).w is X


def test_passing_a_module_on_does_not_build_it():
    module = lazy(Everything())
    new = um.tree.map(lambda x: x, module).eval().update(module)
    assert is_lazy(module)
    assert is_lazy(new)


def test_an_attribute_error_of_a_property_is_not_hidden():
    with pytest.raises(AttributeError):
        _ = lazy(Rich()).broken


def test_the_identity_and_the_hash_of_a_lazy_module_do_not_change():
    module = lazy(Rich())
    before, seen = (id(module), hash(module)), {module}
    _ = module.w
    assert (id(module), hash(module)) == before
    assert module in seen
    assert module == module
    assert module != lazy(Rich())


def test_a_weak_reference_to_a_lazy_module():
    module = lazy(Rich())
    reference = weakref.ref(module)
    _ = module.w
    assert reference() is module
    del module
    gc.collect()
    assert reference() is None


def test_a_touched_module_does_not_keep_the_leaves_that_it_was_built_of():
    class Array(np.ndarray):
        pass

    module = Leaf()
    module.w = X.copy().view(Array)
    module = lazy(module)
    reference = weakref.ref(module.w)
    module.w = X
    gc.collect()
    assert reference() is None


def test_threads_that_touch_one_module_all_see_it_built():
    for _ in range(20):
        module = lazy(Everything())
        barrier, seen = threading.Barrier(4), []

        def look(module=module, barrier=barrier, seen=seen):
            barrier.wait()
            seen.append((module.list[0], module.label, um.tree.structure(module)))

        threads = [threading.Thread(target=look) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert len(seen) == 4
        assert len({id(entry[0]) for entry in seen}) == 1
        assert len({id(entry[2]) for entry in seen}) == 1


def test_a_class_that_counts_its_subclasses_does_not_see_the_twin():
    class Base(um.Module):
        names: list[str] = []  # noqa: RUF012

        def __init_subclass__(cls, *, tag, **options):
            super().__init_subclass__(**options)
            Base.names.append(tag)

    class Child(Base, tag="child"):
        def __init__(self):
            self.w = X

    assert lazy(Child()).w is X
    assert Base.names == ["child"]


def test_a_lazy_module_of_an_abstract_base():
    class Base(um.Module, abc.ABC):
        @abc.abstractmethod
        def f(self): ...

    class Child(Base):
        def f(self):
            return 3

    assert lazy(Child()).f() == 3
    assert isinstance(lazy(Child()), Base)


# Modes ----------------------------------------------------------------------------------------------------------------


def test_train_and_eval_return_new_modules():
    module = Everything()
    new = module.eval()
    assert module.training
    assert module.list[0].training
    assert not new.training
    assert not new.default["a"].training
    assert new.train().pair.one.training
    assert not new.train(False).training


def test_freeze_and_unfreeze_return_new_modules():
    module = Everything()
    assert not module.frozen
    assert module.freeze().list[1][0].frozen
    assert not module.freeze().unfreeze().list[1][0].frozen
    assert um.tree.leaves(module.freeze().parameters()) == []
    assert len(um.tree.leaves(module.freeze().filter(um.Parameter))) == 8


@pytest.mark.parametrize(
    ("change", "mode"), [("eval", "training"), ("freeze", "frozen"), ("train", "training"), ("unfreeze", "frozen")]
)
def test_modes_in_place_reach_the_very_children(change, mode):
    module = Everything()
    child = module.ordered["a"]
    assert getattr(module, change)(inplace=True) is module
    expected = change in ("train", "freeze")
    assert getattr(module, mode) is getattr(child, mode) is expected


def test_modes_are_independent():
    module = Leaf().eval().freeze().train()
    assert module.training
    assert module.frozen


def test_freezing_the_first_layers_only():
    net = um.nn.Sequential(um.nn.Linear(2, 2), um.nn.Linear(2, 2), um.nn.Linear(2, 2)).init(0, backend="numpy")
    for layer in net.layers[:-1]:
        layer.freeze(inplace=True)
    assert um.tree.paths_of(net.parameters()) == ["layers.2.kernel", "layers.2.bias"]


def test_fine_tuning_a_new_head():
    net = um.nn.Sequential(um.nn.Linear(3, 64), um.nn.relu, um.nn.Linear(64, 5)).init(0, backend="numpy")
    old = net[0].kernel
    net = net.freeze()
    net[-1] = um.nn.Linear(64, 2)
    net = net.init(1, backend="numpy")
    assert net(np.ones((1, 3), np.float32)).shape == (1, 2)
    assert um.tree.paths_of(net.parameters()) == ["layers.2.kernel", "layers.2.bias"]
    assert net[0].kernel is old


# Edits ----------------------------------------------------------------------------------------------------------------


def test_replace_sets_attributes_of_a_copy():
    module = Everything()
    new = module.replace(label="new", list=[])
    assert (new.label, new.list) == ("new", [])
    assert module.label == "text"
    with pytest.raises(TreeError, match="no attribute wrong"):
        module.replace(wrong=1)


def test_replace_keeps_the_kind():
    new = Leaf().replace(w=X + 1)
    assert um.tree.paths_of(new.parameters()) == ["w"]


@pytest.mark.parametrize(
    "find",
    [
        lambda m: m.list[0],
        lambda m: m.list[1][0],
        lambda m: m.tuple[0],
        lambda m: m.dict["b"],
        lambda m: m.pair.one,
        lambda m: m.ordered["a"],
        lambda m: m.default["a"],
    ],
)
def test_replace_node_by_identity(find):
    module, new = Everything(), Leaf(9)
    changed = module.replace_node(find(module), new)
    assert find(changed) is new
    assert find(module) is not new
    assert len(um.tree.leaves(changed)) == len(um.tree.leaves(module))


def test_replace_node_replaces_a_shared_module_everywhere():
    module = Shared()
    new = module.replace_node(module.a, Leaf(3))
    assert new.a is new.b[0] is new.b[1]["c"]


def test_replace_node_can_wrap():
    module = Shared()
    new = module.replace_node(module.a, um.nn.Sequential(um.nn.Identity(), um.nn.Identity()))
    assert isinstance(new.a, um.nn.Sequential)


def test_replace_node_needs_a_module_of_the_tree():
    with pytest.raises(TreeError, match="not below"):
        Shared().replace_node(Leaf(), Leaf())


def test_copy_has_arrays_of_its_own():
    module = Shared()
    new = module.copy()
    new.a.w += 1
    np.testing.assert_array_equal(module.a.w, X)


def test_apply_calls_children_first_on_a_copy():
    seen, module = [], Shared()

    def visit(child):
        seen.append(type(child).__name__)
        child.seen = True

    new = module.apply(visit)
    assert seen == ["Leaf", "Shared"]
    assert new.a.seen
    assert not hasattr(module.a, "seen")


def test_apply_puts_returned_modules_in_place():
    new = Everything().apply(lambda m: um.nn.Identity() if isinstance(m, Leaf) else m)
    assert isinstance(new.list[1][0], um.nn.Identity)
    assert isinstance(new.pair.one, um.nn.Identity)
    assert isinstance(new.ordered["b"], um.nn.Identity)


def test_apply_in_place_works_on_the_very_objects():
    module = Shared()
    assert module.apply(lambda child: setattr(child, "seen", True), inplace=True) is module
    assert module.a.seen


def test_apply_with_others_sees_the_module_at_the_same_path():
    module, other = Shared(), Shared()
    other.a.w = X + 5
    new = module.apply(lambda one, two: setattr(one, "w", two.w) if isinstance(one, Leaf) else None, other)
    np.testing.assert_array_equal(new.a.w, X + 5)


def test_map_with_filters_changes_a_subset():
    class Both(um.Module):
        def __init__(self):
            self.w, self.s = um.Parameter(X), X

    new = Both().map(lambda x: -x, um.Parameter)
    np.testing.assert_array_equal(new.w, -X)
    np.testing.assert_array_equal(new.s, X)


def test_map_in_place():
    module = Shared()
    child = module.a
    assert module.map(lambda x: x + 1, inplace=True) is module
    np.testing.assert_array_equal(child.w, X + 1)
    assert module.b[0] is child
