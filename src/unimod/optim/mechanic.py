"""Mechanic: the scale of another optimizer's steps, learned on the way."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array, Engine
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.errors import OptionError
from unimod.optim import _lists
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._means import following, select
from unimod.optim.base import Hyper, Transformation, at_least
from unimod.optim.wrappers import Wrapper

_TOTALS = ("r", "m", "v")


class Mechanize(Wrapper):
    """See :func:`mechanize`; ``opt.inner`` is the base optimizer."""

    called = "mechanize"
    options: Any = static()

    def __init__(self, inner: Transformation, weight_decay: float, eps: float, s_init: float, num_betas: int) -> None:
        super().__init__(inner)
        self.options = (weight_decay, eps, s_init, num_betas)

    def first_state(self, engine: Engine, leaves: list[Any]) -> dict[str, Any]:
        """Nothing won yet, with each decay."""
        _, _, s_init, count = self.options
        lists, dtype = _lists.of(engine), sizes.lowest_dtype(leaves)
        row = engine.arrays.full((count,), 0.0, dtype, lists.device(leaves))
        return {
            "count": lists.count(leaves),
            **dict.fromkeys(_TOTALS, row),
            "s": unp.full_like(row, s_init),
            "x0": [engine.arrays.copy(x) for x in leaves],
        }

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """From the first parameters by the sum of all steps, times the scale."""
        self.check_structure(grads, structure)
        if params is None:
            raise OptionError("mechanize needs the parameters.", fix="opt.update(grads, params), or opt.step(...)")
        lists, state = _lists.of(engine), self.state
        changes, self.inner = self.attempt(engine, grads, params, structure, hyper)
        is_first = unp.equal(state["count"], 0)
        start = select(is_first, params, state["x0"])
        weight_decay, eps, *_ = self.options
        scale = unp.sum(state["s"])
        share = unp.divide(sizes.norm(lists, grads), unp.add(sizes.norm(lists, params), eps))
        slopes = lists.add(grads, lists.mul(params, unp.multiply(unp.multiply(share, scale), weight_decay)))
        # Of the 0 in the first step the derivatives would be divided by eps, and cancel but for their rounding.
        before = select(is_first, lists.zeros(params), lists.div(lists.sub(start, params), unp.add(scale, eps)))
        scales = self._learned(sizes.inner(lists, slopes, before))
        self.state |= {"count": following(state["count"]), "x0": start}
        moved = lists.mul(lists.sub(before, changes), unp.sum(scales))
        updates: list[Any] = lists.sub(lists.sub(start, moved), params)
        return updates

    def _learned(self, gain: Array) -> Array:
        """The scale of each decay, after a step that would have won so much; remembers."""
        _, eps, s_init, count = self.options
        r, m, v, s = (self.state[name] for name in (*_TOTALS, "s"))
        gain = unp.astype(gain, str(config.dtype_of(s)))
        decays = unp.stack([unp.full_like(gain, 1.0 - 0.1**i) for i in range(1, count + 1)])
        clipped = unp.minimum(unp.maximum(unp.multiply(unp.ones_like(m), gain), unp.negative(m)), m)
        r = unp.add(unp.multiply(decays, r), unp.multiply(clipped, s))
        m = unp.maximum(unp.multiply(decays, m), unp.add(unp.abs(gain), eps))
        v = unp.add(unp.multiply(unp.square(decays), v), unp.square(gain))
        wealth = unp.add(unp.multiply(m, s_init / count), unp.maximum(r, 0.0))
        s = unp.divide(wealth, unp.add(sizes.root(v), eps))
        self.state |= {"r": r, "m": m, "v": v, "s": s}
        return s


def mechanize(
    base_optimizer: Transformation,
    *,
    weight_decay: float = 1e-2,
    eps: float = 1e-8,
    s_init: float = 1e-6,
    num_betas: int = 6,
) -> Mechanize:
    r"""An optimizer whose learning rate is found: the sum of its steps is multiplied by a scale that is learned.

    The parameters are :math:`x_t = x_0 + s_t \sum_i u_i` for the steps :math:`u_i` of the base optimizer, with a
    learning rate of 1 or a schedule up to it.

    State: ``count`` (int32 scalar), ``r``, ``m``, ``v`` and ``s`` (shape (num_betas,), in the narrowest dtype of the
    parameters), ``x0``, the first parameters, and that of the base optimizer in ``inner``.

    Args:
        base_optimizer: makes the steps.
        weight_decay: draws the parameters back where that wins, relative to the norm of the gradients.
        eps: added to what is divided by.
        s_init: the first scale.
        num_betas: how many decays are mixed: 0.9, 0.99, and so on.

    Raises:
        OptionError: there is not even one decay, or ``update`` is called without the parameters.

    Source: Cutkosky, Defazio and Mehta, "Mechanic: A Learning Rate Tuner", 2023.

    Differences: the scale is real; that of optax is complex where parameters are.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -1.0])
        >>> opt = um.optim.mechanize(um.optim.sgd(1.0), s_init=1e-2).init(x)
        >>> for _ in range(20):
        ...     x, opt = opt.step(x, x)
        >>> tuple(opt.s.shape), float(um.numpy.sum(opt.s)) > 1e-2
        ((6,), True)
    """
    at_least("mechanize", "num_betas", num_betas, 1)
    return Mechanize(base_optimizer, weight_decay, eps, s_init, num_betas)
