"""The protocol of ``parallel``: functions that are mapped, and what their calls exchange."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from unimod.backends._terms import Array, FlatFn, optional


class Parallel(Protocol):
    """Batching of flat functions, and what the mapped calls exchange.

    The size of an axis is asked for first: the other functions get names that are known, and arrays that are no bools.
    Under derivatives the transpose of a sum over the calls is such a sum. An engine whose calls cannot exchange
    anything knows no name.
    """

    def vmap(
        self,
        fn: FlatFn,
        leaves: list[Array],
        in_axes: Sequence[int | None],
        size: int,
        axis_name: Hashable = None,
    ) -> tuple[list[Array], Any]:
        """Map ``fn`` over the given axis of each leaf (None: not mapped); every output is stacked along axis 0."""

    def axis_size(self, axis_name: Hashable) -> int | None:
        """The number of mapped calls; None where no axis has this name here."""

    def axis_index(self, axis_name: Hashable) -> Array:
        """The number of this call among the mapped ones, int32[]."""

    def all_gather(self, x: Array, axis_name: Hashable) -> Array:
        """``x`` of all calls, stacked along a new first axis."""

    @optional
    def psum(self, x: Array, axis_name: Hashable) -> Array: ...
    @optional
    def pmax(self, x: Array, axis_name: Hashable) -> Array: ...
    @optional
    def pmin(self, x: Array, axis_name: Hashable) -> Array: ...
    @optional
    def psum_scatter(self, x: Array, axis_name: Hashable) -> Array:
        """The sum of ``x[i]`` over all calls, for the call with the number i."""

    @optional
    def ppermute(self, x: Array, axis_name: Hashable, sources: tuple[int, ...]) -> Array:
        """``x`` of the call ``sources[i]``, for the call with the number i; each call is a source once."""

    @optional
    def all_to_all(self, x: Array, axis_name: Hashable) -> Array:
        """``x[i]`` of all calls, stacked along a new first axis, for the call with the number i."""
