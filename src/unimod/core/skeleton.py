"""The structure of an object apart from its leaves: interned, immutable, hashable.

A :class:`Skeleton` says how an object (a module, a container, a tuple of arguments) is rebuilt from a flat list of
leaves. Equal structures are the same object, so that comparing two costs an identity check and a jitted function can
use the structure as a dictionary key. What is below a skeleton is one of::

    Leaf(kind)     a place for the next leaf of the list
    Alias(i)       the i-th entity (module or tied leaf) met before, again
    Fixed(key)     a static value, part of the structure
    HOLE           a place where a leaf was filtered away (``Nothing``)
    Skeleton       a container or a module
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final

Path = tuple[Hashable, ...]


class Leaf:
    """A place for a leaf of one kind (None: outside of any module). Use :func:`leaf`, which interns."""

    __slots__ = ("is_tied", "kind")

    def __init__(self, kind: type | None, is_tied: bool) -> None:
        self.kind, self.is_tied = kind, is_tied

    def __reduce__(self) -> tuple[Any, ...]:
        return (leaf, (self.kind, self.is_tied))


class Alias:
    """The entity number ``index`` again. Use :func:`alias`, which interns."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __reduce__(self) -> tuple[Any, ...]:
        return (alias, (self.index,))


class Fixed:
    """A static value, compared by type and value; lists, dicts, sets and partial functions by content."""

    __slots__ = ("_hash", "key")

    def __init__(self, value: Any) -> None:
        self.key = _freeze(value)
        self._hash = hash(self.key)

    @property
    def value(self) -> Any:
        """The value; containers come back as fresh copies."""
        return _thaw(self.key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and self.key == other.key

    # Hashes of strings differ from process to process, so the hash is not saved.
    def __reduce__(self) -> tuple[Any, ...]:
        return (Fixed, (self.value,))


class _Constant:
    """A value of which there is one; it survives pickling as itself."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name


class _Hole(_Constant):
    __slots__ = ()


HOLE: Final = _Hole("HOLE")
ATOM: Final = _Constant("ATOM")
"""The ``meta`` of a wrapper around one leaf (a random key), which adds nothing to the leaf's path."""


@dataclasses.dataclass(frozen=True)
class Meta:
    """What a module knows beside its attributes: its modes and their kinds. Interned by :func:`meta`."""

    is_training: bool
    is_frozen: bool
    kinds: tuple[tuple[str, type], ...]
    is_filled: bool
    by_name: dict[str, type] = dataclasses.field(compare=False, hash=False)

    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def __reduce__(self) -> tuple[Any, ...]:
        return (meta, self.parts)

    @property
    def parts(self) -> tuple[bool, bool, tuple[tuple[str, type], ...], bool]:
        """What :func:`meta` makes it of."""
        return (self.is_training, self.is_frozen, self.kinds, self.is_filled)

    def replace(self, is_training: bool | None = None, is_frozen: bool | None = None) -> Meta:
        """The same with other modes."""
        return meta(
            self.is_training if is_training is None else is_training,
            self.is_frozen if is_frozen is None else is_frozen,
            self.kinds,
            self.is_filled,
        )

    def with_kind(self, name: str, kind: type) -> Meta:
        """The same with the kind of one attribute set."""
        return meta(self.is_training, self.is_frozen, tuple({**self.by_name, name: kind}.items()), self.is_filled)

    def filled(self) -> Meta:
        """The same after ``rng_init``."""
        return meta(self.is_training, self.is_frozen, self.kinds, True)


class Skeleton:
    """A container or a module: its type, what it knows beside its children, their names, and the children.

    ``is_flat`` says whether all children are leaves of their own. :mod:`unimod.core.lazy` sets ``is_covered``.
    """

    __slots__ = (
        "__weakref__", "cache", "children", "is_covered", "is_flat", "is_module", "meta", "names", "num_leaves", "type",
    )  # fmt: skip

    def __init__(self, cls: type, meta: Any, names: tuple[Any, ...] | None, children: tuple[Child, ...]) -> None:
        self.type, self.meta, self.names, self.children = cls, meta, names, children
        self.is_module = isinstance(meta, Meta)
        self.num_leaves = sum(map(count, children))
        self.is_flat = all(map(_is_own_leaf, children))
        self.is_covered: bool | None = None
        self.cache: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return f"<skeleton of {self.type.__name__}, {self.num_leaves} leaves>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (intern, (self.type, self.meta, self.names, self.children))

    def __deepcopy__(self, memo: Any) -> Skeleton:
        return self

    @property
    def slots(self) -> tuple[Slot, ...]:
        """One entry for each leaf, in order."""
        found: tuple[Slot, ...] = self.cached("slots", lambda: tuple(_slots(self, (), ())))
        return found

    def cached(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """``compute()``, remembered under ``key`` for as long as this structure is in use."""
        try:
            return self.cache[key]
        except KeyError:
            value = self.cache[key] = compute()
            return value


Child = Leaf | Alias | Fixed | _Hole | Skeleton


@dataclasses.dataclass(frozen=True)
class Slot:
    """Where a leaf sits.

    Attributes:
        path: names, indices and keys from the root.
        kind: its kind; None outside of modules.
        module: the structure of the module that owns it, or None.
        module_path: the path of that module.
        owners: the classes of all modules around it, the outermost first.
    """

    path: Path
    kind: type | None
    module: Skeleton | None
    module_path: Path
    owners: tuple[type, ...]

    @property
    def name(self) -> str:
        """The name of the attribute in the module that owns the leaf (or the first key outside of modules)."""
        return str(self.path[len(self.module_path)]) if len(self.path) > len(self.module_path) else ""

    @property
    def is_frozen(self) -> bool:
        """Whether the module that owns it is frozen."""
        return self.module is not None and self.module.meta.is_frozen


# Interning ------------------------------------------------------------------------------------------------------------

_leaves: dict[tuple[type | None, bool], Leaf] = {}
_aliases: dict[int, Alias] = {}
_metas: dict[tuple[Any, ...], Meta] = {}
_skeletons: dict[Any, weakref.ref[Skeleton]] = {}
_recent: collections.deque[Skeleton] = collections.deque(maxlen=48)
"""The structures made last live on for a while: a loop that lets go of them between its steps finds them again."""
_lock = threading.RLock()


def leaf(kind: type | None, is_tied: bool = False) -> Leaf:
    """The interned leaf of a kind."""
    found = _leaves.get((kind, is_tied))
    return found if found is not None else _leaves.setdefault((kind, is_tied), Leaf(kind, is_tied))


def alias(index: int) -> Alias:
    """The interned alias of entity ``index``."""
    found = _aliases.get(index)
    return found if found is not None else _aliases.setdefault(index, Alias(index))


def meta(is_training: bool, is_frozen: bool, kinds: tuple[tuple[str, type], ...], is_filled: bool = False) -> Meta:
    """The interned :class:`Meta`."""
    key = (is_training, is_frozen, kinds, is_filled)
    found = _metas.get(key)
    return found if found is not None else _metas.setdefault(key, Meta(*key, dict(kinds)))


def intern(cls: type, meta: Any, names: tuple[Any, ...] | None, children: tuple[Child, ...]) -> Skeleton:
    """The one skeleton with these parts."""
    key = (cls, meta, names, children)
    reference = _skeletons.get(key)
    if reference is not None:
        found = reference()
        if found is not None:
            return found
    return _make(key)


def _make(key: tuple[Any, ...]) -> Skeleton:
    with _lock:
        reference = _skeletons.get(key)
        found = reference() if reference is not None else None
        if found is None:
            found = Skeleton(*key)
            _skeletons[key] = weakref.ref(found, lambda dead: _drop(key, dead))
            _recent.append(found)
        return found


def _drop(key: Any, dead: Any) -> None:
    if _skeletons.get(key) is dead:
        del _skeletons[key]


# Static values --------------------------------------------------------------------------------------------------------


class _Partial:
    """A function with some arguments given, compared by its parts: by itself it is equal to no copy of it."""

    __slots__ = ("_hash", "key", "value")

    def __init__(self, value: functools.partial[Any]) -> None:
        self.value = value
        try:
            self.key = _freeze((value.func, value.args, value.keywords))
            self._hash = hash(self.key)
        except TypeError:  # an argument that is not hashable
            self.key, self._hash = value, hash(value)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Partial) and self.key == other.key


def _freeze(value: Any) -> Any:
    cls = type(value)
    if cls is float:
        return (cls, value.hex())
    if cls is list or cls is tuple or cls is set or cls is frozenset:
        items = map(_freeze, value)
        return (cls, frozenset(items) if cls in (set, frozenset) else tuple(items))
    if cls is dict:
        return (cls, tuple((_freeze(key), _freeze(item)) for key, item in value.items()))
    if cls is functools.partial:
        return (cls, _Partial(value))
    return (cls, value)


def _thaw(key: Any) -> Any:
    cls, content = key
    if cls is float:
        return float.fromhex(content)
    if cls is list or cls is tuple or cls is set or cls is frozenset:
        return cls(map(_thaw, content))
    if cls is dict:
        return {_thaw(name): _thaw(item) for name, item in content}
    return content.value if cls is functools.partial else content


# Derived structures ---------------------------------------------------------------------------------------------------


def count(child: Child) -> int:
    """The number of leaves below a child."""
    return 1 if isinstance(child, Leaf) else child.num_leaves if isinstance(child, Skeleton) else 0


def _is_own_leaf(child: Child) -> bool:
    return isinstance(child, Leaf) and not child.is_tied


def child_keys(skeleton: Skeleton) -> Iterator[Hashable]:
    """The names of attributes, the keys of a dict or the indices of a sequence."""
    return iter(range(len(skeleton.children)) if skeleton.names is None else skeleton.names)


def _slots(node: Skeleton, path: Path, around: tuple[tuple[Skeleton, Path], ...]) -> Iterator[Slot]:
    if node.is_module:
        around = (*around, (node, path))
    module, module_path = around[-1] if around else (None, ())
    owners = tuple(owner.type for owner, _ in around)
    for key, child in zip(child_keys(node), node.children, strict=True):
        here = path if node.meta is ATOM else (*path, key)
        if isinstance(child, Leaf):
            yield Slot(here, child.kind, module, module_path, owners)
        elif isinstance(child, Skeleton):
            yield from _slots(child, here, around)


def with_modes(node: Skeleton, is_training: bool | None = None, is_frozen: bool | None = None) -> Skeleton:
    """The structure with the modes of all its modules set."""
    found: Skeleton = node.cached(("modes", is_training, is_frozen), lambda: _with_modes(node, is_training, is_frozen))
    return found


def _with_modes(node: Skeleton, is_training: bool | None, is_frozen: bool | None) -> Skeleton:
    children = tuple(
        with_modes(child, is_training, is_frozen) if isinstance(child, Skeleton) else child for child in node.children
    )
    own = node.meta.replace(is_training, is_frozen) if node.is_module else node.meta
    return intern(node.type, own, node.names, children)


def select(node: Skeleton, mask: tuple[bool, ...]) -> Skeleton:
    """The structure in which only the leaves with ``mask[i]`` are left; the others become holes."""
    if all(mask):
        return node
    found: Skeleton = node.cached(("select", mask), lambda: _Selection(mask).run(node))
    return found


class _Selection:
    """One pass that drops leaves and numbers the entities anew, so that aliases still point to what they mean."""

    def __init__(self, mask: tuple[bool, ...]) -> None:
        self.mask = iter(mask)
        self.entities: list[int | None] = []
        self.count = 0

    def run(self, node: Skeleton) -> Skeleton:
        if node.is_module:
            self._enter(True)
        return intern(node.type, node.meta, node.names, tuple(map(self._child, node.children)))

    def _enter(self, is_kept: bool) -> None:
        self.entities.append(self.count if is_kept else None)
        self.count += is_kept

    def _child(self, child: Child) -> Child:
        if isinstance(child, Skeleton):
            return self.run(child)
        if isinstance(child, Leaf):
            is_kept = next(self.mask)
            if child.is_tied:
                self._enter(is_kept)
            return child if is_kept else HOLE
        if isinstance(child, Alias):
            index = self.entities[child.index]
            return HOLE if index is None else alias(index)
        return child
