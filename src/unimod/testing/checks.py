"""The checks: what is asked of a row of the tables on one engine. Each returns the largest deviation, in bounds."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import config
from unimod.backends import _capabilities as has
from unimod.backends import _registry
from unimod.core import tree
from unimod.core.module import Module
from unimod.core.move import to_backend
from unimod.dtypes import DType
from unimod.testing import _calls
from unimod.testing.assertions import MismatchError, assert_native, compare, host
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import Case
from unimod.x64 import use_x64

MAPPED = 3
"""How many examples the check of vmap stacks."""

_WIDE_DTYPES = ("float64", "complex128", "int64", "uint64")
"""The dtypes that some frameworks make only when a switch is set."""

_DIFFERENCES = Bound(rtol=1e-7, atol=1e-8, why="central differences in float64 are about that near")

_WIDER = {"float": "float64", "complex": "complex128"}


def value(case: Case, engine: str, dtype: str) -> float:
    """Result and changed states: native, of the exact shapes and dtypes, and near the reference in float64."""
    with config.use_backend(engine):
        found = _calls.plain(*subject(case, engine, dtype))
    _assert_native(found, engine)
    expected, dtypes = reference(case, dtype)
    _check_dtypes(found, dtypes)
    return compare(found, expected, case.bound, check_dtype=False, names=(engine, "the reference in float64"))


def gradient(case: Case, engine: str, dtype: str) -> float:
    """Derivatives by the inputs and all parameters: near central differences of the reference in float64."""
    fn, args = subject(case, engine, dtype)
    with config.use_backend(engine):
        found = _calls.gradients(fn, args, places(case), at_once=case.jit)
    _assert_native(found, engine)
    expected = slopes(case, dtype)
    _check_dtypes(found, [dtype] * len(tree.leaves(expected)))
    bound = _DIFFERENCES if dtype == "float64" else case.gradient_bound
    return compare(found, expected, bound, check_dtype=False, names=(engine, "the central differences"))


def traced(case: Case, engine: str, dtype: str) -> float:
    """Jitted: the same as eagerly, of one trace."""
    fn, args = subject(case, engine, dtype)
    with config.use_backend(engine):
        found, expected = _calls.jitted(fn, args), _calls.plain(fn, args)
    _assert_native(found, engine)
    return compare(found, expected, case.jit_bound or case.bound, names=(f"{engine}, jitted,", f"{engine} without jit"))


def layout(case: Case, engine: str, dtype: str) -> float:
    """Inputs with their axes stored in reversed order, and stored backwards: the same results."""
    fn, args = subject(case, engine, dtype)
    share = 0.0
    with config.use_backend(engine):
        expected = _calls.plain(fn, args)
        for stored in (_axes_reversed, _backwards):
            found = _calls.plain(fn, tree.map(stored, args))
            share = max(share, compare(found, expected, case.bound, names=(f"{engine}, {stored.__name__},", engine)))
    return share


def mapped(case: Case, engine: str, dtype: str) -> float:
    """Mapped over several examples: the same as these one by one. Layers are in evaluation mode."""
    examples = [subject(case, engine, dtype, index) for index in range(MAPPED)]
    fn, args = examples[0]
    columns = list(zip(*(args for _, args in examples), strict=True))
    with config.use_backend(engine):
        args = tuple(
            column[0].eval() if isinstance(column[0], Module) else _stack(column, engine) for column in columns
        )
        found, expected = _calls.mapped(fn, args, at_once=case.jit), _calls.stacked(fn, args, MAPPED)
    _assert_native(found, engine)
    bound = (case.jit and case.jit_bound) or case.bound
    return compare(found, expected, bound, names=(f"{engine}, mapped,", f"{engine} one by one"))


def evaluation(case: Case, engine: str, dtype: str) -> float:
    """In evaluation mode: near the reference, and no leaf changed."""
    return _unchanging(case, engine, dtype, lambda model: model.eval())


def frozen(case: Case, engine: str, dtype: str) -> float:
    """Frozen: near the reference, no leaf changed, and nothing to differentiate by."""
    fn, (model, *inputs) = subject(case, engine, dtype)
    with config.use_backend(engine):
        leaves = (
            tree.leaves(_calls.gradients(fn, (model.freeze(), *inputs), [0], at_once=case.jit))
            if _has_float(case, model)
            else []
        )
    if leaves:
        raise MismatchError("A frozen layer has gradients.", got=f"{len(leaves)} of them", expected="none")
    return _unchanging(case, engine, dtype, lambda model: model.freeze())


def agreement(case: Case, engines: tuple[str, ...], dtype: str) -> float:
    """Two engines or more: each against the first, values, states and derivatives."""
    results = [_everything(case, engine, dtype) for engine in engines]
    share = 0.0
    for name, (values, grads) in zip(engines[1:], results[1:], strict=True):
        share = max(share, compare(values, results[0][0], case.bound, names=(name, engines[0])))
        share = max(
            share, compare(grads, results[0][1], case.gradient_bound, names=(f"the gradient of {name}", engines[0]))
        )
    return share


def _everything(case: Case, engine: str, dtype: str) -> tuple[Any, Any]:
    fn, args = subject(case, engine, dtype)
    with config.use_backend(engine):
        values = _calls.plain(fn, args)
        return values, _calls.gradients(fn, args, places(case), at_once=case.jit) if case.has_gradient else ()


def _unchanging(case: Case, engine: str, dtype: str, mode: Callable[[Any], Any]) -> float:
    fn, (model, *inputs) = subject(case, engine, dtype)
    model = mode(model)
    with config.use_backend(engine):
        found = _calls.plain(fn, (model, *inputs))
    compare(found["modules"], [model], EXACT, names=(f"The layer on {engine} after the call", "itself before"))
    fn, (model, *inputs) = subject(case, config.HOST, dtype)
    wide = _wide((mode(model), *inputs)) if case.widen else (mode(model), *inputs)
    with config.use_backend(config.HOST):
        expected = _calls.plain(fn, wide)["result"]
    return compare(found["result"], expected, case.bound, check_dtype=False, names=(engine, "the reference in float64"))


def _has_float(case: Case, model: Any) -> bool:
    return case.has_gradient and bool(tree.leaves(model.parameters()))


CHECKS: dict[str, tuple[Callable[[Case, str, str], float], frozenset[str]]] = {
    "value": (value, frozenset()),
    "gradient": (gradient, frozenset({has.GRAD})),
    "layout": (layout, frozenset({has.STRIDES})),
    "jit": (traced, frozenset({has.JIT})),
    "vmap": (mapped, frozenset({has.VMAP})),
    "eval": (evaluation, frozenset()),
    "frozen": (frozen, frozenset({has.GRAD})),
}
"""The checks of one engine by name, and the capabilities without which they do not apply."""


_TURNS = (("gradient", "jit", "vmap"), ("eval", "frozen"))


def rows(check: str, cases: tuple[Case, ...]) -> Iterator[tuple[Case, str]]:
    """The ``(case, dtype)`` that a check asks about.

    All dtypes for values, the first one and float64 for derivatives, the first one for the rest.
    """
    for case in cases:
        if _applies(check, case):
            yield from ((case, dtype) for dtype in _dtypes(check, case))


def _dtypes(check: str, case: Case) -> tuple[str, ...]:
    if check == "value":
        return case.dtypes
    wide = ("float64",) if check == "gradient" and "float64" in case.dtypes[1:] else ()
    return (*case.dtypes[:1], *wide)


def quick(case: Case, turn: int) -> tuple[str, ...]:
    """The checks of a case that a quick run makes: of those that take turns the one whose turn it is."""
    taken = [_one_of([check for check in group if _applies(check, case)], turn) for group in _TURNS]
    return ("value", "layout", *(check for checks in taken for check in checks))


def quick_dtypes(check: str, case: Case, turn: int) -> tuple[str, ...]:
    """The dtypes of a check that a quick run takes: the first, and one of the others in turn."""
    first, *others = _dtypes(check, case)
    return (first, *_one_of(others, turn))


def _one_of(names: Sequence[str], turn: int) -> tuple[str, ...]:
    return (names[turn % len(names)],) if names else ()


def allowing(dtype: str) -> contextlib.AbstractContextManager[None]:
    """A context in which every engine makes arrays of this dtype."""
    return use_x64() if dtype in _WIDE_DTYPES else contextlib.nullcontext()


def _applies(check: str, case: Case) -> bool:
    applies = {
        "value": True,
        "gradient": case.has_gradient,
        "layout": case.fn is not None and case.layout,
        "jit": case.jit,
        "vmap": case.vmap,
        "eval": case.module is not None,
        "frozen": case.module is not None,
        "agreement": case.widen and (case.has_gradient or case.module is not None),
    }
    return applies[check]


# What a case is about


def subject(case: Case, engine: str, dtype: str, index: int = 0) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function and its arguments on an engine; a layer is the first argument."""
    inputs = case.data(dtype, index)
    if case.module is None:
        assert case.fn is not None
        return case.fn, to_backend(inputs, engine)
    return _call, to_backend((layer(case, dtype), *inputs), engine)


