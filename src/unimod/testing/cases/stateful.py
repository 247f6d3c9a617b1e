"""The stateful style: what functions leave in the state and return, written out as formulas of numpy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
import unimod.random as random
from unimod import nn, optim
from unimod import stateful as sf
from unimod.backends import _capabilities as has
from unimod.core import tree
from unimod.testing._calls import COMPILER
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

Fn = Callable[..., Any]


def _run(fn: Fn, **state: Fn) -> Fn:
    """``fn`` of ``x``, run on a state whose entries are made of ``x``."""

    def run(x: Any) -> Any:
        return sf.pure(fn)({name: make(x) for name, make in state.items()}, x, create=True, seed=0)

    return run


def _itself(x: Any) -> Any:
    return x


def _put(x: Any) -> Any:
    sf.put("a", unp.add(sf.get("a"), x))
    sf.put({"b": unp.multiply(x, 2.0)})
    return sf.getm("a|b")


def _scoped(x: Any) -> Any:
    with sf.scope("deep"):
        sf.putm({"a": x, "b/c": unp.negative(x)})
        return sf.find("c"), sf.values()


def _everything(x: Any) -> Any:
    return sf.state(), sf.context()["a"]


def _names(x: Any) -> Any:
    sf.write("v", unp.multiply(sf.value("v", unp.negative, x), 3.0))
    return sf.read("v"), sf.sub("cell", _Scale)(x)


class _Scale(sf.Module):
    by: float = 2.0

    def __call__(self, x: Any) -> Any:
        return unp.multiply(self.get("w", lambda: unp.add(x, 1.0)), unp.multiply(x, self.by))


def _objects(x: Any) -> Any:
    variable, pair = sf.Variable(unp.negative, x, name="v"), sf.Tree(lambda x: {"a": x, "b": [x]}, x, name="t")
    variable.write(unp.multiply(variable.read(), 2.0))
    return pair.write(tree.map(lambda leaf: unp.add(leaf, 1.0), pair.read()))


def _loss(x: Any) -> Any:
    w = sf.get("w")
    sf.put("w", unp.add(w, 1.0))
    return unp.sum(unp.multiply(unp.square(w), x))


def _total(x: Any) -> Any:
    return unp.sum(unp.multiply(sf.get("w"), x))


def _step(carry: Any, row: Any) -> Any:
    return unp.add(carry, sf.put("w", unp.multiply(sf.get("w"), row))), carry


def _doubled() -> Any:
    return sf.put("w", unp.multiply(sf.get("w"), 2.0))


def _loop(x: Any) -> Any:
    def body(i: Any, total: Any) -> Any:
        return unp.add(total, _doubled())

    return sf.fori_loop(0, 3, body, unp.zeros_like(x))


def _while(x: Any) -> Any:
    return sf.while_loop(lambda n: unp.less(n, 3), lambda n: (_doubled(), n + 1)[1], 0)


def _chosen(x: Any) -> Any:
    is_positive = unp.greater(unp.sum(unp.square(x)), -1.0)
    return sf.cond(is_positive, lambda x: unp.add(_doubled(), x), lambda x: x, x)


def _switched(x: Any) -> Any:
    return sf.switch(1, [lambda x: x, lambda x: unp.add(_doubled(), x), unp.negative], x)


def _layer(x: Any, kernel: Any) -> Any:
    def make(key: Any, shape: Any, dtype: Any) -> Any:
        return kernel

    layer = sf.Layer(nn.Linear, None, 3, kernel_init=make, name="l")
    other = sf.FromModule(nn.Linear)(2, 3, use_bias=False, kernel_init=make, name="m")
    return sf.pure(lambda x: unp.add(layer(x), other(x)))({}, x, create=True, seed=0)


def _trained(make: Fn) -> Fn:
    return lambda x: make(0.5, name="o")("w", _total, x)


def _drawn(x: Any) -> Any:
    return unp.multiply(x, random.uniform(sf.rng(), (3,)))


def _drawn_reference(x: Any) -> Any:
    key = random.fold_in(random.key(0, backend="numpy"), random.stable_hash("unimod.stateful: drawn at "))
    return {}, x * random.uniform(random.fold_in(key, 0), (3,)).astype(x.dtype)


def _compiled(x: Any) -> Any:
    step = sf.jit(lambda x: sf.put("n", unp.add(sf.get("n", unp.zeros_like, x), x)), compiler=COMPILER)
    return step(step({}, x, seed=0)[0], x)


def _norm(x: Any) -> Any:
    return np.sqrt(np.sum(np.square(x)))


def _descended(x: Any) -> Any:
    metrics = {"loss": np.sum(x * x), "grad_norm": _norm(x), "update_norm": _norm(x) / 2, "param_norm": _norm(x)}
    return {"w": x / 2}, metrics


def _products(x: Any) -> Any:
    """What the scan has after each row."""
    return np.cumprod(np.concatenate([x[:1], x]), 0)


def _vector(d: Data) -> tuple[Any, ...]:
    return (d.array(3),)


def _matrix(d: Data) -> tuple[Any, ...]:
    return (d.array(4, 3),)


_w = functools.partial(_run, w=_itself)
_ROWS: dict[str, tuple[Fn, Fn]] = {
    "pure": (_run(_itself, a=unp.negative), lambda x: ({"a": -x}, x)),
    "put": (_run(_put, a=_itself), lambda x: ({"a": 2 * x, "b": 2 * x}, {"a": 2 * x, "b": 2 * x})),
    "get": (_run(lambda x: sf.get("a", unp.multiply, x, 2.0)), lambda x: ({"a": 2 * x}, 2 * x)),
    "getm": (_run(lambda x: sf.getm("a.*"), a1=_itself, b=_itself), lambda x: ({"a1": x, "b": x}, {"a1": x})),
    "putm": (
        _run(_scoped),
        lambda x: ({"deep/a": x, "deep/b/c": -x}, ({"deep/b/c": -x}, {"a": x, "b/c": -x})),
    ),
    "state": (_run(_everything, a=_itself), lambda x: ({"a": x}, ({"a": x}, x))),
    "value": (
        _run(_names),
        lambda x: ({"cell/w": x + 1, "v": -3 * x}, (-3 * x, 2 * x * (x + 1))),
    ),
    "Variable": (
        _run(_objects),
        lambda x: ({"t/a": x + 1, "t/b/0": x + 1, "v": -2 * x}, {"a": x + 1, "b": [x + 1]}),
    ),
    "init": (
        lambda x: sf.init(lambda x: sf.put("a", unp.add(sf.get("a", _itself, x), 1.0)))({}, x),
        lambda x: {"a": x},
    ),
    "rng": (_run(_drawn), _drawn_reference),
    "scan": (
        _run(lambda x: sf.scan(_step, unp.zeros_like(x[0]), x), w=lambda x: x[0]),
        lambda x: (
            {"w": _products(x)[-1]},
            (_products(x)[1:].sum(0), np.concatenate([0 * x[:1], np.cumsum(_products(x)[1:-1], 0)])),
        ),
    ),
    "fori_loop": (_w(_loop), lambda x: ({"w": 8 * x}, 14 * x)),
    "while_loop": (_w(_while), lambda x: ({"w": 8 * x}, np.asarray(3, np.int32))),
    "cond": (_w(_chosen), lambda x: ({"w": 2 * x}, 3 * x)),
    "switch": (_w(_switched), lambda x: ({"w": 2 * x}, 3 * x)),
}
_SAME = {  # names whose work a row of another name shows
    "put": ("write",), "putm": ("scope", "find", "values"), "state": ("context",), "value": ("sub", "read", "Module"),
    "Variable": ("Tree",),
}  # fmt: skip
_GRADIENTS: dict[str, tuple[Fn, Fn]] = {
    "grad": (
        _w(lambda x: sf.grad(_loss, "w")(x)),
        lambda x: ({"w": x + 1}, (np.sum(x**3), {"w": x}, {"w": 2 * x * x})),
    ),
    "grad[argnums]": (
        _w(lambda x: sf.grad(_loss, "w", argnums=0)(x)),
        lambda x: ({"w": x + 1}, (np.sum(x**3), ({"w": x}, x), ({"w": 2 * x * x}, x * x))),
    ),
    "checkpoint": (
        _w(lambda x: sf.grad(sf.checkpoint(_loss), "w")(x)),
        lambda x: ({"w": x + 1}, (np.sum(x**3), {"w": x}, {"w": 2 * x * x})),
    ),
    "Optimizer": (_w(_trained(functools.partial(sf.Optimizer, optim.sgd))), _descended),
    "FromOptax": (_w(_trained(sf.FromOptax(optim.sgd))), _descended),
}
_BOUND = Bound(eps=16, why="chains of sums and powers, in another order on each engine")


def _case(name: str, fn: Fn, reference: Fn, *needs: str, **options: Any) -> Case:
    inputs = _matrix if name == "scan" else _vector
    return Case(
        f"stateful.{name}", fn, options.pop("inputs", inputs), reference=reference, bound=_BOUND,
        needs=frozenset(needs), **options,
    )  # fmt: skip


CASES = (
    *(_case(name, *row) for name, row in _ROWS.items()),
    *(_case(other, *_ROWS[name]) for name, others in _SAME.items() for other in others),
    *(_case(name, *row, has.GRAD) for name, row in _GRADIENTS.items()),
    _case("jit", _compiled, lambda x: ({"n": 2 * x}, 2 * x), has.JIT),
    *(
        _case(
            name,
            _layer,
            lambda x, k: ({"l/bias": 0 * k[0], "l/kernel": k, "m/kernel": k}, 2 * (x @ k)),
            inputs=lambda d: (d.array(4, 2), d.array(2, 3)),
        )
        for name in ("Layer", "FromModule")
    ),
)
