"""The states of a module, kept aside while ``init`` calls it, so that an example leaves no trace in them."""

from __future__ import annotations

import copy
from typing import Any

from unimod import config
from unimod.core.kinds import State
from unimod.core.node import Node
from unimod.random import Key


def states_of(module: Node) -> dict[str, Any]:
    """The attributes that hold states, with lists and dicts copied."""
    kinds = module._um_meta.by_name
    return {name: _copied(v) for name, v in vars(module).items() if _is_state(kinds.get(name)) and _holds_arrays(v)}


def _is_state(kind: type | None) -> bool:
    return kind is None or issubclass(kind, State)


def _holds_arrays(value: Any) -> bool:
    if isinstance(value, (list, tuple, dict)):
        return any(map(_holds_arrays, value.values() if isinstance(value, dict) else value))
    return config.is_array(value) or isinstance(value, Key)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        new = copy.copy(value)
        new.update({name: _copied(item) for name, item in value.items()})
        return new
    return [_copied(item) for item in value] if type(value) is list else value
