"""What a model is made of: its modules with their leaves, sizes, and what went in and came out of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unimod import config
from unimod.core import edit, paths, record, table
from unimod.core import skeleton as sk
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.node import Node
from unimod.core.skeleton import Path, Skeleton
from unimod.dtypes import DType, describe
from unimod.errors import DTypeError

_NUMBERS = {bool: ("bool", 1), int: ("int32", 4), float: ("float32", 4), complex: ("complex64", 8)}


@dataclasses.dataclass(frozen=True)
class LeafSummary:
    """One leaf of a module.

    Attributes:
        path: its dotted path from the root.
        name: its dotted path from the module that owns it.
        kind: its kind; None outside of modules.
        shape: its shape; None where it is not known yet, and where it is neither array nor number.
        dtype: its dtype.
        size: how many numbers it has; 0 while that is not known, and where it is shared.
        nbytes: the bytes of these.
        trainable: whether it is a parameter of a module that is not frozen.
        initialized: whether it has a value.
        shared_with: the path of the leaf that it is tied to, which is the one that is counted.
    """

    path: str
    name: str
    kind: type | None
    shape: tuple[int, ...] | None
    dtype: str
    size: int
    nbytes: int
    trainable: bool
    initialized: bool
    shared_with: str | None = None

    def __str__(self) -> str:
        if self.shared_with is not None:
            return f"{self.name}: {self.shared_with}"
        unknown = self.dtype if self.initialized else f"{DType(self.dtype).short}[?]"
        return f"{self.name}: {unknown if self.shape is None else describe(self.shape, self.dtype)}"


@dataclasses.dataclass(frozen=True)
class Summary:
    """One module and all below it. Made by :func:`summarize`; ``str()`` is the table.

    Attributes:
        path: its dotted path from the root; empty for the root.
        class_name: the name of its class.
        leaves: the leaves of its own.
        children: the modules in its attributes.
        calls: how often it was called; None where that is not known: without inputs, or without ``__call__``.
        signatures: the different (inputs, outputs) of these calls, as text.
        frozen: whether it is frozen.
        shared_with: the path at which the same module stands first, where its contents are told and counted.
    """

    path: str
    class_name: str
    leaves: tuple[LeafSummary, ...] = ()
    children: tuple[Summary, ...] = ()
    calls: int | None = None
    signatures: tuple[tuple[str, str], ...] = ()
    frozen: bool = False
    shared_with: str | None = None

    def __iter__(self) -> Iterator[Summary]:
        """This module and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child

    @property
    def all_leaves(self) -> tuple[LeafSummary, ...]:
        """The leaves of this module and of all below it."""
        return tuple(leaf for module in self for leaf in module.leaves)

    @property
    def num_parameters(self) -> int:
        """How many numbers the parameters have, frozen ones included."""
        return sum(leaf.size for leaf in self.all_leaves if is_parameter(leaf))

    @property
    def nbytes(self) -> int:
        """The bytes of all leaves."""
        return sum(leaf.nbytes for leaf in self.all_leaves)

    @property
    def totals(self) -> dict[str, tuple[int, int]]:
        """Numbers and bytes of what is trainable, of frozen parameters, and of each other kind that there is.

        Example:
            >>> import unimod as um
            >>> um.summarize(um.nn.BatchNorm(3)).totals
            {'trainable': (6, 24), 'frozen': (0, 0), 'BatchStat': (6, 24)}
        """
        found = {"trainable": (0, 0), "frozen": (0, 0)}
        for leaf in self.all_leaves:
            label = table.kind_name(leaf.kind)
            if is_parameter(leaf):
                label = "trainable" if leaf.trainable else "frozen"
            size, nbytes = found.get(label, (0, 0))
            found[label] = (size + leaf.size, nbytes + leaf.nbytes)
        return found

    def summary(self, *, depth: int | None = None, width: int | None = None) -> str:
        """The table of modules, as text. See ``Module.summary``."""
        return table.short(self, depth).text(width)

    def tabulate(
        self,
        *,
        depth: int | None = None,
        signature: bool = True,
        kinds: Sequence[type] | None = None,
        width: int | None = None,
    ) -> str:
        """The table with a column for each kind of leaves, as text. See ``Module.tabulate``."""
        return table.long(self, depth, signature, kinds).text(width)

    def as_dict(self) -> dict[str, Any]:
        """The same as dicts, lists, strings and numbers, as JSON can hold them."""
        found: dict[str, Any] = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        found["signatures"] = [list(pair) for pair in self.signatures]
        found["children"] = [child.as_dict() for child in self.children]
        found["leaves"] = [
            {**dataclasses.asdict(leaf), "kind": table.kind_name(leaf.kind), "shape": leaf.shape and list(leaf.shape)}
            for leaf in self.leaves
        ]
        return found

    def __str__(self) -> str:
        return self.summary()


def is_parameter(leaf: LeafSummary) -> bool:
    """Whether a leaf is trainable by its kind."""
    return leaf.kind is not None and issubclass(leaf.kind, Parameter)


