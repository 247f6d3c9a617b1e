"""Transformations one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.errors import DTypeError, OptionError
from unimod.optim.base import Hyper, Transformation, own_values, transformation_only, values_of


class Chain(Transformation):
    """Transformations one after the other; ``opt[i]`` is the i-th."""

    def __init__(self, *parts: Transformation) -> None:
        self.parts = list(parts)

    def __getitem__(self, index: Any) -> Transformation:
        part: Transformation = self.parts[index]
        return part

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Transformation]:
        return iter(self.parts)

    def hyperparameters(self) -> Iterator[str]:
        """Those of the parts."""
        return (name for part in self.parts for name in part.hyperparameters())

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """Each part."""
        new = walk.rebuilt(self)
        new.parts = [part.init_flat(engine, leaves, structure) for part in self.parts]
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """Each part on what the one before gave."""
        for index, part in enumerate(self.parts):
            grads = part.update_flat(engine, grads, params, structure, self.values_for(index, hyper))
        return grads

    def scaled_flat(
        self, engine: Engine, grads: list[Any], params: list[Any], structure: Child, hyper: Hyper
    ) -> tuple[list[Any], float]:
        """Each part on what the one before gave, but for a number of the last one."""
        if not self.parts:
            return grads, 1.0
        last = len(self.parts) - 1
        for index, part in enumerate(self.parts[:last]):
            grads = part.update_flat(engine, grads, params, structure, self.values_for(index, hyper))
        return self.parts[last].scaled_flat(engine, grads, params, structure, self.values_for(last, hyper))

    def spend(self, structure: Child) -> bool:
        """Each part behind which all are sure to succeed."""
        return all(part.spend(structure) for part in reversed(self.parts))

    def values_for(self, index: int, hyper: Hyper) -> Hyper:
        """Those of the values for one step that a part takes."""
        return own_values(self.parts[index], hyper)


class NamedChain(Chain):
    """Transformations one after the other, each with a name; ``opt[name]`` is the part of that name.

    Attributes:
        names: of the parts, in their order.
    """

    names: tuple[str, ...] = static()

    def __init__(self, *named: tuple[str, Transformation]) -> None:
        super().__init__(*(part for _, part in named))
        self.names = tuple(name for name, _ in named)

    def __getitem__(self, index: Any) -> Transformation:
        if isinstance(index, str) and index not in self.names:
            raise OptionError(f"The chain has no part {index!r}.", got=repr(index), expected=", ".join(self.names))
        return self.parts[self.names.index(index) if isinstance(index, str) else index]

    def values_for(self, index: int, hyper: Hyper) -> Hyper:
        """Those of the values for one step that a part takes; a dict with its name in it has its own."""
        return values_of(self.names[index], self.parts[index], hyper)


class OneRate(Chain):
    """Transformations one after the other, of which several depend on one learning rate.

    Attributes:
        options_of: what a rate that is given for one step means: by the index of a part its options.
    """

    options_of: Callable[[Any], dict[int, Hyper]] = static()

    def __init__(self, options_of: Callable[[Any], dict[int, Hyper]], *parts: Transformation) -> None:
        super().__init__(*parts)
        self.options_of = options_of

    def values_for(self, index: int, hyper: Hyper) -> Hyper:
        """Those of the values for one step that a part takes, or that the learning rate gives it."""
        if "learning_rate" not in hyper:
            return super().values_for(index, hyper)
        others = {name: value for name, value in hyper.items() if name != "learning_rate"}
        return {**self.options_of(hyper["learning_rate"]).get(index, {}), **super().values_for(index, others)}


def chain(*parts: Transformation) -> Chain:
    """Transformations one after the other.

    Raises:
        DTypeError: something else is among them.

    Example:
        >>> import unimod as um
        >>> opt = um.optim.chain(um.optim.scale_by_adam(), um.optim.scale(-1e-3))
        >>> len(opt)
        2
    """
    for part in parts:
        transformation_only("chain", part)
    return Chain(*parts)


def named_chain(*parts: tuple[str, Transformation]) -> NamedChain:
    """Transformations one after the other, each with a name by which it and its state can be read.

    A value for one step may be a dict, with a value for each part that it names.

    Args:
        parts: pairs of a name and a transformation.

    Raises:
        OptionError: two parts have one name.
        DTypeError: a part is no transformation, or its name no str.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.named_chain(("clip", um.optim.clip_by_global_norm(1.0)), ("scale", um.optim.scale(-0.5)))
        >>> x, opt = opt.init(x).step(x, x)
        >>> round(float(opt["clip"].global_norm), 4), round(float(x[0]), 4)
        (5.0, 2.7)
    """
    for pair in parts:
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise DTypeError("named_chain takes pairs of a name and a transformation.", got=repr(pair)[:80])
        transformation_only("named_chain", pair[1])
    names = [name for name, _ in parts]
    for name in names:
        if names.count(name) > 1:
            raise OptionError("Two parts of a chain have one name.", got=f"name = {name!r}", expected="a name each")
    return NamedChain(*parts)
