"""An optimizer as an object that holds its state and changes it."""

from __future__ import annotations

from typing import Any

from unimod.core.module import Module
from unimod.errors import DTypeError
from unimod.optim.base import Transformation
from unimod.optim.custom import custom


class Optimizer(Module):
    """A transformation whose ``update`` gives the new parameters, and changes the state of the object itself.

    It is a tree like every module: pass it to a jitted function and return it.

    Args:
        optimizer: a transformation; or an object with functions ``init(params)`` and
            ``update(updates, state, params)``, such as optax makes, for the arrays of that framework.

    Attributes:
        optimizer: the transformation, with its state: ``opt.optimizer[0].mu``, or ``opt[0].mu``.

    Raises:
        DTypeError: it is something else.

    Example:
        >>> import unimod as um
        >>> params = {"w": um.numpy.asarray(1.0)}
        >>> opt = um.Optimizer(um.optim.sgd(0.25)).init(params)
        >>> params = opt.update({"w": um.numpy.asarray(2.0)}, params)
        >>> float(params["w"])
        0.5
    """

    optimizer: Transformation

    def __init__(self, optimizer: Any) -> None:
        if not isinstance(optimizer, Transformation):
            if not (callable(getattr(optimizer, "init", None)) and callable(getattr(optimizer, "update", None))):
                raise DTypeError(
                    "Optimizer takes a transformation.",
                    got=repr(optimizer)[:80],
                    expected="what um.optim makes, such as um.optim.adam(1e-3)",
                )
            optimizer = custom(optimizer.init, optimizer.update)
        self.optimizer = optimizer

    def __getitem__(self, index: Any) -> Any:
        return self.optimizer[index]  # type: ignore[index]

    @property
    def opt_state(self) -> Any:
        """The state: the transformation with ``Nothing`` for all that is no state."""
        return self.optimizer.opt_states()

    def init(self, params: Any, *inputs: Any, **options: Any) -> Optimizer:  # type: ignore[override]
        """A copy whose state fits the parameters (of a module, the trainable ones)."""
        return Optimizer(self.optimizer.init(params))

    def update(  # type: ignore[override]
        self, grads: Any, params: Any = None, *, apply_updates: bool = True, donate: bool = False, **hyper: Any
    ) -> Any:
        """The parameters after one step; the state changes in place.

        Args:
            grads: gradients, with the structure of the parameters.
            params: the parameters, or the model that has them.
            apply_updates: whether the parameters are returned, or else what is to be added to them.
            donate: whether ``params`` are not used after the step, so that their memory and that of the state may be
                written into (:meth:`Transformation.step`); only with ``apply_updates``.
            hyper: values of options for this step alone, such as ``learning_rate=0.1``.

        Raises:
            TreeError: the structures differ.
            NotInitializedError: ``init`` has not been called.
        """
        if not apply_updates:
            result, self.optimizer = self.optimizer.update(grads, params, **hyper)
        else:
            result, self.optimizer = self.optimizer.step(params, grads, donate=donate, **hyper)
        return result
