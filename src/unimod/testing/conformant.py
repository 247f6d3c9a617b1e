"""The comparison of a user's own function or model on several engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unimod import config
from unimod.backends import _capabilities as has
from unimod.backends import _registry
from unimod.core import tree
from unimod.core.module import Module
from unimod.core.move import to_backend
from unimod.errors import OptionError
from unimod.testing import _calls
from unimod.testing.assertions import assert_native, compare
from unimod.testing.bounds import Bound

RTOL, ATOL = 1e-5, 1e-6
"""What float32 is off by after a few layers whose numbers are near 1."""


def assert_conformant(
    fn: Callable[..., Any],
    *args: Any,
    rtol: float = RTOL,
    atol: float = ATOL,
    engines: Sequence[str] = ("jax", "torch"),
    check_grad: bool = True,
    check_jit: bool = True,
    check_vmap: bool = False,
    **kwargs: Any,
) -> None:
    """Check that a function or a model does the same on all engines.

    The arguments are made once, of any engine, and moved. Compared are the result, the states of modules after the
    call, the derivatives of a weighted sum of the result by all floating-point arguments and trainable parameters, and
    on each engine the jitted function with itself, and the mapped one with a loop; of these three what the engine
    declares to be able to do.

    Args:
        fn: a function on ``um.numpy`` and layers, or a module. One of another library (``um.functional_module``,
            ``um.TorchModule``, ...) runs on one engine; its jitted and mapped calls are compared with plain ones.
        args: arrays, numpy arrays, modules with values, and trees of these.
        rtol: allowed deviation, relative to the first engine.
        atol: allowed deviation beside that.
        engines: the engines to compare; two or more.
        check_grad: whether to compare derivatives.
        check_jit: whether to compare with the jitted function.
        check_vmap: whether to compare with the function mapped over the first axis of all array arguments.
        kwargs: keyword arguments of ``fn``, likewise moved.

    Raises:
        MismatchError: names the leaf, the engines, the deviation and the index where it is largest.
        OptionError: fewer than two engines are named.

    Example:
        >>> import numpy as np
        >>> import unimod as um
        >>> from unimod.testing import assert_conformant
        >>> model = um.nn.MLP([3, 4, 1]).init(0)
        >>> x = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
        >>> assert_conformant(model, x)
    """
    engines = getattr(fn, "_um_engines", engines)
    if len(set(engines)) < 2 and not hasattr(fn, "_um_engines"):
        raise OptionError(
            "There is nothing to compare.", got=f"engines = {tuple(engines)!r}", expected="two engines or more"
        )
    call, inputs = _as_function(fn, args, kwargs)
    bound = Bound(rtol=rtol, atol=atol)
    first: dict[str, tuple[str, Any]] = {}
    for engine in engines:
        found = _results(call, to_backend(inputs, engine), engine, check_grad and _can(engine, has.GRAD))
        for what, value in found.items():
            other, expected = first.setdefault(what, (engine, value))
            compare(value, expected, bound, names=(f"The {what} of {engine}", f"that of {other}"))
    for engine in engines:
        moved = to_backend(inputs, engine)
        if check_jit and _can(engine, has.JIT):
            _check_jit(call, moved, engine, bound)
        if check_vmap and _can(engine, has.VMAP):
            _check_vmap(call, moved, engine, bound)


def _can(engine: str, capability: str) -> bool:
    return capability in _registry.load(engine).facts.CAPABILITIES


def _as_function(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function of positional trees; a module to be called becomes the first of them."""
    count = len(args)
    if isinstance(fn, Module):
        return lambda model, *rest: model(*rest[:count], **rest[count]), (fn, *args, kwargs)
    return lambda *rest: fn(*rest[:count], **rest[count]), (*args, kwargs)


def _results(call: Callable[..., Any], inputs: Any, engine: str, check_grad: bool) -> dict[str, Any]:
    with config.use_backend(engine):
        found = _calls.plain(call, inputs)
        assert_native(found, engine)
        places = [i for i, arg in enumerate(inputs) if any(map(_calls.is_float, tree.leaves(arg)))]
        results = {"result": found["result"], "state": found["modules"]}
        if check_grad and places and any(map(_calls.is_float, tree.leaves(found["result"]))):
            results["gradient"] = _calls.gradients(call, inputs, places)
        return results


def _check_jit(call: Callable[..., Any], inputs: Any, engine: str, bound: Bound) -> None:
    with config.use_backend(engine):
        found, expected = _calls.jitted(call, inputs), _calls.plain(call, inputs)
    assert_native(found, engine)
    compare(found, expected, bound, names=(f"The jitted function on {engine}", "the same without jit"))


def _check_vmap(call: Callable[..., Any], inputs: Any, engine: str, bound: Bound) -> None:
    sizes = [leaf.shape[0] for arg in inputs if not isinstance(arg, Module) for leaf in tree.leaves(arg)]
    with config.use_backend(engine):
        found, expected = _calls.mapped(call, inputs), _calls.stacked(call, inputs, min(sizes))
    compare(found, expected, bound, names=(f"The mapped function on {engine}", "a loop"))
