# ruff: noqa: RUF009 (the functions make fields)
"""The three spellings that give a leaf its kind, in plain classes and in dataclasses."""

from __future__ import annotations

import abc
import collections
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

import unimod as um
from unimod.errors import TreeError

X = np.arange(3, dtype=np.float32)


def kinds(module: um.Module) -> dict[str, str]:
    """Dotted path -> name of the kind."""
    structure = um.tree.structure(module)
    return {path: slot.kind.__name__ for path, slot in zip(um.tree.paths_of(module), structure.slots, strict=True)}


class Boxed(um.Module):
    def __init__(self) -> None:
        self.w = um.Parameter(X)
        self.s = um.State(X)
        self.stat = um.BatchStat(X)
        self.plain = X
        self.label = "x"


class Registered(um.Module):
    def __init__(self) -> None:
        self.register_parameter("w", X)
        self.register_state("s", X)
        self.register_state("stat", X, um.BatchStat)
        self.plain = X
        self.label = "x"


class Declared(um.Module):
    w: Any = um.Parameter.node()
    s: Any = um.field(node=True, kind=um.State)
    stat: Any = um.BatchStat.node()
    label: str = um.static()

    def __init__(self) -> None:
        self.w = X
        self.s = X
        self.stat = X
        self.plain = X
        self.label = "x"


class Annotated(um.Module):
    w: um.Parameter[Any]
    s: um.State[Any]
    stat: um.BatchStat[Any]

    def __init__(self) -> None:
        self.w = X
        self.s = X
        self.stat = X
        self.plain = X
        self.label = "x"


@pytest.mark.parametrize("cls", [Boxed, Registered, Declared, Annotated])
def test_every_spelling_gives_the_same_kinds(cls):
    assert kinds(cls()) == {"w": "Parameter", "s": "State", "stat": "BatchStat", "plain": "State"}


@pytest.mark.parametrize("cls", [Boxed, Registered, Declared, Annotated])
def test_every_spelling_stores_the_value_itself(cls):
    assert cls().w is X


def test_any_class_may_be_a_kind():
    class Mask(um.State):
        pass

    class Masked(um.Module):
        def __init__(self):
            self.mask = Mask(X)

    assert kinds(Masked()) == {"mask": "Mask"}
    assert Masked().filter(Mask).mask is X
    assert Masked().filter(um.State).mask is X
    assert Masked().filter(um.Parameter).mask is um.Nothing


def test_a_kind_is_kept_when_a_plain_value_is_assigned():
    module = Boxed()
    module.w = X + 1
    assert kinds(module)["w"] == "Parameter"


def test_another_box_changes_the_kind():
    module = Boxed()
    module.w = um.State(X)
    assert kinds(module)["w"] == "State"


def test_the_hierarchy_of_kinds():
    below = [um.Rng, um.ModelState, um.BatchStat, um.Cache, um.OptState]
    assert all(issubclass(kind, um.State) for kind in below)
    assert issubclass(um.Loss, um.Log)
    assert not issubclass(um.Parameter, um.State)


def test_python_numbers_are_static_unless_declared():
    class Mixed(um.Module):
        w: float = um.Parameter.node()

        def __init__(self):
            self.w, self.rate = 2.0, 0.5

    assert kinds(Mixed()) == {"w": "Parameter"}


# Dataclasses ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Pair(um.Module):
    a: Any = um.Parameter.node()
    b: Any = um.field(1.5, kind=um.State)
    c: int = um.static(3)
    d: str = "d"


def test_a_dataclass_declares_fields_with_defaults():
    pair = Pair(X)
    assert kinds(pair) == {"a": "Parameter", "b": "State"}
    assert (pair.b, pair.c, pair.d) == (1.5, 3, "d")


def test_dataclasses_functions_see_the_fields():
    assert [f.name for f in dataclasses.fields(Pair)] == ["a", "b", "c", "d"]
    assert dataclasses.replace(Pair(1.0), c=5).c == 5


