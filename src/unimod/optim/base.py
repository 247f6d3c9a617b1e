"""What every gradient transformation is: a module that turns gradients into updates.

``update`` and ``step`` take trees; what a transformation defines works on flat lists of arrays of one engine.
"""

from __future__ import annotations

import collections
import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import edit, paths, tree, walk
from unimod.core.filters import NOT_FROZEN
from unimod.core.kinds import OptState, Parameter, static
from unimod.core.module import Module
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import CapabilityError, DTypeError, NotInitializedError, OptionError, ShapeError
from unimod.optim import _lists, donation
from unimod.transforms import _lift

T = TypeVar("T", bound="Transformation")
Hyper = dict[str, Any]
Schedule = Callable[[Any], Any]
Rate = float | Schedule

_RECENT: collections.deque[Child] = collections.deque(maxlen=32)
"""The structures of the last steps. Where nothing else holds one, each step would make it anew."""


class Transformation(Module):
    """Base of everything that turns gradients into updates. ``init`` returns a copy with state."""

    def init(self: T, params: Any, *inputs: Any, **options: Any) -> T:  # type: ignore[override]
        """A copy whose state fits ``params`` (a module, whose trainable parameters count, or a tree of arrays)."""
        leaves, structure = walk.flatten(trainable(params))
        return self.init_flat(config.engine_of(*leaves), leaves, structure)

    def update(self: T, grads: Any, params: Any = None, **hyper: Any) -> tuple[Any, T]:  # type: ignore[override]
        """``(updates, self)`` after one step: what is to be added to the parameters, and the transformation's new self.

        Args:
            grads: gradients, with the structure that ``init`` saw.
            params: the parameters; some transformations need them.
            hyper: values of options for this step alone, such as ``learning_rate=0.1``; arrays are differentiable.
                Also what a transformation asks for beside the gradients, such as ``value=loss``.

        Raises:
            TreeError: the structures differ; the message names the first path that does.
            NotInitializedError: ``init`` has not been called.
            OptionError: a transformation needs the parameters, or another value, that was not passed.
            DTypeError: no part has a hyperparameter of that name.
        """
        if isinstance(grads, Transformation):
            raise DTypeError(
                "update takes gradients, and got a transformation.",
                got=type(grads).__name__,
                fix="updates, opt = opt.update(grads, params)",
            )
        numbers, shape = (None, None) if params is None else walk.flatten(trainable(params))
        engine, found, numbers, structure, new = self._ready(grads, numbers, shape, hyper)
        return walk.unflatten(structure, new.update_flat(engine, found, numbers, structure, hyper)), new

    def _ready(
        self: T, grads: Any, params: list[Any] | None, shape: Child | None, hyper: Hyper
    ) -> tuple[Engine, list[Any], list[Any] | None, Child, T]:
        """What a step on flat lists takes: engine, gradients, parameters, their structure; and a new self for it."""
        self._check_names(hyper)
        if "grad" in self.hyperparameters():
            hyper.setdefault("grad", grads)
        leaves, structure = walk.flatten(grads) if shape is None else (tree._matching(grads, shape), shape)
        own, shape_of_self = walk.flatten_node(self)
        _RECENT.extend((structure, shape_of_self))
        count = len(leaves)
        engine, found = _lift.settle([*leaves, *(params or ()), *own])
        params = None if params is None else found[count : 2 * count]
        return engine, found[:count], params, structure, walk.unflatten(shape_of_self, own)

    def step(self: T, params: Any, grads: Any, *, donate: bool = False, **hyper: Any) -> tuple[Any, T]:
        """``(params, self)`` after one step.

        Args:
            params: the parameters.
            grads: gradients, with the structure that ``init`` saw.
            donate: whether ``params`` and the transformation itself are not used after the step. An engine whose arrays
                can change may then write the results into their memory; it does so where no other array shares that
                memory, and nothing is traced or differentiated. Inside of :func:`unimod.jit` nothing is donated:
                there ``donate_argnums`` says it.
            hyper: as in :meth:`update`.

        Raises:
            ShapeError: a gradient does not have the shape of its parameter. Others as in :meth:`update`.

        Example:
            >>> import unimod as um
            >>> x = {"x": um.numpy.asarray([1.0, 2.0])}
            >>> opt = um.optim.sgd(0.5).init(x)
            >>> x, opt = opt.step(x, x)
            >>> [float(v) for v in x["x"]]
            [0.5, 1.0]
        """
        # Flattened once: what is rebuilt is lazy, and costs nothing when it is taken apart again.
        params = walk.rebuilt(params) if isinstance(params, Module) else params
        chosen = trainable(params)
        for name in FUNCTIONS & hyper.keys() if chosen is not params else ():
            hyper[name] = _of_whole(hyper[name], params)
        leaves, shape = walk.flatten(chosen)
        engine, found, numbers, structure, new = self._ready(grads, leaves, shape, hyper)
        old = numbers or []
        whole = leaves if params is chosen else walk.flatten(params)[0]
        given = donation.of(engine, old, whole, [found, list(hyper.values())]) if donate else None
        if given is not None:
            given.begin(new, structure)
        updates, factor = new.scaled_flat(engine, found, old, structure, hyper)
        written = None if given is None else given.finish(new, updates, factor)
        result = walk.unflatten(structure, written or moved(engine, old, updates, structure, factor))
        return (result if params is chosen else edit.merge(params, result)), new

    def hyperparameters(self) -> Iterator[str]:
        """The names of the options that ``update`` and ``step`` take for one step."""
        return iter(())

    def init_flat(self: T, engine: Engine, leaves: list[Any], structure: Child) -> T:
        """``init`` on flat lists; a transformation without state need not have it."""
        return self

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """``update`` on flat lists; changes the state of ``self``."""
        raise CapabilityError(f"{type(self).__name__} does not say how it updates.", fix="define update_flat")

    def scaled_flat(
        self, engine: Engine, grads: list[Any], params: list[Any], structure: Child, hyper: Hyper
    ) -> tuple[list[Any], float]:
        """``update_flat``, and a number that the updates are still to be multiplied with, to do both at once."""
        return self.update_flat(engine, grads, params, structure, hyper), 1.0

    def spend(self, structure: Child) -> bool:
        """Let the next update write into the arrays of the state; whether that update is sure to succeed.

        By default it may not, and is not. What is not sure keeps what comes before it from writing, too.
        """
        return False

    def _check_names(self, hyper: Iterable[str]) -> None:
        known = sorted(set(self.hyperparameters()))
        for name in hyper:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                raise DTypeError(
                    f"{type(self).__name__} has no hyperparameter {name!r}.",
                    got=f"{name}=...",
                    expected=", ".join(known) or "none",
                    fix=f"did you mean {near[0]!r}?" if near else "",
                )


