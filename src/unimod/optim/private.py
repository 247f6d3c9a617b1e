"""Gradients of single examples: clipped one by one, added up, and hidden in noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import unimod.numpy as unp
from unimod import config, random
from unimod.backends._protocol import Array, Engine
from unimod.core import paths, walk
from unimod.core.kinds import node, static
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import OptionError, ShapeError
from unimod.optim import _lists
from unimod.optim._formulas.clipping import root
from unimod.optim.base import Hyper, Rate, Stateful, at_least
from unimod.optim.chain import Chain, chain
from unimod.optim.primitive import Primitive
from unimod.optim.scheduled import ScaleByLearningRate


def per_example_global_norm_clip(grads: Any, l2_norm_clip: float) -> tuple[Any, Array]:
    """The sum over examples of their gradients, that of each example cut to a norm, all arrays taken together.

    Args:
        grads: gradients of single examples: a tree of arrays with the examples along the first axis, as ``um.vmap`` of
            ``um.grad`` gives them.
        l2_norm_clip: the largest norm of the gradient of an example.

    Returns:
        the sums, without the first axis, and the number of examples whose gradients were cut (an int32 scalar).

    Raises:
        ShapeError: the arrays have no first axis of one length.
        OptionError: ``l2_norm_clip`` is negative.

    Example:
        >>> import unimod as um
        >>> grads = {"w": um.numpy.asarray([[3.0, 4.0], [0.0, 0.5]])}
        >>> sums, num_clipped = um.optim.per_example_global_norm_clip(grads, 1.0)
        >>> [round(v, 4) for v in sums["w"].tolist()], int(num_clipped)
        ([0.6, 1.3], 1)

    Source: Abadi et al., "Deep Learning with Differential Privacy", 2016, algorithm 1.
    """
    at_least("per_example_global_norm_clip", "l2_norm_clip", l2_norm_clip, 0)
    leaves, structure = walk.flatten(grads)
    sums, number = clipped_sums(leaves, structure, l2_norm_clip)
    return walk.unflatten(structure, sums), number


def per_example_layer_norm_clip(grads: Any, global_l2_norm_clip: float, uniform: bool = True) -> tuple[Any, Any]:
    r"""The same, but each array by itself, cut to a share :math:`C_i` of the norm :math:`C`.

    .. math:: C_i = C \sqrt{1 / K} \quad \text{or} \quad C_i = C \sqrt{D_i / D}

    Args:
        grads: gradients of single examples, the examples along the first axis.
        global_l2_norm_clip: :math:`C`.
        uniform: whether each of the :math:`K` arrays has the same share, or else one by the number :math:`D_i` of its
            elements.

    Returns:
        the sums, without the first axis, and a tree of the numbers of examples whose gradients were cut.

    Example:
        >>> import unimod as um
        >>> grads = [um.numpy.asarray([[3.0, 4.0]]), um.numpy.asarray([0.5])]
        >>> sums, numbers = um.optim.per_example_layer_norm_clip(grads, 2.0**0.5)
        >>> [round(v, 4) for v in sums[0].tolist()], [int(number) for number in numbers]
        ([0.6, 0.8], [1, 0])

    Source: McMahan et al., "Learning Differentially Private Recurrent Language Models", 2018.
    """
    at_least("per_example_layer_norm_clip", "global_l2_norm_clip", global_l2_norm_clip, 0)
    leaves, structure = walk.flatten(grads)
    _check_examples(leaves, structure)
    sizes = [unp.size(leaf[0]) for leaf in leaves]
    shares = [1 / len(leaves) if uniform else size / sum(sizes) for size in sizes]
    pairs = [
        clipped_sums([leaf], None, global_l2_norm_clip * share**0.5) for leaf, share in zip(leaves, shares, strict=True)
    ]
    return walk.unflatten(structure, [pair[0][0] for pair in pairs]), walk.unflatten(structure, [p[1] for p in pairs])


def clipped_sums(leaves: list[Any], structure: Child | None, largest: Any) -> tuple[list[Any], Array]:
    """The sums over the first axis, and how many examples were cut."""
    _check_examples(leaves, structure)
    if not leaves:
        return [], unp.zeros((), dtype="int32")
    norm = root(_square_norms(leaves))
    is_there = unp.greater(norm, 0)
    ratio = unp.minimum(unp.divide(_like(largest, norm), unp.where(is_there, norm, unp.ones_like(norm))), 1.0)
    weights = unp.where(unp.logical_or(unp.logical_not(is_there), unp.isnan(ratio)), unp.ones_like(ratio), ratio)
    sums = [unp.tensordot(unp.astype(weights, config.dtype_of(leaf)), leaf, axes=1) for leaf in leaves]
    return sums, unp.astype(unp.sum(unp.astype(unp.less(weights, 1), "int32")), "int32")


def _square_norms(leaves: list[Any]) -> Array:
    """For each example the squared norm of its gradient."""
    total = None
    for leaf in leaves:
        square = unp.square(unp.abs(leaf))
        own = unp.sum(square, axis=tuple(range(1, len(square.shape)))) if len(square.shape) > 1 else square
        total = own if total is None else unp.add(total, own)
    return total


def _like(number: Any, x: Array) -> Any:
    return _lists.of(config.engine_of(x)).like(number, x)


def _check_examples(leaves: list[Any], structure: Child | None) -> None:
    lengths = [leaf.shape[0] if len(leaf.shape) else None for leaf in leaves]
    for index, length in enumerate(lengths):
        if length is None or length != lengths[0]:
            path = structure.slots[index].path if isinstance(structure, Skeleton) else ()
            raise ShapeError(
                "Gradients of single examples have the examples along their first axis.",
                where=paths.pretty("grads", path),
                got=config.describe_value(leaves[index]),
                expected="a first axis" if lengths[0] is None else f"a first axis of length {lengths[0]}",
                fix="um.vmap(um.grad(loss), in_axes=(None, 0))(model, examples)",
            )


class DifferentiallyPrivateAggregate(Stateful):
    """See :func:`differentially_private_aggregate`."""

    l2_norm_clip: float = static()
    noise_multiplier: float = static()
    seed: int | None = static()
    key: Any = node(None)

    def __init__(self, l2_norm_clip: float, noise_multiplier: float, key: Any, seed: int | None) -> None:
        super().__init__()
        self.l2_norm_clip, self.noise_multiplier = l2_norm_clip, noise_multiplier
        self.key, self.seed = key, seed

    def hyperparameters(self) -> Iterator[str]:
        """The norm and the noise."""
        return iter(("l2_norm_clip", "noise_multiplier"))

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> DifferentiallyPrivateAggregate:
        """The key."""
        new: DifferentiallyPrivateAggregate = walk.rebuilt(self)
        key = self.key if self.seed is None else random.key(self.seed, backend=engine.name)
        new.structure, new.state = structure, {"rng_key": key}
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """The mean of clipped gradients, and noise."""
        self.check_structure(grads, structure)
        largest = hyper.get("l2_norm_clip", self.l2_norm_clip)
        deviation = largest * hyper.get("noise_multiplier", self.noise_multiplier)
        sums, _ = clipped_sums(grads, structure, largest)
        new, *keys = random.split(self.state["rng_key"], len(grads) + 1)
        self.state = {"rng_key": new}
        noise = [
            random.normal(key, tuple(x.shape), dtype=str(config.dtype_of(x))) for key, x in zip(keys, sums, strict=True)
        ]
        lists, size = _lists.of(engine), grads[0].shape[0] if grads else 1
        noisy: list[Any] = lists.div(lists.add(sums, lists.mul(noise, deviation)), size)
        return noisy


def differentially_private_aggregate(
    l2_norm_clip: float, noise_multiplier: float, key: Any = None, *, seed: int | None = None
) -> DifferentiallyPrivateAggregate:
    r"""The mean of clipped gradients of single examples, with noise; the first part of a chain.

    .. math:: u = \frac{1}{B} \Big( \sum_i g_i \min(1, C / |g_i|) + \sigma C\, \xi \Big), \quad \xi \sim N(0, 1)

    Args:
        l2_norm_clip: the largest norm :math:`C` of the gradient of an example.
        noise_multiplier: the standard deviation :math:`\sigma` of the noise, as a multiple of that norm.
        key: for the noise, a key or a seed.
        seed: the same under another name.

    The gradients have the examples along their first axis, which the updates do not have. Do not wrap it in
    :class:`MultiSteps`.

    State: ``rng_key``. The noise is the same on every engine.

    Raises:
        OptionError: a negative norm or multiplier; both a key and a seed, or none.
        ShapeError: by ``update``: the gradients have no first axis of one length.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([0.0, 0.0])
        >>> opt = um.optim.differentially_private_aggregate(1.0, 0.0, seed=42).init(x)
        >>> updates, opt = opt.update(um.numpy.asarray([[3.0, 4.0], [0.0, 0.5]]))
        >>> [round(v, 4) for v in updates.tolist()]
        [0.3, 0.65]

    Source: Abadi et al., "Deep Learning with Differential Privacy", 2016, algorithm 1.
    """
    at_least("differentially_private_aggregate", "l2_norm_clip", l2_norm_clip, 0)
    at_least("differentially_private_aggregate", "noise_multiplier", noise_multiplier, 0)
    if (key is None) == (seed is None):
        raise OptionError(
            "differentially_private_aggregate needs a key or a seed, one of them.",
            got=f"key = {key!r}, seed = {seed!r}",
            expected="key = um.random.key(0), or seed = 0",
        )
    is_key = isinstance(key, random.Key)
    return DifferentiallyPrivateAggregate(
        l2_norm_clip, noise_multiplier, key if is_key else None, seed if key is None else None if is_key else key
    )


def dpsgd(
    learning_rate: Rate,
    l2_norm_clip: float,
    noise_multiplier: float,
    seed: int,
    momentum: float | None = None,
    nesterov: bool = False,
) -> Chain:
    """Differentially private gradient descent: :func:`differentially_private_aggregate`, then :func:`sgd`.

    Gradients are those of single examples, with the examples along their first axis.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([0.0, 0.0])
        >>> opt = um.optim.dpsgd(1.0, 1.0, 0.0, seed=0).init(x)
        >>> x, opt = opt.step(x, um.numpy.asarray([[3.0, 4.0], [0.0, 0.5]]))
        >>> [round(v, 4) for v in x.tolist()]
        [-0.3, -0.65]

    Source: Abadi et al., "Deep Learning with Differential Privacy", 2016, algorithm 1.
    """
    first = differentially_private_aggregate(l2_norm_clip, noise_multiplier, seed=seed)
    middle = [] if momentum is None else [Primitive("trace", decay=momentum, nesterov=nesterov)]
    return chain(first, *middle, ScaleByLearningRate(learning_rate))