def test_equality_of_a_dataclass_looks_at_the_declared_fields():
    assert Pair(1.0) == Pair(1.0)
    assert Pair(1.0) != Pair(2.0)
    assert Pair(1.0, c=4) != Pair(1.0)


def test_equality_of_a_dataclass_does_not_see_laziness():
    lazy = um.tree.map(lambda x: x, Pair(1.0))
    assert lazy == Pair(1.0)
    assert Pair(1.0) == um.tree.map(lambda x: x, Pair(1.0))


def test_a_box_given_to_a_dataclass_is_opened():
    @dataclasses.dataclass
    class Plain(um.Module):
        w: Any

    assert kinds(Plain(um.Parameter(X))) == {"w": "Parameter"}


def test_a_box_given_to_a_frozen_dataclass_is_opened():
    @dataclasses.dataclass(frozen=True)
    class Fixed(um.Module):
        w: Any
        n: int = um.static(2)

    module = Fixed(um.Parameter(X))
    assert kinds(module) == {"w": "Parameter"}
    assert module.w is X
    with pytest.raises(dataclasses.FrozenInstanceError):
        module.w = X


def test_a_frozen_dataclass_goes_through_the_tree_functions_and_init():
    @dataclasses.dataclass(frozen=True)
    class Fixed(um.Module):
        w: Any = um.Parameter.node()
        n: int = um.static(2)

    module = um.tree.map(lambda x: x + 1, Fixed(X))
    np.testing.assert_array_equal(module.w, X + 1)
    assert module.n == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        um.tree.map(lambda x: x, module).n = 3
    assert Fixed(um.Initializer(lambda key: X)).init(0).w is X


def test_keyword_only_holds_for_declared_fields():
    @dataclasses.dataclass(kw_only=True)
    class Keyed(um.Module):
        a: Any = um.Parameter.node(1.0)
        b: int = um.static()

    assert kinds(Keyed(b=2)) == {"a": "Parameter"}
    with pytest.raises(TypeError):
        Keyed(1.0, 2)


def test_a_dataclass_inherits_declarations():
    @dataclasses.dataclass
    class Child(Pair):
        e: Any = um.BatchStat.node(0.5)

    assert kinds(Child(X)) == {"a": "Parameter", "b": "State", "e": "BatchStat"}


def test_a_subclass_may_declare_another_kind():
    class Other(Declared):
        w: Any = um.Cache.node()

    assert kinds(Other())["w"] == "Cache"


def test_a_default_factory_makes_a_value_for_each_module():
    @dataclasses.dataclass
    class Layers(um.Module):
        parts: list[Any] = um.field(default_factory=list)

    one, two = Layers(), Layers()
    one.parts.append(X)
    assert two.parts == []


def test_a_field_without_init_is_a_leaf_too():
    @dataclasses.dataclass
    class Counter(um.Module):
        n: Any = um.field(2.0, kind=um.State, init=False)

    assert um.tree.leaves(Counter()) == [2.0]


def test_annotated_kinds_in_a_dataclass():
    @dataclasses.dataclass
    class Layer(um.Module):
        w: um.Parameter[Any]
        s: um.State[Any] = 0.5

    assert kinds(Layer(X)) == {"w": "Parameter", "s": "State"}


def test_a_dataclass_with_post_init():
    @dataclasses.dataclass
    class Layer(um.Module):
        size: int
        w: Any = um.Parameter.node(init=False)

        def __post_init__(self):
            self.w = np.ones(self.size)

    assert um.tree.leaves(Layer(2))[0].shape == (2,)


# Class bodies of plain classes ----------------------------------------------------------------------------------------


def test_a_default_in_the_body_of_a_plain_class_is_a_leaf():
    class Scaled(um.Module):
        w: Any = um.Parameter.node(2.0)
        made: list[Any] = um.field(default_factory=lambda: [X])

    one, two = Scaled(), Scaled()
    assert kinds(one) == {"w": "Parameter", "made.0": "TreePart"}
    assert one.made is not two.made


