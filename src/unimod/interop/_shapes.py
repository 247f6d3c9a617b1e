"""The shapes of example inputs."""

from __future__ import annotations

from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import walk


class Shapes:
    """The structure, shapes and dtypes of example inputs: hashable, as a part of a structure has to be."""

    def __init__(self, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        leaves, self.structure = walk.flatten((args, options))
        self.leaves = tuple(
            (tuple(leaf.shape), str(config.dtype_of(leaf))) if config.is_array(leaf) else (None, leaf)
            for leaf in leaves
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shapes) and (self.structure, self.leaves) == (other.structure, other.leaves)

    def __hash__(self) -> int:
        return hash((self.structure, self.leaves))

    def made(self, engine: Engine) -> Any:
        """``(args, options)`` with zeros for arrays."""
        leaves = [leaf if shape is None else engine.arrays.full(shape, 0, leaf) for shape, leaf in self.leaves]
        return walk.unflatten(self.structure, leaves)
