"""Captured modules stay what they were, and other decisions about what is a leaf of what."""

from __future__ import annotations

import pytest

import unimod as um


class Log(um.Module):
    def __init__(self):
        self.seen = []
        self.by_name = {"a": um.numpy.zeros((2,))}
        self.inner = um.nn.Linear(2, 2)

    def __call__(self, x):
        self.seen.append(x)
        return self.inner(x)


def transformed(name, fn):
    wrap = {
        "jit": lambda: um.jit(fn, compiler="graph"),
        "grad": lambda: um.grad(lambda x: um.numpy.sum(fn(x))),
        "vmap": lambda: um.vmap(fn),
    }
    return wrap[name]()


@pytest.mark.parametrize("name", ["jit", "grad", "vmap"])
def test_a_list_inside_of_a_captured_module_cannot_be_changed(backend, name):
    model = Log().init(0)
    seen, inner = model.seen, model.inner
    with pytest.raises(um.CapturedModuleError, match="captured the module"):
        transformed(name, lambda x: model(x))(um.numpy.ones((3, 2)))
    assert model.seen is seen
    assert seen == []
    assert model.inner is inner


@pytest.mark.parametrize("name", ["jit", "grad", "vmap"])
def test_a_dict_that_an_inner_module_changes_is_restored_after_an_error(backend, name):
    model = Log().init(0)

    def call(x):
        outer(x)

    class Outer(um.Module):
        def __init__(self):
            self.log = model

        def __call__(self, x):
            self.log.by_name["b"] = x
            raise KeyError("late")

    outer = Outer()
    with pytest.raises(KeyError):
        transformed(name, call)(um.numpy.ones((3, 2)))
    assert list(model.by_name) == ["a"]


def test_a_captured_module_that_changes_nothing_may_be_called(backend):
    model = um.nn.Linear(2, 1).init(0)
    slopes = um.grad(lambda x: um.numpy.sum(model(x)))(um.numpy.ones((3, 2)))
    assert slopes.shape == (3, 2)


def test_the_caller_of_a_plain_function_may_change_lists(backend):
    model = Log().init(0)
    model(um.numpy.ones((1, 2)))
    assert len(model.seen) == 1


class Drawn(um.Module):
    def __init__(self):
        self.value = None
        self.calls = 0

    def rng_init(self, key):
        self.register_parameter("value", um.random.uniform(key, (2,)))
        self.calls += 1


def test_rng_init_is_called_once_for_each_module(any_backend):
    trained = Drawn().init(0)
    assert trained.calls == 1
    both = um.nn.Sequential(um.nn.Identity(), um.nn.Linear(2, 2))
    both.first = trained
    again = both.init(1)
    assert again.first.calls == 1
    assert again.first.value.tolist() == trained.value.tolist()
    assert um.tree.copy(again).init(2).first.calls == 1
    assert Drawn().init(1).value.tolist() != trained.value.tolist()


def test_an_array_beside_boxes_is_refused(any_backend):
    class Mixed(um.Module):
        def __init__(self):
            self.leaves = [um.Parameter(um.numpy.ones((1,))), um.numpy.ones((1,))]

    with pytest.raises(um.TreeError, match="no box") as caught:
        Mixed()
    assert "where:    Mixed.leaves" in str(caught.value)


def test_a_class_of_modules_chooses_all_that_is_below_them(any_backend):
    model = um.nn.Sequential(um.nn.MLP([2, 3, 1]), um.nn.LayerNorm(1)).init(0)
    chosen = model.filter(um.nn.MLP, um.Parameter)
    assert list(chosen.state_dict()) == [f"layers.0.layers.{i}.{n}" for i in (0, 1) for n in ("kernel", "bias")]
    assert list(model.filter(um.nn.LayerNorm).state_dict()) == ["layers.1.scale", "layers.1.bias"]


def test_a_layer_without_a_size_that_the_inputs_do_not_reach_is_named(any_backend):
    class Unused(um.Module):
        def __init__(self):
            self.used, self.unused = um.nn.Linear(None, 2), um.nn.Linear(None, 2)

        def __call__(self, x):
            return self.used(x)

    with pytest.raises(um.NotInitializedError, match="do not reach it") as caught:
        Unused().init(0, um.numpy.ones((1, 3)))
    assert "model.unused" in str(caught.value)
