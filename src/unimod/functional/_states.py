"""State in parameters: where keys come from, what a call has changed, and what is lost of that."""

from __future__ import annotations

import warnings
from typing import Any

from unimod import config, random
from unimod.core import walk
from unimod.core.kinds import Parameter, Rng
from unimod.errors import UnreturnedStateWarning
from unimod.functional._params import Params


def engine(inputs: Any, options: Any, reuse: Any, backend: str | None) -> str:
    """The engine on which parameters are made: that of the inputs, else the chosen one."""
    leaves, _ = walk.flatten((inputs, options, list((reuse or {}).values())))
    arrays = [leaf for leaf in leaves if config.is_array(leaf)]
    engine = config.engine_of(*arrays, backend=backend)
    is_host = engine.name == config.HOST and arrays
    return config.default_engine(backend).name if is_host else engine.name


def with_keys(params: Params, key: random.Key) -> Params:
    """A copy whose layers draw from ``key``: each of their keys is folded with its path."""
    leaves, structure = walk.flatten_node(params)
    leaves = list(leaves)
    for index, slot in enumerate(structure.slots):
        if slot.kind is not None and issubclass(slot.kind, Rng):
            leaves[index] = random.key_data(random.fold_in(key, random.stable_hash(str(slot.path))))
    return walk.unflatten(structure, leaves)  # type: ignore[no-any-return]


def is_changed(old: Params, new: Params, key: Any) -> bool:
    """Whether there is state in ``new`` that ``old`` does not have; keys are no state where they come from outside."""
    (before, structure), (after, now) = walk.flatten_node(old), walk.flatten_node(new)
    if structure is not now:
        return True
    return any(
        a is not b and not _is_own(slot.kind, key) for a, b, slot in zip(before, after, structure.slots, strict=True)
    )


def _is_own(kind: Any, key: Any) -> bool:
    return kind is not None and (issubclass(kind, Parameter) or (key is not None and issubclass(kind, Rng)))


def warn_once(name: str, warned: set[str]) -> None:
    """Say that state was lost, if it has not been said."""
    if warned:
        return
    warned.add(name)
    warnings.warn(
        UnreturnedStateWarning(
            f"{name} changed the state of a layer in its parameters, and the change is lost. Call "
            f"{name}.apply(params, *inputs, with_state=True), which returns (result, params), or put the layers in "
            "evaluation mode: params.eval()."
        ),
        stacklevel=4,
    )
