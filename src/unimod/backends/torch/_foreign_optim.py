"""torch's own optimizers and schedulers as functions: on clones of the parameters, with a state of their own."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from unimod.errors import CapabilityError, OptionError

Tensors = list[Tensor]
State = list[dict[str, Any]]
"""What an optimizer remembers of each parameter, by name."""
Evaluate = Callable[[Tensors], tuple[Any, Tensors]] | None


class ForeignOptimizer:
    """A class of optimizers with its options."""

    is_traceable = False

    def __init__(self, cls: type[torch.optim.Optimizer], options: dict[str, Any]) -> None:
        self.cls, self.options = cls, options

    def init(self, leaves: Tensors, rebuild: Any) -> State:
        """The first state."""
        params = _clones(leaves)
        return _state(self._optimizer(params, {}), params)

    def step(
        self, leaves: Tensors, grads: Tensors, state: State, rebuild: Any, hyper: dict[str, Any], evaluate: Evaluate
    ) -> tuple[Tensors, State]:
        """Parameters and state after one step."""
        params = _clones(leaves)
        if not params:
            return params, state
        optimizer = self._optimizer(params, hyper)
        for param, grad, own in zip(params, grads, state, strict=True):
            param.grad = grad.detach().clone()
            if own:
                optimizer.state[param] = copy.deepcopy(own)
        with torch.enable_grad():
            optimizer.step(*self._closure(params, evaluate))
        return [param.detach() for param in params], _state(optimizer, params)

    def update(self, leaves: Tensors, *rest: Any) -> tuple[Tensors, State]:
        """What is to be added to the parameters, and the state."""
        new, state = self.step(leaves, *rest)
        return [after - before.detach() for after, before in zip(new, leaves, strict=True)], state

    def _optimizer(self, params: Tensors, hyper: dict[str, Any]) -> torch.optim.Optimizer:
        known = [name for name in inspect.signature(self.cls).parameters if name != "params"]
        options = {**self.options, **{name: _number(value) for name, value in hyper.items()}}
        for name in options:
            if name not in known:
                raise OptionError(f"{self.cls.__name__} has no option {name!r}.", expected=", ".join(known))
        return self.cls(params or [torch.zeros(0)], **options)

    def _closure(self, params: Tensors, evaluate: Evaluate) -> tuple[Any, ...]:
        if evaluate is None:
            closure = inspect.signature(self.cls.step).parameters.get("closure")
            if closure is not None and closure.default is inspect.Parameter.empty:
                raise OptionError(
                    f"{self.cls.__name__} looks at several points in one step.",
                    fix="pass value_and_grad=um.value_and_grad(loss)",
                )
            return ()

        def closure_() -> Any:
            value, grads = evaluate([param.detach().clone() for param in params])
            for param, grad in zip(params, grads, strict=True):
                param.grad = grad.detach().clone()
            return value

        return (closure_,)


class ForeignSchedule:
    """The learning rates that a scheduler gives to an optimizer, one after the other."""

    is_traceable = False

    def __init__(self, cls: type[LRScheduler], options: dict[str, Any], initial_lr: float) -> None:
        # With a momentum, because some schedulers change that too.
        self.optimizer = torch.optim.SGD([torch.zeros(())], lr=initial_lr, momentum=0.9)
        self.scheduler = cls(self.optimizer, **options)
        self.values = [self._rate()]

    def __call__(self, step: int) -> float:
        """The rate of the optimizer after so many steps."""
        while len(self.values) <= step:
            self.optimizer.step()
            self.scheduler.step()
            self.values.append(self._rate())
        return self.values[step]

    def _rate(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])


def foreign(target: Any, options: dict[str, Any]) -> ForeignOptimizer | None:
    """A class of torch's optimizers; None for everything else."""
    is_own = isinstance(target, type) and issubclass(target, torch.optim.Optimizer)
    return ForeignOptimizer(target, options) if is_own else None


def foreign_schedule(target: Any, options: dict[str, Any], initial_lr: float) -> ForeignSchedule | None:
    """A class of torch's schedulers; None for everything else."""
    if not isinstance(target, type) or not issubclass(target, LRScheduler):
        return None
    if issubclass(target, ReduceLROnPlateau):
        raise CapabilityError(f"{target.__name__} needs a loss in each step, and is no function of the step.")
    return ForeignSchedule(target, options, initial_lr)


def _clones(leaves: Tensors) -> Tensors:
    return [leaf.detach().clone().requires_grad_() for leaf in leaves]


def _state(optimizer: torch.optim.Optimizer, params: Tensors) -> State:
    return [dict(optimizer.state[param]) if param in optimizer.state else {} for param in params]


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor) and value.ndim == 0 else value