def test_a_class_value_beside_an_annotated_kind_is_a_leaf():
    class Scaled(um.Module):
        w: um.Parameter[Any] = 2.0

    assert um.tree.leaves(Scaled()) == [2.0]
    assert kinds(Scaled()) == {"w": "Parameter"}


def test_a_declared_attribute_without_value_says_so():
    class Empty(um.Module):
        w: Any = um.Parameter.node()

    with pytest.raises(AttributeError, match=r"Empty\.w is declared but has no value yet"):
        _ = Empty().w


def test_abstract_bases_mix_with_modules():
    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self): ...

    class Square(Shape, um.Module):
        def __init__(self, side):
            self.side = um.Parameter(side)

        def area(self):
            return self.side**2

    class Vague(Shape, um.Module):
        pass

    assert um.tree.map(lambda x: x + 1, Square(2.0)).area() == 9.0
    with pytest.raises(TypeError, match="abstract"):
        Vague()


def test_slots_are_refused():
    with pytest.raises(TreeError, match="__slots__"):

        class Slotted(um.Module):
            __slots__ = ("w",)


def test_slots_of_a_dataclass_are_refused():
    with pytest.raises(TreeError, match="__slots__"):

        @dataclasses.dataclass(slots=True)
        class Slotted(um.Module):
            w: Any = um.Parameter.node()


# Containers of boxes --------------------------------------------------------------------------------------------------


class Point(NamedTuple):
    x: Any
    y: Any


@pytest.mark.parametrize(
    "make",
    [
        lambda box: [box(), box()],
        lambda box: (box(), box()),
        lambda box: {"a": box(), "b": box()},
        lambda box: [{"a": (box(),)}, [box()]],
        lambda box: Point(box(), box()),
        lambda box: collections.OrderedDict(b=box(), a=box()),
        lambda box: collections.defaultdict(list, a=box(), b=box()),
    ],
)
def test_boxes_in_containers_are_opened(make):
    class Holder(um.Module):
        def __init__(self):
            self.ws = make(lambda: um.Parameter(X))

    module = Holder()
    assert type(module.ws) is type(make(lambda: 0))
    assert set(kinds(module).values()) == {"Parameter"}
    assert len(um.tree.leaves(module)) == 2
    assert type(um.tree.map(lambda x: x, module).ws) is type(module.ws)


def test_boxes_that_are_appended_in_init_are_opened():
    class Holder(um.Module):
        def __init__(self):
            self.ws = []
            for _ in range(2):
                self.ws.append(um.Parameter(X))

    assert kinds(Holder()) == {"ws.0": "Parameter", "ws.1": "Parameter"}


def test_a_box_that_is_appended_later_is_an_error():
    module = Boxed()
    module.more = []
    module.more.append(um.Parameter(X))
    with pytest.raises(TreeError, match="box of Parameter") as caught:
        um.tree.leaves(module)
    assert caught.value.where == "Boxed.more"


def test_boxes_of_several_kinds_in_one_attribute_are_an_error():
    with pytest.raises(TreeError, match="several kinds"):
        Boxed().both = [um.Parameter(X), um.State(X)]


def test_a_box_twice_in_a_container_is_an_error():
    box = um.Parameter(X)
    with pytest.raises(TreeError, match="cannot be tied"):
        Boxed().both = [box, box]


def test_a_box_in_a_container_and_in_an_attribute_is_an_error():
    module, box = Boxed(), um.Parameter(X)
    module.one = [box]
    with pytest.raises(TreeError, match="cannot be tied"):
        module.two = box


def test_nothing_is_one_false_value():
    assert not um.Nothing
    assert repr(um.Nothing) == "Nothing"
    assert type(um.Nothing)() is um.Nothing


def test_hashable_compares_by_identity():
    table = um.Hashable(X)
    assert table == table
    assert table != um.Hashable(X)
    assert table.value is X