class Stateful(Transformation):
    """A transformation whose state can be read by name.

    ``opt.mu`` is a tree like the parameters where the state has a list, ``opt.count`` an array.

    Attributes:
        structure: that of the parameters; None before ``init``.
        state: by name an array, or a list with one for each parameter.
    """

    structure: Any = static()
    state: dict[str, Any] = OptState.node()

    def __init__(self) -> None:
        self.structure, self.state = None, {}

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        state = own.get("state") or {}
        if name.startswith("_") or name not in state:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        value = state[name]
        return walk.unflatten(own["structure"], value) if isinstance(value, list) else value

    def check_structure(self, grads: list[Any], structure: Child) -> None:
        """Refuse gradients that do not fit what ``init`` saw.

        Raises:
            NotInitializedError: it has not been called.
            TreeError: it saw another structure.
        """
        if self.structure is None:
            raise NotInitializedError(
                f"{getattr(self, 'name', type(self).__name__)} has no state yet.",
                fix="call opt = opt.init(model.parameters()) before the first step",
            )
        if structure is not self.structure:
            tree._matching(walk.unflatten(structure, grads), self.structure)


FUNCTIONS = frozenset({"value_fn", "obj_fn", "grad_fn"})
"""What a transformation may ask for that is a function of the parameters."""


