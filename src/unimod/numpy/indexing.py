"""Indexing and functional updates: numpy's rules on every engine."""

from __future__ import annotations

import dataclasses
from typing import Any

from unimod.backends._protocol import Array
from unimod.errors import OptionError
from unimod.numpy._dispatch import adopt, engine_inside
from unimod.numpy._indexing import masked, modes, run
from unimod.numpy._indexing import scatter as scatters
from unimod.numpy._indexing.plan import plan
from unimod.numpy._indexing.read import read

_UNSET = object()


def getitem(x: Array, index: Any, /, *, mode: str | None = None, fill_value: Any = None) -> Array:
    """``x[index]`` by numpy's rules, on every engine.

    Args:
        x: any array.
        index: ints, slices (negative steps too), None, Ellipsis, integer arrays of any shape, boolean masks, and tuples
            of these. Index arrays stand in the result where the first of them stood if all of them, and the ints among
            them, stand together; else in front. Integer arrays may be traced; a mask may not.
        mode: what an index outside its axis does: ``"clip"`` takes the nearest, ``"wrap"`` counts round and round,
            ``"fill"`` gives ``fill_value``. None (or ``"promise"``) promises that there is none: then an int outside is
            an error, and an array with one gives anything. Negative indices count from the end (``"clip"`` makes 0 of
            them).
        fill_value: of the mode ``"fill"``; nan where it is left out, for integers 0.

    Raises:
        ShapeError: there are too many indices, an int lies outside, or the index arrays do not broadcast.
        DTypeError: an index is no index.
        CapabilityError: a mask is traced, so that the shape of the result is not known.

    Example:
        >>> import unimod.numpy as unp
        >>> x = unp.asarray([[1, 2, 3], [4, 5, 6]])
        >>> unp.getitem(x, (0, slice(None, None, -1))).tolist()
        [3, 2, 1]
        >>> unp.getitem(x, (..., [0, -1])).tolist()
        [[1, 3], [4, 6]]

    Differences:
        torch has no negative steps, and its own indexing puts index arrays elsewhere. Whether the result shares memory
        with ``x`` is the engine's business.
    """
    modes.check("getitem", mode, modes.READING)
    engine = engine_inside([x, index])
    x = adopt(engine, x)
    terms, arrays = read(tuple(x.shape), index, mode)
    return run.get(engine, x, plan(tuple(x.shape), terms), arrays, mode, fill_value)


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class At:
    """An array and an index: what :func:`at` gives. Every method returns a new array; ``x`` is never changed.

    ``mode`` says what an index outside its axis does: ``"drop"`` leaves the update out, ``"clip"`` takes the nearest
    place, ``"wrap"`` counts round and round, and None (or ``"promise"``) promises that there is none.
    ``unique_indices`` promises that no place stands twice in the index, which saves the search for the
    last one of each.
    """

    x: Array
    index: Any = _UNSET

    def __getitem__(self, index: Any) -> At:
        if self.index is not _UNSET:
            raise OptionError("at has an index already.", got=f"{self.index!r} and {index!r}", expected="one index")
        return At(self.x, index)

    def get(self, *, mode: str | None = None, fill_value: Any = None) -> Array:
        """``x[index]``; see :func:`getitem`."""
        return getitem(self.x, self._checked(), mode=mode, fill_value=fill_value)

    def set(self, y: Array, /, *, mode: str | None = "drop", unique_indices: bool = False) -> Array:
        """``y`` at the index; of several values for one place the last one, in row-major order of the index, wins.

        Only that one has a gradient; that of what it replaces is 0.
        """
        return self._updated("set", y, mode, unique_indices)

    def add(self, y: Array, /, *, mode: str | None = "drop", unique_indices: bool = False) -> Array:
        """``x + y`` at the index; all values for one place are added (of bools: *or*)."""
        return self._updated("add", y, mode, unique_indices)

    def subtract(self, y: Array, /, *, mode: str | None = "drop", unique_indices: bool = False) -> Array:
        """``x - y`` at the index; all values for one place are subtracted."""
        return self._updated("subtract", y, mode, unique_indices)

    def multiply(self, y: Array, /, *, mode: str | None = "drop", unique_indices: bool = False) -> Array:
        """``x * y`` at the index, by the product of all values for one place (of bools: *and*).

        Gradients are exact where factors are 0.
        """
        return self._updated("multiply", y, mode, unique_indices)

    def divide(self, y: Array, /, *, mode: str | None = "drop", unique_indices: bool = False) -> Array:
        """``x / y`` at the index, by the product of all values for one place; of floating point only."""
        return self._updated("divide", y, mode, unique_indices)

    def power(self, y: Array, /, *, mode: str | None = "drop", unique_indices: bool = False) -> Array:
        """``x ** y`` at the index, to the product of all values for one place; of floating point only."""
        return self._updated("power", y, mode, unique_indices)

    def min(self, y: Array, /, *, mode: str | None = "drop", unique_indices: bool = False) -> Array:
        """The least of ``x`` and all values for one place; at ties the gradient is split evenly. nan wins."""
        return self._updated("min", y, mode, unique_indices)

    def max(self, y: Array, /, *, mode: str | None = "drop", unique_indices: bool = False) -> Array:
        """The greatest of ``x`` and all values for one place; at ties the gradient is split evenly. nan wins."""
        return self._updated("max", y, mode, unique_indices)

    def _checked(self) -> Any:
        if self.index is _UNSET:
            raise OptionError("at has no index.", got="at(x)", expected="at(x)[index] or at(x, index)")
        return self.index

    def _updated(self, op: str, y: Any, mode: str | None, unique: bool) -> Array:
        return updated(self.x, self._checked(), y, op, mode, unique)


