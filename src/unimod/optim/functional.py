"""Optimizers of the frameworks as functions: classes of torch, transformations of optax, and those of ``um.optim``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from unimod import config, optim
from unimod.backends._protocol import Engine
from unimod.core import edit, scope, tree, walk
from unimod.core.skeleton import Child
from unimod.errors import CapabilityError, DTypeError, OptionError
from unimod.optim._foreign import engines, name_of
from unimod.optim.base import Transformation, trainable
from unimod.transforms import _lift

ValueAndGrad = Callable[[Any], tuple[Any, Any]]


class FunctionalOptimizer:
    """An optimizer of a framework as functions of parameters, gradients and state; :func:`functional_optimizer`.

    No function changes what it is given.
    """

    def __init__(self, target: Any, home: Engine, foreign: Any) -> None:
        self.target, self.home, self.foreign = target, home, foreign

    def __repr__(self) -> str:
        return f"functional_optimizer({name_of(self.target)})"

    def init(self, params: Any) -> Any:
        """The first state for these parameters (a module, whose trainable parameters count, or a tree of arrays)."""
        leaves, structure = walk.flatten(trainable(params))
        return self.foreign.init(self._settled(leaves), _builder(structure))

    def step(
        self, params: Any, grads: Any, state: Any, *, value_and_grad: ValueAndGrad | None = None, **hyper: Any
    ) -> tuple[Any, Any]:
        """``(params, state)`` after one step.

        Args:
            params: the parameters.
            grads: their gradients.
            state: what ``init`` or the step before gave.
            value_and_grad: for optimizers that look at several points in one step: a function of the parameters that
                gives the loss and its gradients, such as ``um.value_and_grad(loss)``.
            hyper: values of options for this step alone, such as ``lr=0.1``.

        Raises:
            TreeError: the structures differ.
            CapabilityError: the arrays are those of another engine, or torch's classes are asked to work on a trace.
            OptionError: there is no option of that name, or ``value_and_grad`` is needed.
        """
        chosen, result, new = self._run("step", params, grads, state, value_and_grad, hyper)
        return (result if chosen is params else edit.merge(params, result)), new

    def compute_update(
        self, params: Any, grads: Any, state: Any, *, value_and_grad: ValueAndGrad | None = None, **hyper: Any
    ) -> tuple[Any, Any]:
        """``(updates, state)`` after one step: what is to be added to the parameters. Arguments as for :meth:`step`."""
        return self._run("update", params, grads, state, value_and_grad, hyper)[1:]

    def _run(
        self, name: str, params: Any, grads: Any, state: Any, value_and_grad: ValueAndGrad | None, hyper: Any
    ) -> tuple[Any, Any, Any]:
        self._refuse_transforms()
        chosen = trainable(params)
        leaves, structure = walk.flatten(chosen)
        state_leaves, state_structure = walk.flatten(state)
        found = self._settled([*leaves, *tree._matching(grads, structure)], state_leaves)
        state = walk.unflatten(state_structure, _lift.to_engine(self.home, state_leaves))
        evaluate = None if value_and_grad is None else self._evaluation(value_and_grad, params, chosen, structure)
        old, slopes = found[: len(leaves)], found[len(leaves) :]
        result, new = getattr(self.foreign, name)(old, slopes, state, _builder(structure), hyper, evaluate)
        return chosen, walk.unflatten(structure, result), new

    def _refuse_transforms(self) -> None:
        is_inside = scope.state.current is not None or self.home.compile.is_tracing()
        if is_inside and not self.foreign.is_traceable:
            raise CapabilityError(
                f"{name_of(self.target)} changes arrays in place, and can be neither traced nor differentiated.",
                fix=_same(self.target) or "call its step outside of transforms",
            )

    def _settled(self, leaves: list[Any], beside: list[Any] | None = None) -> list[Any]:
        """The leaves as arrays of the engine that the optimizer works on."""
        engine = _lift.engine_for([*leaves, *(beside or ())])
        if engine is not self.home and leaves:
            raise _elsewhere(self.target, self.home, engine)
        found = _lift.to_engine(engine, leaves)
        return [leaf if config.is_array(leaf) else engine.arrays.asarray(leaf) for leaf in found]

    def _evaluation(
        self, value_and_grad: ValueAndGrad, params: Any, chosen: Any, structure: Child
    ) -> Callable[[list[Any]], tuple[Any, list[Any]]]:
        def evaluate(leaves: list[Any]) -> tuple[Any, list[Any]]:
            point = walk.unflatten(structure, leaves)
            value, grads = value_and_grad(point if chosen is params else edit.merge(params, point))
            return value, self._settled(tree._matching(trainable(grads), structure))

        return evaluate


class OwnOptimizer:
    """An optimizer of ``um.optim`` in the same form; its state is the optimizer itself."""

    def __init__(self, transformation: Transformation) -> None:
        self.transformation = transformation

    def __repr__(self) -> str:
        return f"functional_optimizer({self.transformation!r})"

    def init(self, params: Any) -> Any:
        """The optimizer with state for these parameters."""
        return self.transformation.init(params)

    def step(self, params: Any, grads: Any, state: Any, **hyper: Any) -> tuple[Any, Any]:
        """``(params, state)`` after one step, with values of options for this step alone."""
        return state.step(params, grads, **_renamed(state, hyper))  # type: ignore[no-any-return]

    def compute_update(self, params: Any, grads: Any, state: Any, **hyper: Any) -> tuple[Any, Any]:
        """``(updates, state)`` after one step: what is to be added to the parameters."""
        return state.update(grads, params, **_renamed(state, hyper))  # type: ignore[no-any-return]


def functional_optimizer(target: Any, **options: Any) -> FunctionalOptimizer | OwnOptimizer:
    """An optimizer as functions: ``init(params)``, ``step(params, grads, state)``, ``compute_update(...)``.

    Parameters, gradients and states are trees; none of them is changed. A state can be pickled, copied, and moved from
    device to device. Steps of torch's classes are neither traced nor differentiated; those of optax and ``um.optim``
    may be.

    Args:
        target: a class of optimizers of torch (on the torch engine), a transformation of optax or a function that makes
            one (on the JAX engine), or the same of ``um.optim`` (on each engine).
        options: of the class or function. ``lr`` stands for ``learning_rate`` too.

    Raises:
        DTypeError: ``target`` is none of these.
        OptionError: there are options, and the target has been made already.

    Example:
        >>> import unimod as um
        >>> optimizer = um.functional_optimizer(um.optim.sgd, lr=0.1)
        >>> x = um.numpy.asarray(1.0)
        >>> state = optimizer.init(x)
        >>> x, state = optimizer.step(x, 2 * x, state)
        >>> x, state = optimizer.step(x, 2 * x, state, lr=0.25)
        >>> round(float(x), 4)
        0.4
    """
    if isinstance(target, Transformation):
        _no_options(target, options)
        return OwnOptimizer(target)
    for engine in engines():
        foreign = engine.optim.foreign(target, options)  # type: ignore[attr-defined]
        if foreign is not None:
            return FunctionalOptimizer(target, engine, foreign)
    made = target(**_named(target, options)) if callable(target) and not isinstance(target, type) else target
    if not isinstance(made, Transformation):
        raise DTypeError(
            "functional_optimizer takes a class of torch's optimizers, a transformation, or a function that makes one.",
            got=repr(target)[:80],
        )
    return OwnOptimizer(made)


def _builder(structure: Child) -> Callable[[list[Any]], Any]:
    return lambda leaves: walk.unflatten(structure, leaves)


def _elsewhere(target: Any, home: Engine, engine: Engine) -> CapabilityError:
    return CapabilityError(
        f"{name_of(target)} works on arrays of {home.name}.",
        got=f"parameters, gradients or a state of {engine.name}",
        expected=f"arrays of {home.name}",
        fix=_same(target) or f'move them first: um.to_backend(params, "{home.name}")',
    )


def _same(target: Any) -> str:
    """What to say about the optimizer of ``um.optim`` that has the same name, if there is one."""
    name = name_of(target).lower()
    return f"um.optim.{name} works on every engine, and under every transform" if hasattr(optim, name) else ""


def _no_options(target: Any, options: dict[str, Any]) -> None:
    if options:
        raise OptionError(
            "The optimizer has been made already.",
            got=", ".join(options),
            expected="no options",
            fix="pass the function that makes it, or give the option for one step",
        )


def _named(target: Any, options: dict[str, Any]) -> dict[str, Any]:
    known = inspect.signature(target).parameters
    return _with_rate(options) if "learning_rate" in known and "lr" not in known else options


def _renamed(state: Transformation, hyper: dict[str, Any]) -> dict[str, Any]:
    known = set(state.hyperparameters())
    return _with_rate(hyper) if "learning_rate" in known and "lr" not in known else hyper


def _with_rate(options: dict[str, Any]) -> dict[str, Any]:
    return {"learning_rate" if name == "lr" else name: value for name, value in options.items()}
