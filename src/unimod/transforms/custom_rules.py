"""``custom_vjp`` and ``custom_jvp``: functions whose derivative is written by hand."""

from __future__ import annotations

import abc
import functools
import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import skeleton as sk
from unimod.core import tree, walk
from unimod.core.skeleton import Child
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, OptionError
from unimod.transforms import _lift
from unimod.transforms._matching import Match
from unimod.transforms._selection import holed


class _Ruled(abc.ABC):
    """What both kinds have in common: the function, and its arguments without those that are passed on as they are."""

    kind: str

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> None:
        self.target = _lift.target_of(fun)
        self.fun, self.nondiff = fun, tuple(nondiff_argnums)
        self.watch = _lift.StateWatch(self.target.name)
        functools.update_wrapper(self, fun)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``fun(*args, **kwargs)``; derivatives of this call are by the rule."""
        return self._run(_Arguments(self, args, kwargs))

    @abc.abstractmethod
    def _run(self, call: _Arguments) -> Any:
        """What a call gives, and how it is differentiated."""

    def _no_rule(self, method: str) -> OptionError:
        return OptionError(
            f"The {self.kind} of {self.target.name} has no rule.", fix=f"give it one with {self.target.name}.{method}"
        )


class _Arguments:
    """The arguments of one call; those to differentiate by as a list of arrays."""

    def __init__(self, ruled: _Ruled, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        args = _positional(ruled.fun, args, kwargs)
        places = [n % len(args) if -len(args) <= n < len(args) else n for n in ruled.nondiff]
        if any(place >= len(args) for place in places):
            raise OptionError(
                f"{ruled.target.name} has no argument of a number in nondiff_argnums.",
                got=f"{len(args)} arguments",
                expected=f"more than {max(places)}",
            )
        self.ruled, self.args = ruled, args
        self.places = [place for place in range(len(args)) if place not in places]
        self.fixed = [args[place] for place in places]
        leaves, self.structure = walk.flatten(tuple(args[place] for place in self.places))
        self.engine, leaves = _lift.settle(leaves)
        self.leaves = [self.engine.arrays.asarray(x) if type(x) in (float, complex) else x for x in leaves]

    def flat(self, fn: Callable[..., Any]) -> Callable[[list[Any]], Any]:
        """A function of the arrays, from one of the trees to differentiate by."""
        target = _lift.Target(lambda *args: fn(*args), None, self.ruled.target.name)
        return _lift.flat_function(
            target, walk.flatten((tuple(walk.unflatten(self.structure, list(self.leaves))), {}))[1], self.ruled.watch,
            are_numbers_arrays=False,
        )  # fmt: skip

    def arrays(self, flat: Callable[[list[Any]], Any]) -> tuple[Callable[[list[Any]], Any], list[Any]]:
        """``flat`` as a function of the arrays alone, and these."""
        function, arrays, _ = _lift.only_arrays(flat, self.leaves)
        return function, arrays

    def primal(self, *trees: Any) -> Any:
        """The function, of the trees to differentiate by."""
        full = list(self.args)
        for place, value in zip(self.places, trees, strict=True):
            full[place] = value
        return self.ruled.target.fn(*self._owner(), *full)

    def rule(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """A rule that takes what the function takes, of the trees to differentiate by."""

        def of_trees(*trees: Any) -> Any:
            full = list(self.args)
            for place, value in zip(self.places, trees, strict=True):
                full[place] = value
            return fn(*full)

        return of_trees

    def _owner(self) -> tuple[Any, ...]:
        return () if self.ruled.target.owner is None else (self.ruled.target.owner,)

    def per_leaf(self, values: Sequence[Any]) -> list[Any]:
        """Of one value for each array, one for each leaf; None for a leaf that is no array."""
        one = iter(values)
        return [next(one) if config.is_array(leaf) else None for leaf in self.leaves]

    def per_array(self, values: Sequence[Any]) -> list[Any]:
        """Of one value for each leaf, those of arrays."""
        return [value for leaf, value in zip(self.leaves, values, strict=True) if config.is_array(leaf)]


class _Result:
    """The structure of a result, and which of its leaves are floating-point arrays."""

    def __init__(self, packed: _lift.Packed, arrays: Sequence[Any], engine: Engine) -> None:
        self.packed, self.structure = packed, packed.structure
        others, one = {index for index, _ in packed.others}, iter(arrays)
        self.leaves = [None if i in others else next(one) for i in range(sk.count(self.structure))]
        self.mask = tuple(x is not None and is_inexact(engine.arrays.dtype_name(x)) for x in self.leaves)

    def tree(self, slopes: Sequence[Any]) -> Any:
        """The tree of what belongs to each array, with ``Nothing`` for what is not floating-point."""
        return walk.unflatten(holed(self.structure, self.mask), [slope for slope in slopes if slope is not None])


class custom_vjp(_Ruled):  # noqa: N801 - used as a decorator, like a function
    """A function with a rule for its derivative in reverse mode.

    Args:
        fun: the function, of trees.
        nondiff_argnums: places of arguments that are not differentiated and may be anything; ``bwd`` gets them first.

    Raises:
        OptionError: the function is called before :meth:`defvjp` gave it a rule.

    Example:
        >>> import unimod as um
        >>> @um.custom_vjp
        ... def clip_gradient(x, limit):
        ...     return x
        >>> clip_gradient.defvjp(
        ...     lambda x, limit: (x, limit),
        ...     lambda limit, slope: (um.numpy.clip(slope, -limit, limit), None),
        ... )
        >>> float(um.grad(lambda x: clip_gradient(x, 1.0) ** 2)(3.0))
        1.0

    Differences:
        For complex arrays cotangents are those of :func:`vjp`, the conjugates of JAX's.
    """

    kind = "custom_vjp"
    fwd: Callable[..., Any] | None = None
    bwd: Callable[..., Any] | None = None

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Set the rule.

        Args:
            fwd: takes what the function takes, and returns ``(result, residuals)``, trees.
            bwd: ``bwd(*nondiff, residuals, cotangent)`` returns a tuple with a cotangent for each argument that is
                differentiated: a tree like the argument, with ``Nothing`` or None for zeros. The given cotangent is a
                tree like the result, with ``Nothing`` for what is not floating-point.
        """
        self.fwd, self.bwd = fwd, bwd

    def _run(self, call: _Arguments) -> Any:
        if self.fwd is None or self.bwd is None:
            raise self._no_rule("defvjp(fwd, bwd)")
        function, arrays = call.arrays(call.flat(call.primal))
        forward, _ = call.arrays(call.flat(_checked_forward(self.target.name, call.rule(self.fwd))))
        cell: list[Any] = []

        def run(inner: list[Any]) -> Any:
            found, packed = forward(inner)
            result, residuals, split = _apart(found, packed)
            cell[:] = [_Result(result, found[: len(split)], call.engine), residuals]
            return found[: len(split)], found[len(split) :], result

        def pull(kept: list[Any], cotangents: list[Any]) -> list[Any]:
            result, residuals = cell
            found = self.bwd(*call.fixed, residuals.unpack(kept), result.tree(cotangents))  # type: ignore[misc]
            return call.per_array(_cotangents(call, found))

        outputs, packed = call.engine.autodiff.custom_vjp(function, run, pull, arrays)
        return packed.unpack(outputs)


