"""What ``jit(fn).lower(...)`` gives: a program that can be looked at, compiled, called and saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import ShapeError, TreeError
from unimod.transforms import _lift


class Calling(NamedTuple):
    """How a program is called.

    Attributes:
        name: of the function.
        implicit: what stands before the explicit arguments: the module of a bound method.
        places: those of static arguments, which are part of the program.
        finish: makes the result of a call of what the function returned, the arguments and the named ones.
    """

    name: str
    implicit: tuple[Any, ...]
    places: tuple[int, ...]
    finish: Callable[..., Any]

    def full(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments that were traced, from those of a call."""
        full = [*self.implicit, *args]
        for place in self.places:
            full.insert(place, None)
        return tuple(full)

    def explicit(self, full: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of a call, from those that were traced."""
        return tuple(arg for n, arg in enumerate(full) if n >= len(self.implicit) and n not in self.places)


class Lowered:
    """A function that is traced for arguments of one structure, and not compiled.

    Attributes:
        backend: the name of the engine.
    """

    def __init__(self, program: Any, engine: Engine, structure: Child, leaves: Sequence[Any], calling: Calling) -> None:
        self._program, self._engine, self._structure, self._calling = program, engine, structure, calling
        self._signatures = tuple(map(signature, leaves))
        self.backend = engine.name

    def as_text(self) -> str:
        """The program: StableHLO on JAX, the graph as Python code on torch."""
        return str(self._program.as_text())

    def compile(self) -> Compiled:
        """Machine code."""
        return Compiled(self, self._program.compile())


class Compiled:
    """A compiled function for arguments of one structure, with the shapes and dtypes that it was made for."""

    def __init__(self, lowered: Lowered, program: Any) -> None:
        self._lowered, self._program = lowered, program
        self.backend = lowered.backend

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, on the arguments that are not static.

        Raises:
            TreeError: the structure of the arguments is another one.
            ShapeError: an array has another shape or dtype.
        """
        made_for = self._lowered
        name, *_, finish = made_for._calling
        args = made_for._calling.full(args)
        leaves, structure = walk.flatten((args, kwargs))
        if structure is not made_for._structure:
            raise TreeError(
                f"{name} was compiled for arguments of another structure.",
                got=describe(structure),
                expected=describe(made_for._structure),
                fix="call the jitted function, which traces anew, or lower it for these arguments",
            )
        leaves = _lift.to_engine(made_for._engine, leaves)
        check_signatures(name, structure, map(signature, leaves), made_for._signatures)
        arrays, packed = self._program.run(leaves)
        return finish(packed.unpack(arrays), args, kwargs)

    def as_text(self) -> str:
        """The program after the compiler's passes: HLO on JAX, the graph as Python code on torch."""
        return str(self._program.as_text())

    def cost_analysis(self) -> dict[str, float]:
        """What the framework counts, by its names; ``flops`` on every engine that counts."""
        return dict(self._program.cost())

    def memory_analysis(self) -> dict[str, float]:
        """Bytes by the framework's names, such as ``argument_size_in_bytes`` and ``output_size_in_bytes``."""
        return dict(self._program.memory())


class AsItIs:
    """The program of an engine that compiles nothing: the function."""

    def __init__(self, fn: Callable[[list[Any]], tuple[list[Any], Any]], name: str) -> None:
        self.run, self.name = fn, name

    def as_text(self) -> str:
        """A line that says so."""
        return f"{self.name} runs as it is"

    def compile(self) -> AsItIs:
        """The same."""
        return self

    def cost(self) -> dict[str, float]:
        """Nothing is counted."""
        return {}

    def memory(self) -> dict[str, float]:
        """Nothing is counted."""
        return {}


def signature(leaf: Any) -> str:
    """The dtype and the shape of a leaf; of a number the name of its type."""
    engine = _registry.of_type(type(leaf))
    return type(leaf).__name__ if engine is None else f"{engine.arrays.dtype_name(leaf)}{list(leaf.shape)}"


def describe(structure: Child) -> str:
    """The paths of the leaves, as text."""
    if not isinstance(structure, Skeleton):
        return "no arguments"
    return ", ".join(_lift.place(slot.path) for slot in structure.slots[:8]) or "no arrays"


def check_signatures(name: str, structure: Child, got: Any, expected: Sequence[str]) -> None:
    """Refuse leaves of other shapes and dtypes.

    Raises:
        ShapeError: one has.
    """
    for index, (a, b) in enumerate(zip(got, expected, strict=True)):
        if a != b:
            raise ShapeError(
                f"{name} was compiled for another shape or dtype.",
                where=_lift.place(structure.slots[index].path) if isinstance(structure, Skeleton) else "args",
                got=a,
                expected=b,
                fix="call the jitted function, which traces anew, or lower it for these arguments",
            )
