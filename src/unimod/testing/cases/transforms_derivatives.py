"""Derivatives of all kinds, and derivatives of derivatives; what they should give is written out as a formula."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import transforms as um
from unimod.backends import _capabilities as has
from unimod.config import engine_of
from unimod.core.kinds import Nothing, Parameter
from unimod.core.module import Module
from unimod.testing._calls import COMPILER
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

Fn = Callable[..., Any]
Row = tuple[Fn, Callable[[Data], tuple[Any, ...]], Fn]


def _cubes(x: Any) -> Any:
    return unp.sum(unp.pow(x, 3))


def _product(x: Any, y: Any) -> Any:
    return {"xy": unp.multiply(unp.sin(x), y), "n": unp.asarray(3, dtype="int32", backend=_engine(x))}


def _engine(x: Any) -> str:
    return engine_of(x).name


def _pulled(x: Any, y: Any) -> Any:
    _, pull = um.vjp(_product, x, y)
    return pull({"xy": y, "n": Nothing})


def _pushed(x: Any, y: Any) -> Any:
    out, slope = um.jvp(lambda x, y: unp.multiply(unp.sin(x), y), (x, y), (y, x))
    return out, slope


def _linearized(x: Any, y: Any) -> Any:
    out, push = um.linearize(lambda x, y: unp.multiply(unp.sin(x), y), x, y)
    return out, push(y, x), push(x, y)


def _pushed_by_formula(x: Any, y: Any) -> Any:
    return np.sin(x) * y, np.cos(x) * y * y + np.sin(x) * x


class _Affine(Module):
    def __init__(self, w: Any, b: Any) -> None:
        self.w, self.b = Parameter(w), Parameter(b)

    def __call__(self, x: Any) -> Any:
        return unp.add(unp.multiply(self.w, unp.square(x)), self.b)


def _of_module(w: Any, x: Any) -> Any:
    model = _Affine(w, x)
    out, pull = um.vjp(lambda model, x: model(x), model, x)
    found, slope = pull(out)
    _, moved = um.jvp(lambda model: model(x), (model,), (found,))
    return out, found.w, found.b, slope, moved


def _of_module_by_formula(w: Any, x: Any) -> Any:
    out = w * x**2 + x
    return out, out * x**2, out, out * 2 * w * x, out * x**4 + out


def _clipping() -> Any:
    @um.custom_vjp
    def clipped(x: Any, limit: Any) -> Any:
        return unp.sin(x)

    clipped.defvjp(
        lambda x, limit: (unp.sin(x), (unp.cos(x), limit)),
        lambda kept, slope: (unp.clip(unp.multiply(kept[0], slope), -0.5, 0.5), None),
    )
    return clipped


def _doubling() -> Any:
    @um.custom_jvp
    def doubled(x: Any) -> Any:
        return unp.sin(x)

    @doubled.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return doubled(*primals), 2 * unp.cos(primals[0]) * tangents[0]

    return doubled


def _by_argument() -> Any:
    ruled = um.custom_jvp(unp.multiply)
    ruled.defjvps(lambda t, out, x, y: 3 * t * y, None)
    return ruled


def _square_of_doubled(x: Any) -> Any:
    return unp.sum(unp.square(_doubling()(x)))


def _converted(x: Any, y: Any) -> Any:
    converted, consts = um.closure_convert(lambda z: unp.multiply(y, unp.sin(z)), x)
    return um.grad(lambda x, consts: unp.sum(converted(x, *consts)), (0, 1))(x, consts)


def _shapes(x: Any) -> Any:
    spec = um.eval_shape(lambda x: unp.sum(x, axis=0), um.ShapeDtypeStruct(x.shape, "float32"))
    return unp.full(spec.shape, 2.0, dtype=str(spec.dtype), backend=_engine(x))


def _named_inner(x: Any) -> Any:
    return unp.sum(unp.sin(um.checkpoint_name(unp.sin(x), "inner")))


_KEEP = um.checkpoint_policies.save_only_these_names("inner")


def _vectors(d: Data) -> tuple[Any, ...]:
    return d.array(3), d.array(3)


def _vector(d: Data) -> tuple[Any, ...]:
    return (d.array(3),)


def _matrix(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 3),)


def _jitted(fn: Fn) -> Fn:
    return lambda *args: um.jit(fn, compiler=COMPILER)(*args)


def _twice_sin(x: Any) -> Any:
    return np.cos(np.sin(x)) * np.cos(x)


_ROWS: dict[str, Row] = {
    "vjp": (_pulled, _vectors, lambda x, y: (np.cos(x) * y * y, np.sin(x) * y)),
    "vjp[module]": (_of_module, _vectors, _of_module_by_formula),
    "vjp[jit]": (_jitted(_pulled), _vectors, lambda x, y: (np.cos(x) * y * y, np.sin(x) * y)),
    "vjp[vmap]": (um.vmap(_pulled), lambda d: (d.array(2, 3), d.array(2, 3)),
                  lambda x, y: (np.cos(x) * y * y, np.sin(x) * y)),
    "jvp": (_pushed, _vectors, _pushed_by_formula),
    "jvp[jit]": (_jitted(_pushed), _vectors, _pushed_by_formula),
    "jvp[vmap]": (um.vmap(_pushed), lambda d: (d.array(2, 3), d.array(2, 3)), _pushed_by_formula),
    "jvp[grad]": (
        lambda x, y: um.jvp(um.grad(_cubes), (x,), (y,))[1], _vectors, lambda x, y: 6 * x * y,
    ),
    "linearize": (
        _linearized, _vectors,
        lambda x, y: (*_pushed_by_formula(x, y), np.cos(x) * y * x + np.sin(x) * y),
    ),
    "jacfwd": (um.jacfwd(unp.sin), _vector, lambda x: np.diag(np.cos(x))),
    "jacfwd[tree]": (
        um.jacfwd(lambda t: {"y": unp.multiply(t["a"], t["b"])}), lambda d: ({"a": d.array(3), "b": d.array(3)},),
        lambda t: {"y": {"a": np.diag(t["b"]), "b": np.diag(t["a"])}},
    ),
    "jacrev": (um.jacrev(unp.sin), _vector, lambda x: np.diag(np.cos(x))),
    "jacrev[argnums]": (
        um.jacrev(unp.multiply, argnums=(0, 1)), _vectors, lambda x, y: (np.diag(y), np.diag(x)),
    ),
    "jacrev[vmap of it]": (um.vmap(um.jacrev(unp.sin)), _matrix, lambda x: np.stack([np.diag(r) for r in np.cos(x)])),
    "jacobian": (um.jacobian(unp.sin), _vector, lambda x: np.diag(np.cos(x))),
    "hessian": (um.hessian(_cubes), _vector, lambda x: np.diag(6 * x)),
    "hessian[vmap]": (um.hessian(lambda x: unp.sum(um.vmap(lambda t: t**3)(x))), _vector, lambda x: np.diag(6 * x)),
    "hessian[jit]": (_jitted(um.hessian(_cubes)), _vector, lambda x: np.diag(6 * x)),
    "hvp": (lambda x, y: um.hvp(_cubes, (x,), (y,)), _vectors, lambda x, y: ((3 * x**2,), (6 * x * y,))),
    "custom_vjp": (
        um.grad(lambda x, y: unp.sum(unp.multiply(_clipping()(x, y), y))), _vectors,
        lambda x, y: np.clip(np.cos(x) * y, -0.5, 0.5),
    ),
    "custom_vjp[vmap]": (
        um.vmap(um.grad(lambda x: _clipping()(x, 1.0))), _vector, lambda x: np.clip(np.cos(x), -0.5, 0.5),
    ),
    "custom_vjp[jit]": (
        _jitted(um.grad(lambda x: unp.sum(_clipping()(x, 1.0)))), _vector, lambda x: np.clip(np.cos(x), -0.5, 0.5),
    ),
    "custom_jvp": (
        lambda x, y: um.jvp(_doubling(), (x,), (y,)), _vectors, lambda x, y: (np.sin(x), 2 * np.cos(x) * y),
    ),
    "custom_jvp[grad]": (um.grad(_square_of_doubled), _vector, lambda x: 4 * np.sin(x) * np.cos(x)),
    "custom_jvp[hessian]": (
        um.hessian(_square_of_doubled), _vector, lambda x: np.diag(8 * np.cos(x) ** 2 - 4 * np.sin(x) ** 2),
    ),
    "custom_jvp[defjvps]": (
        um.grad(lambda x, y: unp.sum(_by_argument()(x, y)), (0, 1)), _vectors, lambda x, y: (3 * y, 0 * y),
    ),
    "closure_convert": (_converted, _vectors, lambda x, y: (np.cos(x) * y, [np.sin(x)])),
    "remat": (um.grad(um.remat(lambda x: unp.sum(unp.sin(unp.sin(x))))), _vector, _twice_sin),
    "remat[jit]": (_jitted(um.grad(um.remat(lambda x: unp.sum(unp.sin(unp.sin(x)))))), _vector, _twice_sin),
    "checkpoint": (
        um.grad(um.checkpoint(lambda x: unp.sum(unp.sin(unp.sin(x))), policy="dots_saveable")), _vector, _twice_sin,
    ),
    "checkpoint_name": (um.grad(um.remat(_named_inner, policy=_KEEP)), _vector, _twice_sin),
}  # fmt: skip

_FORWARD: dict[str, Row] = {
    "custom_vjp[forward]": (lambda x: _clipping()(x, 1.0), _vector, np.sin),
    "custom_jvp[forward]": (lambda x: _doubling()(x), _vector, np.sin),
    "remat[forward]": (um.remat(unp.sin), _vector, np.sin),
    "checkpoint_name[forward]": (lambda x: um.checkpoint_name(unp.sin(x), "a"), _vector, np.sin),
    "eval_shape": (_shapes, _matrix, lambda x: np.full(3, 2.0, np.float32)),
    "named_call": (lambda x: um.named_call(unp.sin, name="sine")(x), _vector, np.sin),
}

_BOUND = Bound(eps=32, why="chains of products, in another order on each engine")

CASES = (
    *(
        Case(f"transforms.{name}", fn, inputs, reference=reference, bound=_BOUND, needs=frozenset({has.GRAD}))
        for name, (fn, inputs, reference) in _ROWS.items()
    ),
    *(
        Case(f"transforms.{name}", fn, inputs, reference=reference, bound=_BOUND)
        for name, (fn, inputs, reference) in _FORWARD.items()
    ),
)
CASES = tuple(dataclasses.replace(case, widen=False) if case.target.endswith("eval_shape") else case for case in CASES)
