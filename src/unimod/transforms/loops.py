"""``while_loop`` and ``fori_loop``: loops with a condition, and over a range of integers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.dtypes import DType
from unimod.errors import DTypeError, ShapeError
from unimod.transforms import _control, _lift, _steps
from unimod.transforms._scan import scan_target


def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    """Run ``value = body_fun(value)`` while ``cond_fun(value)`` is true.

    Mapped by ``vmap`` it runs until no example goes on; those that are done stay as they are. Derivatives are
    forward-mode only, since the number of steps is not known before.

    Args:
        cond_fun: gives a bool scalar of the value.
        body_fun: gives the next value, of the same structure, shapes and dtypes. A module (or a bound method) is an
            object: its states go from step to step, and are written back.
        init_val: the first value, a tree. A Python number takes the dtype that the body makes of it.

    Raises:
        TreeError: the body gives a value of another structure.
        ShapeError: or of another shape; or the condition is not a scalar.
        DTypeError: or of another dtype; or the condition is no bool.
        CapabilityError: the result is differentiated in reverse mode.

    Example:
        >>> import unimod as um
        >>> float(um.while_loop(lambda x: x < 100.0, lambda x: x * 2.0, 3.0))
        192.0
    """
    return _while_target(_lift.target_of(cond_fun), _lift.target_of(body_fun), init_val)


def _while_target(condition: _lift.Target, target: _lift.Target, init_val: Any) -> Any:
    step = _control.step_of(target)
    _lift.rehearse((condition.owner, init_val), lambda: _control.step_of(condition)(condition.owner, init_val))
    _lift.rehearse((target.owner, init_val), lambda: step(target.owner, init_val))
    carry = _control.Carry("while_loop", target, init_val, [])

    def body(owner: Any, value: Any, rest: list[Any]) -> tuple[Any, Any]:
        return step(owner, value), None

    def goes_on(owner: Any, value: Any, rest: list[Any]) -> tuple[Any, Any]:
        # Where the condition is of the same module as the body, it sees the states of this step.
        module = owner if condition.owner is target.owner else condition.owner
        return value, _bool(_control.step_of(condition)(module, value), condition.name)

    carry.settle_numbers(carry.trial(body), [])
    count, asked = len(carry.moving), carry.body(goes_on)

    def question(leaves: list[Any]) -> tuple[list[Any], Any]:
        arrays, packed = asked(leaves)
        return arrays[count:], packed

    run: Any = getattr(carry.engine.control, "while_loop", _steps.while_loop)
    return carry.finish(run(question, carry.body(body), carry.arrays))


def _bool(value: Any, name: str) -> Any:
    if not isinstance(value, bool) and not config.is_array(value):
        raise DTypeError(
            f"{name} was to return a bool scalar, for while_loop.", got=config.describe_value(value), expected="bool[]"
        )
    if not isinstance(value, bool) and tuple(value.shape) != ():
        raise ShapeError(
            f"{name} was to return a bool scalar, for while_loop.",
            got=config.short(value),
            expected="bool[]",
            fix="reduce it with um.numpy.any or um.numpy.all",
        )
    if not isinstance(value, bool) and config.dtype_of(value) != "bool":
        raise DTypeError(
            f"{name} was to return a bool scalar, for while_loop.",
            got=config.short(value),
            expected="bool[]",
            fix="compare it: x != 0",
        )
    return value


def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any, *, unroll: int | bool = 1) -> Any:
    """Run ``value = body_fun(i, value)`` for ``i`` from ``lower`` to ``upper - 1``.

    With bounds that are Python ints it is a :func:`scan`, which can be differentiated in both modes; with arrays it is
    a :func:`while_loop`.

    Args:
        lower: the first ``i``, an int or an integer scalar.
        upper: the end; where it is not larger than ``lower`` the value is returned as it came.
        body_fun: gives the next value, of the same structure, shapes and dtypes; ``i`` is an int32 scalar.
        init_val: the first value, a tree.
        unroll: how many steps a compiler may write out in each turn of the loop, for ints; True: all.

    Raises:
        TreeError: the body gives a value of another structure.
        ShapeError: or of another shape.
        DTypeError: or of another dtype; or a bound is no integer.

    Example:
        >>> import unimod as um
        >>> float(um.fori_loop(0, 4, lambda i, x: x + i, 1.0))
        7.0
    """
    target = _lift.target_of(body_fun)
    call = _control.step_of(target)
    start, stop = (_bound(value, role, target.name) for value, role in ((lower, "lower"), (upper, "upper")))
    engine, _ = _lift.settle([*walk.flatten((target.owner, init_val))[0], *filter(config.is_array, (start, stop))])
    if isinstance(start, int) and isinstance(stop, int):
        step = _control.target_of_step(lambda owner, value, i: (call(owner, i, value), None), target.owner, target.name)
        return scan_target(step, init_val, _range(engine, start, stop), None, False, unroll)[0]
    first, end = (engine.arrays.astype(engine.arrays.asarray(value), "int32") for value in (start, stop))

    def body(owner: Any, value: Any) -> Any:
        return unp.add(value[0], 1), value[1], call(owner, value[0], value[2])

    goes_on = _lift.Target(lambda value: unp.less(value[0], value[1]), None, target.name)
    step = _control.target_of_step(body, target.owner, target.name)
    return _while_target(goes_on, step, (first, end, init_val))[2]


def _range(engine: Engine, start: int, stop: int) -> Any:
    return engine.arrays.arange(start, max(start, stop), 1, "int32")


def _bound(value: Any, role: str, name: str) -> Any:
    if config.is_array(value):
        if DType(config.dtype_of(value)).kind in ("int", "uint") and tuple(value.shape) == ():
            return value
    elif not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise DTypeError(
        f"fori_loop of {name} goes over integers.",
        got=f"{role} = {config.describe_value(value)}",
        expected="an int, or an integer scalar",
    )
