"""Giving the parts of a parametrized function their parameters, while it runs on example inputs.

A run of ``Module.init`` whose tree of modules grows as parts are met: the same recipes, the same keys by path, the same
layers without sizes. A part that is met again, anywhere, is the same parameters again.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from unimod import random
from unimod.core import init, scope, walk
from unimod.core import skeleton as sk
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.core.node import Node
from unimod.core.skeleton import Path
from unimod.functional import _errors, _frame, _parts, _slots
from unimod.functional._params import RESERVED, Params, entries

if TYPE_CHECKING:
    from unimod.functional.parametrized import Parametrized

Known = dict[int, tuple[Any, Any]]
"""Parts and their parameters, by the identity of the part."""


@dataclasses.dataclass(eq=False)
class _Recipe:
    """How leaves of a module got their values: for which path, and inside of which trace."""

    module: Node
    path: Path
    leaves: dict[str, Any]
    scope: scope.Scope | None


class Filling(init.Initialization):
    """One run of ``init_params``; without a key one that takes all parameters from known ones.

    Args:
        key: from which all leaves get theirs.
        known: parameters that are there already.
    """

    def __init__(self, key: random.Key | None, known: Known) -> None:
        super().__init__(key, Params())  # type: ignore[arg-type]
        self.home = scope.state.current
        self.nodes: Known = dict(known)
        self.given: list[tuple[str, set[int]]] = []
        self.used: set[int] = set()
        self.open: dict[int, tuple[str, Params]] = {}
        self.boxes: dict[int, tuple[Any, Parameter]] = {}
        self.recipes: dict[int, list[_Recipe]] = {}
        self.name = ""

    # Finding and making nodes

    def node_for(self, part: Parametrized) -> Params:
        """The parameters of a part: those it has, or new and empty ones."""
        self.used.add(id(part))
        known = self.nodes.get(id(part))
        if known is not None:
            return known[1]  # type: ignore[no-any-return]
        with self.at_home():
            node = Params(part.name)
        self.nodes[id(part)] = (part, node)
        self.open[id(node)] = (part.name, node)
        return node

    def root(self, part: Parametrized) -> Params:
        """The parameters of the outermost part."""
        self.name = part.name
        node = self.node_for(part)
        self.paths[id(node)] = ()
        return node

    def prepare(self, part: Parametrized, node: Params, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Give new parameters their entries: leaves with values, and parts that wait for their first call."""
        if self.open.pop(id(node), None) is None:
            self.refresh(node)
            return
        self._adopt(part)
        path = self.paths.get(id(node), ())
        with self.at_home():
            for name, tree in part.slots.items():
                setattr(node, name, _slots.mapped(lambda leaf: self._entry(leaf, inputs, options), tree))
                self._place(getattr(node, name), (*path, name))
        self.fill(node, path)

    def _entry(self, default: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        own = _slots.own_of(default)
        if isinstance(own, _slots.Param):
            known = self.boxes.get(id(own))
            if known is None:
                recipe = own.initializer(own.shape_for(inputs, options))
                known = self.boxes[id(own)] = (own, Parameter(recipe))
            return known[1]
        if isinstance(own, Module):
            self.used.add(id(own))
            return self.nodes[id(own)][1]
        return None if own is None else self.node_for(own)

    def _place(self, stored: Any, path: Path) -> None:
        """Remember where new modules are, and fill layers."""
        for leaf_path, leaf in _slots.places(stored, path):
            if isinstance(leaf, Params):
                self.paths.setdefault(id(leaf), leaf_path)
            elif isinstance(leaf, Node) and id(leaf) not in self.paths:
                for inner, module in reversed(list(init.modules(leaf, leaf_path))):
                    self.paths.setdefault(id(module), inner)
                    self.fill(module, inner)

    def _adopt(self, part: Parametrized) -> None:
        """Copy all layers below a part at once, so that those which share a layer go on sharing it."""
        new = [layer for layer in layers(part) if id(layer) not in self.nodes]
        if not new:
            return
        with self.at_home():
            holder = Params()
            holder.layers = new
            copies = walk.rebuilt(holder)
            pairs = zip(init.modules(holder), init.modules(copies), strict=True)
            self.nodes.update({id(one): (one, other) for (_, one), (_, other) in pairs})

    def inline_part(self, frame: _frame.Frame, name: str, part: Parametrized) -> Params:
        """The parameters of a part that a body calls inline, entered under its name."""
        found = entries(frame.node).get(name)
        if isinstance(found, Params) and name not in frame.part.slots:
            self.nodes.update(_parts.below(part, found))
            return found
        node = self.node_for(part)
        self._enter(frame, name, part.name, node)
        self.paths.setdefault(id(node), (*self.paths.get(id(frame.node), ()), name))
        return node

    def inline_leaf(self, frame: _frame.Frame, name: str, base: str, recipe: Initializer) -> Any:
        """A parameter that a body declares inline."""
        if name not in entries(frame.node) or name in frame.part.slots:
            self._enter(frame, name, base, Parameter(recipe))
            self.fill(frame.node, self.paths.get(id(frame.node), ()))
        return getattr(frame.node, name)

    def _enter(self, frame: _frame.Frame, name: str, base: str, value: Any) -> None:
        node = frame.node
        if name in RESERVED:
            raise _errors.reserved(frame.part.name, name)
        if name in frame.part.slots or name in entries(node):
            raise _errors.clash(frame.part.name, name)
        if name == f"{base}1" and base in entries(node) and base not in frame.part.slots:
            self._rename(node, base, f"{base}0")
        with self.at_home():
            setattr(node, name, value)

    def _rename(self, node: Params, old: str, new: str) -> None:
        """Give an entry another name, in its place; leaves get the values of their new path."""
        items = [(new if name == old else name, value) for name, value in vars(node).items()]
        vars(node).clear()
        vars(node).update(items)
        meta = node._um_meta
        kinds = tuple((new if name == old else name, kind) for name, kind in meta.kinds)
        object.__setattr__(node, "_um_meta", sk.meta(meta.is_training, meta.is_frozen, kinds, meta.is_filled))
        for recipe in self.recipes.get(id(node), ()):
            if old in recipe.leaves:
                recipe.leaves[new] = recipe.leaves.pop(old)
                self._redraw(recipe, recipe.path)

    # Values

    def fill(self, module: Node, path: Path) -> None:
        """Fill the leaves of one module, and remember how, in case they have to be drawn again."""
        leaves = {name: value for name, value in vars(module).items() if init._has_initializer(value)}
        if leaves and self.key is None:
            raise _errors.unknown(self.name, (*path, next(iter(leaves))))
        draws = hasattr(type(module), "rng_init") and not module._um_meta.is_filled
        if not init.is_waiting(module) and (leaves or draws):
            recipe = _Recipe(module, path, leaves, scope.state.current)
            self.recipes.setdefault(id(module), []).append(recipe)
        with self.at_home():
            super().fill(module, path)

    def call(self, module: Node, call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a layer: as ever, with leaves that can be used here."""
        for _, inner in init.modules(module):
            self.refresh(inner)
        return super().call(module, call, args, kwargs)

    def rehearse(self, passed: list[Node], call: Callable[[], Any]) -> None:
        """As ever; parts that are made in the body have the same names again afterwards."""
        frame = _frame.current()
        before = None if frame is None else frame.marks()
        try:
            super().rehearse(passed, call)
        finally:
            if frame is not None and before is not None:
                frame.reset(before)

    def refresh(self, module: Node) -> None:
        """Draw again what was drawn inside of a trace that has ended: nothing of it may be used outside."""
        for recipe in self.recipes.get(id(module), ()):
            if not _is_running(recipe.scope):
                self._redraw(recipe, recipe.path)

    def _redraw(self, recipe: _Recipe, path: Path) -> None:
        recipe.path, recipe.scope = path, scope.state.current
        vars(recipe.module).update(recipe.leaves)
        parts = recipe.module._um_meta
        object.__setattr__(
            recipe.module, "_um_meta", sk.meta(parts.is_training, parts.is_frozen, parts.kinds, is_filled=False)
        )
        with self.at_home():
            super().fill(recipe.module, path)

    def finish(self, root: Params) -> None:
        """Look for what was not reached; draw again what was drawn inside of a trace, or for a path that has changed.

        Raises:
            NotInitializedError: the inputs did not reach a part.
        """
        places = {id(module): path for path, module in init.modules(root)}
        for name, node in self.open.values():
            if id(node) in places:
                raise _errors.not_reached(places[id(node)], name)
        if self.waiting & places.keys():
            raise init.not_reached(root, self.waiting)
        self.tied = {}
        for path, module in init.modules(root):
            for name, box in (module._um_tied or {}).items():
                self.tied.setdefault(id(box), (*path, name))
        for recipe in [recipe for recipes in self.recipes.values() for recipe in recipes]:
            now = places.get(id(recipe.module), recipe.path)
            if now != recipe.path or not _is_running(recipe.scope):
                self._redraw(recipe, now)

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """Make and change modules as where the run began, also inside of a transform that the body calls."""
        before, scope.state.current = scope.state.current, self.home
        try:
            yield
        finally:
            scope.state.current = before


def layers(part: Parametrized) -> list[Module]:
    """The layers among the parts of a part, at any depth, each once."""
    found: dict[int, Module] = {}
    seen: set[int] = set()

    def look(part: Parametrized) -> None:
        if id(part) in seen:
            return
        seen.add(id(part))
        for default in _slots.leaves(list(part.slots.values())):
            own = _slots.own_of(default)
            if isinstance(own, Module):
                found[id(own)] = own
            elif isinstance(own, _slots.Part):
                look(own)  # type: ignore[arg-type]

    look(part)
    return list(found.values())


def _is_running(one: scope.Scope | None) -> bool:
    """Whether a scope is that which runs, or around it."""
    current = scope.state.current
    while current is not None and current is not one:
        current = current.parent
    return current is one
