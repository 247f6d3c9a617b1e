"""One call of a function that is to be differentiated, as the function of lists that engines differentiate."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from unimod import config
from unimod.backends._terms import SplitFn
from unimod.core import skeleton as sk
from unimod.core import walk
from unimod.core.skeleton import Child
from unimod.dtypes import DType, is_inexact
from unimod.errors import DTypeError
from unimod.transforms import _lift
from unimod.transforms._matching import Match
from unimod.transforms._selection import Choice, Selection, holed


@dataclasses.dataclass(frozen=True, eq=False)
class Returned:
    """What a function returned, apart from its arrays.

    Attributes:
        packed: the structure of ``((out, aux), written)``.
        chosen: for each array in it whether it is differentiated.
        specs: for each leaf of ``out`` the shape and dtype if it is differentiated, else None.
    """

    packed: _lift.Packed
    chosen: tuple[bool, ...]
    specs: tuple[Any, ...]

    @property
    def structure(self) -> Child:
        """Of ``out``."""
        return self.packed.structure.children[0].children[0]  # type: ignore[union-attr]

    @property
    def arrays(self) -> list[tuple[tuple[int, ...], str]]:
        """The shape and dtype of each differentiated array."""
        return [spec for spec in self.specs if spec is not None]

    def join(self, outputs: Sequence[Any], aux: Sequence[Any]) -> Any:
        """``((out, aux), written)`` of its arrays."""
        one, other = iter(outputs), iter(aux)
        return self.packed.unpack([next(one) if hit else next(other) for hit in self.chosen])

    def tree(self, values: Sequence[Any]) -> Any:
        """The tree ``out`` with one value for each differentiated array, and ``Nothing`` elsewhere."""
        return walk.unflatten(holed(self.structure, tuple(spec is not None for spec in self.specs)), list(values))


class Call:
    """A function, the arguments of one call, and what is differentiated.

    Args:
        choice: the function and the choice of leaves.
        args: the positional arguments, without the module of a bound method.
        kwargs: those by name.
        has_aux: whether it returns a pair of which the second is not differentiated.
        inplace: whether all module arguments are written back, not only the module of a bound method.
    """

    def __init__(
        self,
        choice: Choice,
        watch: _lift.StateWatch,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        has_aux: bool = False,
        inplace: bool = False,
    ) -> None:
        _lift.rehearse((args, kwargs), lambda: choice.target.fn(*args, **kwargs))
        self.args, self.kwargs = args, kwargs
        self.choice, self.watch, self.has_aux, self.inplace = choice, watch, has_aux, inplace
        self.selection = Selection(choice, self.args, kwargs)
        self.engine = self.selection.engine

    def split(self, which: Sequence[int] | None = None) -> tuple[SplitFn, list[Any], list[int]]:
        """The function of arrays, these, and which of them are differentiated (None: what the choice says)."""
        target = self.choice.target
        flat = _lift.flat_function(
            target,
            self.selection.structure,
            self.watch,
            are_numbers_arrays=False,
            check=self._pair,
            written_back=self._written,
        )
        flat, passed, index_of = _lift.only_arrays(flat, self.selection.leaves)
        chosen = list(self.selection.which if which is None else which)

        def split(arrays: list[Any]) -> tuple[list[Any], list[Any], Returned]:
            found, packed = flat(arrays)
            returned = self._returned(found, packed)
            pairs = list(zip(found, returned.chosen, strict=True))
            return [x for x, hit in pairs if hit], [x for x, hit in pairs if not hit], returned

        return split, passed, chosen if index_of is None else [index_of[index] for index in chosen]

    def finish(self, returned: Returned, outputs: Sequence[Any], aux: Sequence[Any]) -> tuple[Any, Any]:
        """Write changed modules back; ``(out, aux)``."""
        pair, written = returned.join(outputs, aux)
        _lift.write_back(self._written((self.args, self.kwargs)), written)
        return pair  # type: ignore[no-any-return]

    def _written(self, both: Any) -> list[Any]:
        if self.inplace:
            return list(_lift.arguments(both))
        return [both[0][0]] if self.choice.target.owner is not None else []

    def _pair(self, result: Any) -> tuple[Any, Any]:
        name = self.choice.target.name
        if self.has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise DTypeError(
                f"{name} was to return (output, auxiliary output), for has_aux=True.",
                got=f"a tuple of {len(result)}" if isinstance(result, tuple) else config.short(result),
            )
        out, aux = result if self.has_aux else (result, None)
        leaves, structure = walk.flatten(out)
        if any(_is_number(leaf) for leaf in leaves):
            out = walk.unflatten(
                structure, [self.engine.arrays.asarray(leaf) if _is_number(leaf) else leaf for leaf in leaves]
            )
        return out, aux

    def _returned(self, arrays: list[Any], packed: _lift.Packed) -> Returned:
        structure = packed.structure.children[0].children[0]  # type: ignore[union-attr]
        others, found = {index for index, _ in packed.others}, iter(arrays)
        specs = [None if i in others else self._spec(next(found)) for i in range(sk.count(structure))]
        if not any(specs):
            raise DTypeError(
                f"{self.choice.of} needs floating-point results to differentiate.",
                got=", ".join(config.short(x) for x in arrays[: len(specs)]) or "no arrays",
                expected="at least one floating-point array",
            )
        chosen = [spec is not None for i, spec in enumerate(specs) if i not in others]
        return Returned(packed, (*chosen, *(False for _ in arrays[len(chosen) :])), tuple(specs))

    def _spec(self, x: Any) -> Any:
        dtype = self.engine.arrays.dtype_name(x)
        if self.choice.holomorphic and DType(dtype).kind != "complex":
            raise DTypeError(
                f"{self.choice.of} with holomorphic=True needs complex results.",
                got=config.short(x),
                expected="complex arrays",
            )
        return (tuple(x.shape), dtype) if is_inexact(dtype) else None


def matched(match: Match, call: Call, returned: Returned, outputs: Sequence[Any], tree: Any) -> list[Any]:
    """A cotangent for each differentiated output; zeros where the tree has ``Nothing``."""
    given = match.leaves(returned.structure, tree)
    for index, (value, spec) in enumerate(zip(given, returned.specs, strict=True)):
        if value is not None and spec is None:
            raise no_slope(match, returned.structure, index, value)
    one = iter(outputs)
    likes = [None if spec is None else next(one) for spec in returned.specs]
    values = match.arrays(call.engine, likes, returned.structure, given)
    return [
        call.engine.arrays.zeros_like(like) if value is None else value
        for value, like in zip(values, likes, strict=True)
        if like is not None
    ]


def no_slope(match: Match, structure: Child, index: int, value: Any) -> DTypeError:
    """The error for a tangent of what has none."""
    return DTypeError(
        f"{match.what} has an array where {match.of} is not floating-point.",
        where=match.place(structure, index),
        got=config.describe_value(value),
        expected="Nothing",
        fix="put um.Nothing there",
    )


def _is_number(leaf: Any) -> bool:
    return isinstance(leaf, _lift.NUMBERS) and not config.is_array(leaf)
