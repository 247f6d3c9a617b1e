"""The Module: a normal Python object that is also a pytree."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from unimod.core import (
    boxes,
    compact,
    edit,
    graft,
    guard,
    init,
    location,
    render,
    scope,
    sealed,
    skeleton,
    state_dict,
    surgery,
    walk,
)
from unimod.core import node as nodes
from unimod.core.described import Described
from unimod.core.filters import NOT_FROZEN, Filter
from unimod.core.grown import Grown
from unimod.core.initializer import Initializer
from unimod.core.inputs import spread
from unimod.core.kinds import BatchStat, Log, Loss, Metric, ModelState, OptState, Parameter, Rng, State
from unimod.core.node import Node
from unimod.core.summarized import Summarized
from unimod.errors import TreeError

M = TypeVar("M", bound="Module")


class Module(Summarized, Grown, Described, Node):
    """Base of models, layers, and everything else that carries leaves.

    Attributes that are arrays, keys, modules, or lists, tuples and dicts of these are found by themselves; all others
    are static. Methods that return a module leave ``self`` as it is, unless ``inplace=True``.

    Example:
        >>> import unimod as um
        >>> class Affine(um.Module):
        ...     def __init__(self, size):
        ...         self.w = um.Parameter(um.numpy.ones((size,)))
        ...         self.steps = um.numpy.zeros((), dtype="int32")
        ...         self.size = size
        ...     def __call__(self, x):
        ...         return self.w * x
        >>> model = Affine(3)
        >>> model
        Affine(w=f32[3], steps=i32[], size=3)
        >>> model.parameters()
        Affine(w=f32[3], steps=Nothing, size=3)
        >>> list(model.state_dict())
        ['w', 'steps']
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Wrap ``__call__``, so that errors say where in the model they happened."""
        super().__init_subclass__(**options)
        if "__call__" in vars(cls):
            cls.__call__ = _located(vars(cls)["__call__"])  # type: ignore[method-assign]

    # Declaring leaves

    def register_parameter(self, name: str, value: Any) -> None:
        """Set an attribute and declare it trainable."""
        setattr(self, name, Parameter(value))

    def register_state(self, name: str, value: Any, kind: type = State) -> None:
        """Set an attribute and declare it a leaf that is not trained."""
        setattr(self, name, value)
        boxes.set_kind(self, name, kind)

    def share(self, name: str) -> Any:
        """A box of the leaf ``name``: assigned to another attribute, it ties the two (one leaf, gradients add up).

        Example:
            >>> import unimod as um
            >>> class Tied(um.Module):
            ...     def __init__(self):
            ...         self.encoder, self.decoder = um.nn.Linear(3, 3), um.nn.Linear(3, 3)
            ...         self.decoder.kernel = self.encoder.share("kernel")
            >>> [name for name in Tied().init(0).state_dict() if "kernel" in name]
            ['encoder.kernel']
        """
        kind = self._um_meta.by_name.get(name, State)
        box = (self._um_tied or {}).get(name) or kind(getattr(self, name))
        if not box.holders:
            box.holders.append((self, name))
        return box

    # Choosing and changing leaves

    def filter(self: M, *filters: Filter) -> M:
        """The module with ``Nothing`` in place of the leaves for which not all filters hold.

        A filter is a kind, a class of modules (all that is below them), a dotted path (or its beginning), a module of
        the tree, or a function of a :class:`FieldInfo`.
        """
        return edit.choose(self, filters)  # type: ignore[no-any-return]

    def parameters(self: M, *filters: Filter) -> M:
        """What is trained: ``filter(Parameter)`` without the parameters of frozen modules."""
        return self.filter(Parameter, NOT_FROZEN, *filters)

    trainable_parameters = parameters

    def states(self: M, *filters: Filter) -> M:
        """``filter(State)``."""
        return self.filter(State, *filters)

    def rngs(self: M, *filters: Filter) -> M:
        """``filter(Rng)``."""
        return self.filter(Rng, *filters)

    def model_states(self: M, *filters: Filter) -> M:
        """``filter(ModelState)``."""
        return self.filter(ModelState, *filters)

    def batch_stats(self: M, *filters: Filter) -> M:
        """``filter(BatchStat)``."""
        return self.filter(BatchStat, *filters)

    def opt_states(self: M, *filters: Filter) -> M:
        """``filter(OptState)``."""
        return self.filter(OptState, *filters)

    def logs(self: M, *filters: Filter) -> M:
        """``filter(Log)``."""
        return self.filter(Log, *filters)

    def losses(self: M, *filters: Filter) -> M:
        """``filter(Loss)``."""
        return self.filter(Loss, *filters)

    def metrics(self: M, *filters: Filter) -> M:
        """``filter(Metric)``."""
        return self.filter(Metric, *filters)

    def update(self: M, *others: Any, inplace: bool = False, merge_static: bool = False) -> M:
        """The module with the leaves of others written over its own, left to right; ``Nothing`` never overwrites.

        Args:
            others: modules of the same structure, such as filtered copies.
            inplace: change ``self`` and return it.
            merge_static: take over static values and modes too.
        """
        return self._result(edit.merge(self, *others, merge_static=merge_static), inplace)

    def map(self: M, function: Callable[[Any], Any], *filters: Filter, inplace: bool = False) -> M:
        """The module with ``function`` applied to the leaves for which all filters hold."""
        return self._result(edit.change(function, self, filters), inplace)

    def apply(self: M, function: Callable[..., Any], *others: Any, inplace: bool = False) -> M:
        """Call ``function(module)`` on every module of a copy, children first; a returned module takes the place.

        Args:
            function: called with the module, and with those of ``others`` at the same path.
            others: modules of the same structure.
            inplace: work on ``self`` and its children themselves.
        """
        return surgery.apply(function, self, *others, inplace=inplace)  # type: ignore[no-any-return]

    def replace(self: M, **attributes: Any) -> M:
        """A copy with attributes set (the names must exist)."""
        unknown = [name for name in attributes if name not in vars(self)]
        if unknown:
            raise TreeError(
                f"{type(self).__name__} has no attribute {', '.join(unknown)}.", expected=", ".join(vars(self))
            )
        new: M = walk.rebuilt(self)
        with sealed.opened([new]):
            for name, value in attributes.items():
                setattr(new, name, value)
        return new

    def replace_node(self: M, node: Any, new: Any) -> M:
        """A copy in which the module ``node`` of the tree (by identity) is ``new``."""
        leaves = [path for path, found in init.modules(self) if found is node]
        if not leaves or not leaves[0]:
            raise TreeError("The module to be replaced is not below this one.", got=type(node).__name__)
        copy: M = walk.rebuilt(self)
        old, seen = surgery.at(copy, leaves[0]), set[int]()
        surgery.swap(copy, old, new, seen)
        return copy

    def copy(self: M) -> M:
        """A copy with arrays of its own."""
        return self.map(edit.copied)

    # Modes

    @property
    def training(self) -> bool:
        """Whether the module is in training mode (the default)."""
        return self._um_meta.is_training

    @property
    def frozen(self) -> bool:
        """Whether the module is frozen: its parameters are not trained, its statistics and masks do not change."""
        return self._um_meta.is_frozen

    def train(self: M, mode: bool = True, *, inplace: bool = False) -> M:
        """The module, and all below it, in training mode."""
        return self._with_modes(mode, None, inplace)

    def eval(self: M, *, inplace: bool = False) -> M:
        """The module, and all below it, in evaluation mode."""
        return self._with_modes(False, None, inplace)

    def freeze(self: M, *, inplace: bool = False) -> M:
        """The module, and all below it, frozen."""
        return self._with_modes(None, True, inplace)

    def unfreeze(self: M, *, inplace: bool = False) -> M:
        """The module, and all below it, trainable again."""
        return self._with_modes(None, False, inplace)

    def _with_modes(self: M, is_training: bool | None, is_frozen: bool | None, inplace: bool) -> M:
        if inplace:
            for _, module in list(init.modules(self)):
                if module._um_scope is not scope.state.current:
                    raise nodes.captured(module, "training")
                sealed.check(module, "training")
                object.__setattr__(module, "_um_meta", module._um_meta.replace(is_training, is_frozen))
            return self
        leaves, structure = walk.flatten_node(self)
        return walk.unflatten(skeleton.with_modes(structure, is_training, is_frozen), leaves)  # type: ignore[no-any-return]

    # Initial values

    def init(self: M, seed: Any, *inputs: Any, backend: str | None = None, inplace: bool = False, **options: Any) -> M:
        """The module with a value in every leaf.

        Each leaf gets the key ``fold_in(key, hash(path))``, so that a new layer changes no other layer's weights. Sizes
        that were left out are found by calling the module on the example inputs. Then ``rng_init(key)`` is called on
        each module that has it. A leaf that has a value keeps it: one that was set, trained, or drawn from an ambient
        stream when the module was built.

        The call is made once, as it is, wherever there are example inputs, also where all sizes are known; states stay
        as they were. Without inputs nothing is called.

        Args:
            seed: an int, or a key.
            inputs: example inputs, needed where sizes were left out; also as one :class:`Inputs`.
            backend: the engine (default: that of the inputs, else the chosen one).
            inplace: fill ``self`` and return it.
            options: example keyword arguments.

        Raises:
            NotInitializedError: a size is missing and there are no example inputs.

        Example:
            >>> import unimod as um
            >>> um.nn.Linear(None, 4).init(0, um.numpy.ones((2, 3))).kernel.shape == (3, 4)
            True
        """
        args, kwargs = spread(inputs, options)
        return self._result(init.initialize(self, seed, args, kwargs, backend), inplace)

    @property
    def initialized(self) -> bool:
        """Whether every leaf has a value."""
        leaves, _ = walk.flatten_node(self)
        return not any(isinstance(leaf, Initializer) for leaf in leaves)

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """Dotted path -> leaf, in leaf order; a shared leaf appears once."""
        return state_dict.to_dict(self)

    def load_state_dict(self: M, values: Mapping[str, Any], *, strict: bool = True, inplace: bool = False) -> M:
        """The module with the leaves of a state dict.

        Args:
            values: dotted path -> array, of any engine; arrays come to the engine of the leaf that they replace.
            strict: whether missing and extra entries are errors (shapes and dtypes are always checked).
            inplace: change ``self`` and return it.

        Raises:
            StateDictError: names every entry that does not fit; nothing has been changed.
        """
        return self._result(state_dict.from_dict(self, values, strict), inplace)

    # Text

    def __repr__(self) -> str:
        return render.repr_module(self)

    def _result(self: M, new: M, inplace: bool) -> M:
        if not inplace:
            return new
        if self._um_scope is not scope.state.current:
            raise nodes.captured(self, "contents")
        sealed.check(self, "contents")
        graft.replace_contents(self, *walk.flatten_node(new))
        return self


def _located(method: Any) -> Callable[..., Any]:
    call = method if isinstance(method, types.FunctionType) else _unbound(method)

    @functools.wraps(call)
    def located(self: Any, *args: Any, **kwargs: Any) -> Any:
        if scope.state.frame is not None:  # that of another module, whose names end at this call
            with compact.outside():
                return located(self, *args, **kwargs)
        try:
            if init.state.active is not None:
                return init.state.active.call(self, call, args, kwargs)
            if guard.is_captured(self):
                return guard.call(self, call, args, kwargs)
            return call(self, *args, **kwargs)
        except Exception as error:
            explained = location.locate(error, self)
            if explained is error:
                raise
            raise explained from error

    return located


def _unbound(method: Any) -> Callable[..., Any]:
    """What a decorator made of a method, such as a jitted function, as a function of the module."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = method.__get__(self, type(self)) if hasattr(method, "__get__") else method
        return found(*args, **kwargs)

    return call


def filter(value: Any, *filters: Filter) -> Any:
    """Any tree with ``Nothing`` in place of the leaves for which not all filters hold. See ``Module.filter``.

    Example:
        >>> import unimod as um
        >>> um.filter({"a": 1, "b": um.nn.Linear(2, 2, use_bias=False).init(0)}, um.Parameter)["a"]
        Nothing
    """
    return edit.choose(value, filters)


def update(value: Any, *others: Any, merge_static: bool = False) -> Any:
    """Any tree with the leaves of others written over its own. See ``Module.update``."""
    return edit.merge(value, *others, merge_static=merge_static)


def map(function: Callable[[Any], Any], value: Any, *filters: Filter) -> Any:
    """Any tree with ``function`` applied to the leaves for which all filters hold. See ``Module.map``."""
    return edit.change(function, value, filters)
