"""Layers of ``um.nn``, and every other module, in a stateful module."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import unimod.random as random
from unimod import config
from unimod.core import init, walk
from unimod.core import skeleton as sk
from unimod.core.initializer import Initializer
from unimod.core.module import Module as PlainModule
from unimod.core.skeleton import Path
from unimod.errors import DTypeError
from unimod.stateful import _entries, _names, _spread
from unimod.stateful._context import current
from unimod.stateful._keys import no_seed
from unimod.stateful._module import Module, unscoped


class Layer(Module):
    """A module of the other style as a stateful one: its leaves stand in the state, below the path of this one.

    ``self.get('h1', um.nn.Linear, None, 128)`` makes one; so does ``um.stateful.Layer(um.nn.Linear, None, 128,
    name='h1')``. Sizes that were left out are taken from the first input. First values are those that the
    module itself would have at the same path. After a call what has changed (statistics, keys) is written back. Entries
    that the module does not declare as parameters are not trained.

    Args:
        ctor: a class of modules, or a function that makes one, or a module: its own values are then the first ones.
        args: for ``ctor``.
        kwargs: for ``ctor``.

    Raises:
        DTypeError: ``ctor`` gives no module.

    Example:
        >>> import unimod as um
        >>> dense = um.stateful.Layer(um.nn.Linear, None, 3, name="dense")
        >>> state, y = um.stateful.pure(dense)({}, um.numpy.ones((4, 2)), seed=0, create=True)
        >>> list(state), y.shape == (4, 3)
        (['dense/bias', 'dense/kernel'], True)
        >>> module = um.nn.Linear(2, 3)
        >>> state, _ = um.stateful.pure(um.stateful.Layer(module, name="dense"))(state, um.numpy.ones((4, 2)))
    """

    def __init__(self, ctor: Any, *args: Any, **kwargs: Any) -> None:
        self.module = ctor if isinstance(ctor, PlainModule) else ctor(*args, **kwargs)
        if not isinstance(self.module, PlainModule) or (self.module is ctor and (args or kwargs)):
            raise DTypeError(
                "Layer takes a class of modules with its arguments, or a module.",
                where=self.path,
                got=config.short(self.module) + (" and arguments" if self.module is ctor else ""),
                expected="such as um.nn.Linear, 2, 3",
            )

    def __repr__(self) -> str:
        return f"Layer({type(self.module).__name__}, name={self.path!r})"

    @unscoped
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module with its values from the state."""
        return self._run(None, _call, args, kwargs)

    def train(self, mode: bool = True) -> Callable[..., Any]:
        """The call in training mode, or not: ``norm.train(is_training)(x)``."""
        return functools.partial(self._run_moded, mode)

    def eval(self) -> Callable[..., Any]:
        """The call in evaluation mode: ``norm.eval()(x)``."""
        return self.train(False)

    @unscoped  # names in a function that is no method are those of the caller
    def apply(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """``function(module, *args, **kwargs)``, for other methods: ``rnn.apply(lambda m, x: m.step(x), x)``.

        The sizes of the module must be known, or there must have been a call.
        """
        return self._run(None, function, args, kwargs, inputs=())

    @unscoped
    def _run_moded(self, mode: bool, *args: Any, **kwargs: Any) -> Any:
        return self._run(mode, _call, args, kwargs)

    @unscoped
    def _run(
        self, mode: bool | None, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], inputs: Any = None
    ) -> Any:
        self._claim()
        module, keys = self._open(args if inputs is None else inputs, kwargs if inputs is None else {})
        leaves, structure = walk.flatten_node(module)
        running = sk.with_modes(structure, mode, None) if mode is not None else structure
        module = walk.unflatten(running, leaves)
        result = function(module, *args, **kwargs)
        _spread.closed(self.path, module, leaves, running, keys)
        return result

    @unscoped
    def _open(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[str]]:
        template = self.module
        is_sized = not any(map(init.is_waiting, (module for _, module in init.modules(template))))
        _, structure = walk.flatten_node(template)
        recipe = (structure, () if is_sized else _spread.signature(args, kwargs))
        inputs, options = ((), {}) if is_sized else (args, kwargs)
        root = current().random.root

        def make(key: random.Key | None) -> Any:
            return initialized(template, key, self.path, inputs, options)

        sketch = functools.partial(make, random.key(0)) if root is None else None
        return _spread.opened(self.path, recipe, functools.partial(make, root), sketch=sketch)


def _call(module: Any, *args: Any, **kwargs: Any) -> Any:
    return module(*args, **kwargs)


def initialized(
    template: PlainModule, key: random.Key | None, path: str, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """A copy of a module with values in all leaves, from the keys that belong to its path."""
    fresh = walk.rebuilt(template)
    _Initialization(key, fresh, _names.parts(path)).run(fresh, inputs, options)
    return fresh


class _Initialization(init.Initialization):
    """The initialisation of a module that stands at a path of a larger one."""

    def __init__(self, key: random.Key | None, root: Any, prefix: Path) -> None:
        super().__init__(key, root)  # type: ignore[arg-type]
        self.prefix, self.has_seed = prefix, key is not None

    def key_of(self, path: Path) -> random.Key:
        """The key of a leaf, by its whole path; None without a seed, with which constants can be made."""
        return super().key_of((*self.prefix, *path)) if self.has_seed else None  # type: ignore[return-value]

    def _filled(self, value: Any, path: Path) -> Any:
        if self.has_seed or not isinstance(value, Initializer):
            return super()._filled(value, path)
        try:
            made = super()._filled(value, path)
        except DTypeError as error:
            raise no_seed("/".join(map(str, (*self.prefix, *path)))) from error
        if made is None:  # a leaf that is its key
            raise no_seed("/".join(map(str, (*self.prefix, *path))))
        return made


def from_module(ctor: Any) -> Callable[..., Layer]:
    """What makes a :class:`Layer` of modules of a class.

    Example:
        >>> import unimod as um
        >>> Linear = um.stateful.FromModule(um.nn.Linear)
        >>> Linear(2, 3, name="h1")
        Layer(Linear, name='h1')
    """
    return functools.partial(Layer, ctor)


def _make_layer(recipe: Any, name: str) -> Layer:
    make, args, kwargs = recipe
    made: Layer = Layer(make, *args, name=name, **kwargs)
    return made


_entries.make_layer = _make_layer
