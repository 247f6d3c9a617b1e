"""Structures of parameters as plain data, and back; nothing in the data names code to run."""

from __future__ import annotations

import collections
from typing import Any

from unimod.core import kinds
from unimod.core import skeleton as sk
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import OptionError
from unimod.functional._params import Params
from unimod.random import Key

_TYPES: dict[str, type] = {
    "params": Params,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "ordered": collections.OrderedDict,
    "key": Key,
}
_NAMES = {cls: name for name, cls in _TYPES.items()}
_KINDS = {
    cls.__name__: cls for cls in vars(kinds).values() if isinstance(cls, type) and issubclass(cls, kinds.TreePart)
}
_PLAIN = (type(None), bool, int, float, str)


def encoded(child: Child) -> Any:
    """A structure as lists, texts and numbers; None where it has classes that only a program can make."""
    if isinstance(child, sk.Leaf):
        return ["leaf", None if child.kind is None else child.kind.__name__, child.is_tied]
    if isinstance(child, sk.Alias):
        return ["again", child.index]
    if isinstance(child, sk.Fixed):
        return ["value", child.value] if isinstance(child.value, _PLAIN) else None
    if not isinstance(child, Skeleton) or child.type not in _NAMES:
        return None
    inner = [encoded(one) for one in child.children]
    if any(one is None for one in inner):
        return None
    names = None if child.names is None else list(child.names)
    modes = None
    if child.is_module:
        modes = [child.meta.is_training, child.meta.is_frozen, [[n, k.__name__] for n, k in child.meta.kinds]]
    return [_NAMES[child.type], names, modes, inner]


def decoded(data: Any) -> Child:
    """The structure that was written.

    Raises:
        OptionError: the data are not what :func:`encoded` makes.
    """
    try:
        return _decoded(data)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise OptionError(
            "The structure in the file cannot be read.",
            got=str(data)[:80],
            expected="a file that save(params, path) has written",
            fix="write it again, or load it into parameters: load(path, like=params)",
        ) from error


def _decoded(data: Any) -> Child:
    tag = data[0]
    if tag == "leaf":
        return sk.leaf(None if data[1] is None else _KINDS[data[1]], bool(data[2]))
    if tag == "again":
        return sk.alias(int(data[1]))
    if tag == "value":
        return sk.Fixed(data[1])
    cls, names, modes, inner = _TYPES[tag], data[1], data[2], tuple(map(_decoded, data[3]))
    meta: Any = sk.ATOM if cls is Key else None
    if modes is not None:
        meta = sk.meta(bool(modes[0]), bool(modes[1]), tuple((str(n), _KINDS[k]) for n, k in modes[2]))
    return sk.intern(cls, meta, None if names is None else tuple(names), inner)
