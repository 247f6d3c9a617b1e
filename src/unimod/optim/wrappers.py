"""Transformations that wrap another one, and let it work in some steps only."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

import unimod.numpy as unp
from unimod.backends._protocol import Array, Engine
from unimod.core import walk
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.optim import _lists
from unimod.optim.base import Hyper, Stateful, Transformation, at_least, own_values, transformation_only
from unimod.optim.finite import are_finite, check_condition, choose, select_tree

W = TypeVar("W", bound="Wrapper")


class Wrapper(Stateful):
    """A transformation around another one.

    Attributes:
        inner: the wrapped transformation, with its state: ``opt.inner[0].mu``.
    """

    called: ClassVar[str] = "A wrapper"

    def __init__(self, inner: Transformation) -> None:
        super().__init__()
        transformation_only(self.called, inner)
        self.inner = inner

    def hyperparameters(self) -> Iterator[str]:
        """Those of the wrapped transformation."""
        return self.inner.hyperparameters()

    def first_state(self, engine: Engine, leaves: list[Any]) -> dict[str, Any]:
        """What the wrapper itself remembers, before the first step."""
        return {}

    def init_flat(self: W, engine: Engine, leaves: list[Any], structure: Child) -> W:
        """The wrapped transformation, and what the wrapper itself remembers."""
        new: W = walk.rebuilt(self)
        new.inner = self.inner.init_flat(engine, leaves, structure)
        new.structure, new.state = structure, self.first_state(engine, leaves)
        return new

    def attempt(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> tuple[list[Any], Transformation]:
        """The updates of the wrapped transformation and what it becomes; it stays as it is."""
        new = walk.rebuilt(self.inner)
        return new.update_flat(engine, grads, params, structure, own_values(new, hyper)), new


def zeros(engine: Engine, xs: list[Any]) -> list[Any]:
    """Zeros like these arrays."""
    return _lists.of(engine).zeros(xs)


class ApplyIfFinite(Wrapper):
    """See :func:`apply_if_finite`."""

    called = "apply_if_finite"
    max_consecutive_errors: int = static()

    def __init__(self, inner: Transformation, max_consecutive_errors: int) -> None:
        super().__init__(inner)
        self.max_consecutive_errors = max_consecutive_errors

    def first_state(self, engine: Engine, leaves: list[Any]) -> dict[str, Any]:
        """Counters at 0."""
        count = _lists.of(engine).count(leaves)
        return {"notfinite_count": count, "last_finite": unp.equal(count, 0), "total_notfinite": unp.add(count, 0)}

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """The updates of the wrapped transformation, or zeros."""
        self.check_structure(grads, structure)
        is_finite, state = are_finite(grads), self.state
        is_bad = unp.astype(unp.logical_not(is_finite), "int32")
        count = unp.multiply(state["notfinite_count"] + 1, is_bad)
        is_taken = unp.logical_or(is_finite, unp.greater(count, self.max_consecutive_errors))
        nothing = zeros(engine, grads)
        # Refused gradients do not get into the wrapped transformation: derivatives would carry their NaN on.
        updates, new = self.attempt(engine, choose(is_taken, grads, nothing), params, structure, hyper)
        self.inner = select_tree(is_taken, new, self.inner)
        total = state["total_notfinite"] + is_bad
        self.state = {"notfinite_count": count, "last_finite": is_finite, "total_notfinite": total}
        return choose(is_taken, updates, nothing)


def apply_if_finite(inner: Transformation, max_consecutive_errors: int) -> ApplyIfFinite:
    """``inner``, but where a gradient is infinite or NaN: then the updates are 0, and its state stays as it is.

    Args:
        inner: the transformation to be wrapped.
        max_consecutive_errors: after so many refused steps in a row, the next one is taken whatever it is.

    State: ``notfinite_count`` (refused in a row), ``total_notfinite`` (int32 scalars) and ``last_finite`` (bool).

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.apply_if_finite(um.optim.adam(0.1), 5).init(x)
        >>> x, opt = opt.step(x, um.numpy.asarray(float("nan")))
        >>> float(x), int(opt.notfinite_count), int(opt.inner[0].count)
        (1.0, 1, 0)
    """
    at_least("apply_if_finite", "max_consecutive_errors", max_consecutive_errors, 0)
    return ApplyIfFinite(inner, max_consecutive_errors)


Condition = Callable[..., Any]


class Conditionally(Wrapper):
    """See :func:`conditionally_transform` and :func:`conditionally_mask`."""

    called = "conditionally_transform"
    should_transform_fn: Condition = static()
    is_masking: bool = static()
    forward_extra_args: bool = static()

    def __init__(
        self, inner: Transformation, should_transform_fn: Condition, is_masking: bool, forward_extra_args: bool
    ) -> None:
        super().__init__(inner)
        self.should_transform_fn, self.is_masking = should_transform_fn, is_masking
        self.forward_extra_args = forward_extra_args

    def hyperparameters(self) -> Iterator[str]:
        """Those of the wrapped transformation, and the further arguments of the condition where they are passed on."""
        yield from self.inner.hyperparameters()
        if self.forward_extra_args:
            yield from _arguments_of(self.should_transform_fn)

    def first_state(self, engine: Engine, leaves: list[Any]) -> dict[str, Any]:
        """A counter at 0."""
        return {"step": _lists.of(engine).count(leaves)}

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """The updates of the wrapped transformation, or zeros, or the gradients."""
        self.check_structure(grads, structure)
        step: Array = self.state["step"]
        given = {name: hyper[name] for name in _arguments_of(self.should_transform_fn) if name in hyper}
        is_taken = self.should_transform_fn(step, **(given if self.forward_extra_args else {}))
        check_condition("should_transform_fn", is_taken)
        updates, new = self.attempt(engine, grads, params, structure, hyper)
        self.inner = select_tree(is_taken, new, self.inner)
        self.state = {"step": step + 1}
        return choose(is_taken, updates, zeros(engine, grads) if self.is_masking else grads)


def _arguments_of(condition: Condition) -> Iterator[str]:
    """The names of the arguments behind the step."""
    known = list(inspect.signature(condition).parameters.values())[1:]
    return (argument.name for argument in known if argument.kind not in (argument.VAR_KEYWORD, argument.VAR_POSITIONAL))


def conditionally_transform(
    inner: Transformation, should_transform_fn: Condition, forward_extra_args: bool = False
) -> Conditionally:
    """``inner`` in the steps for which a condition holds; in the others the updates pass as they are.

    Args:
        inner: the transformation to be wrapped.
        should_transform_fn: gets the step (an int32 scalar, 0-based) and gives a bool scalar.
        forward_extra_args: whether it also gets values of ``update``, those that are named like its further arguments.

    State: ``step`` (int32 scalar). In the other steps, that of ``inner`` stays as it is.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.conditionally_transform(um.optim.scale(10.0), lambda step: step > 0).init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x)
        ...     print(float(updates))
        1.0
        10.0
    """
    return Conditionally(inner, should_transform_fn, False, forward_extra_args)


def conditionally_mask(
    inner: Transformation, should_transform_fn: Condition, forward_extra_args: bool = False
) -> Conditionally:
    """``inner`` in the steps for which a condition holds; in the others the updates are 0.

    Arguments and state are those of :func:`conditionally_transform`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.conditionally_mask(um.optim.scale(10.0), lambda step: step > 0).init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x)
        ...     print(float(updates))
        0.0
        10.0
    """
    return Conditionally(inner, should_transform_fn, True, forward_extra_args)
