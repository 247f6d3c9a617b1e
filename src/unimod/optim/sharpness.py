"""Sharpness-aware minimization: gradients from where the loss is larger."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.core import tree, walk
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.errors import OptionError
from unimod.optim import _lists
from unimod.optim.base import Hyper, Transformation, at_least, own_values, transformation_only
from unimod.optim.finite import choose, select_tree
from unimod.optim.wrappers import Wrapper


class SharpnessAware(Wrapper):
    """See :func:`sam`; ``opt.inner`` is the outer optimizer, ``opt.adversary`` the other one."""

    called = "sam"
    sync_period: int = static()
    reset_state: bool = static()
    opaque_mode: bool = static()

    def __init__(
        self, optimizer: Transformation, adversary: Transformation, sync_period: int, reset_state: bool, opaque: bool
    ) -> None:
        super().__init__(optimizer)
        transformation_only("sam", adversary)
        self.adversary = adversary
        self.sync_period, self.reset_state, self.opaque_mode = sync_period, reset_state, opaque

    def hyperparameters(self) -> Iterator[str]:
        """Those of the outer optimizer, and the function of gradients where there is one."""
        return itertools.chain(self.inner.hyperparameters(), ("grad_fn",) if self.opaque_mode else ())

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> SharpnessAware:
        """Both optimizers, and the place to come back to."""
        new: SharpnessAware = super().init_flat(engine, leaves, structure)
        new.adversary = self.adversary.init_flat(engine, leaves, structure)
        return new

    def first_state(self, engine: Engine, leaves: list[Any]) -> dict[str, Any]:
        """A counter at 0, and a copy of the parameters where the steps of the adversary are seen."""
        state = {"steps_since_sync": _lists.of(engine).count(leaves)}
        return state if self.opaque_mode else {**state, "cache": [engine.arrays.copy(x) for x in leaves]}

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """A step of one of the two, or of both."""
        self.check_structure(grads, structure)
        if params is None:
            raise OptionError("sam needs the parameters.", fix="opt.update(grads, params), or opt.step(...)")
        run = self._opaque if self.opaque_mode else self._seen
        return run(engine, grads, params, structure, hyper)

    def _against(
        self, opponent: Transformation, engine: Engine, grads: list[Any], params: list[Any], structure: Child
    ) -> tuple[list[Any], Transformation]:
        """Steps up the slope, and what the adversary becomes."""
        new = walk.rebuilt(opponent)
        return _lists.of(engine).neg(new.update_flat(engine, grads, params, structure, {})), new

    def _seen(self, engine: Engine, grads: list[Any], params: list[Any], structure: Child, hyper: Hyper) -> list[Any]:
        lists, step = _lists.of(engine), self.state["steps_since_sync"]
        is_last = unp.equal(step, self.sync_period - 1)
        place = choose(unp.equal(step, 0), params, self.state["cache"])
        upwards, adversary = self._against(self.adversary, engine, grads, params, structure)
        updates, outer = self.attempt(engine, grads, place, structure, hyper)
        first = self.adversary.init_flat(engine, params, structure) if self.reset_state else self.adversary
        self.adversary = select_tree(is_last, first, adversary)
        self.inner = select_tree(is_last, outer, self.inner)
        self.state = {"steps_since_sync": unp.remainder(step + 1, self.sync_period), "cache": place}
        return choose(is_last, lists.add(lists.sub(place, params), updates), upwards)

    def _opaque(self, engine: Engine, grads: list[Any], params: list[Any], structure: Child, hyper: Hyper) -> list[Any]:
        if "grad_fn" not in hyper:
            raise OptionError(
                "sam in its opaque mode needs `grad_fn` beside the gradients.",
                fix="opt.step(params, grads, grad_fn=lambda params, i: ...) in each step",
            )
        adversary, place = self.adversary, params
        for number in range(self.sync_period - 1):
            upwards, adversary = self._against(adversary, engine, grads, place, structure)
            place = engine.optim.apply_updates(place, upwards)
            grads = tree._matching(hyper["grad_fn"](walk.unflatten(structure, place), number), structure)
        self.adversary = self.adversary.init_flat(engine, params, structure) if self.reset_state else adversary
        return self.inner.update_flat(engine, grads, params, structure, own_values(self.inner, hyper))


def sam(
    optimizer: Transformation,
    adv_optimizer: Transformation,
    *,
    sync_period: int = 2,
    reset_state: bool = True,
    opaque_mode: bool = False,
) -> SharpnessAware:
    """Steps by the gradients at a place where the loss is larger, so that wide valleys are found.

    The adversary climbs for ``sync_period - 1`` steps; then ``optimizer`` makes a step from where the climb began, by
    the gradients at its end. The usual adversary is ``um.optim.chain(um.optim.normalize(), um.optim.sgd(0.05))``.

    State: ``steps_since_sync`` (int32 scalar), ``cache``, where the climb began (like the parameters; not in the opaque
    mode), and those of the two optimizers, in ``inner`` and ``adversary``.

    Args:
        optimizer: makes the steps that stay.
        adv_optimizer: makes the steps of the climb, whose sign is changed.
        sync_period: after how many calls of ``step`` a step stays.
        reset_state: whether the adversary begins anew after that.
        opaque_mode: each call of ``step`` makes a whole climb, and asks for the gradients on the way: it needs
            ``grad_fn(params, i)`` in each step, the gradients of the i-th of them.

    Raises:
        OptionError: ``sync_period`` is less than 1, no parameters were passed, or no ``grad_fn`` in the opaque mode.

    Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2021.

    Differences: ``batch_axis_name`` of optax is not needed, as ``grad_fn`` can average its gradients itself.

    Example:
        >>> import unimod as um
        >>> climb = um.optim.chain(um.optim.normalize(), um.optim.sgd(0.5))
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.sam(um.optim.sgd(0.5), climb).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, x)
        ...     print([round(float(v), 4) for v in x])
        [3.3, 4.4]
        [1.35, 1.8]
    """
    at_least("sam", "sync_period", sync_period, 1)
    return SharpnessAware(optimizer, adv_optimizer, sync_period, reset_state, opaque_mode)
