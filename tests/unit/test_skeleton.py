"""Structures: interned, immutable, and without a trace of the leaves."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import gc
import pickle
import threading
import tracemalloc
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import unimod as um
from unimod.core import skeleton as sk

X = np.zeros(2, np.float32)


class Holder(um.Module):
    def __init__(self, value):
        self.w, self.value = X, value


def of(value):
    return um.tree.structure(Holder(value))


def test_equal_structures_are_the_same_object():
    assert um.tree.structure({"b": X, "a": [1, 2]}) is um.tree.structure({"a": [X, X], "b": 3})
    assert of("a") is of("a")
    assert um.tree.structure(um.nn.MLP([2, 3, 1])) is um.tree.structure(um.nn.MLP([2, 3, 1]).init(0, backend="numpy"))


class Color(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: float


@dataclasses.dataclass(frozen=True)
class Config:
    size: int


def other_lambda():
    return lambda x: x


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (1.0, True),
        (0.0, -0.0),
        (0, False),
        ("1", 1),
        (b"a", "a"),
        (1, 1 + 0j),
        (None, um.Nothing),
        (lambda x: x, lambda x: x),
        (other_lambda(), other_lambda()),
        ([1], (1,)),
        ({1}, frozenset({1})),
        ([1], [True]),
        ({"a": 1}, {"a": 1.0}),
        ({1}, {True}),
        ((1, 2), (2, 1)),
        (Config(1), Config(2)),
        (range(2), range(3)),
        (functools.partial(max, 1), functools.partial(max, True)),
        (functools.partial(max, 1), functools.partial(min, 1)),
        (functools.partial(max, key=abs), functools.partial(max, key=len)),
    ],
)
def test_different_statics_give_different_structures(one, other):
    assert of(one) is not of(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda: 1,
        lambda: "a",
        lambda: float("nan"),
        lambda: [1, [2.0, {"a": {3}}]],
        lambda: Config(1),
        lambda: Color.RED,
        lambda: len,
        lambda: np.float32,
        lambda: um.float32,
        lambda: range(3),
        lambda: Point(1.0),
        lambda: (),
        dict,
        lambda: collections.OrderedDict(b=1, a=2),
        lambda: Ellipsis,
        lambda: type,
        lambda: functools.partial(max, 1, key=abs),
        lambda: [functools.partial(functools.partial(max, 1), 2, default=[1.0])],
    ],
)
def test_equal_statics_give_the_same_structure_and_come_back(make):
    assert of(make()) is of(make())
    back = um.tree.unflatten(of(make()), [X] * of(make()).num_leaves).value
    assert type(back) is type(make())
    assert repr(back) == repr(make())


def test_a_partial_function_comes_back_itself_and_equals_its_copy():
    fn = functools.partial(max, 2, key=abs)
    assert um.tree.unflatten(of(fn), [X]).value is fn
    assert of(pickle.loads(pickle.dumps(fn))) is of(fn)
    unhashable = functools.partial(max, Unhashable())
    assert of(unhashable) is of(unhashable)


class Unhashable:
    __hash__ = None


def test_mutable_statics_come_back_as_copies():
    class Declared(um.Module):
        table: list[int] = um.static()

        def __init__(self):
            self.table = [1, {2}]

    module = Declared()
    one, two = (um.tree.unflatten(um.tree.structure(module), []) for _ in range(2))
    one.table.append(3)
    assert two.table == module.table == [1, {2}]


def test_order_of_dicts_and_attributes():
    assert um.tree.structure({"b": 1, "a": 2}) is um.tree.structure({"a": 2, "b": 1})
    ordered = collections.OrderedDict
    assert um.tree.structure(ordered(b=1, a=2)) is not um.tree.structure(ordered(a=2, b=1))
    assert um.tree.structure(ordered(a=1)) is not um.tree.structure({"a": 1})


def test_kinds_and_modes_are_part_of_it():
    module = Holder(1)
    kinds = [um.tree.structure(module)]
    module.w = um.Parameter(X)
    kinds.append(um.tree.structure(module))
    assert len({*kinds, um.tree.structure(module.eval()), um.tree.structure(module.freeze())}) == 4
    assert um.tree.structure(module.eval().train()) is kinds[1]


def test_a_structure_is_hashable_and_short_in_text():
    structure = um.tree.structure({"a": X})
    assert {structure: 1}[structure] == 1
    assert repr(structure) == "<skeleton of dict, 1 leaves>"


def test_a_structure_that_nobody_uses_is_forgotten():
    structure = of("only here, once")
    reference = weakref.ref(structure)
    del structure
    gc.collect()
    assert of("only here, once") is reference()
    for n in range(sk._recent.maxlen):
        of(f"another, {n}")
    gc.collect()
    assert reference() is None
    assert reference not in sk._skeletons.values()


def test_memory_does_not_grow_with_cycles_of_flatten_and_unflatten():
    module = um.nn.MLP([2, 3, 1]).init(0, backend="numpy").eval()

    def cycle(count):
        new = module
        for _ in range(count):
            new = um.tree.unflatten(*reversed(um.tree.flatten(new)))
            assert new.layers
        return new

    cycle(500)
    gc.collect()
    known = len(sk._skeletons)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    cycle(10_000)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(sk._skeletons) <= known
    # One cycle makes some 20 kB; a leak of one object a cycle would be 500 kB.
    assert grown < 200_000


def test_changing_structures_are_forgotten_too():
    gc.collect()
    known = len(sk._skeletons)
    for n in range(1000):
        um.tree.structure(Holder(n).eval().filter(um.Parameter))
    gc.collect()
    assert len(sk._skeletons) < known + 50


def test_threads_intern_the_same_object():
    for n in range(50):
        barrier, found = threading.Barrier(4), []

        def make(n=n, barrier=barrier, found=found):
            barrier.wait()
            found.append(of(("thread", n)))

        threads = [threading.Thread(target=make) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert len({id(structure) for structure in found}) == 1


def test_selecting_everything_is_the_structure_itself():
    structure = um.tree.structure(um.nn.Linear(2, 2))
    assert sk.select(structure, (True, True)) is structure


def test_selecting_numbers_the_shared_objects_anew():
    class Two(um.Module):
        def __init__(self):
            self.a, self.b = Holder(1), Holder(2)
            box = um.Parameter(X)
            self.p = box
            self.q = box
            self.again = [self.b, self.a]

    for chosen in (um.Parameter, um.State, um.Rng):
        part = Two().filter(chosen)
        assert part.again[0] is part.b
        assert part.again[1] is part.a
        assert part.p is part.q
