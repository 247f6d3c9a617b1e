"""A step of training, of a loss function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod.core import skeleton as sk
from unimod.core import walk
from unimod.core.module import Module
from unimod.errors import DTypeError, TreeError
from unimod.optim import apply_gradients
from unimod.transforms.grad import grad


def build_update_fn(loss_fn: Callable[..., Any], *, scan_mode: bool = False) -> Callable[..., Any]:
    """A function ``(model, opt, *inputs) -> (model, opt, aux)`` that takes one step on a loss.

    Args:
        loss_fn: function ``(model, *inputs) -> (loss, (aux, model))``, the model with its new state.
        scan_mode: give a function ``((model, opt), *inputs) -> ((model, opt), aux)``, the body of :func:`scan`.

    Raises:
        DTypeError: what ``loss_fn`` returned is not of this form.
        TreeError: the model that it returned has another structure.

    Example:
        >>> import unimod as um
        >>> def loss_fn(model, x, y):
        ...     loss = um.numpy.mean((model(x) - y) ** 2)
        ...     return loss, (loss, model)
        >>> update = um.jit(um.build_update_fn(loss_fn), compiler="graph")
        >>> model, x, y = um.nn.Linear(2, 1).init(0), um.numpy.ones((4, 2)), um.numpy.zeros((4, 1))
        >>> opt = um.optim.sgd(0.1).init(model.parameters())
        >>> model, opt, first = update(model, opt, x, y)
        >>> model, opt, second = update(model, opt, x, y)
        >>> bool(second < first)
        True
    """

    @functools.wraps(loss_fn)
    def checked(model: Any, *inputs: Any, **options: Any) -> Any:
        structure = _structure(model)
        result = loss_fn(model, *inputs, **options)
        _check(result, structure, getattr(loss_fn, "__qualname__", type(loss_fn).__name__))
        return result

    slopes = grad(checked, has_aux=True)

    def update(model: Any, opt: Any, *inputs: Any, **options: Any) -> tuple[Any, Any, Any]:
        grads, (aux, model) = slopes(model, *inputs, **options)
        return (*apply_gradients(model, opt, grads), aux)

    def scanned(both: tuple[Any, Any], *inputs: Any, **options: Any) -> tuple[tuple[Any, Any], Any]:
        model, opt, aux = update(*both, *inputs, **options)
        return (model, opt), aux

    return scanned if scan_mode else update


def _structure(model: Any) -> Any:
    structure = walk.flatten(model)[1]
    return sk.with_modes(structure, True, False) if isinstance(structure, sk.Skeleton) else structure


def _check(result: Any, structure: Any, name: str) -> None:
    is_pair = isinstance(result, tuple) and len(result) == 2
    if not (is_pair and isinstance(result[1], tuple) and len(result[1]) == 2 and isinstance(result[1][1], Module)):
        raise DTypeError(
            f"{name} returned something else than an update needs.",
            got=type(result).__name__ if not is_pair else f"(loss, {type(result[1]).__name__})",
            expected="(loss, (aux, model))",
            fix="return loss, (loss, model)",
        )
    if _structure(result[1][1]) is not structure:
        raise TreeError(
            f"{name} returned a model of another structure.",
            got=type(result[1][1]).__name__,
            expected="the model that it was given, with its new state",
            fix="return loss, (loss, model)",
        )
