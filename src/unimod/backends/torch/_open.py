"""Traces that serve several sizes of some axes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence

from torch import Tensor

from unimod.backends.torch._entry import Entry
from unimod.backends.torch._private_sizes import Places

Dynamic = Mapping[int, Sequence[int] | None]
"""Axes by the index of the leaf; None stands for all axes."""

Make = Callable[[list[Tensor], Places], Entry]


class Traces:
    """The traces with open sizes of one function.

    A size of 0 or 1 is never open: operations do something else there, such as broadcasting.
    """

    def __init__(self, dynamic: Dynamic) -> None:
        self.dynamic = dynamic
        self.made: dict[Hashable, list[Entry]] = {}
        self.is_given_up = False

    def find(self, state: Hashable, leaves: list[Tensor], make: Make) -> Entry:
        """An entry for leaves that have none yet: that of an open trace that serves, or a new one."""
        axes = [] if self.is_given_up else [self._open(i, x) for i, x in enumerate(leaves)]
        if not any(axes):
            return make(leaves, ())
        known = self.made.setdefault((state, *map(_pattern, leaves, axes)), [])
        serving = next((entry for entry in known if entry.serves(leaves)), None)
        if serving is not None:
            return serving.for_other_sizes()
        return self._made(known, leaves, axes, make)

    def _made(self, known: list[Entry], leaves: list[Tensor], axes: Places, make: Make) -> Entry:
        try:
            entry = make(leaves, axes)
        except Exception as error:
            # If the sizes have no part in it, the function fails again, with the error that is the user's.
            entry = make(leaves, ())
            self.is_given_up = True
            warnings.warn(
                "A jitted function cannot be traced for sizes that are open, and is traced once for each size "
                f"instead: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
                RuntimeWarning,
                stacklevel=2,
            )
            return entry
        known.append(entry)
        return entry

    def _open(self, i: int, x: Tensor) -> tuple[int, ...]:
        if i not in self.dynamic:
            return ()
        axes = self.dynamic[i]
        chosen = range(x.dim()) if axes is None else sorted({axis % x.dim() for axis in axes if _has(x, axis)})
        return tuple(axis for axis in chosen if x.shape[axis] > 1)


def _has(x: Tensor, axis: int) -> bool:
    return -x.dim() <= axis < x.dim()


def _pattern(x: Tensor, axes: Sequence[int]) -> Hashable:
    return tuple(None if axis in axes else n for axis, n in enumerate(x.shape)), x.dtype, x.device
