"""The ways to call one function: as it is, jitted, mapped, differentiated, and differentiated by finite differences.

A function here takes positional trees of arrays. Modules among them are values: each call works on copies, and gives
back the changed copies beside the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import config
from unimod.backends import _capabilities as has
from unimod.core import tree
from unimod.core.module import Module, update
from unimod.dtypes import DType
from unimod.transforms import grad, jit, vmap

Fn = Callable[..., Any]
Args = tuple[Any, ...]

COMPILER = "graph"
"""What the torch engine does with a trace: run the graph as it is. Compiling it takes seconds for each function."""


def plain(fn: Fn, args: Args) -> dict[str, Any]:
    """The result, and the modules among the arguments after the call."""
    args = tree.map(lambda leaf: leaf, args)
    return {"result": fn(*args), "modules": _modules(args)}


def jitted(fn: Fn, args: Args) -> dict[str, Any]:
    """:func:`plain`, jitted; called twice, of which the second call must not trace again."""
    compiled = jit(lambda *inner: {"result": fn(*inner), "modules": _modules(inner)}, compiler=COMPILER)
    compiled(*args)
    result: dict[str, Any] = compiled(*args)
    if compiled.trace_count > 1:
        raise AssertionError(f"The second call was traced again. {compiled.explain()}")
    return result


def mapped(fn: Fn, args: Args, *, at_once: bool = False) -> Any:
    """The result mapped over the first axis of all arrays; modules are the same in each call."""
    call = vmap(fn, in_axes=tuple(None if isinstance(arg, Module) else 0 for arg in args))
    return (_as_one(call) if at_once else call)(*args)


def _as_one(fn: Fn) -> Fn:
    """``fn``, jitted on an engine that would otherwise compile every operation by itself, which takes longer."""
    able = config.default_engine().facts.CAPABILITIES
    return jit(fn, compiler=COMPILER) if has.JIT in able and has.EAGER not in able else fn


def stacked(fn: Fn, args: Args, size: int) -> Any:
    """What :func:`mapped` should give, by a loop."""
    calls = [
        fn(*(arg if isinstance(arg, Module) else tree.map(lambda x, i=i: x[i], arg) for arg in args))
        for i in range(size)
    ]
    return tree.map(lambda *leaves: unp.stack(leaves), calls[0], *calls[1:])


def gradients(fn: Fn, args: Args, places: Sequence[int], *, at_once: bool = False) -> Any:
    """The derivatives of a weighted sum of everything that ``fn`` returns, by the arguments at ``places``."""

    def loss(*inner: Any) -> Any:
        return weighted(fn(*inner)), _modules(inner)

    call = grad(loss, argnums=tuple(places), has_aux=True, allow_int=True)
    found, _ = (_as_one(call) if at_once else call)(*args)
    return found


def differences(fn: Fn, args: Args, places: Sequence[int], *, step: float = 1e-5) -> Any:
    """:func:`gradients` by central differences; the arguments are in float64.

    Their error is about ``step**2`` times the third derivative, and 1e-16 / ``step`` times the value: near 1e-10.
    """

    def loss(values: Any) -> float:
        inner = list(args)
        for place, value in zip(places, values, strict=True):
            inner[place] = update(args[place], value) if isinstance(args[place], Module) else value
        copies = tree.map(lambda leaf: leaf, tuple(inner))
        return float(weighted(fn(*copies)))

    chosen = tuple(arg.parameters() if isinstance(arg, Module) else arg for arg in (args[place] for place in places))
    leaves, structure = tree.flatten(chosen)
    slopes = [_slopes(loss, leaves, structure, index, step) for index in range(len(leaves))]
    return tree.unflatten(structure, slopes)


def _slopes(loss: Callable[[Any], float], leaves: list[Any], structure: Any, index: int, step: float) -> Any:
    center = np.array(leaves[index], np.float64)
    slopes = np.zeros_like(center)

    def at(position: tuple[int, ...], shift: float) -> float:
        moved = center.copy()
        moved[position] += shift
        return loss(tree.unflatten(structure, [*leaves[:index], moved, *leaves[index + 1 :]]))

    for position in np.ndindex(center.shape):
        slopes[position] = (at(position, step) - at(position, -step)) / (2 * step)
    return slopes


def weighted(result: Any) -> Any:
    """The sum of all floating-point numbers in a result, each with a weight of its own."""
    random = np.random.default_rng(5)
    floats = [leaf for leaf in tree.leaves(result) if is_float(leaf)]
    weights = [random.uniform(0.5, 1.5, tuple(leaf.shape)) for leaf in floats]
    pairs = zip(floats, weights, strict=True)
    terms = [unp.sum(unp.multiply(x, unp.asarray(w, dtype=config.dtype_of(x)))) for x, w in pairs]
    total = terms[0]
    for term in terms[1:]:
        total = unp.add(total, unp.astype(term, config.dtype_of(total)))
    return total


def is_float(leaf: Any) -> bool:
    """Whether a leaf is a real floating-point array."""
    return config.is_array(leaf) and DType(config.dtype_of(leaf)).kind == "float"


def _modules(args: Any) -> list[Any]:
    return [arg for arg in args if isinstance(arg, Module)]
