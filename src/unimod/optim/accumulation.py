"""Gradients of several small batches taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array, Engine
from unimod.core import walk
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.optim import _lists
from unimod.optim.base import Hyper, Transformation, at_least
from unimod.optim.finite import check_condition, choose, select_tree
from unimod.optim.primitive import Primitive
from unimod.optim.wrappers import Wrapper, zeros

ShouldSkip = Callable[..., tuple[Any, Any]]


class MultiSteps(Wrapper):
    """One step of an optimizer for every ``k`` gradients, of their mean; in between the updates are 0.

    Args:
        opt: the optimizer to be wrapped; its state changes in every ``k``-th step only.
        every_k_schedule: ``k``, or a function that gets the number of steps that the optimizer has made (an int32
            scalar) and gives ``k``.
        use_grad_mean: whether the optimizer gets the mean of the gradients, or else their sum.
        should_skip_update_fn: called with the gradients, the number of steps of the optimizer and the parameters (or
            None); gives a bool scalar, whether this gradient is left out, and a tree that is kept as ``skip_state``.
            Ready ones: :func:`skip_not_finite` and :func:`skip_large_updates`.
        accumulator_dtype: in which the gradients are added up; None: that of the parameters, but float32 for those of
            half precision.

    State: ``mini_step`` and ``gradient_step`` (int32 scalars), ``acc_grads`` (like the parameters), ``skip_state``.

    Raises:
        OptionError: ``every_k_schedule`` is less than 1.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.MultiSteps(um.optim.sgd(0.1), 2).init(x)
        >>> for grads in (1.0, 3.0):
        ...     x, opt = opt.step(x, um.numpy.asarray(grads))
        ...     print(round(float(x), 4), int(opt.gradient_step), bool(opt.has_updated()))
        1.0 0 False
        0.8 1 True

    Differences: optax adds up in float32 if not told otherwise, also gradients of float64.
    """

    called = "MultiSteps"
    every_k_schedule: Any = static()
    use_grad_mean: bool = static()
    should_skip_update_fn: Any = static()
    accumulator_dtype: Any = static()

    def __init__(
        self,
        opt: Transformation,
        every_k_schedule: int | Callable[[Any], Any],
        use_grad_mean: bool = True,
        should_skip_update_fn: ShouldSkip | None = None,
        accumulator_dtype: str | None = None,
    ) -> None:
        super().__init__(opt)
        at_least("MultiSteps", "every_k_schedule", every_k_schedule, 1)
        self.every_k_schedule, self.use_grad_mean = every_k_schedule, use_grad_mean
        self.should_skip_update_fn, self.accumulator_dtype = should_skip_update_fn, accumulator_dtype

    def has_updated(self) -> Array:
        """Whether the last step was one of the wrapped optimizer: a bool scalar."""
        return unp.logical_and(unp.equal(self.mini_step, 0), unp.greater(self.gradient_step, 0))

    def hyperparameters(self) -> Iterator[str]:
        """Those of the wrapped optimizer."""
        return self.inner.hyperparameters()

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> MultiSteps:
        """The wrapped optimizer, and sums of 0."""
        new = super().init_flat(engine, leaves, structure)
        nothing, count = zeros(engine, leaves), _lists.of(engine).count(leaves)
        sums = self._summands(engine, nothing)
        note = self._skipped(nothing, count, leaves, structure)[1]
        new.state = {"mini_step": count, "gradient_step": unp.add(count, 0), "acc_grads": sums, "skip_state": note}
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """Add up, and in every k-th step let the wrapped optimizer work."""
        self.check_structure(grads, structure)
        state, nothing = self.state, zeros(engine, grads)
        is_skipped, note = self._skipped(grads, state["gradient_step"], params, structure)
        is_used = unp.logical_not(is_skipped)
        every = self.every_k_schedule
        k = every(state["gradient_step"]) if callable(every) else every
        is_emitted = unp.logical_and(is_used, unp.greater_equal(state["mini_step"], k - 1))
        total = self._added(engine, choose(is_used, grads, nothing) if self.should_skip_update_fn else grads)
        whole = [_like(engine, x, g) for x, g in zip(total, grads, strict=True)]
        updates, new = self.attempt(engine, whole, params, structure, hyper)
        self.inner = select_tree(is_emitted, new, self.inner)
        self.state = {
            "mini_step": unp.where(is_emitted, 0, state["mini_step"] + unp.astype(is_used, "int32")),
            "gradient_step": state["gradient_step"] + unp.astype(is_emitted, "int32"),
            "acc_grads": choose(is_emitted, zeros(engine, total), choose(is_used, total, state["acc_grads"])),
            "skip_state": note,
        }
        return choose(is_emitted, updates, nothing)

    def _skipped(self, grads: list[Any], step: Array, params: list[Any] | None, structure: Child) -> tuple[Any, Any]:
        if self.should_skip_update_fn is None:
            return unp.not_equal(step, step), ()
        numbers = None if params is None else walk.unflatten(structure, params)
        is_skipped, note = self.should_skip_update_fn(walk.unflatten(structure, grads), step, numbers)
        check_condition("should_skip_update_fn", is_skipped)
        return is_skipped, note

    def _summands(self, engine: Engine, xs: list[Any]) -> list[Any]:
        """The gradients in the dtype in which they are added up."""
        return [engine.arrays.astype(x, _sum_dtype(x, self.accumulator_dtype)) for x in xs]

    def _added(self, engine: Engine, grads: list[Any]) -> list[Any]:
        lists, total = _lists.of(engine), self.state["acc_grads"]
        summands = self._summands(engine, grads)
        if self.use_grad_mean:
            summands = lists.div(lists.sub(summands, total), self.state["mini_step"] + 1)
        return lists.add(total, summands)


def _like(engine: Engine, x: Any, other: Any) -> Any:
    return engine.arrays.astype(x, str(config.dtype_of(other)))


def _sum_dtype(x: Any, chosen: str | None) -> str:
    own = str(config.dtype_of(x))
    if chosen is not None and not own.startswith("complex"):
        return str(chosen)
    return "float32" if own in ("float16", "bfloat16") else own


def skip_not_finite(updates: Any, gradient_step: Any, params: Any) -> tuple[Array, dict[str, Array]]:
    """For ``MultiSteps``: leave out gradients that are infinite or NaN.

    Returns:
        whether this gradient is left out, and ``{"should_skip": bool[], "num_not_finite": i32[]}``.

    Example:
        >>> import unimod as um
        >>> grads = {"a": um.numpy.asarray([1.0, float("inf"), float("nan")])}
        >>> should_skip, note = um.optim.skip_not_finite(grads, 0, None)
        >>> bool(should_skip), int(note["num_not_finite"])
        (True, 2)
    """
    bad = [unp.sum(unp.astype(unp.logical_not(unp.isfinite(x)), "int32")) for x in walk.flatten(updates)[0]]
    number = unp.astype(unp.sum(unp.stack(bad)), "int32") if bad else unp.zeros((), dtype="int32")
    should_skip = unp.greater(number, 0)
    return should_skip, {"should_skip": should_skip, "num_not_finite": number}


def skip_large_updates(
    updates: Any, gradient_step: Any, params: Any, max_squared_norm: float
) -> tuple[Array, dict[str, Array]]:
    """For ``MultiSteps``, with its last argument bound: leave out gradients whose squared norm is not below a bound.

    Returns:
        whether this gradient is left out (also where it is NaN), and ``{"should_skip": bool[], "norm_squared": f[]}``.

    Example:
        >>> import functools
        >>> import unimod as um
        >>> skip = functools.partial(um.optim.skip_large_updates, max_squared_norm=20.0)
        >>> should_skip, note = skip({"a": um.numpy.asarray([3.0, 4.0])}, 0, None)
        >>> bool(should_skip), float(note["norm_squared"])
        (True, 25.0)
    """
    leaves = walk.flatten(updates)[0]
    squares = [unp.sum(unp.square(unp.abs(x))) for x in leaves]
    norm = unp.sum(unp.stack(squares)) if squares else unp.zeros(())
    should_skip = unp.logical_not(unp.less(norm, max_squared_norm))
    return should_skip, {"should_skip": should_skip, "norm_squared": norm}


def apply_every(k: int = 1) -> Transformation:
    """The sum of ``k`` updates in every ``k``-th step, and 0 in the others.

    Unlike with :class:`MultiSteps`, what stands before it in a chain works in every step.

    State: ``count`` (int32 scalar) and ``grad_acc`` (like the parameters).

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.apply_every(2).init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x)
        ...     print(float(updates))
        0.0
        2.0
    """
    at_least("apply_every", "k", k, 1)
    return Primitive("apply_every", k=k)
