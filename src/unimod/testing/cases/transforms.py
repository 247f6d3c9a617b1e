"""Transforms, and transforms of transforms; what they should give is written out as a formula of numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import nn
from unimod.backends import _capabilities as has
from unimod.core import tree
from unimod.core.kinds import Parameter, State
from unimod.core.module import Module
from unimod.testing._calls import COMPILER
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data
from unimod.transforms import grad, jit, stop_gradient, value_and_grad, vmap

Fn = Callable[..., Any]


def _cubes(x: Any) -> Any:
    return unp.sum(unp.pow(x, 3))


def _scaled(x: Any, y: Any) -> Any:
    return unp.sum(unp.multiply(unp.sin(x), y))


def _with_aux(x: Any, y: Any) -> Any:
    return _scaled(x, y), {"cos": unp.cos(x)}


class _Counter(Module):
    """``sum(w * x)`` that counts its calls in a state."""

    def __init__(self, w: Any) -> None:
        self.w = Parameter(w)
        self.calls = State(unp.zeros_like(w[0]))

    def __call__(self, x: Any) -> Any:
        self.calls = unp.add(self.calls, 1.0)
        return unp.sum(unp.multiply(unp.square(self.w), x))


class _Tied(Module):
    """One module in two places."""

    def __init__(self, w: Any) -> None:
        self.first = _Counter(w)
        self.second = self.first

    def __call__(self, x: Any) -> Any:
        return unp.add(self.first(x), self.second(unp.square(x)))


def _module_argument(w: Any, x: Any) -> Any:
    def loss(model: Any, x: Any) -> Any:
        return model(x), model

    (value, model), grads = value_and_grad(loss, has_aux=True)(_Counter(w), x)
    return value, model.calls, grads.w


def _shared(w: Any, x: Any) -> Any:
    def loss(model: Any, x: Any) -> Any:
        return model(x), model

    grads, model = grad(loss, has_aux=True)(_Tied(w), x)
    return grads.first.w, model.second.calls, unp.asarray(len(tree.leaves(grads)))


def _frozen(w: Any, x: Any) -> Any:
    model = [_Counter(w), _Counter(w).freeze()]
    grads, _ = grad(lambda model, x: (model[0](x) + model[1](x), model), has_aux=True)(model, x)
    return grads[0].w, unp.asarray(len(tree.leaves(grads)))


def _bound_method(w: Any, x: Any) -> Any:
    model = _Counter(w)
    slope = grad(model)(x)
    value, _ = value_and_grad(model)(x)
    return value, slope, model.calls


def _bound_and_jitted(w: Any, x: Any) -> Any:
    model = _Counter(w)
    run = jit(model, compiler=COMPILER)
    return run(x), run(x), model.calls


def _by_kind(w: Any, x: Any) -> Any:
    found, _ = grad(lambda model, x: (model(x) * model.calls, model), has_aux=True, wrt=State)(_Counter(w), x)
    return found.calls


def _mapped_tree(x: Any, y: Any) -> Any:
    return vmap(lambda t, y: {"s": t["x"] * y}, in_axes=({"x": 0}, None), out_axes=1)({"x": x}, y)


def _vectors(d: Data) -> tuple[Any, ...]:
    return d.array(3), d.array(3)


def _matrix(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3),)


def _jitted(fn: Fn) -> Fn:
    """``jit(fn)``, anew for each call: what is compiled once would not see that an engine changed since."""
    return lambda *args: jit(fn, compiler=COMPILER)(*args)


def _stopped(x: Any) -> Any:
    return unp.sum(unp.multiply(x, stop_gradient(unp.square(x))))


def _square(w: Any, x: Any) -> Any:
    return np.sum(np.square(w) * x)


def _ones(x: Any) -> Any:
    return x.dtype.type(1)


_GRADIENTS: dict[str, tuple[Fn, Callable[[Data], tuple[Any, ...]], Fn]] = {
    "grad": (grad(_cubes), _matrix, lambda x: 3 * x**2),
    "grad[argnums]": (grad(_scaled, argnums=(1, 0)), _vectors, lambda x, y: (np.sin(x), np.cos(x) * y)),
    "grad[has_aux]": (grad(_with_aux, has_aux=True), _vectors, lambda x, y: (np.cos(x) * y, {"cos": np.cos(x)})),
    "grad[grad]": (grad(lambda x: unp.sum(grad(_cubes)(x))), _matrix, lambda x: 6 * x),
    "grad[grad of grad]": (
        grad(lambda x: unp.sum(grad(lambda x: unp.sum(grad(_cubes)(x)))(x))),
        _matrix,
        lambda x: 6 + 0 * x,
    ),
    "grad[unused]": (grad(_scaled, argnums=1), lambda d: (d.array(3), d.array(3)), lambda x, y: np.sin(x)),
    "grad[zero]": (grad(lambda x, y: unp.sum(y)), _vectors, lambda x, y: 0 * x),
    "grad[tree]": (
        grad(lambda t: _scaled(t["x"], t["y"][0])),
        lambda d: ({"x": d.array(3), "y": [d.array(3)]},),
        lambda t: {"x": np.cos(t["x"]) * t["y"][0], "y": [np.sin(t["x"])]},
    ),
    "grad[vmap]": (grad(lambda x: unp.sum(vmap(_cubes)(x))), _matrix, lambda x: 3 * x**2),
    "grad[jit]": (grad(_jitted(_cubes)), _matrix, lambda x: 3 * x**2),
    "grad[frozen]": (_frozen, _vectors, lambda w, x: (2 * w * x, np.asarray(1, np.int32))),
    "grad[shared]": (_shared, _vectors, lambda w, x: (2 * w * (x + x**2), 2 * _ones(w), np.asarray(1, np.int32))),
    "grad[method]": (_bound_method, _vectors, lambda w, x: (_square(w, x), w**2, 2 * _ones(w))),
    "grad[wrt]": (_by_kind, _vectors, lambda w, x: _square(w, x)),
    "value_and_grad": (value_and_grad(_scaled), _vectors, lambda x, y: (np.sum(np.sin(x) * y), np.cos(x) * y)),
    "value_and_grad[has_aux]": (
        value_and_grad(_with_aux, has_aux=True),
        _vectors,
        lambda x, y: ((np.sum(np.sin(x) * y), {"cos": np.cos(x)}), np.cos(x) * y),
    ),
    "value_and_grad[module]": (_module_argument, _vectors, lambda w, x: (_square(w, x), _ones(w), 2 * w * x)),
    "stop_gradient": (grad(_stopped), _matrix, lambda x: x**2),
    "stop_gradient[tree]": (grad(lambda x: unp.sum(stop_gradient({"a": x})["a"] * x)), _matrix, lambda x: x),
    "vmap[grad]": (vmap(grad(_cubes)), _matrix, lambda x: 3 * x**2),
    "vmap[value_and_grad]": (vmap(value_and_grad(_cubes)), _matrix, lambda x: (np.sum(x**3, 1), 3 * x**2)),
    "jit[grad]": (_jitted(grad(_cubes)), _matrix, lambda x: 3 * x**2),
    "jit[vmap of grad]": (_jitted(vmap(grad(_cubes))), _matrix, lambda x: 3 * x**2),
    "jit[grad of grad]": (_jitted(grad(lambda x: unp.sum(grad(_cubes)(x)))), _matrix, lambda x: 6 * x),
}
_VMAP, _JIT = frozenset({has.VMAP}), frozenset({has.JIT})
_BOTH = _VMAP | _JIT
_OTHERS: dict[str, tuple[Fn, Callable[[Data], tuple[Any, ...]], Fn, frozenset[str]]] = {
    "vmap": (vmap(_cubes), _matrix, lambda x: np.sum(x**3, 1), _VMAP),
    "vmap[axes]": (
        vmap(_scaled, in_axes=(1, None)),
        lambda d: (d.array(3, 2), d.array(3)),
        lambda x, y: np.sum(np.sin(x.T) * y, 1),
        _VMAP,
    ),
    "vmap[tree]": (_mapped_tree, lambda d: (d.array(2, 3), d.array(3)), lambda x, y: {"s": (x * y).T}, _VMAP),
    "vmap[vmap]": (vmap(vmap(unp.sin)), _matrix, np.sin, _VMAP),
    "vmap[jit]": (vmap(_jitted(_cubes)), _matrix, lambda x: np.sum(x**3, 1), _BOTH),
    "jit": (_jitted(_scaled), _vectors, lambda x, y: np.sum(np.sin(x) * y), _JIT),
    "jit[vmap]": (_jitted(vmap(_cubes)), _matrix, lambda x: np.sum(x**3, 1), _BOTH),
    "jit[static]": (
        lambda x: jit(lambda x, n: x * n, static_argnums=1, compiler=COMPILER)(x, 3),
        _matrix,
        lambda x: 3 * x,
        _JIT,
    ),
    "jit[method]": (_bound_and_jitted, _vectors, lambda w, x: (_square(w, x), _square(w, x), 2 * _ones(w)), _JIT),
    "jit[layers]": (_jitted(nn.relu), _matrix, lambda x: np.maximum(x, 0), _JIT),
}

_BOUND = Bound(eps=16, why="chains of sums and powers, in another order on each engine")

CASES = (
    *(
        Case(f"transforms.{name}", fn, inputs, reference=reference, bound=_BOUND, needs=frozenset({has.GRAD}))
        for name, (fn, inputs, reference) in _GRADIENTS.items()
    ),
    *(
        Case(f"transforms.{name}", fn, inputs, reference=reference, bound=_BOUND, needs=needed)
        for name, (fn, inputs, reference, needed) in _OTHERS.items()
    ),
)
