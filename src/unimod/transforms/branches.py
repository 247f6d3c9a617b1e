"""``cond`` and ``switch``: one of several functions, chosen by a value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine, FlatFn
from unimod.core import checking, paths, scope, tree, walk
from unimod.core.skeleton import Child, Skeleton
from unimod.dtypes import DType
from unimod.errors import DTypeError, OptionError, ShapeError, TreeError
from unimod.random import _ambient
from unimod.transforms import _lift, _steps


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """``true_fun(*operands)`` where ``pred`` is true, else ``false_fun(*operands)``; only one of them runs.

    Mapped by ``vmap`` over ``pred`` both run, and each example gets its own.

    Args:
        pred: a bool, or a bool or number scalar, which is true where it is not 0.
        true_fun: the one function.
        false_fun: the other, with a result of the same structure, shapes and dtypes.
        *operands: trees.

    Raises:
        TreeError: the functions give results of different structures; the message names the path.
        ShapeError: or of different shapes; or ``pred`` is not a scalar.
        DTypeError: or of different dtypes; or ``pred`` is no number.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(-2.0)
        >>> float(um.cond(x > 0, lambda x: x, lambda x: -x, x))
        2.0

    Differences: an engine that runs operations as they come (PyTorch, NumPy) sees the results of the function that it
    runs only, so that it cannot compare them.
    """
    _check_scalar(pred, "pred", "cond", ("bool", "int", "uint", "float"))
    if config.is_array(pred):
        pred = pred if config.dtype_of(pred) == "bool" else pred != 0
    return _chosen("cond", pred, (false_fun, true_fun), ("false_fun", "true_fun"), operands)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """``branches[index](*operands)``; only that function runs.

    Args:
        index: an int, or an integer scalar; it is clipped to the places that there are.
        branches: functions with results of the same structure, shapes and dtypes.
        *operands: trees.

    Raises:
        TreeError: the functions give results of different structures; the message names the path.
        ShapeError: or of different shapes; or the index is not a scalar.
        DTypeError: or of different dtypes; or the index is no integer.
        OptionError: there is no function.

    Example:
        >>> import unimod as um
        >>> branches = [lambda x: x, lambda x: x * 10, lambda x: x * 100]
        >>> [float(um.switch(i, branches, um.numpy.asarray(3.0))) for i in (0, 2, 7)]
        [3.0, 300.0, 300.0]

    Differences: as for :func:`cond`.
    """
    _check_scalar(index, "index", "switch", ("int", "uint"))
    functions = tuple(branches)
    if not functions:
        raise OptionError("switch got no functions to choose from.", expected="one or more", fix="pass branches")
    return _chosen("switch", index, functions, tuple(f"branches[{i}]" for i in range(len(functions))), operands)


def _check_scalar(value: Any, role: str, name: str, kinds: tuple[str, ...]) -> None:
    is_number = isinstance(value, bool) if "bool" in kinds else False
    is_number = is_number or (isinstance(value, (int, float)) and not isinstance(value, bool))
    if isinstance(value, float) and "float" not in kinds:
        is_number = False
    if not is_number and not config.is_array(value):
        raise DTypeError(f"{name} cannot choose by this.", got=f"{role} = {config.describe_value(value)}"[:100])
    if is_number:
        return
    if tuple(value.shape) != ():
        raise ShapeError(
            f"{name} chooses by a scalar.",
            got=f"{role} = {config.short(value)}",
            expected=f"{role} = {kinds[0]}[]",
            fix="reduce it, or use um.vmap for one choice for each example",
        )
    if DType(config.dtype_of(value)).kind not in kinds:
        raise DTypeError(
            f"{name} cannot choose by this.",
            got=f"{role} = {config.short(value)}",
            expected=f"one of {', '.join(kinds)}",
        )


def _chosen(
    name: str, index: Any, functions: tuple[Callable[..., Any], ...], roles: tuple[str, ...], operands: tuple[Any, ...]
) -> Any:
    for function in functions:
        _lift.rehearse((_lift.target_of(function).owner, operands), functools.partial(function, *operands))
    leaves, structure = walk.flatten(operands)
    choice = [index] if config.is_array(index) else []
    engine, leaves = _lift.settle([*leaves, *choice])
    if choice:
        index = leaves.pop()
    results = _Results(name, engine)
    branches = []
    for function, role in zip(functions, roles, strict=True):
        flat, passed, _ = _lift.only_arrays(_branch(name, function, role, structure, results), leaves)
        branches.append(flat)
    if not choice:
        index = engine.arrays.asarray(_place(index, len(branches)), "int32")
    choose: Any = getattr(engine.control, "switch", _steps.switch)
    arrays, packed = choose(index, branches, passed)
    return packed.unpack(arrays)


def _place(index: Any, count: int) -> int:
    return int(bool(index)) if isinstance(index, (bool, float)) else min(max(index, 0), count - 1)


def _branch(name: str, function: Callable[..., Any], role: str, structure: Child, results: _Results) -> FlatFn:
    target = _lift.target_of(function)
    watch, replay = _lift.StateWatch(f"{name} of {target.name}"), _ambient.Replay()
    checks = checking.kinds()

    def flat(leaves: list[Any]) -> tuple[list[Any], _lift.Packed]:
        with scope.enter(f"{name} of {target.name}"), replay, checking.ask_for(checks):
            values = walk.unflatten(structure, leaves)
            seen = watch.before(values, structure)
            result = target.fn(*values) if target.owner is None else target.fn(target.owner, *values)
            arrays, packed = _lift.pack(result, True)
            arrays = results.checked(role, arrays, packed)
            watch.after(seen, structure, arrays)
            return arrays, packed

    return flat


class _Results:
    """What the branches return, which has to be alike."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name, self.engine = name, engine
        self.first: tuple[str, _lift.Packed, list[tuple[tuple[int, ...], str]]] | None = None

    def checked(self, role: str, arrays: list[Any], packed: _lift.Packed) -> list[Any]:
        """The results of one branch, as arrays, compared with those of the branch that ran first."""
        made = [x if config.is_array(x) else self.engine.arrays.asarray(x) for x in arrays]
        made = _lift.to_engine(self.engine, made)
        found = [(tuple(x.shape), self.engine.arrays.dtype_name(x)) for x in made]
        if self.first is None:
            self.first = (role, packed, found)
        else:
            self._compare(role, packed, found)
        return made

    def _compare(self, role: str, packed: _lift.Packed, found: list[tuple[tuple[int, ...], str]]) -> None:
        assert self.first is not None
        first, expected, wanted = self.first
        if packed.structure is not expected.structure:
            where, got, want = tree.difference(packed.structure, expected.structure, "result")
            raise TreeError(
                f"The functions of {self.name} return different structures.",
                where=where,
                got=f"{got}, from {role}",
                expected=f"{want}, as from {first}",
                fix="return the same structure from all of them",
            )
        for index, (one, other) in enumerate(zip(found, wanted, strict=True)):
            if one != other:
                self._refuse(role, first, packed.structure, index, one, other)

    def _refuse(self, role: str, first: str, structure: Child, index: int, one: Any, other: Any) -> None:
        error = ShapeError if one[0] != other[0] else DTypeError
        raise error(
            f"The functions of {self.name} return arrays that differ.",
            where=paths.pretty("result", structure.slots[index].path if isinstance(structure, Skeleton) else ()),
            got=f"{DType(one[1]).short}{list(one[0])}, from {role}",
            expected=f"{DType(other[1]).short}{list(other[0])}, as from {first}",
            fix="return the same shapes and dtypes from all of them",
        )