class custom_jvp(_Ruled):  # noqa: N801 - used as a decorator, like a function
    """A function with a rule for its derivative in forward mode, which also serves in reverse mode.

    Args:
        fun: the function, of trees.
        nondiff_argnums: places of arguments that are not differentiated and may be anything; the rule gets them first.

    Raises:
        OptionError: the function is called before it has a rule.

    Example:
        >>> import unimod as um
        >>> @um.custom_jvp
        ... def safe_sqrt(x):
        ...     return um.numpy.sqrt(x)
        >>> @safe_sqrt.defjvp
        ... def safe_sqrt_jvp(primals, tangents):
        ...     y = safe_sqrt(*primals)
        ...     return y, tangents[0] / (2 * um.numpy.maximum(y, 0.5))
        >>> float(um.grad(safe_sqrt)(0.0)), float(um.grad(safe_sqrt)(4.0))
        (1.0, 0.25)
    """

    kind = "custom_jvp"
    rule: Callable[..., Any] | None = None

    def defjvp(self, jvp: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule.

        Args:
            jvp: ``jvp(*nondiff, primals, tangents)`` returns ``(result, tangent)``; the tangent is a tree like the
                result, linear in the tangents, with ``Nothing`` for what is not floating-point. Tangents have
                ``Nothing`` for arguments that are not.
        """
        self.rule = jvp
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Set a rule for each argument, ``jvp(tangent, result, *primals)``; None where the derivative is zero."""

        def rule(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
            result = self(*primals)
            pairs = zip(jvps, tangents, strict=True)
            parts = [jvp(tangent, result, *primals) for jvp, tangent in pairs if jvp is not None]
            return result, functools.reduce(tree.add, parts) if parts else None

        self.rule = rule

    def _run(self, call: _Arguments) -> Any:
        if self.rule is None:
            raise self._no_rule("defjvp(rule)")
        function, arrays = call.arrays(call.flat(call.primal))
        inputs = _Result(_lift.Packed(call.structure, ()), call.leaves, call.engine)

        def moved(inner: list[Any], tangents: list[Any]) -> Any:
            given = inputs.tree(call.per_leaf(tangents))

            def of_trees(*trees: Any) -> Any:
                return _checked_pair(self.target.name, self.rule(*call.fixed, trees, given))  # type: ignore[misc]

            found, packed = call.arrays(call.flat(of_trees))[0](inner)
            result, slopes, split = _apart(found, packed)
            shape = _Result(result, found[: len(split)], call.engine)
            return found[: len(split)], _tangents(call, shape, slopes.unpack(found[len(split) :])), result

        outputs, packed = call.engine.autodiff.custom_jvp(function, moved, arrays)
        return packed.unpack(outputs)


def _apart(arrays: list[Any], packed: _lift.Packed) -> tuple[_lift.Packed, _lift.Packed, list[Any]]:
    """A returned pair as what beside the arrays is in the first and in the second, and the arrays of the first."""
    structure = packed.structure
    first, second = structure.children  # type: ignore[union-attr]
    count = sk.count(first)
    one = tuple((index, value) for index, value in packed.others if index < count)
    other = tuple((index - count, value) for index, value in packed.others if index >= count)
    return _lift.Packed(first, one), _lift.Packed(second, other), arrays[: count - len(one)]


def _checked_forward(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *trees: _checked_pair(name, forward(*trees))


def _checked_pair(name: str, found: Any) -> tuple[Any, Any]:
    if not (isinstance(found, tuple) and len(found) == 2):
        raise DTypeError(
            f"The rule of {name} was to return a pair.",
            got=f"a tuple of {len(found)}" if isinstance(found, tuple) else f"a {type(found).__name__}",
            expected="(result, residuals) from fwd, or (result, tangent) from a jvp rule",
        )
    return found


def _cotangents(call: _Arguments, found: Any) -> list[Any]:
    """One cotangent, or None, for each leaf of the arguments."""
    name = call.ruled.target.name
    if not isinstance(found, tuple) or len(found) != len(call.places):
        raise DTypeError(
            f"bwd of {name} was to return a tuple with one cotangent for each argument.",
            got=f"a tuple of {len(found)}" if isinstance(found, tuple) else f"a {type(found).__name__}",
            expected=f"a tuple of {len(call.places)}",
        )
    match = Match("The cotangent that bwd returned", f"the argument of {name}", "cotangents")
    return _slopes(call.engine, match, call.structure, call.leaves, found)


def _tangents(call: _Arguments, result: _Result, found: Any) -> list[Any]:
    """One tangent for each array of the result, None for those that are not floating-point."""
    match = Match("The tangent that the rule returned", f"the result of {call.ruled.target.name}", "tangent")
    values = _slopes(call.engine, match, result.structure, result.leaves, found)
    zeros = call.engine.arrays.zeros_like
    return [
        (zeros(leaf) if value is None else value) if is_slope else None
        for leaf, value, is_slope in zip(result.leaves, values, result.mask, strict=True)
        if leaf is not None
    ]


def _slopes(engine: Engine, match: Match, structure: Child, leaves: Sequence[Any], found: Any) -> list[Any]:
    given = [
        value if config.is_array(leaf) and is_inexact(engine.arrays.dtype_name(leaf)) else None
        for leaf, value in zip(leaves, match.leaves(structure, found), strict=True)
    ]
    return match.arrays(engine, leaves, structure, given)


def _positional(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments by place, also those that were given by name or are left to their defaults."""
    try:
        bound = inspect.signature(fun).bind(*args, **kwargs)
    except ValueError:
        return args
    bound.apply_defaults()
    return (*bound.args, *bound.kwargs.values())
