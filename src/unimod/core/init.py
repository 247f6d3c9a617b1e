"""Giving leaves their first values: keys by path, initializers, ``rng_init``, sizes from example inputs."""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

import unimod.random as random
from unimod import config
from unimod.core import boxes, kept, lazy, paths, sealed, walk
from unimod.core import node as nodes
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.node import Node
from unimod.core.skeleton import Path
from unimod.errors import NotInitializedError, UnboundAxisError


class _State(threading.local):
    active: Initialization | None = None


state = _State()


class Initialization:
    """One run of ``Module.init``: the key, and the path of every module that was found."""

    def __init__(self, key: random.Key, root: Node) -> None:
        self.key = key
        self.paths: dict[int, Path] = {id(module): path for path, module in modules(root)}
        self.waiting: set[int] = set()
        self.tied: dict[int, Path] = {}
        self.called: Node | None = None
        self.drawn: dict[Path, int] = {}
        for path, module in modules(root):
            for name, box in (module._um_tied or {}).items():
                self.tied.setdefault(id(box), (*path, name))

    def run(self, root: Node, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Fill all leaves of ``root``; run it on the example inputs, which tell what could not be known before."""
        for path, module in reversed(list(modules(root))):
            self.fill(module, path)
        if not inputs and not options:
            if self.waiting:
                raise missing_sizes(root, self.waiting)
            return
        with self._active():
            root(*inputs, **options)  # type: ignore[operator]
        if self.waiting:
            raise not_reached(root, self.waiting)

    def fill(self, module: Node, path: Path) -> None:
        """Fill the initializers of one module, and call its ``rng_init``; put it off while a size is missing."""
        if is_waiting(module):
            self.waiting.add(id(module))
            return
        for name, value in list(vars(module).items()):
            if vars(module)[name] is not value or not _has_initializer(value):
                continue  # filled as the other end of a tie, or nothing to fill
            filled = self._filled(value, self.tied.get(id((module._um_tied or {}).get(name)), (*path, name)))
            if name not in module._um_meta.by_name and not isinstance(filled, random.Key):
                boxes.set_kind(module, name, Parameter)
            boxes.assign(module, name, filled)
        if hasattr(module, "rng_init") and not module._um_meta.is_filled:
            module.rng_init(self.key_of((*path, "rng_init")))
            object.__setattr__(module, "_um_meta", module._um_meta.filled())

    def key_of(self, path: Path) -> random.Key:
        """The key of a leaf: it depends on the path alone."""
        return key_at(self.key, path)

    def _filled(self, value: Any, path: Path) -> Any:
        if isinstance(value, Initializer):
            assert value.fn is not None, "modules with unknown sizes are put off"
            return value.fn(self.key_of(path))
        if not _has_initializer(value):
            return value
        filled = {name: self._filled(item, (*path, name)) for name, item in _items(value)}
        if isinstance(value, dict):
            new = copy.copy(value)
            new.update(filled)
            return new
        return type(value)(*filled.values()) if hasattr(value, "_fields") else type(value)(filled.values())

    @contextlib.contextmanager
    def _active(self) -> Iterator[None]:
        before, state.active = state.active, self
        try:
            yield
        finally:
            state.active = before

    def call(self, module: Node, call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a module while sizes are found: fill it first, and leave its states as they were."""
        if id(module) in self.waiting:
            module.infer_sizes(*args, **kwargs)  # type: ignore[attr-defined]
            self.waiting.discard(id(module))
            self.fill(module, self.paths.get(id(module), ()))
        states, around = kept.states_of(module), self.called
        self.called = module
        try:
            return call(module, *args, **kwargs)
        finally:
            vars(module).update(states)
            self.called = around

    def rehearse(self, passed: list[Node], call: Callable[[], Any]) -> None:
        """Run what a transform is about to take over once as it is, so that no layer in it goes on waiting for a size.

        Inside of the transform there are copies, and values that belong to it. Modules that are passed to it keep their
        states.
        """
        states, drawn = [kept.states_of(module) for module in passed], dict(self.drawn)
        try:
            call()
        except UnboundAxisError:  # the axis is that of the transform; its layers are as far as they have come
            pass
        finally:
            self.drawn = drawn
            for module, before in zip(passed, states, strict=True):
                vars(module).update(before)

    def adopt(self, owner: Node, name: str, made: Any) -> None:
        """Fill what came to be while the model was called, now or when its sizes are known."""
        for path, module in reversed(list(modules(made, (*self.paths.get(id(owner), ()), name)))):
            self.paths[id(module)] = path
            self.fill(module, path)

    def next_key(self) -> random.Key:
        """A key for the module that is being called, another one each time."""
        path = self.paths.get(id(self.called), ())
        self.drawn[path] = count = self.drawn.get(path, -1) + 1
        return self.key_of((*path, "next_key", count))


def key_at(key: random.Key, path: Path) -> random.Key:
    """The key of the leaf at ``path``, in every style of writing models: no other leaf has a say in it."""
    return random.fold_in(key, random.stable_hash(paths.dotted(path)))


def is_waiting(module: Node) -> bool:
    """Whether an initializer of this module has no recipe yet, because a size is missing."""
    return any(isinstance(value, Initializer) and value.fn is None for value in vars(module).values())


def _has_initializer(value: Any) -> bool:
    if isinstance(value, (dict, list, tuple)):
        return any(_has_initializer(item) for _, item in _items(value))
    return isinstance(value, Initializer)


def _items(container: Any) -> list[tuple[Any, Any]]:
    """The entries of a container with the names that they have in paths."""
    if isinstance(container, dict):
        return list(container.items())
    names = getattr(container, "_fields", range(len(container)))
    return list(zip(names, container, strict=True))


def modules(root: Any, path: Path = (), seen: set[int] | None = None) -> Iterator[tuple[Path, Node]]:
    """Every module below ``root`` once, parents first, with its path."""
    seen = set() if seen is None else seen
    if isinstance(root, Node):
        if id(root) in seen:
            return
        seen.add(id(root))
        lazy.touch(root)
        yield path, root
        items = list(vars(root).items())
    elif isinstance(root, (dict, list, tuple)):
        items = _items(root)
    else:
        return
    for name, value in items:
        if isinstance(value, (Node, dict, list, tuple)):
            yield from modules(value, (*path, name), seen)


def missing_sizes(root: Node, waiting: set[int]) -> NotInitializedError:
    """The error for sizes that only example inputs can tell."""
    path, module = next((path, module) for path, module in modules(root) if id(module) in waiting)
    return NotInitializedError(
        f"{type(module).__name__} was built without the size of its input, and init got no example inputs.",
        where=paths.pretty("model", path),
        fix="pass example inputs: model.init(seed, x), or give the size when building the layer",
    )


def not_reached(root: Node, waiting: set[int]) -> NotInitializedError:
    """The error for a layer without a size that the call with the example inputs did not use."""
    path, module = next((path, module) for path, module in modules(root) if id(module) in waiting)
    return NotInitializedError(
        f"{type(module).__name__} was built without the size of its input, and the example inputs do not reach it.",
        where=paths.pretty("model", path),
        fix="give the size when building the layer, or call it with the example inputs",
    )


def initialize(root: Any, seed: Any, inputs: tuple[Any, ...], options: dict[str, Any], backend: str | None) -> Any:
    """A copy of ``root`` in which every leaf has a value. See ``Module.init``."""
    key = seed if isinstance(seed, random.Key) else random.key(seed, backend=_backend(root, inputs, options, backend))
    fresh = walk.rebuilt(root)
    with sealed.opened([module for _, module in modules(fresh)]):
        Initialization(key, fresh).run(fresh, inputs, options)
    return fresh


def _backend(root: Any, inputs: tuple[Any, ...], options: dict[str, Any], backend: str | None) -> str:
    leaves, _ = walk.flatten((root, inputs, options))
    arrays = [leaf for leaf in leaves if config.is_array(leaf)]
    engine = config.engine_of(*arrays, backend=backend)
    is_host = engine.name == config.HOST and arrays
    return config.default_engine(backend).name if is_host else engine.name


def fill_from_ambient(node: Any) -> None:
    """Fill the initializers of a module that was just constructed, where there is an ambient stream of keys.

    Also of modules in it that were put off when they were constructed, and got their sizes since.
    """
    if not random.is_seeded():
        return
    fresh = [(path, module) for path, module in modules(node) if _is_fresh(module)]
    if fresh:
        run = Initialization(random.next_key(), node)
        with sealed.opened([module for _, module in fresh]):
            for path, module in reversed(fresh):
                run.fill(module, path)


def _is_fresh(module: Any) -> bool:
    asks = hasattr(type(module), "rng_init") and not module._um_meta.is_filled
    return (asks or any(map(_has_initializer, vars(module).values()))) and not is_waiting(module)


nodes.on_construct(fill_from_ambient)