def layer(case: Case, dtype: str) -> Any:
    """The layer of a case on the numpy engine; its floats are moved away from their first zeros and ones."""
    assert case.module is not None
    random = np.random.default_rng(3)
    model = case.module().init(0, *case.data(dtype), backend=config.HOST)

    def moved(leaf: Any) -> Any:
        return (leaf + random.uniform(0.1, 0.4, leaf.shape)).astype(leaf.dtype) if _calls.is_float(leaf) else leaf

    return model.map(moved)


def places(case: Case) -> tuple[int, ...]:
    """The arguments to differentiate by."""
    return case.wrt if case.module is None else (0, *(place + 1 for place in case.wrt))


@functools.cache
def _reference(case: Case, dtype: str) -> tuple[Any, list[str]]:
    fn, args = subject(case, config.HOST, dtype)
    with config.use_backend(config.HOST):
        narrow = _calls.plain(case.reference or fn, args)
        dtypes = [str(leaf.dtype.name) for leaf in map(host, tree.leaves(narrow)) if leaf is not None]
        return (_calls.plain(case.reference or fn, _wide(args)) if case.widen else narrow), dtypes


@functools.cache
def _slopes(case: Case, dtype: str) -> Any:
    fn, args = subject(case, config.HOST, dtype)
    with config.use_backend(config.HOST):
        return _calls.differences(case.reference or fn, _wide(args), places(case))


