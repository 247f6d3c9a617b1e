"""Averages over steps: of updates, and of parameters."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.errors import OptionError
from unimod.optim import _lists
from unimod.optim.base import Hyper, Transformation, at_least
from unimod.optim.finite import select_tree
from unimod.optim.primitive import Primitive
from unimod.optim.wrappers import Wrapper


def ema(decay: float, debias: bool = True, accumulator_dtype: str | None = None) -> Transformation:
    r"""A running mean of the updates.

    .. math:: e_t = d\,e_{t-1} + (1 - d)\,u_t, \qquad u' = e_t / (1 - d^t)

    Args:
        decay: :math:`d`.
        debias: whether the mean is divided by :math:`1 - d^t`.
        accumulator_dtype: of the mean; None: that of the parameters.

    State: ``count`` (int32 scalar) and ``ema`` (like the parameters).

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(2.0)
        >>> updates, opt = um.optim.ema(0.5).init(x).update(x)
        >>> float(updates), float(opt.ema)
        (2.0, 1.0)
    """
    return Primitive("ema", decay=decay, debias=debias, accumulator_dtype=accumulator_dtype)


class Lookahead(Wrapper):
    """See :func:`lookahead`."""

    called = "lookahead"
    sync_period: int = static()
    slow_step_size: float = static()
    reset_state: bool = static()

    def __init__(self, inner: Transformation, sync_period: int, slow_step_size: float, reset_state: bool) -> None:
        super().__init__(inner)
        self.sync_period, self.slow_step_size, self.reset_state = sync_period, slow_step_size, reset_state

    def hyperparameters(self) -> Iterator[str]:
        """Those of the fast optimizer, and the step of the slow parameters."""
        return itertools.chain(self.inner.hyperparameters(), ("slow_step_size",))

    def first_state(self, engine: Engine, leaves: list[Any]) -> dict[str, Any]:
        """The slow parameters are those that are there."""
        copies = [engine.arrays.copy(x) for x in leaves]
        return {"steps_since_sync": _lists.of(engine).count(leaves), "slow": copies}

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """A step of the fast parameters, and in every ``sync_period``-th one of the slow ones."""
        self.check_structure(grads, structure)
        if params is None:
            raise OptionError("lookahead needs the parameters.", fix="opt.update(grads, params), or opt.step(...)")
        lists, slow, step = _lists.of(engine), self.state["slow"], self.state["steps_since_sync"]
        size = hyper.get("slow_step_size", self.slow_step_size)
        updates, new = self.attempt(engine, grads, params, structure, hyper)
        is_synced = unp.equal(step, self.sync_period - 1)
        ahead = lists.sub(lists.add(params, updates), slow)
        now = unp.astype(is_synced, "float32")
        self.state = {
            "steps_since_sync": unp.remainder(step + 1, self.sync_period),
            "slow": lists.add(slow, lists.mul(lists.mul(ahead, size), now)),
        }
        first = self.inner.init_flat(engine, params, structure) if self.reset_state else new
        self.inner = select_tree(is_synced, first, new)
        return lists.sub(updates, lists.mul(lists.mul(ahead, 1 - size), now))


def lookahead(
    fast_optimizer: Transformation, sync_period: int, slow_step_size: float, reset_state: bool = False
) -> Lookahead:
    """An optimizer whose parameters are drawn back to slow ones in every ``sync_period``-th step.

    The parameters that are passed to ``step`` are the fast ones, of which gradients are taken; the slow ones, which
    generalize better, are a state: ``model.update(opt.slow)`` is the model with them.

    Args:
        fast_optimizer: makes the steps in between.
        sync_period: how many of them.
        slow_step_size: how far the slow parameters go towards the fast ones, which then become equal to them.
        reset_state: whether the fast optimizer begins anew after that.

    State: ``steps_since_sync`` (int32 scalar) and ``slow`` (like the parameters).

    Raises:
        OptionError: ``sync_period`` is less than 1, or no parameters were passed to ``update``.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray(1.0)
        >>> opt = um.optim.lookahead(um.optim.sgd(0.25), sync_period=2, slow_step_size=0.5).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, um.numpy.asarray(1.0))
        ...     print(float(x), float(opt.slow))
        0.75 1.0
        0.75 0.75

    Source: Zhang et al., "Lookahead Optimizer: k steps forward, 1 step back", 2019, algorithm 1.

    Differences: optax takes and gives pairs of fast and slow parameters.
    """
    at_least("lookahead", "sync_period", sync_period, 1)
    return Lookahead(fast_optimizer, sync_period, slow_step_size, reset_state)
