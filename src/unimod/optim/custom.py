"""Transformations of one's own, written once on ``um.tree`` and ``um.numpy``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from unimod.backends._protocol import Engine
from unimod.core import tree, walk
from unimod.core.kinds import OptState, static
from unimod.core.skeleton import Child
from unimod.errors import CapabilityError, DTypeError
from unimod.optim.base import Hyper, Stateful

C = TypeVar("C", bound="Custom")


class Custom(Stateful):
    """Base of transformations of one's own: define ``start`` and ``change``, functions of trees.

    What is written with ``um.tree`` and ``um.numpy`` runs on every engine, under ``jit`` and ``grad`` too, and is
    initialised, chained, saved and moved like any other transformation. Keyword-only arguments of ``change`` are
    hyperparameters: ``opt.step(params, grads, rate=0.1)``.

    Attributes:
        held: the state, any tree of arrays; None before ``init``.

    Example:
        >>> import unimod as um
        >>> class Momentum(um.optim.Custom):
        ...     def start(self, params):
        ...         return {"velocity": um.tree.map(um.numpy.zeros_like, params)}
        ...     def change(self, updates, state, params, *, decay=0.5):
        ...         velocity = um.tree.map(lambda v, u: decay * v + u, state["velocity"], updates)
        ...         return velocity, {"velocity": velocity}
        >>> x = {"w": um.numpy.asarray(1.0)}
        >>> opt = um.optim.chain(Momentum(), um.optim.scale(-0.25)).init(x)
        >>> for _ in range(2):
        ...     x, opt = opt.step(x, {"w": um.numpy.asarray(1.0)})
        >>> float(x["w"]), float(opt[0].held["velocity"]["w"])
        (0.375, 1.5)
    """

    held: Any = OptState.node(None)

    def start(self, params: Any) -> Any:
        """The first state for these parameters: any tree of arrays."""
        return ()

    def change(self, updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        """The new updates, of the same structure, and the new state; ``params`` may be None."""
        raise CapabilityError(
            f"{type(self).__name__} does not say how it changes updates.", fix="define change(updates, state, params)"
        )

    def change_of(self) -> Callable[..., tuple[Any, Any]]:
        """What makes the updates."""
        return self.change

    def hyperparameters(self) -> Iterator[str]:
        """The keyword-only arguments of ``change``."""
        known = inspect.signature(self.change_of()).parameters.values()
        return (argument.name for argument in known if argument.kind is argument.KEYWORD_ONLY)

    def init_flat(self: C, engine: Engine, leaves: list[Any], structure: Child) -> C:
        """The first state."""
        new: C = walk.rebuilt(self)
        new.structure, new.held = structure, self.start(walk.unflatten(structure, leaves))
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """One step, on trees."""
        self.check_structure(grads, structure)
        numbers = None if params is None else walk.unflatten(structure, params)
        result = self.change_of()(walk.unflatten(structure, grads), self.held, numbers, **hyper)
        if not isinstance(result, tuple) or len(result) != 2:
            raise DTypeError(
                f"{type(self).__name__} gives updates and state.",
                got=type(result).__name__,
                expected="(updates, state)",
            )
        updates, self.held = result
        return tree._matching(updates, structure)


class FromFunctions(Custom):
    """See :func:`custom`."""

    first: Callable[[Any], Any] = static()
    then: Callable[..., tuple[Any, Any]] = static()

    def __init__(self, init: Callable[[Any], Any], update: Callable[..., tuple[Any, Any]]) -> None:
        super().__init__()
        for fn in (init, update):
            if not callable(fn):
                raise DTypeError(
                    "custom takes two functions.",
                    got=repr(fn)[:80],
                    expected="init(params), update(updates, state, params)",
                )
        self.first, self.then = init, update

    def start(self, params: Any) -> Any:
        """The first state."""
        return self.first(params)

    def change_of(self) -> Callable[..., tuple[Any, Any]]:
        """The second function."""
        return self.then


def custom(init: Callable[[Any], Any], update: Callable[..., tuple[Any, Any]]) -> Custom:
    """A transformation of two functions of trees.

    Args:
        init: ``init(params)`` gives the first state, any tree of arrays.
        update: ``update(updates, state, params)`` gives the new updates and the new state; ``params`` may be None.
            Its keyword-only arguments are hyperparameters.

    State: ``held``, what the functions return.

    Example:
        >>> import unimod as um
        >>> def update(updates, count, params, *, power=2):
        ...     return um.tree.map(lambda u: u ** power, updates), count + 1
        >>> x = {"w": um.numpy.asarray(3.0)}
        >>> opt = um.optim.custom(lambda params: um.numpy.zeros((), dtype="int32"), update).init(x)
        >>> updates, opt = opt.update(x)
        >>> float(updates["w"]), int(opt.held), float(opt.update(x, power=3)[0]["w"])
        (9.0, 1, 27.0)

    Differences: a pair of functions of optax itself works here too, on the engine of JAX.
    """
    return FromFunctions(init, update)


class Stateless(Stateful):
    """See :func:`stateless` and :func:`stateless_with_tree_map`."""

    f: Callable[..., Any] = static()
    is_of_leaves: bool = static()

    def __init__(self, f: Callable[..., Any], is_of_leaves: bool) -> None:
        super().__init__()
        self.f, self.is_of_leaves = f, is_of_leaves

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """The function of the trees, or of each pair of leaves."""
        if self.is_of_leaves:
            return [self.f(u, p) for u, p in zip(grads, params or [None] * len(grads), strict=True)]
        numbers = None if params is None else walk.unflatten(structure, params)
        return tree._matching(self.f(walk.unflatten(structure, grads), numbers), structure)


def stateless(f: Callable[[Any, Any], Any]) -> Stateless:
    """A transformation without state: ``f(updates, params)`` gives the new updates; ``params`` may be None.

    Example:
        >>> import unimod as um
        >>> opt = um.optim.stateless(lambda updates, params: um.tree.map(lambda u: u * 2, updates))
        >>> x = {"w": um.numpy.asarray(3.0)}
        >>> float(opt.init(x).update(x)[0]["w"])
        6.0
    """
    return Stateless(f, False)


def stateless_with_tree_map(f: Callable[[Any, Any], Any]) -> Stateless:
    """A transformation without state: ``f(update, param)`` gives a new update of each array; ``param`` may be None.

    Example:
        >>> import unimod as um
        >>> opt = um.optim.stateless_with_tree_map(lambda u, p: u + 0.5 * p)
        >>> x = {"w": um.numpy.asarray(3.0)}
        >>> float(opt.init(x).update(x, x)[0]["w"])
        4.5
    """
    return Stateless(f, True)
