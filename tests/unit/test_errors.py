"""The errors: four parts, builtin bases, pickling, and the path of the module."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import unimod as um
from unimod import errors

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.UnimodError)]
BASES = {
    "ShapeError": ValueError,
    "DTypeError": TypeError,
    "OptionError": ValueError,
    "MixedBackendError": TypeError,
    "UnknownBackendError": ValueError,
    "BackendNotInstalledError": ImportError,
    "CapabilityError": NotImplementedError,
    "CheckFailedError": ValueError,
    "UnboundAxisError": NameError,
    "ImmutableModuleError": AttributeError,
    "TreeError": ValueError,
    "StateDictError": ValueError,
    "NotInitializedError": RuntimeError,
    "CapturedModuleError": RuntimeError,
    "LeakedTracerError": RuntimeError,
    "UnimodError": Exception,
}


@pytest.mark.parametrize("cls", CLASSES)
def test_each_is_the_builtin_error_that_a_caller_expects(cls):
    assert issubclass(cls, BASES[cls.__name__])
    assert getattr(um, cls.__name__) is cls


def test_the_parts_stand_in_one_order():
    error = um.ShapeError("What.", fix="do it", expected="b", got="a", where="model")
    assert str(error) == "What.\n  where:    model\n  got:      a\n  expected: b\n  fix:      do it"
    assert str(um.ShapeError("What.", got="a")) == "What.\n  got:      a"
    assert str(um.ShapeError("What.")) == "What."


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("clone", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_they_can_be_pickled_and_copied(cls, clone):
    error = cls("What.", where="here", got="a", expected="b", fix="c")
    again = clone(error)
    assert type(again) is cls
    assert str(again) == str(error)
    assert again.args == error.args


def test_an_error_that_was_raised_in_a_module_can_be_pickled():
    with pytest.raises(um.ShapeError) as caught:
        um.nn.Sequential(um.nn.Linear(2, 2)).init(0, backend="numpy")(np.ones((1, 3), np.float32))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_warnings_are_warnings():
    assert issubclass(um.UnreturnedStateWarning, UserWarning)
    assert issubclass(um.RetraceWarning, UserWarning)


# Where ----------------------------------------------------------------------------------------------------------------


class Failing(um.Module):
    def __init__(self, error):
        self.make = error

    def __call__(self, x):
        raise self.make()


class Deep(um.Module):
    def __init__(self, inner):
        self.blocks = {"main": [um.nn.Identity(), um.nn.Sequential(inner)]}

    def __call__(self, x):
        return self.blocks["main"][1](x)


def test_the_path_of_a_nested_module_is_told():
    model = Deep(um.nn.Linear(2, 3)).init(0, backend="numpy")
    with pytest.raises(um.ShapeError) as caught:
        model(np.ones((1, 5), np.float32))
    assert caught.value.where.startswith("model.blocks.main[1].layers[0]   Linear(in_features=2, out_features=3")


def test_the_innermost_call_gives_the_path():
    model = Deep(um.nn.Linear(2, 3)).init(0, backend="numpy")
    with pytest.raises(um.ShapeError) as caught:
        model.blocks["main"][1](np.ones((1, 5), np.float32))
    assert caught.value.where.startswith("model.layers[0]   Linear(")


@pytest.mark.parametrize("error", [lambda: KeyError("x"), lambda: ZeroDivisionError("y"), StopIteration])
def test_other_errors_get_a_note_with_the_path(error):
    with pytest.raises(type(error())) as caught:
        Deep(Failing(error))(1)
    assert len(caught.value.__notes__) == 1
    assert caught.value.__notes__[0].startswith("  where:    model.blocks.main[1].layers[0]   Failing(")


def test_a_place_that_is_told_already_is_kept():
    with pytest.raises(um.CapabilityError) as caught:
        Deep(Failing(lambda: um.CapabilityError("What.", where="file.py:3")))(1)
    assert caught.value.where == "file.py:3"


def test_notes_of_others_are_kept():
    def error():
        found = KeyError("x")
        found.add_note("theirs")
        return found

    with pytest.raises(KeyError) as caught:
        Deep(Failing(error))(1)
    assert caught.value.__notes__[0] == "theirs"
    assert len(caught.value.__notes__) == 2


def test_an_error_of_a_framework_gets_the_path(any_backend):
    class Bad(um.Module):
        def __call__(self, x):
            return x.no_such_thing

    with pytest.raises(AttributeError) as caught:
        Deep(Bad())(um.numpy.ones((1,)))
    assert caught.value.__notes__ == ["  where:    model.blocks.main[1].layers[0]   Bad()"]


def test_the_path_is_told_under_jit_and_grad(backend):
    model = Deep(um.nn.Linear(2, 3)).init(0)
    loss = lambda model, x: um.numpy.sum(model(x))  # noqa: E731
    for transformed in (um.jit(loss, compiler="graph"), um.grad(loss)):
        with pytest.raises(um.ShapeError) as caught:
            transformed(model, um.numpy.ones((1, 5)))
        assert caught.value.where.startswith("model.blocks.main[1].layers[0]   Linear(")


def test_a_module_without_values_says_so(any_backend):
    with pytest.raises(um.NotInitializedError, match="used before its leaves have values: kernel, bias") as caught:
        Deep(um.nn.Linear(2, 3))(um.numpy.ones((1, 2)))
    assert caught.value.where.startswith("model.blocks.main[1].layers[0]   Linear(")
    assert "model.init(seed)" in caught.value.fix


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: um.nn.Linear(2, 3), (1, 2)),
        (lambda: um.nn.Conv(2, 3, (3, 3)), (1, 4, 4, 2)),
        (lambda: um.nn.BatchNorm(2), (4, 2)),
        (lambda: um.nn.LayerNorm(2), (4, 2)),
        (lambda: um.nn.Dropout(0.5), (4, 2)),
    ],
)
def test_every_layer_without_values_says_so(any_backend, layer, shape):
    with pytest.raises(um.NotInitializedError, match="used before its leaves have values"):
        layer()(um.numpy.ones(shape))
    with pytest.raises(um.NotInitializedError, match="used before its leaves have values"):
        layer().eval().train()(um.numpy.ones(shape))


def test_an_embedding_without_values_says_so(any_backend):
    with pytest.raises(um.NotInitializedError, match="used before its leaves have values: embedding"):
        um.nn.Embed(3, 2)(um.numpy.asarray([1], dtype="int32"))
