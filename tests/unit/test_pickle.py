"""Modules, structures, optimizers and errors survive pickling and copying."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import unimod as um


def through_pickle(value):
    return pickle.loads(pickle.dumps(value))


COPIES = [through_pickle, copy.deepcopy]


class Tied(um.Module):
    def __init__(self) -> None:
        self.a, self.b = um.nn.Linear(2, 2), um.nn.Linear(2, 2)
        self.b.kernel = self.a.share("kernel")


class Twice(um.Module):
    def __init__(self) -> None:
        self.a = um.nn.Linear(2, 2)
        self.layers = [self.a, self.a]


class Own(um.Module):
    """Two attributes that are one leaf."""

    def __init__(self) -> None:
        self.a = box = um.Parameter(np.ones(2))
        self.a = box
        self.b = box


def same(one, two) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(um.tree.leaves(one), um.tree.leaves(two), strict=True))


@pytest.mark.parametrize("clone", COPIES)
def test_a_module_comes_back_with_its_structure_and_leaves(any_backend, clone):
    model = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.relu, um.nn.BatchNorm(3)).init(0).eval().freeze()
    again = clone(model)
    assert um.tree.structure(again) is um.tree.structure(model)
    assert same(again, model)
    assert not again.training
    assert again.frozen


@pytest.mark.parametrize("clone", [*COPIES, copy.copy])
def test_a_lazy_module_can_be_cloned(any_backend, clone):
    model = um.tree.map(lambda x: x, um.nn.MLP([2, 3, 1]).init(0))
    again = clone(model)
    assert type(again) is um.nn.MLP
    assert same(again, model)


@pytest.mark.parametrize("clone", COPIES)
def test_a_module_without_values_comes_back(any_backend, clone):
    model = um.nn.Sequential(um.nn.Linear(None, 3), um.nn.Dropout(0.5))
    x = um.numpy.ones((1, 2))
    assert same(clone(model).init(0, x), model.init(0, x))


@pytest.mark.parametrize("clone", COPIES)
def test_ties_are_kept(any_backend, clone):
    model = clone(Tied().init(0))
    assert model.a.kernel is model.b.kernel
    model.b.kernel = model.b.kernel + 1
    assert model.a.kernel is model.b.kernel
    assert len(um.tree.leaves(model)) == 3


@pytest.mark.parametrize("clone", COPIES)
def test_shared_modules_are_kept(any_backend, clone):
    model = clone(Twice().init(0))
    assert model.layers[0] is model.a
    assert model.layers[1] is model.a


def test_a_shallow_copy_has_the_same_children():
    model = Twice()
    assert copy.copy(model).a is model.a


def test_assigning_to_a_shallow_copy_leaves_the_original():
    model = Own()
    other = copy.copy(model)
    other.a = np.zeros(2)
    assert other.b is other.a
    np.testing.assert_array_equal(model.a, np.ones(2))
    np.testing.assert_array_equal(model.b, np.ones(2))


def test_a_deep_copy_has_arrays_of_its_own():
    model = Own()
    other = copy.deepcopy(model)
    other.a += 1
    np.testing.assert_array_equal(model.a, np.ones(2))


@pytest.mark.parametrize("clone", COPIES)
def test_a_structure_comes_back_as_the_same_object(clone):
    key = um.random.key(0, backend="numpy")
    tree = {"a": [Tied().init(0, backend="numpy"), None], "k": key, "n": um.Nothing, "s": Own().filter(um.State)}
    structure = um.tree.structure(tree)
    assert clone(structure) is structure


@pytest.mark.parametrize("clone", COPIES)
def test_an_optimizer_comes_back_and_goes_on(backend, clone):
    model = um.nn.Linear(2, 1).init(0)
    opt = um.optim.adam(1e-2).init(model.parameters())
    grads = um.tree.map(lambda x: x + 1, model.parameters())
    model, opt = opt.step(model, grads)
    again = clone(opt)
    assert um.tree.structure(again) is um.tree.structure(opt)
    assert same(again.step(model, grads), opt.step(model, grads))


def test_a_structure_means_the_same_in_another_process(tmp_path):
    opt = um.optim.adam(1e-2).init(um.nn.Linear(2, 1).init(0, backend="numpy").parameters())
    (tmp_path / "opt").write_bytes(pickle.dumps(opt))
    program = (
        "import pickle, sys, unimod as um\n"
        "opt = pickle.load(open(sys.argv[1], 'rb'))\n"
        "fresh = um.optim.adam(1e-2).init(um.nn.Linear(2, 1).init(0, backend='numpy').parameters())\n"
        "assert um.tree.structure(opt) is um.tree.structure(fresh)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "opt")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_constants_come_back_as_themselves():
    assert through_pickle(um.Nothing) is um.Nothing
    assert copy.deepcopy(um.Nothing) is um.Nothing


def test_a_random_key_comes_back(any_backend):
    key = um.random.key(3)
    assert um.random.key_data(through_pickle(key)).tolist() == um.random.key_data(key).tolist()
