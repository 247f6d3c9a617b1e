"""An optimizer that keeps its state among the other entries, and says what it did."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from unimod.core import walk
from unimod.core.skeleton import Slot
from unimod.errors import DTypeError
from unimod.optim.apply import global_norm
from unimod.optim.base import Stateful, Transformation, added
from unimod.optim.optimizer import Optimizer as PlainOptimizer
from unimod.stateful import _entries, _names, _spread
from unimod.stateful._grad import grad
from unimod.stateful._module import Module, unscoped


class Optimizer(Module):
    """One step of training for each call: loss, gradients, new parameters, new state of the optimizer.

    The state stands below the path of the optimizer, by the names of the parameters, so that a step on some of them
    leaves what belongs to the others as it is.

    Args:
        make: a transformation of ``um.optim``, or what makes one, such as ``um.optim.adam``; on the engine of JAX also
            those of optax.
        args: for ``make``.
        options: for ``make``.

    Raises:
        DTypeError: ``make`` gives no transformation.

    Example:
        >>> import unimod as um
        >>> class Model(um.stateful.Module):
        ...     def __init__(self):
        ...         self.opt = um.stateful.Optimizer(um.optim.sgd, 0.5, name="opt")
        ...     def loss(self, x):
        ...         return um.numpy.sum((self.get("w", um.numpy.ones, (2,)) - x) ** 2)
        ...     def train(self, x):
        ...         return self.opt(f"{self.path}/w", self.loss, x)
        >>> model, x = Model(name="model"), um.numpy.zeros((2,))
        >>> state = um.stateful.init(model.train)({}, x, seed=0)
        >>> state, metrics = um.stateful.pure(model.train)(state, x)
        >>> {name: round(float(value), 4) for name, value in metrics.items()}
        {'loss': 2.0, 'grad_norm': 2.8284, 'update_norm': 1.4142, 'param_norm': 1.4142}
        >>> [float(v) for v in state["model/w"]]
        [0.0, 0.0]
    """

    def __init__(self, make: Any, *args: Any, **options: Any) -> None:
        is_made = isinstance(make, Transformation) or hasattr(make, "update")
        if is_made and (args or options):
            raise DTypeError("The optimizer has been made already.", where=self.path, got=f"{make!r} and options"[:100])
        self.transformation: Transformation = PlainOptimizer(make if is_made else make(*args, **options)).optimizer

    @unscoped  # names in a loss that is no method are those of the caller
    def __call__(self, keys: Any, loss: Any, *args: Any, has_aux: bool = False, **kwargs: Any) -> Any:
        """One step; gives a dict of scalars: ``loss``, and the norms of gradients, updates and old parameters.

        Args:
            keys: what to train, as for :func:`unimod.stateful.grad`; ``keys`` and ``loss`` may change places.
            loss: a stateful function that returns the loss.
            args: for ``loss``.
            has_aux: whether ``loss`` returns ``(loss, aux)``; the result is then ``(metrics, aux)``.
            kwargs: for ``loss``.
        """
        if inspect.isroutine(keys) or isinstance(keys, functools.partial):
            keys, loss = loss, keys
        value, params, grads, *aux = grad(loss, keys, has_aux=has_aux)(*args, **kwargs)
        updates, new = self.step(params, grads)
        _entries.putm("", new)
        norms = {"grad_norm": grads, "update_norm": updates, "param_norm": params}
        metrics = {"loss": value, **{name: global_norm(tree) for name, tree in norms.items()}}
        return (metrics, aux[0]) if has_aux else metrics

    def step(self, params: dict[str, Any], grads: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """``(updates, new parameters)`` for these gradients; the state moves on, the parameters are not written."""
        self._claim()
        opt, keys = self._open(params)
        leaves, structure = walk.flatten_node(opt)
        updates, opt = opt.update(grads, params)
        _spread.closed(self.path, opt, leaves, structure, keys)
        return updates, added(params, updates)

    def _open(self, params: dict[str, Any]) -> tuple[Any, list[str]]:
        template = self.transformation
        recipe = (walk.flatten_node(template)[1], _spread.signature(params))
        names = [slot.path for slot in walk.flatten(params)[1].slots]  # type: ignore[union-attr]
        return _spread.opened(self.path, recipe, lambda: template.init(params), functools.partial(_name, names))


def _name(params: list[Any], slot: Slot) -> str:
    """The name of an entry: where a state has a list for the parameters, by their names, not by their numbers."""
    inside = slot.path[len(slot.module_path) :]
    if slot.module is None or not issubclass(slot.module.type, Stateful) or inside[0] != "state":
        return _names.of_leaf(slot.path)
    name = _names.of_leaf((*slot.module_path, inside[1]))
    return "/".join([name, *map(str, params[inside[2]])]) if len(inside) == 3 else name  # type: ignore[call-overload]


def from_optax(make: Callable[..., Any]) -> Callable[..., Optimizer]:
    """What makes an :class:`Optimizer`: ``Adam = FromOptax(optax.adam)``, or of a function of ``um.optim``.

    Example:
        >>> import unimod as um
        >>> Adam = um.stateful.FromOptax(um.optim.adam)
        >>> Adam(1e-3, name="opt")
        Optimizer(name='opt')
    """
    return functools.partial(Optimizer, make)