def trainable(params: Any) -> Any:
    """What of ``params`` is optimized: of a module its trainable parameters, else the tree itself."""
    # Not by the method: asking a lazy module for an attribute builds it.
    return edit.choose(params, (Parameter, NOT_FROZEN)) if isinstance(params, Module) else params


def added(params: Any, updates: Any) -> Any:
    """``params + updates`` in the dtypes of the parameters, for trees of one structure."""
    leaves, structure = walk.flatten(params)
    engine, found = _lift.settle([*leaves, *tree._matching(updates, structure)])
    return walk.unflatten(structure, moved(engine, found[: len(leaves)], found[len(leaves) :], structure))


def moved(engine: Engine, params: list[Any], updates: list[Any], structure: Child, factor: float = 1.0) -> list[Any]:
    """``params + factor * updates``, in the dtypes of the parameters.

    Raises:
        ShapeError: an update does not have the shape of its parameter.
    """
    check_shapes(params, updates, structure)
    lists = _lists.of(engine)
    if factor == 1.0:
        return engine.optim.apply_updates(params, updates)
    return lists.at_once("apply_scaled", params, updates, factor) or engine.optim.apply_updates(
        params, lists.mul(updates, factor)
    )


def own_values(part: Transformation, hyper: Hyper) -> Hyper:
    """Those of the values for one step that a part of a transformation takes."""
    return {name: hyper[name] for name in part.hyperparameters() if name in hyper} if hyper else hyper


def values_of(name: str, part: Transformation, hyper: Hyper) -> Hyper:
    """The values for the part of that name: a dict with its name in it has a value for each part."""
    found = {}
    for option, value in own_values(part, hyper).items():
        if not isinstance(value, dict) or option == "grad":
            found[option] = value
        elif name in value:
            found[option] = value[name]
    return found


def transformation_only(name: str, value: Any) -> None:
    """Refuse what is no transformation.

    Raises:
        DTypeError: the value is something else.
    """
    if not isinstance(value, Transformation):
        raise DTypeError(
            f"{name} takes transformations.",
            got=repr(value)[:80],
            expected="what um.optim makes, such as um.optim.scale(0.1)",
            fix="wrap functions: um.optim.custom(init, update)",
        )


def at_least(name: str, option: str, value: Any, least: float) -> None:
    """Refuse a Python number that is too small; an array is not looked at.

    Raises:
        OptionError: it is.
    """
    if isinstance(value, (int, float)) and not value >= least:
        raise OptionError(
            f"{option} of {name} is too small.", got=f"{option} = {value!r}", expected=f"{option} >= {least:g}"
        )


def _of_whole(fn: Callable[..., Any], whole: Any) -> Callable[..., Any]:
    """A function of a module as one of its trainable parameters alone."""
    return lambda chosen, *rest: fn(edit.merge(whole, chosen), *rest)


def check_shapes(params: list[Any], updates: list[Any], structure: Child) -> None:
    """Refuse updates, or gradients, that do not have the shapes of the parameters.

    Raises:
        ShapeError: one does not.
    """
    if _lists.have_equal_shapes(params, updates):
        return
    pairs = enumerate(zip(params, updates, strict=True))
    index = next(i for i, pair in pairs if not _lists.have_equal_shapes(*([x] for x in pair)))
    path = structure.slots[index].path if isinstance(structure, Skeleton) else ()
    raise ShapeError(
        "An update does not have the shape of its parameter.",
        where=paths.pretty("params", path),
        got=f"update = {config.describe_value(updates[index])}",
        expected=f"update = {config.describe_value(params[index])}",
    )
