"""Scopes: which traced function runs in this thread, and who may change what."""

from __future__ import annotations

import threading

import pytest

import unimod as um
from unimod.core import scope
from unimod.errors import CapturedModuleError


class Box(um.Module):
    def __init__(self):
        self.x = 1


def test_scopes_nest_and_end():
    assert scope.state.current is None
    with scope.enter("outer") as outer:
        with scope.enter("inner") as inner:
            assert scope.state.current is inner
            assert inner.parent is outer
        assert scope.state.current is outer
    assert scope.state.current is None


def test_a_scope_ends_after_an_exception():
    with pytest.raises(KeyError), scope.enter("outer"):
        raise KeyError
    assert scope.state.current is None


def test_a_module_belongs_to_the_scope_in_which_it_was_made():
    with scope.enter("f"):
        inside = Box()
        inside.x = 2
        lazy = um.tree.map(lambda x: x, inside)
        lazy.x = 3
    for module in (inside, lazy):
        with pytest.raises(CapturedModuleError, match="had ended"):
            module.x = 4
    assert (inside.x, lazy.x) == (2, 3)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: setattr(m, "x", 2),
        lambda m: delattr(m, "x"),
        lambda m: m.register_parameter("x", 2),
        lambda m: m.register_state("x", 2),
        lambda m: m.eval(inplace=True),
        lambda m: m.freeze(inplace=True),
        lambda m: m.map(lambda x: x, inplace=True),
        lambda m: m.update(m, inplace=True),
        lambda m: m.load_state_dict({}, inplace=True),
        lambda m: m.init(0, backend="numpy", inplace=True),
        lambda m: m.apply(lambda m: setattr(m, "x", 2), inplace=True),
    ],
)
def test_no_change_reaches_a_module_of_another_scope(change):
    module = Box()
    structure = um.tree.structure(module)
    with scope.enter("f"), pytest.raises(CapturedModuleError):
        change(module)
    assert um.tree.structure(module) is structure
    assert module.x == 1
    assert module.training


def test_new_modules_can_be_made_of_a_captured_one():
    module = Box()
    with scope.enter("f"):
        assert module.replace(x=5).x == 5
        assert not module.eval().training
    assert module.x == 1


def test_an_unpickled_module_belongs_to_the_scope_in_which_it_came_back():
    import copy

    module = Box()
    with scope.enter("f"):
        copy.deepcopy(module).x = 3
    assert module.x == 1


def test_threads_have_scopes_of_their_own():
    found = []
    with scope.enter("f"):
        thread = threading.Thread(target=lambda: found.append(scope.state.current))
        thread.start()
        thread.join()
    assert found == [None]
