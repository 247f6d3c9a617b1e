"""Sophia: momentum over an estimate of the diagonal of the Hessian, with small steps."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.dtypes import DType
from unimod.errors import OptionError
from unimod.optim import _lists
from unimod.optim._branches import where_needed
from unimod.optim._formulas._means import cast, corrected, following, mean
from unimod.optim.base import Hyper, Rate, Transformation, at_least, own_values
from unimod.optim.chain import Chain, chain
from unimod.optim.decay import add_decayed_weights
from unimod.optim.noisy import words
from unimod.optim.optimizers import scale_by_learning_rate
from unimod.optim.primitive import Primitive
from unimod.optim.wrappers import Wrapper
from unimod.random import Key


def hutchinson_estimator_diag_hessian(random_seed: int | Key = 0) -> Transformation:
    r"""Not a direction: an estimate of the diagonal of the Hessian in the place of the updates.

    For random signs :math:`r` it is :math:`r \odot H r`, whose mean is the diagonal. Each step needs the parameters and
    the loss as a function of them: ``opt.update(grads, params, obj_fn=lambda params: ...)``.

    State: ``key``.

    Args:
        random_seed: the first key, or its seed.

    Source: Hutchinson, "A Stochastic Estimator of the Trace of the Influence Matrix", 1990.

    Example:
        >>> import unimod as um
        >>> opt = um.optim.hutchinson_estimator_diag_hessian(3)
        >>> sorted(opt.hyperparameters())
        ['obj_fn']
    """
    return Primitive("hutchinson_estimator_diag_hessian", random_seed=words(random_seed))


class ScaleBySophia(Wrapper):
    """See :func:`scale_by_sophia`; ``opt.inner`` makes the estimates."""

    called = "sophia"
    options: Any = static()
    mu_dtype: Any = static()

    def __init__(self, inner: Transformation, mu_dtype: str | None, **options: Any) -> None:
        super().__init__(inner)
        self.mu_dtype, self.options = mu_dtype, tuple(options.items())

    def first_state(self, engine: Engine, leaves: list[Any]) -> dict[str, Any]:
        """No mean and no estimate yet."""
        lists = _lists.of(engine)
        return {
            "count": lists.count(leaves),
            "mu": cast(lists.zeros(leaves), self.mu_dtype),
            "nu": lists.zeros(leaves),
        }

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """A step by the last estimate; a new one every ``update_interval`` steps."""
        self.check_structure(grads, structure)
        if params is None:
            raise OptionError("sophia needs the parameters.", fix="opt.update(grads, params), or opt.step(...)")
        given, lists, count = dict(self.options), _lists.of(engine), self.state["count"]
        mu = mean(lists, self.state["mu"], grads, given["b1"])
        steps = _lists.of(engine).div(
            corrected(lists, mu, given["b1"], following(count)),
            lists.maximum(lists.mul(self.state["nu"], given["gamma"]), given["eps"]),
        )
        bound = given["clip_threshold"]
        nu = self._estimated(engine, grads, params, structure, hyper)
        self.state = {"count": following(count), "mu": cast(mu, self.mu_dtype), "nu": nu}
        return steps if bound is None else [unp.clip(x, -bound, bound) for x in steps]

    def _estimated(
        self, engine: Engine, grads: list[Any], params: list[Any], structure: Child, hyper: Hyper
    ) -> list[Any]:
        """The mean of the estimates, with a new one where it is time."""
        given, old, shape = dict(self.options), self.state["nu"], walk.flatten(self.inner)[1]

        def compute() -> list[Any]:
            new = walk.rebuilt(self.inner)
            diagonal = new.update_flat(engine, grads, params, structure, own_values(new, hyper))
            return [*mean(_lists.of(engine), old, diagonal, given["b2"]), *walk.flatten(new)[0]]

        is_time = unp.equal(unp.remainder(self.state["count"], given["update_interval"]), 0)
        found = where_needed(engine, is_time, compute, [*old, *walk.flatten(self.inner)[0]])
        self.inner = walk.unflatten(shape, found[len(old) :])
        return found[: len(old)]


_ESTIMATOR = hutchinson_estimator_diag_hessian()


def scale_by_sophia(
    *,
    b1: float = 0.965,
    b2: float = 0.99,
    eps: float = 1e-8,
    gamma: float = 0.01,
    clip_threshold: float | None = 1.0,
    update_interval: int = 10,
    hessian_diagonal_fn: Transformation = _ESTIMATOR,
    mu_dtype: Any = None,
) -> ScaleBySophia:
    r"""The direction of Sophia.

    .. math:: u = \mathrm{clip}\left(\frac{m_t / (1 - b_1^t)}{\max(\gamma h, \epsilon)}, \pm c\right)

    for the mean :math:`m` of gradients and the mean :math:`h` of estimates of the diagonal of the Hessian as it was
    before this step.

    State: ``count`` (int32 scalar), ``mu`` (in ``mu_dtype``) and ``nu`` (like the parameters), and that of the
    estimates in ``inner``.

    Args:
        b1: decay of the mean of gradients.
        b2: decay of the mean of estimates.
        eps: the least denominator.
        gamma: multiplies the estimates.
        clip_threshold: the largest step :math:`c`; None: steps are not cut.
        update_interval: in how many steps there is one estimate, the first in the first step.
        hessian_diagonal_fn: a transformation that gives estimates in the place of updates; what it needs is passed to
            each step, such as ``obj_fn`` to that of Hutchinson.
        mu_dtype: the dtype in which the mean of gradients is kept; None: that of the parameters.

    Raises:
        OptionError: ``update_interval`` is less than 1, or ``update`` is called without the parameters.

    Source: Liu et al., "Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training", 2023.

    Example:
        >>> import unimod as um
        >>> exact = um.optim.stateless(lambda grads, params: um.tree.map(lambda x: 0 * x + 50.0, grads))
        >>> x = um.numpy.asarray([1.0, -0.25])
        >>> opt = um.optim.scale_by_sophia(b2=0.0, hessian_diagonal_fn=exact).init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        ...     print([round(float(v), 3) for v in updates])
        [1.0, -1.0]
        [1.0, -0.5]
    """
    at_least("sophia", "update_interval", update_interval, 1)
    return ScaleBySophia(
        hessian_diagonal_fn,
        None if mu_dtype is None else str(DType(mu_dtype)),
        b1=b1,
        b2=b2,
        eps=eps,
        gamma=gamma,
        clip_threshold=clip_threshold,
        update_interval=update_interval,
    )


def sophia(
    learning_rate: Rate,
    *,
    b1: float = 0.965,
    b2: float = 0.99,
    eps: float = 1e-8,
    weight_decay: Rate = 1e-4,
    weight_decay_mask: Any = None,
    gamma: float = 0.01,
    clip_threshold: float | None = 1.0,
    update_interval: int = 10,
    hessian_diagonal_fn: Transformation = _ESTIMATOR,
    mu_dtype: Any = None,
) -> Chain:
    """Momentum over an estimate of the curvature: ``opt.step(params, grads, obj_fn=lambda params: loss)``.

    The parts: :func:`scale_by_sophia`, ``add_decayed_weights``, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule.
        b1: decay of the mean of gradients.
        b2: decay of the mean of estimates.
        eps: the least denominator.
        weight_decay: what part of the parameters is added to the direction.
        weight_decay_mask: which parameters decay.
        gamma: multiplies the estimates.
        clip_threshold: the largest step; None: steps are not cut.
        update_interval: in how many steps there is one estimate.
        hessian_diagonal_fn: a transformation that gives estimates in the place of updates.
        mu_dtype: the dtype in which the mean of gradients is kept.

    Source: Liu et al., "Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training", 2023.

    Example:
        >>> import unimod as um
        >>> exact = um.optim.stateless(lambda grads, params: um.tree.map(lambda x: 0 * x + 2.0, grads))
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.sophia(0.5, weight_decay=0.0, hessian_diagonal_fn=exact).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [0.5, -1.5]
    """
    direction = scale_by_sophia(
        b1=b1,
        b2=b2,
        eps=eps,
        gamma=gamma,
        clip_threshold=clip_threshold,
        update_interval=update_interval,
        hessian_diagonal_fn=hessian_diagonal_fn,
        mu_dtype=mu_dtype,
    )
    return chain(direction, add_decayed_weights(weight_decay, weight_decay_mask), scale_by_learning_rate(learning_rate))