def at(x: Array, index: Any = _UNSET, /) -> At:
    """``at(x)[index]`` or ``at(x, index)``: the place of a functional update, with the methods of :class:`At`.

    ``get set add subtract multiply divide power min max``; each returns a new array of the shape and dtype of ``x``.
    ``index`` is any of :func:`getitem`, and the values broadcast to ``x[index]``. A traced mask is an index too, if it
    stands alone and the values are the same for all of its places.

    Raises:
        DTypeError: the dtype of ``x`` cannot hold the values, or has no such operation.
        ShapeError: as :func:`getitem`; or the values do not broadcast to ``x[index]``.

    Example:
        >>> import unimod.numpy as unp
        >>> x = unp.asarray([1.0, 2.0, 3.0])
        >>> unp.at(x)[1].set(9.0).tolist(), unp.at(x, [0, 0]).add([1.0, 5.0]).tolist()
        ([1.0, 9.0, 3.0], [7.0, 2.0, 3.0])
        >>> unp.at(x)[[2, 2]].set([5.0, 7.0]).tolist(), unp.at(x)[x > 1].multiply(10.0).tolist()
        ([1.0, 2.0, 7.0], [1.0, 20.0, 30.0])

    Differences:
        JAX leaves open which of several values for one place ``set`` takes; here it is the last one on every engine.
        ``divide`` and ``power`` of several values for one place use their product, as JAX does.
    """
    return At(x, index)


def updated(x: Any, index: Any, y: Any, op: str, mode: str | None, unique: bool) -> Array:
    """``at(x)[index].<op>(y)``."""
    modes.check("at", mode, modes.UPDATING)
    engine = engine_inside([x, y, index])
    x = adopt(engine, x)
    dtype = engine.arrays.dtype_name(x)
    op, y = scatters.kind_of_op(op, dtype), modes.fitting(engine, "at", y, x)
    mask = masked.alone(engine, index, x)
    if mask is not None and masked.is_one_row(x, mask, y):
        return masked.update(engine, x, mask, y, op)
    shape = tuple(x.shape)
    terms, arrays = read(shape, index, mode)
    return run.update(engine, x, plan(shape, terms), arrays, y, op, mode, unique)