def summarize(module: Any, *inputs: Any, kwargs: Mapping[str, Any] | None = None, key: Any = 0) -> Summary:
    """What a model is made of, as a tree of :class:`Summary`: for programs, and printed as a table.

    With inputs, a copy of the module is called once to see the shapes that go in and come out. Where the engine traces,
    nothing is computed. The module, its states and its random keys stay as they are; leaves that have no values yet, or
    no sizes, get them in the copy.

    Args:
        module: a module, or a dict, list or tuple of modules and arrays.
        inputs: what to call the module with; without any (and without ``kwargs``) nothing is called.
        kwargs: keyword arguments of the call.
        key: the seed or key with which leaves of the copy are filled that have no value.

    Raises:
        DTypeError: there are inputs, and the module cannot be called.
        TreeError: ``module`` is neither a module nor a container.

    Example:
        >>> import unimod as um
        >>> found = um.summarize(um.nn.MLP([None, 8, 1]), um.numpy.ones((4, 3)))
        >>> found.num_parameters, found.children[0].path, found.children[0].signatures
        (41, 'layers.0', (('f32[4, 3]', 'f32[4, 8]'),))
    """
    leaves, structure = edit.parts_of(module)
    empty = {slot.path for slot, leaf in zip(structure.slots, leaves, strict=True) if isinstance(leaf, Initializer)}
    if not inputs and not kwargs:
        return _Builder(leaves, None, empty).module(structure, ())
    if not isinstance(module, Node) or not callable(module):
        raise DTypeError(
            f"A {type(module).__name__} cannot be called, so there are no shapes to be seen.",
            expected="a module with __call__, or no inputs",
            fix="leave the inputs away, or summarize the module that is called with them",
        )

    def look(copy: Node, recording: record.Recording) -> Summary:
        leaves, structure = edit.parts_of(copy)
        return _Builder(leaves, recording, empty).module(structure, ())

    return record.observe(module, inputs, kwargs or {}, key, look)


class _Builder:
    """One pass over a structure. Aliases count modules and tied leaves, from the outermost module on."""

    def __init__(self, leaves: list[Any], recording: record.Recording | None, empty: set[Path]) -> None:
        self.values, self.recording, self.empty = iter(leaves), recording, empty
        self.entities: list[Summary | LeafSummary | None] = []
        self.is_inside = False

    def module(self, node: Skeleton, path: Path) -> Summary:
        outside = None if self.is_inside or not node.is_module else self.entities
        if outside is not None:
            self.entities, self.is_inside = [], True
        place = len(self.entities)
        if node.is_module:
            self.entities.append(None)
        leaves: list[LeafSummary] = []
        children: list[Summary] = []
        self.contents(node, node, path, path, leaves, children)
        found = self.summary(node, path, tuple(leaves), tuple(children))
        if node.is_module:
            self.entities[place] = found
        if outside is not None:
            self.entities, self.is_inside = outside, False
        return found

    def contents(
        self, owner: Skeleton, node: Skeleton, root: Path, path: Path, leaves: list[Any], children: list[Any]
    ) -> None:
        for key, child in zip(sk.child_keys(node), node.children, strict=True):
            here = path if node.meta is sk.ATOM else (*path, key)
            if isinstance(child, sk.Leaf):
                leaves.append(self.leaf(owner, child, here, len(root)))
            elif isinstance(child, sk.Alias):
                self.again(child, here, len(root), leaves, children)
            elif isinstance(child, Skeleton) and child.is_module:
                children.append(self.module(child, here))
            elif isinstance(child, Skeleton):
                self.contents(owner, child, root, here, leaves, children)

    def summary(self, node: Skeleton, path: Path, leaves: Any, children: Any) -> Summary:
        recording = self.recording if node.is_module and _has_call(node.type) else None
        return Summary(
            paths.dotted(path),
            node.type.__name__,
            leaves,
            children,
            recording.num_calls(path) if recording is not None else None,
            tuple(recording.signatures.get(path, ())) if recording is not None else (),
            node.is_module and node.meta.is_frozen,
        )

    def leaf(self, owner: Skeleton, leaf: sk.Leaf, path: Path, start: int) -> LeafSummary:
        shape, dtype, itemsize = _shape_and_dtype(next(self.values))
        size = math.prod(shape) if shape is not None else 0
        is_trained = leaf.kind is not None and issubclass(leaf.kind, Parameter) and not owner.meta.is_frozen
        names = paths.dotted(path), paths.dotted(path[start:])
        found = LeafSummary(*names, leaf.kind, shape, dtype, size, size * itemsize, is_trained, path not in self.empty)
        if leaf.is_tied:
            self.entities.append(found)
        return found

    def again(self, alias: sk.Alias, path: Path, start: int, leaves: list[Any], children: list[Any]) -> None:
        first, here = self.entities[alias.index], paths.dotted(path)
        if isinstance(first, LeafSummary):
            name = paths.dotted(path[start:])
            leaves.append(dataclasses.replace(first, path=here, name=name, size=0, nbytes=0, shared_with=first.path))
        elif first is not None:
            children.append(Summary(here, first.class_name, frozen=first.frozen, shared_with=first.path or "(root)"))


def _has_call(cls: type) -> bool:
    return any("__call__" in vars(base) for base in cls.__mro__)


def _shape_and_dtype(value: Any) -> tuple[tuple[int, ...] | None, str, int]:
    """The shape, the dtype and the bytes of one number; of what is no number the type."""
    if config.is_array(value):
        dtype = config.dtype_of(value)
        return tuple(value.shape), str(dtype), dtype.itemsize
    if isinstance(value, Initializer):
        return value.shape, str(value.dtype), DType(value.dtype).itemsize
    if type(value) in _NUMBERS:
        return (), *_NUMBERS[type(value)]
    return None, type(value).__name__, 0
