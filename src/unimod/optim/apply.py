"""One update of a model and its optimizer."""

from __future__ import annotations

from typing import Any, TypeVar

import unimod.numpy as unp
from unimod.core import tree
from unimod.core.module import Module
from unimod.optim.transformation import Transformation

M = TypeVar("M", bound=Module)
T = TypeVar("T", bound=Transformation)


def apply_gradients(model: M, opt: T, grads: Any, *, all_finite: Any = None, **hyper: Any) -> tuple[M, T]:
    """``(model, opt)`` after one step with these gradients.

    Args:
        model: the module whose trainable parameters are updated.
        opt: an optimizer, initialised with ``model.parameters()``.
        grads: gradients, as ``um.grad`` gives them.
        all_finite: a boolean scalar array; where it is False, model and optimizer stay as they are.
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
    """
    new_model, new_opt = opt.step(model, grads, **hyper)
    if all_finite is None:
        return new_model, new_opt
    keep = lambda new, old: old if new is old else unp.where(all_finite, new, old)  # noqa: E731
    return tree.map(keep, new_model, model), tree.map(keep, new_opt, opt)
