"""Updates of models and of trees of parameters."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.core import tree, walk
from unimod.core.module import Module
from unimod.optim import _lists, finite
from unimod.optim._formulas import clipping
from unimod.optim.base import Transformation, added, at_least
from unimod.optim.loss_scale import LossScale, NoOpLossScale
from unimod.transforms import _lift

M = TypeVar("M", bound=Module)
T = TypeVar("T", bound=Transformation)
S = TypeVar("S", bound=LossScale)


@overload
def apply_gradients(
    model: M,
    opt: T,
    grads: Any,
    *,
    all_finite: Any = None,
    loss_scale: None = None,
    donate: bool = False,
    **hyper: Any,
) -> tuple[M, T]: ...
@overload
def apply_gradients(
    model: M, opt: T, grads: Any, *, all_finite: Any = None, loss_scale: S, donate: bool = False, **hyper: Any
) -> tuple[M, T, S]: ...
def apply_gradients(
    model: M,
    opt: T,
    grads: Any,
    *,
    all_finite: Any = None,
    loss_scale: S | None = None,
    donate: bool = False,
    **hyper: Any,
) -> tuple[M, T] | tuple[M, T, S]:
    """``(model, opt)`` after one step with these gradients.

    Args:
        model: the module whose trainable parameters are updated.
        opt: an optimizer, initialised with ``model.parameters()``.
        grads: gradients, as ``um.grad`` gives them.
        all_finite: a boolean scalar array; where it is False, model and optimizer stay as they are.
        loss_scale: what the loss was scaled with; then the gradients are unscaled, ``all_finite`` is found by itself if
            it is not given, and the adjusted scale is returned as the third value.
        donate: whether ``model`` and ``opt`` are not used after the step, so that their memory may be written into
            (:meth:`Transformation.step`). Where that depends on ``all_finite``, the host waits for its value.
        hyper: hyperparameters for this step alone.

    Raises:
        TreeError: the gradients do not have the structure of the trainable parameters.

    Example:
        >>> import unimod as um
        >>> net = um.nn.Linear(2, 1).init(0)
        >>> opt = um.optim.sgd(0.1).init(net.parameters())
        >>> grads = um.grad(lambda net: um.numpy.sum(net(um.numpy.ones((1, 2)))))(net)
        >>> net, opt = um.apply_gradients(net, opt, grads)
        >>> [round(float(v), 4) for v in net.bias]
        [-0.1]

        With a loss scale:

        >>> scale = um.DynamicLossScale(2.0**15)
        >>> grads = um.grad(lambda net: scale.scale(um.numpy.sum(net(um.numpy.ones((1, 2))))))(net)
        >>> net, opt, scale = um.apply_gradients(net, opt, grads, loss_scale=scale)
        >>> [round(float(v), 4) for v in net.bias], int(scale.counter)
        ([-0.2], 1)
    """
    if loss_scale is not None:
        grads = loss_scale.unscale(grads)
        if all_finite is None and not isinstance(loss_scale, NoOpLossScale):
            all_finite = finite.all_finite(grads)
    new_model, new_opt = _stepped(model, opt, grads, all_finite, donate, hyper)
    if loss_scale is None:
        return new_model, new_opt
    return new_model, new_opt, loss_scale if all_finite is None else loss_scale.adjust(all_finite)


def _stepped(model: M, opt: T, grads: Any, all_finite: Any, donate: bool, hyper: dict[str, Any]) -> tuple[M, T]:
    if all_finite is None:
        return opt.step(model, grads, donate=donate, **hyper)
    finite.check_condition("apply_gradients", all_finite)
    if donate and config.engine_of(all_finite).arrays.is_concrete(all_finite) and bool(all_finite):
        return opt.step(model, grads, donate=True, **hyper)
    new_model, new_opt = opt.step(model, grads, **hyper)
    return tree.map(_keeping(all_finite), new_model, model), tree.map(_keeping(all_finite), new_opt, opt)


def _keeping(condition: Any) -> Any:
    return lambda new, old: old if new is old else unp.where(condition, new, old)


def apply_updates(params: Any, updates: Any) -> Any:
    """``params + updates``, in the dtypes of the parameters.

    Args:
        params: a tree of arrays, or of a module its parameters.
        updates: a tree of the same structure and shapes.

    Raises:
        TreeError, ShapeError: they are not.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0])
        >>> um.optim.apply_updates({"x": x}, {"x": -x / 2})["x"].tolist()
        [0.5, 1.0]
    """
    return added(params, updates)


def global_norm(updates: Any) -> Array:
    """The root of the sum of ``|x|**2`` over all leaves: a scalar of float32, or of float64 where a leaf has that.

    Its gradient at 0 is 0.

    Example:
        >>> import unimod as um
        >>> float(um.optim.global_norm({"a": um.numpy.asarray([3.0]), "b": um.numpy.asarray(4.0)}))
        5.0
    """
    engine, leaves = _lift.settle(walk.flatten(updates)[0])
    return clipping.global_norm(_lists.of(engine), leaves)


def incremental_update(new_tensors: Any, old_tensors: Any, step_size: Any) -> Any:
    """``step_size * new + (1 - step_size) * old``, leaf by leaf, in the dtypes of the old ones.

    Leaves that are not floating are those of ``new_tensors``.

    Raises:
        TreeError: the structures differ.

    Example:
        >>> import unimod as um
        >>> new, old = {"x": um.numpy.asarray(1.0)}, {"x": um.numpy.asarray(0.0)}
        >>> float(um.optim.incremental_update(new, old, 0.25)["x"])
        0.25

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.
    """
    leaves, structure = walk.flatten(new_tensors)
    engine, found = _lift.settle([*leaves, *tree._matching(old_tensors, structure)])
    lists, new, old = _lists.of(engine), found[: len(leaves)], found[len(leaves) :]
    places = [i for i, x in enumerate(old) if config.dtype_of(x).kind in ("float", "complex")]
    fresh, kept = [new[i] for i in places], [old[i] for i in places]
    mixed = lists.add(lists.mul(fresh, step_size), lists.mul(kept, 1 - step_size))
    for place, x in zip(places, mixed, strict=True):
        new[place] = unp.astype(x, config.dtype_of(old[place]))
    return walk.unflatten(structure, new)


def periodic_update(new_tensors: Any, old_tensors: Any, steps: Any, update_period: int) -> Any:
    """``new_tensors`` in every ``update_period``-th step (0-based), else ``old_tensors``.

    Args:
        new_tensors: a tree of arrays.
        old_tensors: a tree of the same structure.
        steps: the number of the step, an int or an int scalar.
        update_period: at least 1.

    Raises:
        TreeError: the structures differ.
        OptionError: ``update_period`` is less than 1.

    Example:
        >>> import unimod as um
        >>> new, old = um.numpy.asarray(1.0), um.numpy.asarray(0.0)
        >>> [float(um.optim.periodic_update(new, old, step, 2)) for step in range(3)]
        [1.0, 0.0, 1.0]

    Source: Mnih et al., "Human-level control through deep reinforcement learning", 2015.
    """
    at_least("periodic_update", "update_period", update_period, 1)
    return finite.select_tree(steps % update_period == 0, new_tensors, old_tensors)
