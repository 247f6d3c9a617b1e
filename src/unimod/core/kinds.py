"""Kinds of leaves, and the three spellings that give a leaf its kind.

Any class may be a kind; these are the ready ones::

    TreePart
      Parameter
      State
        Rng
        ModelState
          BatchStat  Cache
        OptState
      Log
        Loss  Metric

The spellings, of one mechanism::

    self.register_parameter("w", v)          # or register_state
    self.w = um.Parameter(v)                 # a box: the value is stored, the kind is remembered
    w: Array = um.Parameter.node()           # in the class body, also um.field(node=True, kind=um.Parameter)
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, Final

MISSING = dataclasses.MISSING


class _Nothing:
    """The value that means "no leaf here"; tree functions pass over it."""

    _instance: _Nothing | None = None

    def __new__(cls) -> _Nothing:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "Nothing"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "Nothing"

    def __copy__(self) -> _Nothing:
        return self

    def __deepcopy__(self, memo: Any) -> _Nothing:
        return self


Nothing: Final = _Nothing()


class Static:
    """The mark of a field that is part of the structure, not a leaf."""


class KindAnnotation:
    """What ``Parameter[...]`` in an annotation stands for: the kind, whatever the brackets say."""

    __slots__ = ("kind",)

    def __init__(self, kind: type) -> None:
        self.kind = kind


class TreePart:
    """Base of the kinds. An instance is a box: assigned to an attribute of a module, it gives the leaf its kind.

    The same box assigned to two attributes makes them one leaf (tied weights).

    Example:
        >>> import unimod as um
        >>> class Scale(um.Module):
        ...     def __init__(self):
        ...         self.w = um.Parameter(2.0)
        >>> Scale().w
        2.0
    """

    __slots__ = ("holders", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.holders: list[tuple[Any, str]] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __class_getitem__(cls, item: Any) -> KindAnnotation:
        return KindAnnotation(cls)

    @classmethod
    def node(cls, default: Any = MISSING, **options: Any) -> Any:
        """A field whose leaves have this kind. Options as in :func:`field`."""
        return field(default, node=True, kind=cls, **options)

    @classmethod
    def static(cls, default: Any = MISSING, **options: Any) -> Any:
        """A field of this kind that is part of the structure. Options as in :func:`field`."""
        return field(default, node=False, kind=cls, **options)


class Parameter(TreePart):
    """Trainable: what ``grad`` differentiates and optimizers change."""

    __slots__ = ()


class State(TreePart):
    """Not trainable. The kind of a plain array attribute."""

    __slots__ = ()


class Rng(State):
    """A random key."""

    __slots__ = ()


class ModelState(State):
    """State of a layer, such as statistics and caches."""

    __slots__ = ()


class BatchStat(ModelState):
    """Running statistics of a normalisation."""

    __slots__ = ()


class Cache(ModelState):
    """Something remembered from call to call, such as keys and values of attention."""

    __slots__ = ()


class OptState(State):
    """State of an optimizer."""

    __slots__ = ()


class Log(TreePart):
    """Something recorded for the training loop."""

    __slots__ = ()


class Loss(Log):
    """An auxiliary loss recorded by a layer."""

    __slots__ = ()


class Metric(Log):
    """A metric recorded by a layer."""

    __slots__ = ()


_ARGUMENTS = tuple(inspect.signature(dataclasses.Field.__init__).parameters)[1:]
_UNSET = {"hash": None, "compare": True, "metadata": None, "kw_only": MISSING, "doc": None}


class Field(dataclasses.Field):  # type: ignore[type-arg]
    """A dataclass field that also says whether it holds leaves, and of which kind. Works in plain classes too."""

    __slots__ = ("kind", "name_in_class", "node")

    def __init__(
        self, default: Any, default_factory: Any, init: bool, repr: bool, node: bool, kind: type | None
    ) -> None:
        known = {"default": default, "default_factory": default_factory, "init": init, "repr": repr}
        # The rest as dataclasses.field has it: the decorator looks for MISSING in kw_only.
        rest = {name: _UNSET[name] for name in _ARGUMENTS if name not in known}
        super().__init__(**known, **rest)  # type: ignore[arg-type]
        self.node, self.kind = node, kind

    def __set_name__(self, owner: type, name: str) -> None:
        self.name_in_class = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        if self.default is not MISSING:
            return self.default
        raise AttributeError(f"{type(instance).__name__}.{self.name_in_class} is declared but has no value yet.")


def field(
    default: Any = MISSING,
    *,
    node: bool = True,
    kind: type | None = None,
    default_factory: Callable[[], Any] | Any = MISSING,
    init: bool = True,
    repr: bool = True,
) -> Any:
    """Declare an attribute of a module in the class body.

    Args:
        default: value where none is assigned.
        node: whether the attribute holds leaves (else it is part of the structure).
        kind: the kind of its leaves (default: State).
        default_factory: makes the value where none is assigned.
        init: whether a dataclass takes the attribute as an argument.
        repr: whether a dataclass shows it.

    Example:
        >>> import dataclasses, unimod as um
        >>> @dataclasses.dataclass
        ... class Pair(um.Module):
        ...     a: float = um.field(node=True, kind=um.Parameter)
        ...     b: int = um.static(3)
        >>> Pair(1.0)
        Pair(a=1.0, b=3)
    """
    return Field(default, default_factory, init, repr, node, kind)


def node(default: Any = MISSING, **options: Any) -> Any:
    """A field that holds leaves. Options as in :func:`field`."""
    return field(default, node=True, **options)


def static(default: Any = MISSING, **options: Any) -> Any:
    """A field that is part of the structure. Options as in :func:`field`."""
    return field(default, node=False, **options)


class Hashable:
    """A box that lets any object be part of the structure: compared by identity, hashed by it.

    Example:
        >>> import numpy as np, unimod as um
        >>> table = um.Hashable(np.eye(2))
        >>> table == um.Hashable(np.eye(2)), table.value.shape
        (False, (2, 2))
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __class_getitem__(cls, item: Any) -> type:
        return cls

    def __repr__(self) -> str:
        return f"Hashable({type(self.value).__name__})"
