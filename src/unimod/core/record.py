"""Running a module once, on stand-ins where the engine can, to see which modules are called, with what, and what comes.

The recorder takes the place that ``init`` has while it looks for sizes, so that a call of a module costs nothing more
while nobody records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import unimod.random as random
from unimod import config
from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.core import edit, init, scope, walk
from unimod.core.filters import SlotFilter
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.node import Node
from unimod.core.skeleton import Path, Slot

T = TypeVar("T")
Signatures = dict[tuple[str, str], int]
"""The texts of inputs and outputs, and how many calls had them."""

_SHOWN = 4
_ELSEWHERE: Path = (object(),)


class Recording(init.Initialization):
    """A run of ``init`` that also notes the calls; it leaves states as they were and fills what has no value.

    A transform inside of the model calls copies. How many it makes is the engine's business, so that calls of copies
    count once for each signature.
    """

    def __init__(self, key: random.Key, root: Node) -> None:
        super().__init__(key, root)
        self.signatures: dict[Path, Signatures] = {}
        self.own = [(module, path) for path, module in init.modules(root)]
        self.copies: dict[int, Node] = {}  # kept, so that no other object gets one of their ids
        self.structures: dict[Any, list[Node]] = {}
        self.unsure: set[Path] = set()  # modules of which one was called, but it cannot be told which
        self.running: Node | None = None

    def num_calls(self, path: Path) -> int | None:
        """How often the module was called; None where that is not known."""
        seen = self.signatures.get(path, {})
        return None if not seen and path in self.unsure else sum(seen.values())

    def run(self, root: Node, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Fill the leaves and call the module; where sizes are missing, call it twice, and note the second time."""
        for path, module in reversed(list(init.modules(root))):
            self.fill(module, path)
        for _ in range(1 + bool(self.waiting)):
            self.signatures, self.structures = {path: {} for _, path in self.own}, {}
            with self._active():
                root(*inputs, **options)  # type: ignore[operator]

    def call(self, module: Node, call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a module; that of ``super().__call__`` is part of the call in which it happens."""
        if self.running is module:
            return call(module, *args, **kwargs)
        if id(module) not in self.paths:
            self._adopt(module)
        given = ", ".join([*map(text, args), *(f"{name}={text(v)}" for name, v in kwargs.items() if v is not None)])
        before, self.running = self.running, module
        try:
            result = super().call(module, call, args, kwargs)
        finally:
            self.running = before
        self._note(module, (given, text(result)))
        return result

    def _note(self, module: Node, signature: tuple[str, str]) -> None:
        seen = self.signatures.get(self.paths.get(id(module), _ELSEWHERE))
        if seen is not None and not (id(module) in self.copies and signature in seen):
            seen[signature] = seen.get(signature, 0) + 1

    def _adopt(self, copy: Node) -> None:
        """Find out of which module this is a copy: of one with the same structure, best with the same leaves."""
        if not self.structures:
            for module, _ in self.own:
                self.structures.setdefault(walk.flatten_node(module)[1], []).append(module)
        leaves, structure = walk.flatten_node(copy)
        others = [(_num_others(module, leaves), module) for module in self.structures.get(structure, ())]
        nearest = [module for count, module in others if count == min(others, key=lambda pair: pair[0])[0]]
        if len(nearest) != 1:
            self.unsure.update(self.paths[id(module)] for module in nearest)
            return
        for path, module in init.modules(copy):
            self.paths[id(module)] = (*self.paths[id(nearest[0])], *path)
            self.copies[id(module)] = module


def _num_others(module: Node, leaves: list[Any]) -> int:
    return sum(one is not other for one, other in zip(walk.flatten_node(module)[0], leaves, strict=True))


def text(value: Any) -> str:
    """A value of a signature: arrays as ``f32[4, 2]``, numbers and whatever else is opaque by their types."""
    if config.is_array(value):
        return config.short(value)
    if isinstance(value, dict):
        return "{" + _joined(f"{name!r}: {text(item)}" for name, item in value.items()) + "}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = zip(value._fields, value, strict=True)
        return f"{type(value).__name__}({_joined(f'{name}={text(item)}' for name, item in fields)})"
    if isinstance(value, tuple):
        return f"({_joined(map(text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{_joined(map(text, value))}]"
    is_plain = value is None or isinstance(value, (bool, int, str))
    return repr(value) if is_plain else str(getattr(value, "__name__", type(value).__name__))


def _joined(texts: Any) -> str:
    texts = list(texts)
    return ", ".join(texts if len(texts) <= _SHOWN else [*texts[: _SHOWN - 1], f"... {len(texts)} in all"])


def observe(
    module: Node,
    inputs: tuple[Any, ...],
    options: Mapping[str, Any],
    seed: Any,
    look: Callable[[Any, Recording], T],
) -> T:
    """``look(copy, recording)`` after one call of a copy of ``module``; the module stays as it is.

    The call is traced and the trace given up, so that nothing is computed. Where that does not work (an engine without
    traces, Python that asks for values, an error in the model) it is run as it is.
    """
    leaves, structure = walk.flatten((module, seed, inputs, dict(options)))
    engine = _engine(leaves)
    leaves = _brought(engine, leaves)
    places = [index for index, leaf in enumerate(leaves) if config.is_array(leaf)]
    found: list[T] = []

    def once(arrays: list[Any]) -> None:
        full = list(leaves)
        for place, array in zip(places, arrays, strict=True):
            full[place] = array
        root, seed, args, kwargs = walk.unflatten(structure, full)
        root = edit.change(edit.copied, root, (_CHANGING,))  # in-place changes of native arrays reach copies only
        key = seed if isinstance(seed, random.Key) else random.key(seed, backend=engine.name)
        recording = Recording(key, root)
        recording.run(root, args, kwargs)
        found.append(look(root, recording))

    def traced(arrays: list[Any]) -> Any:
        with scope.enter(type(module).__name__):
            once(arrays)
        raise _Enough

    arrays = [leaves[place] for place in places]
    try:
        engine.compile.jit(traced, compiler="graph")(arrays)
    except Exception:  # the plain run tells what is wrong, in the words that a call has
        if not found:
            once(arrays)
    return found[0]


_CHANGING = SlotFilter(lambda slot: not _is_parameter(slot))


def _is_parameter(slot: Slot) -> bool:
    return slot.kind is not None and issubclass(slot.kind, Parameter)


class _Enough(Exception):  # noqa: N818 (nothing is wrong)
    """Everything has been seen; what was traced is not needed."""


def _engine(leaves: list[Any]) -> Engine:
    """The engine of the arrays; that of new values, where there are only host arrays and leaves without a value."""
    arrays = [leaf for leaf in leaves if config.is_array(leaf)]
    engine = config.engine_of(*arrays)
    is_filled_elsewhere = engine.name == config.HOST and any(isinstance(leaf, Initializer) for leaf in leaves)
    return config.default_engine() if is_filled_elsewhere else engine


def _brought(engine: Engine, leaves: list[Any]) -> list[Any]:
    """The leaves with host arrays brought to the engine, as transforms do it."""
    if engine.name == config.HOST:
        return leaves
    host = _registry.load(config.HOST)
    return [engine.arrays.asarray(leaf) if _registry.of_type(type(leaf)) is host else leaf for leaf in leaves]
