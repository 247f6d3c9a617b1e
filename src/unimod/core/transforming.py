"""Methods of modules as functions from modules to modules, for programs that are a series of such functions."""

from __future__ import annotations

from typing import Any, TypeVar

from unimod.core.filters import Filter
from unimod.core.module import Module

M = TypeVar("M", bound=Module)


def select_parameters(module: M, *filters: Filter) -> M:
    """``module.parameters(*filters)``: what is trained.

    Example:
        >>> import unimod as um
        >>> um.select_parameters(um.nn.BatchNorm(2).init(0)).mean
        Nothing
    """
    return module.parameters(*filters)


def select_states(module: M, *filters: Filter) -> M:
    """``module.states(*filters)``.

    Example:
        >>> import unimod as um
        >>> um.select_states(um.nn.BatchNorm(2).init(0)).scale
        Nothing
    """
    return module.states(*filters)


def update_parameters(module: M, params: Any) -> M:
    """The module with the trainable parameters of another one of its structure; states of that one are left out.

    Example:
        >>> import unimod as um
        >>> one, other = um.nn.Linear(2, 1).init(0), um.nn.Linear(2, 1).init(1)
        >>> um.update_parameters(one, other).kernel is other.kernel
        True
    """
    return module.update(params.parameters())


def update_states(module: M, states: Any) -> M:
    """The module with the states of another one of its structure; parameters of that one are left out.

    Example:
        >>> import unimod as um
        >>> one, other = um.nn.BatchNorm(2).init(0), um.nn.BatchNorm(2).init(1)
        >>> new = um.update_states(one, other)
        >>> new.mean is other.mean, new.scale is one.scale
        (True, True)
    """
    return module.update(states.states())


def enable_train_mode(module: M) -> M:
    """``module.train()``.

    Example:
        >>> import unimod as um
        >>> um.enable_train_mode(um.nn.Dropout(0.5).eval()).training
        True
    """
    return module.train()


def enable_eval_mode(module: M) -> M:
    """``module.eval()``.

    Example:
        >>> import unimod as um
        >>> um.enable_eval_mode(um.nn.Dropout(0.5)).training
        False
    """
    return module.eval()


def freeze_parameters(module: M) -> M:
    """``module.freeze()``.

    Example:
        >>> import unimod as um
        >>> um.freeze_parameters(um.nn.Linear(2, 1).init(0)).parameters().kernel
        Nothing
    """
    return module.freeze()


def unfreeze_parameters(module: M) -> M:
    """``module.unfreeze()``.

    Example:
        >>> import unimod as um
        >>> um.unfreeze_parameters(um.nn.Linear(2, 1).init(0).freeze()).frozen
        False
    """
    return module.unfreeze()
