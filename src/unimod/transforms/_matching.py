"""Tangents and cotangents: trees that have the structure of another one, with ``Nothing`` where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import paths, walk
from unimod.core import skeleton as sk
from unimod.core.skeleton import Child, Fixed, Leaf, Path, Skeleton
from unimod.errors import DTypeError, ShapeError, TreeError
from unimod.transforms import _lift


class Match:
    """Checks trees of tangents or cotangents.

    Args:
        what: they are, for errors: ``the cotangent``.
        of: what they belong to: ``the result of loss``.
        root: what the paths in errors begin with.
    """

    def __init__(self, what: str, of: str, root: str) -> None:
        self.what, self.of, self.root = what, of, root

    def leaves(self, structure: Child, tree: Any) -> list[Any]:
        """For each leaf of ``structure`` that of ``tree`` in its place; None where it has ``Nothing`` or None.

        Raises:
            TreeError: the structures differ; the message names the first path that does.
        """
        found, shape = walk.flatten(tree)
        return [None if index is None else found[index] for index in _Walk(self).pairs(structure, shape, ())]

    def arrays(self, engine: Engine, leaves: Sequence[Any], structure: Child, given: Sequence[Any]) -> list[Any]:
        """What was given for each leaf, as an array with its shape and dtype.

        Raises:
            ShapeError: a shape is another.
            DTypeError: a dtype is another, or something is no array.
        """
        return [
            None if value is None else self._array(engine, leaf, value, self.place(structure, index))
            for index, (leaf, value) in enumerate(zip(leaves, given, strict=True))
        ]

    def place(self, structure: Child, index: int) -> str:
        """Where leaf number ``index`` of a structure is."""
        return paths.pretty(self.root, structure.slots[index].path if isinstance(structure, Skeleton) else ())

    def _array(self, engine: Engine, leaf: Any, value: Any, where: str) -> Any:
        expected = config.short(leaf)
        if isinstance(value, _lift.NUMBERS) and not config.is_array(value):
            value = engine.arrays.asarray(value, engine.arrays.dtype_name(leaf))
        if not config.is_array(value):
            raise DTypeError(f"{self.what} is no array.", where=where, got=repr(value), expected=expected)
        config.engine_of(leaf, value)
        (value,) = _lift.to_engine(engine, [value])
        if tuple(value.shape) != tuple(leaf.shape):
            raise ShapeError(
                f"{self.what} does not have the shape of {self.of}.",
                where=where,
                got=config.short(value),
                expected=expected,
            )
        if engine.arrays.dtype_name(value) != engine.arrays.dtype_name(leaf):
            raise DTypeError(
                f"{self.what} does not have the dtype of {self.of}.",
                where=where,
                got=config.short(value),
                expected=expected,
                fix=f'um.numpy.astype(x, "{engine.arrays.dtype_name(leaf)}")',
            )
        return value


class _Walk:
    """One pass over two structures, which numbers the leaves of the second."""

    def __init__(self, match: Match) -> None:
        self.match, self.count = match, 0

    def pairs(self, one: Child, other: Child, path: Path) -> Iterator[int | None]:
        """For each leaf of ``one`` the number of that of ``other``."""
        if other is sk.HOLE or (isinstance(other, Fixed) and other.value is None):
            yield from [None] * sk.count(one)
        elif isinstance(one, Leaf) and isinstance(other, Leaf):
            yield self.count
            self.count += 1
        elif isinstance(one, Skeleton) and isinstance(other, Skeleton) and self._are_alike(one, other):
            for key, mine, theirs in zip(sk.child_keys(one), one.children, other.children, strict=True):
                yield from self.pairs(mine, theirs, path if one.meta is sk.ATOM else (*path, key))
        elif isinstance(one, (Leaf, Skeleton)) or isinstance(other, (Leaf, Skeleton)):
            raise self._different(one, other, path)

    @staticmethod
    def _are_alike(one: Skeleton, other: Skeleton) -> bool:
        return one.type is other.type and list(sk.child_keys(one)) == list(sk.child_keys(other))

    def _different(self, one: Child, other: Child, path: Path) -> TreeError:
        return TreeError(
            f"{self.match.what} does not have the structure of {self.match.of}.",
            where=paths.pretty(self.match.root, path),
            got=_text(other),
            expected=_text(one),
        )


def _text(child: Child) -> str:
    if isinstance(child, Skeleton):
        keys = ", ".join(map(str, sk.child_keys(child)))
        return f"{child.type.__name__} of {len(child.children)}" + (f" ({keys})" if child.names is not None else "")
    return "a leaf" if isinstance(child, Leaf) else "nothing"
