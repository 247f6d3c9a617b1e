"""The object that is also a pytree: its memory layout and its metaclass."""

from __future__ import annotations

import abc
import functools
import re
import sys
import typing
from collections.abc import Callable
from typing import Any

from unimod.core import boxes, scope, skeleton
from unimod.core.kinds import MISSING, Field, KindAnnotation, Static, TreePart
from unimod.core.skeleton import Meta, Skeleton
from unimod.errors import CapturedModuleError, TreeError

SLOTS = ("_um_lazy", "_um_meta", "_um_scope", "_um_tied")
_get = object.__getattribute__
_set = object.__setattr__
_on_class: list[Callable[[type], None]] = []
_on_construct: list[Callable[[Any], None]] = []


class NodeMeta(abc.ABCMeta):
    """The class of node classes: collects the declared kinds."""

    _um_meta0: Meta

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> NodeMeta:
        """Create a node class."""
        if namespace.get("__slots__") and any(isinstance(base, NodeMeta) for base in bases):
            raise TreeError(
                f"{name} declares __slots__, in which leaves would not be found.",
                got=f"__slots__ = {namespace['__slots__']!r}",
                fix="leave __slots__ away, and slots=True of a dataclass too",
            )
        cls = super().__new__(mcs, name, bases, namespace, **options)
        # Its own, because a dataclass would bring one that prints whole arrays.
        cls.__repr__ = cls.__repr__  # type: ignore[method-assign]
        kinds: dict[str, type] = {}
        for base in reversed(cls.__mro__):
            kinds.update(_declared_kinds(base))
        cls._um_meta0 = skeleton.meta(True, False, tuple(kinds.items()))
        getter = next((vars(base)["__getattr__"] for base in cls.__mro__ if "__getattr__" in vars(base)), None)
        if getter is not None and not hasattr(getter, "_um_builds"):
            cls.__getattr__ = _building_first(getter)  # type: ignore[attr-defined]
        for callback in _on_class:
            callback(cls)
        return cls

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Construct a node, then let those who asked for it see it; a compact method finds it after its first run."""
        if scope.state.frame is not None:
            return scope.state.frame.module(cls, lambda: cls(*args, **kwargs))
        node = super().__call__(*args, **kwargs)
        if isinstance(node, Node):
            _complete(node)
        for callback in _on_construct:
            callback(node)
        return node


def _declared_kinds(cls: type) -> dict[str, type]:
    kinds: dict[str, type] = {}
    for name, annotation in vars(cls).get("__annotations__", {}).items():
        found = _annotated_kind(annotation, cls)
        if found is not None:
            kinds[name] = found
    for name, value in vars(cls).items():
        if isinstance(value, Field):
            kinds[name] = (value.kind or TreePart) if value.node else Static
    # A dataclass takes its fields without default out of the class body and keeps them here.
    for name, declared in vars(cls).get("__dataclass_fields__", {}).items():
        if isinstance(declared, Field):
            kinds[name] = (declared.kind or TreePart) if declared.node else Static
    return kinds


def _annotated_kind(annotation: Any, cls: type) -> type | None:
    """The kind that stands in an annotation, also as text, and inside of ``Optional[...]`` and the like."""
    if isinstance(annotation, KindAnnotation):
        return annotation.kind
    if isinstance(annotation, (str, typing.ForwardRef)):
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        names = {**vars(sys.modules[cls.__module__]), **vars(cls)} if cls.__module__ in sys.modules else {}
        found = (_named(head, names) for head in re.findall(r"([\w.]+)\s*\[", text))
        return next((kind for kind in found if isinstance(kind, type) and issubclass(kind, TreePart)), None)
    inner = (_annotated_kind(part, cls) for part in typing.get_args(annotation))
    return next((kind for kind in inner if kind is not None), None)


def _named(dotted: str, names: dict[str, Any]) -> Any:
    """What a dotted name stands for; None where that does not exist at run time, as annotations may."""
    first, *rest = dotted.split(".")
    return functools.reduce(lambda found, name: getattr(found, name, None), rest, names.get(first))


class _Memory:
    """What a node remembers: its attributes, and beside them what the rest of the core knows of it."""

    __slots__ = (*SLOTS, "__dict__", "__weakref__")


_slots: Any = vars(_Memory)
attributes_of: Callable[[Any], dict[str, Any]] = _slots["__dict__"].__get__
get_lazy, set_lazy = _slots["_um_lazy"].__get__, _slots["_um_lazy"].__set__
get_scope, set_scope = _slots["_um_scope"].__get__, _slots["_um_scope"].__set__


def touch(node: Any) -> bool:
    """Build a lazy node; True where that was needed. Replaced by the file that makes lazy nodes."""
    return False


def _missing(self: Any, name: str) -> Any:
    """An attribute that was not found: build the node where it is lazy, and look again."""
    touch(self)
    return _get(self, name)


_missing._um_builds = True  # type: ignore[attr-defined]


def _building_first(getter: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """A ``__getattr__`` that is asked only for what a built node does not have."""

    @functools.wraps(getter)
    def found(self: Any, name: str) -> Any:
        if touch(self):
            return getattr(self, name)
        if name in SLOTS or name in attributes_of(self):
            return _get(self, name)  # built by another thread just now
        return getter(self, name)

    found._um_builds = True  # type: ignore[attr-defined]
    return found


class Node(_Memory, metaclass=NodeMeta):
    """An object whose attributes are leaves, other nodes, containers of these, and static values."""

    __slots__ = ()

    _um_lazy: tuple[list[Any], Skeleton] | None
    _um_meta: Meta
    _um_scope: scope.Scope | None
    _um_tied: dict[str, TreePart] | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make the bare object; ``__init__`` need not call ``super().__init__()``."""
        node = object.__new__(cls)
        set_lazy(node, None)
        set_scope(node, scope.state.current)
        _set(node, "_um_meta", cls._um_meta0)
        _set(node, "_um_tied", None)
        return node

    __getattr__ = _missing

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        touch(self)
        return attributes_of(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._um_scope is not scope.state.current:
            raise captured(self, name)
        if isinstance(value, TreePart):
            boxes.assign_box(self, name, value)
        elif isinstance(value, boxes.CONTAINERS) and boxes.boxes_in(value):
            boxes.assign_container(self, name, value)
        else:
            boxes.assign(self, name, value)

    def __delattr__(self, name: str) -> None:
        if self._um_scope is not scope.state.current:
            raise captured(self, name)
        touch(self)
        object.__delattr__(self, name)
        boxes.untie(self, name)

    def __copy__(self) -> Any:
        new = _revive(type(self))
        _set(new, "_um_meta", self._um_meta)
        vars(new).update(vars(self))
        boxes.tie_copy(self, new)
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        return (_revive, (type(self),), (self._um_meta.parts, dict(vars(self)), self._um_tied))

    def __setstate__(self, state: Any) -> None:
        parts, attributes, tied = state
        _set(self, "_um_meta", skeleton.meta(*parts))
        _set(self, "_um_tied", tied)
        vars(self).update(attributes)

    def __getstate__(self) -> Any:
        return self.__reduce__()[2]


def _revive(cls: type) -> Any:
    return Node.__new__(cls)


def _complete(node: Node) -> None:
    """Give a new node the declared values that stand in its class, and open the boxes that ``__init__`` left closed."""
    attributes = _get(node, "__dict__")
    for name in node._um_meta.by_name:
        default = MISSING if name in attributes else _class_value(type(node), name)
        if default is not MISSING:
            Node.__setattr__(node, name, default)
    for name, value in list(attributes.items()):
        if isinstance(value, TreePart) or (isinstance(value, boxes.CONTAINERS) and boxes.boxes_in(value)):
            Node.__setattr__(node, name, value)


def _class_value(cls: type, name: str) -> Any:
    value = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), MISSING)
    if isinstance(value, Field):
        return value.default if value.default_factory is MISSING else value.default_factory()
    return MISSING if hasattr(value, "__get__") else value


def captured(node: Node, name: str) -> CapturedModuleError:
    """The error for a change of a node from a scope that it does not belong to."""
    current = scope.state.current
    if current is None:
        return CapturedModuleError(
            f"{type(node).__name__}.{name} was changed after the traced function that made it had ended.",
            got=f"a module made inside {node._um_scope!r}",
            expected="a module that the traced function returned",
            fix="return the module from the function and use the returned one",
        )
    return CapturedModuleError(
        f"{type(node).__name__}.{name} was changed from inside {current.name}, which captured the module.",
        got=f"{type(node).__name__} from outside of the function",
        expected="a module that is an argument of the function",
        fix="pass the module as an argument and return it, or transform the bound method",
    )


def on_class(callback: Callable[[type], None]) -> None:
    """Call ``callback(cls)`` for each node class that is defined from now on, twins included."""
    _on_class.append(callback)


def on_construct(callback: Callable[[Any], None]) -> None:
    """Call ``callback(node)`` after each construction of a node."""
    _on_construct.append(callback)
