"""What is refused is refused on both engines, by the same class with the same text."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest

import unimod as um
from unimod import errors
from unimod.backends import _registry

jit = functools.partial(um.jit, compiler="graph")
pytestmark = pytest.mark.needs("jax", "torch")


def array(*shape, dtype="float32"):
    return um.numpy.ones(shape, dtype=dtype)


def linear():
    return um.nn.Linear(3, 4).init(0)


def total(model, x):
    return um.numpy.sum(model(x))


class Counter(um.Module):
    def __init__(self):
        self.n = um.numpy.zeros((), dtype="int32")
        self.w = um.Parameter(array(2))

    def bump(self, x):
        self.n = self.n + 1
        return x


def change_captured(transform):
    model = Counter()
    try:
        transform(lambda x: um.numpy.sum(model.bump(x)))(array(2))
    finally:
        assert int(model.n) == 0


def state_dict(change):
    model = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3)).init(0)
    state = model.state_dict()
    change(state)
    model.load_state_dict(state)


def without_bias(state):
    del state["layers.0.bias"]


ROWS = {
    # Layers
    "features": (errors.ShapeError, lambda: linear()(array(2, 5))),
    "scalar into a layer": (errors.ShapeError, lambda: linear()(array())),
    "dtype": (errors.DTypeError, lambda: linear()(array(2, 3, dtype="float16"))),
    "integers into a layer": (errors.DTypeError, lambda: linear()(array(2, 3, dtype="int32"))),
    "features, nested": (
        errors.ShapeError,
        lambda: um.nn.Sequential(um.nn.Identity(), um.nn.Sequential(linear()))(array(2, 5)),
    ),
    "features, jitted": (errors.ShapeError, lambda: jit(lambda m, x: m(x))(linear(), array(2, 5))),
    "features, differentiated": (errors.ShapeError, lambda: um.grad(total)(linear(), array(2, 5))),
    "features, mapped": (
        errors.ShapeError,
        lambda: um.vmap(lambda m, x: m(x), in_axes=(None, 0))(linear(), array(2, 5)),
    ),
    "channels": (errors.ShapeError, lambda: um.nn.Conv(3, 4, (3, 3)).init(0)(array(1, 5, 5, 2))),
    "dtype of a convolution": (
        errors.DTypeError,
        lambda: um.nn.Conv(3, 4, 3).init(0)(array(1, 5, 5, 3, dtype="float16")),
    ),
    "rank of a convolution": (errors.ShapeError, lambda: um.nn.Conv(3, 4, (3, 3)).init(0)(array(5, 3))),
    "features of a normalisation": (errors.ShapeError, lambda: um.nn.BatchNorm(3).init(0)(array(2, 4))),
    "a batch of one": (errors.ShapeError, lambda: um.nn.BatchNorm(3).init(0)(array(1, 3))),
    "features of layer norm": (errors.ShapeError, lambda: um.nn.LayerNorm(3).init(0)(array(2, 4))),
    "floats into an embedding": (errors.DTypeError, lambda: um.nn.Embed(3, 2).init(0)(array(2))),
    # Values that are missing
    "not initialized": (errors.NotInitializedError, lambda: um.nn.Linear(3, 4)(array(2, 3))),
    "not initialized, nested": (
        errors.NotInitializedError,
        lambda: um.nn.Sequential(um.nn.Sequential(um.nn.Linear(3, 4)))(array(2, 3)),
    ),
    "not initialized, jitted": (
        errors.NotInitializedError,
        lambda: jit(lambda m, x: m(x))(um.nn.Linear(3, 4), array(2, 3)),
    ),
    "not initialized, differentiated": (
        errors.NotInitializedError,
        lambda: um.grad(total)(um.nn.Linear(3, 4), array(2, 3)),
    ),
    "not initialized, mapped": (
        errors.NotInitializedError,
        lambda: um.vmap(lambda m, x: m(x))(um.nn.Linear(3, 4), array(2, 3)),
    ),
    "not initialized, captured": (
        errors.NotInitializedError,
        lambda: jit(lambda x: um.nn.Linear(3, 4)(x))(array(2, 3)),
    ),
    "missing size": (errors.NotInitializedError, lambda: um.nn.Sequential(um.nn.Linear(None, 4)).init(0)),
    "optimizer without state": (
        errors.NotInitializedError,
        lambda: um.optim.adam(0.1).step({"a": array(2)}, {"a": array(2)}),
    ),
    # Derivatives
    "loss with a shape": (errors.ShapeError, lambda: um.grad(lambda x: x)(array(2))),
    "loss of integers": (errors.DTypeError, lambda: um.grad(lambda x: um.numpy.astype(x, "int32"))(array())),
    "loss that is none": (errors.DTypeError, lambda: um.grad(lambda x: None)(array())),
    "loss without aux": (errors.DTypeError, lambda: um.grad(lambda x: x, has_aux=True)(array())),
    "integer argument": (errors.DTypeError, lambda: um.grad(lambda x: um.numpy.sum(x) * 1.0)(array(2, dtype="int32"))),
    "integer leaf": (errors.DTypeError, lambda: um.grad(lambda t: t["a"] * 1.0)({"a": array(dtype="int32")})),
    "number": (errors.DTypeError, lambda: um.grad(lambda x: x * 1.0)(3)),
    "argument that is not there": (errors.DTypeError, lambda: um.grad(lambda x: x, argnums=1)(1.0)),
    # Jit and vmap
    "text into jit": (errors.DTypeError, lambda: jit(lambda x, mode: x)(array(), "fast")),
    "unknown static name": (errors.OptionError, lambda: jit(lambda x: x, static_argnames="mode")),
    "array as a static argument": (errors.TreeError, lambda: jit(lambda x, n: x, static_argnums=1)(array(), array())),
    "lengths of mapped axes": (errors.ShapeError, lambda: um.vmap(lambda a, b: a)(array(2), array(3))),
    "mapped axis": (errors.ShapeError, lambda: um.vmap(lambda a: a, in_axes=1)(array(2))),
    "stacked axis": (errors.ShapeError, lambda: um.vmap(lambda a: a, out_axes=2)(array(2))),
    "mapped number": (errors.DTypeError, lambda: um.vmap(lambda a: a)(2.0)),
    # Captured modules
    "captured in jit": (errors.CapturedModuleError, lambda: change_captured(jit)),
    "captured in grad": (errors.CapturedModuleError, lambda: change_captured(um.grad)),
    "captured in vmap": (errors.CapturedModuleError, lambda: change_captured(lambda f: um.vmap(lambda x: f(x[None])))),
    "captured in grad in jit": (errors.CapturedModuleError, lambda: change_captured(lambda f: jit(um.grad(f)))),
    # Trees
    "missing entry": (errors.StateDictError, lambda: state_dict(without_bias)),
    "extra entry": (errors.StateDictError, lambda: state_dict(lambda s: s.update(extra=array(1)))),
    "wrong shape": (errors.StateDictError, lambda: state_dict(lambda s: s.update({"layers.0.bias": array(4)}))),
    "wrong dtype": (
        errors.StateDictError,
        lambda: state_dict(lambda s: s.update({"layers.1.mean": array(3, dtype="int32")})),
    ),
    "trees that differ": (errors.TreeError, lambda: um.tree.map(lambda a, b: a, {"a": array()}, {"a": [array()]})),
    "gradients that differ": (
        errors.TreeError,
        lambda: um.optim.sgd(0.1).init(linear()).step(linear(), um.nn.Linear(3, 5).init(0)),
    ),
    "hidden module": (errors.TreeError, lambda: um.tree.leaves(linear().replace(use_bias={linear()}))),
    "hidden array": (
        errors.TreeError,
        lambda: um.tree.leaves(linear().replace(use_bias=functools.partial(len, array(2)))),
    ),
    "leaves to ravel": (errors.DTypeError, lambda: um.tree.ravel([array(1), array(1, dtype="int32")])),
    # Options
    "unknown hyperparameter": (
        errors.DTypeError,
        lambda: um.optim.adam(0.1).init([array()]).step([array()], [array()], rho=1.0),
    ),
    "rate": (errors.OptionError, lambda: um.nn.Dropout(2.0)),
}


def outcome(action, backend) -> tuple[type, str]:
    with um.use_backend(backend), pytest.raises(errors.UnimodError) as caught:
        action()
    return type(caught.value), re.sub(r" on (jax|torch)\b", " on ENGINE", str(caught.value))


@pytest.mark.parametrize("name", ROWS)
def test_class_and_text_are_the_same_on_both_engines(name):
    expected, action = ROWS[name]
    jax, torch = outcome(action, "jax"), outcome(action, "torch")
    assert jax[0] is torch[0] is expected
    assert jax[1] == torch[1]


@pytest.mark.parametrize("name", ROWS)
def test_the_text_says_what_and_how_to_mend_it(name):
    _, action = ROWS[name]
    with um.use_backend("torch"), pytest.raises(errors.UnimodError) as caught:
        action()
    error = caught.value
    assert re.match(r"\S.*\.$", error.what)
    assert error.where or error.got or error.expected or error.fix
    assert "functorch" not in str(error)
    assert "Tracer" not in str(error)


@pytest.mark.parametrize("name", ROWS)
def test_nothing_is_left_behind(name, backend):
    with um.use_backend(backend), pytest.raises(errors.UnimodError):
        ROWS[name][1]()
    assert um.backend_info().name == backend
    model = Counter()
    model.n = model.n + 1
    value, grads = um.value_and_grad(lambda m: um.numpy.sum(m.w * m.n))(model)
    assert float(value) == 2.0
    assert not getattr(value, "requires_grad", False)
    assert um.engine_of(grads.w).arrays.is_concrete(grads.w)


# Which engine ---------------------------------------------------------------------------------------------------------

ENGINES_MIXED = {
    "operation": lambda a, b: um.numpy.add(a, b),
    "layer": lambda a, b: um.nn.Linear(2, 2).init(0, backend="jax")(b),
    "jit": lambda a, b: jit(lambda a, b: a)(a, b),
    "grad": lambda a, b: um.grad(lambda a, b: um.numpy.sum(a))(a, b),
    "vmap": lambda a, b: um.vmap(lambda a, b: a)(a, b),
    "optimizer": lambda a, b: um.optim.adam(0.1).init([a]).step([b], [b]),
    "tree": lambda a, b: um.tree.ravel([a, b]),
}


@pytest.mark.parametrize("name", ENGINES_MIXED)
def test_arrays_of_two_engines_in_one_call(name):
    a, b = (um.numpy.ones((2, 2), backend=backend) for backend in ("jax", "torch"))
    with pytest.raises(errors.MixedBackendError, match="Arrays of two engines meet in one call") as caught:
        ENGINES_MIXED[name](a, b)
    assert "on jax" in caught.value.got
    assert "on torch" in caught.value.got
    assert "um.to_backend" in caught.value.fix


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_a_framework_that_is_not_installed(monkeypatch, name):
    monkeypatch.delitem(_registry._loaded, name)

    def missing(module):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(_registry.importlib, "import_module", missing)
    for action in (
        lambda: um.numpy.ones((1,), backend=name),
        lambda: um.set_backend(name),
        lambda: um.to_backend(np.ones(1), name),
        lambda: um.nn.Linear(1, 1).init(0, backend=name),
    ):
        with pytest.raises(errors.BackendNotInstalledError) as caught:
            action()
        assert str(caught.value) == (
            f"The {name} backend needs {name}, which cannot be imported.\n"
            f"  got:      No module named {name!r}\n"
            f'  fix:      pip install "unimod[{name}]"'
        )


def test_an_unknown_name_in_the_environment(monkeypatch):
    monkeypatch.setenv("UNIMOD_BACKEND", "tensorflow")
    with pytest.raises(errors.UnknownBackendError) as caught:
        um.nn.Linear(1, 1).init(0)
    assert str(caught.value) == (
        "There is no backend called 'tensorflow'.\n"
        "  got:      'tensorflow'\n"
        "  expected: one of jax, torch, numpy\n"
        "  fix:      choose one of these names, in the code or in UNIMOD_BACKEND"
    )
