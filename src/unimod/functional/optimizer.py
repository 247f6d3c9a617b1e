"""Optimizers as objects without state: they take a state and return the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.core import walk
from unimod.core.kinds import OptState
from unimod.core.module import Module
from unimod.errors import DTypeError
from unimod.functional.parametrized import Parametrized
from unimod.optim.base import Transformation
from unimod.random import Key
from unimod.transforms.grad import value_and_grad
from unimod.transforms.jit import jit as _jit


class OptimizerState(Module):
    """Parameters in the middle of training: themselves, the state of the optimizer, and how many steps there were.

    Attributes:
        params: the parameters.
        optimizer: the transformation, with its state.
        step: int32[].
    """

    def __init__(self, params: Any, optimizer: Transformation, step: Any) -> None:
        self.params, self.optimizer = params, optimizer
        self.step: Any = OptState(step)


class Optimizer:
    """An optimizer whose state is passed in and out.

    Args:
        transformation: what ``um.optim`` makes; learning rates may be schedules.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dense, Optimizer, Sequential, ones
        >>> loss = Sequential([Dense(1, ones, ones), um.numpy.sum])
        >>> opt, x = Optimizer(um.optim.sgd(0.5)), um.numpy.ones((1, 2))
        >>> state = opt.init(loss.init_params(0, x))
        >>> state = opt.update(loss.apply, state, x)
        >>> opt.get_parameters(state).layers[0].bias.tolist(), int(opt.get_step(state))
        ([0.5], 1)
    """

    def __init__(self, transformation: Transformation) -> None:
        if not isinstance(transformation, Transformation):
            raise DTypeError(
                "Optimizer takes a transformation.",
                got=repr(transformation)[:80],
                expected="what um.optim makes",
                fix="Optimizer(um.optim.adam(1e-3))",
            )
        self.transformation = transformation
        self._jitted: dict[Any, Callable[..., Any]] = {}

    def __repr__(self) -> str:
        return f"Optimizer({self.transformation!r})"

    def init(self, params: Any) -> OptimizerState:
        """The state before the first step."""
        return OptimizerState(params, self.transformation.init(params), _zero(params))

    def update(self, loss: Any, state: OptimizerState, *inputs: Any, key: Key | None = None, jit: bool = False) -> Any:
        """The state after one step on the gradient of ``loss(params, *inputs)``.

        Args:
            loss: a function of parameters and inputs, such as ``net.apply`` or ``net``; then states of layers are kept.
            state: from :meth:`init` or the last step.
            inputs: of the loss.
            key: for ``random_key()``, if the loss is a parametrized function.
            jit: whether to run the whole step compiled.
        """
        return self.update_and_get_loss(loss, state, *inputs, key=key, jit=jit)[0]

    def update_and_get_loss(
        self, loss: Any, state: OptimizerState, *inputs: Any, key: Key | None = None, jit: bool = False
    ) -> tuple[OptimizerState, Any]:
        """``(state, loss)`` after one step; the loss is that before the step. Arguments as in :meth:`update`."""
        part = _part_of(loss)
        step = self._jitted.get(part if jit else None)
        if step is None:
            step = _step(part)
        if jit and part not in self._jitted:
            step = self._jitted[part] = _jit(step)
        return step(state, inputs, key)  # type: ignore[no-any-return]

    def update_from_gradients(self, grads: Any, state: OptimizerState) -> OptimizerState:
        """The state after one step on these gradients."""
        params, optimizer = state.optimizer.step(state.params, grads)
        return OptimizerState(params, optimizer, state.step + 1)

    def get_parameters(self, state: OptimizerState) -> Any:
        """The parameters of a state."""
        return state.params

    def get_step(self, state: OptimizerState) -> Any:
        """How many steps there were, int32[]."""
        return state.step


def _part_of(loss: Any) -> Any:
    """The parametrized function behind ``net.apply``; anything else as it is."""
    owner = getattr(loss, "__self__", None)
    return owner if isinstance(owner, Parametrized) else loss


def _step(loss: Any) -> Callable[..., Any]:
    def of_part(params: Any, inputs: Any, key: Any) -> Any:
        return loss.apply(params, *inputs, key=key, with_state=True)

    def of_function(params: Any, inputs: Any, key: Any) -> Any:
        return loss(params, *inputs), params

    function = of_part if isinstance(loss, Parametrized) else of_function

    def step(state: OptimizerState, inputs: Any, key: Any) -> tuple[OptimizerState, Any]:
        (value, params), grads = value_and_grad(function, has_aux=True)(state.params, inputs, key)
        params, optimizer = state.optimizer.step(params, grads)
        return OptimizerState(params, optimizer, state.step + 1), value

    return step


def _zero(params: Any) -> Any:
    return config.engine_of(*walk.flatten(params)[0]).arrays.asarray(0, dtype="int32")