def reference(case: Case, dtype: str) -> tuple[Any, list[str]]:
    """What is expected, and the dtypes of the arrays in it; computed once."""
    return _reference(case, dtype)


def slopes(case: Case, dtype: str) -> Any:
    """The expected derivatives, in float64; computed once."""
    return _slopes(case, dtype)


def forget() -> None:
    """Forget what was computed once, where the numpy engine itself is not what it was."""
    _reference.cache_clear()
    _slopes.cache_clear()


def _wide(args: Any) -> Any:
    def widened(leaf: Any) -> Any:
        if not config.is_array(leaf):
            return leaf
        wider = _WIDER.get(DType(config.dtype_of(leaf)).kind)
        return leaf if wider is None else leaf.astype(wider)

    return tree.map(widened, args)


def _call(model: Any, *inputs: Any) -> Any:
    return model(*inputs)


def _axes_reversed(x: Any) -> Any:
    """The same array, of which the first axis lies closest in memory."""
    if not config.is_array(x):
        return x
    order = tuple(reversed(range(len(x.shape))))
    # Raveled, because a copy of its own keeps the order in memory on some engines.
    return unp.permute_dims(unp.reshape(unp.ravel(unp.permute_dims(x, order)), tuple(reversed(x.shape))), order)


def _backwards(x: Any) -> Any:
    """The same array, of which the last element comes first in memory, where the framework has such a view."""
    return unp.flip(unp.copy(unp.flip(x))) if config.is_array(x) else x


def _stack(column: tuple[Any, ...], engine: str) -> Any:
    arrays = _registry.load(engine).arrays
    return tree.map(lambda *leaves: arrays.stack(leaves, 0), column[0], *column[1:])


def _assert_native(found: Any, engine: str) -> None:
    if any(config.is_array(leaf) for leaf in tree.leaves(found)):
        assert_native(found, engine)


def _check_dtypes(found: Any, dtypes: list[str]) -> None:
    got = [str(config.dtype_of(leaf)) if config.is_array(leaf) else leaf.dtype.name for leaf in _numbers(found)]
    if got != dtypes:
        raise MismatchError("The dtypes of the results are not the expected ones.", got=str(got), expected=str(dtypes))


def _numbers(found: Any) -> list[Any]:
    leaves = [leaf if config.is_array(leaf) else host(leaf) for leaf in tree.leaves(found)]
    return [leaf for leaf in leaves if leaf is not None]
