"""Derivatives that an engine needs not have, written with ``value_and_grad``; imported when one is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unimod.backends import _capabilities as has
from unimod.backends._protocol import Engine
from unimod.backends._terms import Array, FlatFn, Linear, Shape, SplitFn
from unimod.errors import CapabilityError


def vjp(
    engine: Engine, fn: SplitFn, leaves: list[Array], which: Sequence[int]
) -> tuple[list[Array], list[Array], Any, Linear]:
    """By the gradient of the product with the cotangents, which runs ``fn`` once more."""

    def along(cotangents: list[Array]) -> tuple[list[Array], Any, list[Array]]:
        def loss(inner: list[Array]) -> tuple[list[Array], Any]:
            outputs, aux, extra = fn(inner)
            return [_inner(engine, cotangents or outputs, outputs), *outputs, *aux], (extra, len(outputs))

        return engine.autodiff.value_and_grad(loss, leaves, which)

    (_, *found), (extra, count), _ = along([])
    return found[:count], found[count:], extra, lambda cotangents: along(cotangents)[2]


def jvp(
    engine: Engine, fn: SplitFn, leaves: list[Array], which: Sequence[int], tangents: list[Array]
) -> tuple[list[Array], list[Array], Any, list[Array]]:
    """By the transpose of the transpose."""
    outputs, aux, extra, push = linearize(engine, fn, leaves, which)
    return outputs, aux, extra, push(tangents)


def linearize(
    engine: Engine, fn: SplitFn, leaves: list[Array], which: Sequence[int]
) -> tuple[list[Array], list[Array], Any, Linear]:
    """By the transpose of the transpose."""
    outputs, aux, extra, pull = engine.autodiff.vjp(fn, leaves, which)
    zeros = [engine.arrays.zeros_like(x) for x in outputs]
    return outputs, aux, extra, engine.autodiff.vjp(lambda cts: (pull(cts), [], None), zeros, range(len(zeros)))[3]


def custom_vjp(
    engine: Engine, fn: FlatFn, forward: SplitFn, backward: Callable[..., Any], leaves: list[Array]
) -> tuple[list[Array], Any]:
    """The function itself, on an engine without derivatives."""
    return _without_rule(engine, fn, leaves)


def custom_jvp(engine: Engine, fn: FlatFn, rule: Callable[..., Any], leaves: list[Array]) -> tuple[list[Array], Any]:
    """The function itself, on an engine without derivatives."""
    return _without_rule(engine, fn, leaves)


def remat(engine: Engine, fn: FlatFn, leaves: list[Array], policy: Any, prevent_cse: bool) -> tuple[list[Array], Any]:
    """The function itself."""
    return fn(leaves)


def checkpoint_name(engine: Engine, x: Array, name: str) -> Array:
    """``x``."""
    return x


def eval_shape(engine: Engine, fn: FlatFn, specs: Sequence[tuple[Shape, str]]) -> tuple[list[tuple[Shape, str]], Any]:
    """By running the function on ones."""
    outputs, extra = fn([engine.arrays.full(shape, 1, dtype) for shape, dtype in specs])
    arrays = [engine.arrays.asarray(x) for x in outputs]
    return [(tuple(x.shape), engine.arrays.dtype_name(x)) for x in arrays], extra


def _inner(engine: Engine, cotangents: list[Array], outputs: list[Array]) -> Array:
    total = engine.arrays.zeros((), "float32")
    for cotangent, output in zip(cotangents, outputs, strict=True):
        product = engine.math.real(engine.math.multiply(engine.math.conj(cotangent), output))
        total = engine.math.add(total, engine.math.sum(product, None, False))
    return total


def _without_rule(engine: Engine, fn: FlatFn, leaves: list[Array]) -> tuple[list[Array], Any]:
    if has.GRAD in engine.facts.CAPABILITIES:
        raise CapabilityError(
            f"The {engine.name} engine cannot take derivatives from a rule.",
            got="a call of a function with custom_vjp or custom_jvp",
            expected="an engine that has these functions",
        )
    return fn(leaves)
