"""Steps that may use up the parameters and the state that they get: their memory is written into.

That is sound where nothing else sees the memory. The engine looks whether another array shares it; here it is seen to
that no array is in two places: gradients, parameters, what else is in the model, state, values for one step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.core.skeleton import Child
from unimod.optim import _lists

if TYPE_CHECKING:
    from unimod.optim.base import Transformation


class Donation:
    """One step that is given its parameters and its state.

    Args:
        engine: of the arrays.
        params: the parameters that may be written into.
        model: all leaves of what has them.
        beside: what else the step gets, as a tree.
    """

    def __init__(self, engine: Engine, params: list[Any], model: list[Any], beside: Any) -> None:
        self.lists, self.params = _lists.of(engine), params
        self.others = set(map(id, walk.flatten(beside)[0]))
        self.own = set(map(id, model))
        self.is_shared = len(self.own) < len(model)

    def begin(self, new: Transformation, structure: Child) -> None:
        """Let ``new``, what the step is about to change, write into its state."""
        state = list(map(id, walk.flatten(new)[0]))
        found = set(state)
        if state and len(found) == len(state) and found.isdisjoint(self.own) and found.isdisjoint(self.others):
            new.spend(structure)

    def finish(self, new: Transformation, updates: list[Any], factor: float) -> list[Any] | None:
        """``params + factor * updates`` in the memory of the parameters; None where that is needed elsewhere."""
        kept = self.others.union(map(id, updates), map(id, walk.flatten(new)[0]))
        if self.is_shared or not kept.isdisjoint(self.own):
            return None
        written: list[Any] | None = self.lists.at_once("apply_scaled_", self.params, updates, factor)
        return written


def of(engine: Engine, params: list[Any], model: list[Any], beside: Any) -> Donation | None:
    """The donation to a step; None where the engine does not write into arrays."""
    return None if _lists.of(engine).fused("apply_scaled_") is None else Donation(engine, params, model, beside)
