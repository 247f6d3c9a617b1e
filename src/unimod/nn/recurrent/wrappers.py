"""Running a cell over the steps of a batch of sequences."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.core import tree
from unimod.core.initializer import Initializer
from unimod.core.module import Module
from unimod.nn import _recurrent_checks as checks
from unimod.nn._recurrent_steps import held
from unimod.nn.recurrent import cells
from unimod.nn.recurrent.stacked import StackedCells
from unimod.numpy._dispatch import many
from unimod.transforms._scan import scan

Array = Any


class RNN(Module):
    """A cell, over all steps of a batch of sequences.

    Args:
        cell: any module that is called as ``state, output = cell(state, x)`` and has ``initial_state(batch_size)``. The
            ready ones run as one loop of the engine, others step by step.
        reverse: go from the last step to the first; outputs stay at their steps.
        time_major: inputs and outputs are ``(time, batch, features)`` instead of ``(batch, time, features)``.
        return_sequences: whether to return the outputs of all steps, else the last one, ``(batch, features)``.
        return_state: whether to return ``(outputs, state)``, with the last state as the cell has it.
        unroll: how many steps a compiler writes out in a loop of its own, where the engine has one.

    Raises:
        ShapeError: the input has no axes of time and batch, or a length is larger than the number of steps.
        OptionError: there are both lengths and a mask.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.RNN(um.nn.GRUCell(3, 4), return_state=True).init(0)
        >>> ys, state = layer(um.numpy.ones((2, 5, 3)))
        >>> tuple(ys.shape), tuple(state.shape)
        ((2, 5, 4), (2, 4))
    """

    def __init__(
        self,
        cell: Any,
        *,
        reverse: bool = False,
        time_major: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        unroll: int = 1,
    ) -> None:
        self.cell = cell
        self.reverse, self.time_major, self.unroll = reverse, time_major, unroll
        self.return_sequences, self.return_state = return_sequences, return_state

    def initial_state(self, batch_size: int) -> Any:
        """The state before the first step."""
        return self.cell.initial_state(batch_size)

    def __call__(self, x: Any, state: Any = None, *, lengths: Any = None, mask: Any = None) -> Any:
        """Run the cell over ``x``, from ``state`` on (None: that of the cell).

        Args:
            x: ``(batch, time, features)``, or ``(time, batch, features)`` with ``time_major``.
            state: as the cell has it.
            lengths: integers, ``(batch,)``: after so many steps the state is held, and outputs are 0.
            mask: instead of lengths bools, in the order of the first two axes of ``x``.
        """
        xs, mask = prepared(type(self).__name__, x, lengths, mask, self.time_major)
        ys, last, state = over_time(self.cell, xs, state, mask, self.reverse, self.unroll)
        result = turned(ys, self.time_major) if self.return_sequences else last
        return (result, state) if self.return_state else result


class Bidirectional(Module):
    """Two cells over the same sequences, one from the first step on, the other from the last; outputs side by side.

    Args:
        forward: the cell that goes forward; see :class:`RNN`.
        backward: the cell that goes backward.
        time_major: inputs and outputs are ``(time, batch, features)`` instead of ``(batch, time, features)``.
        return_sequences: whether to return the outputs of all steps, else the last one of each direction.
        return_state: whether to return ``(outputs, (state of forward, state of backward))``.
        unroll: how many steps a compiler writes out in a loop of its own, where the engine has one.

    Raises:
        ShapeError: the input has no axes of time and batch, or a length is larger than the number of steps.
        OptionError: there are both lengths and a mask.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.Bidirectional(um.nn.GRUCell(3, 4), um.nn.GRUCell(3, 4)).init(0)
        >>> tuple(layer(um.numpy.ones((2, 5, 3))).shape)
        (2, 5, 8)

    Source: Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", 1997.
    """

    def __init__(
        self,
        forward: Any,
        backward: Any,
        *,
        time_major: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        unroll: int = 1,
    ) -> None:
        self.forward, self.backward = forward, backward
        self.time_major, self.unroll = time_major, unroll
        self.return_sequences, self.return_state = return_sequences, return_state

    def initial_state(self, batch_size: int) -> Any:
        """The states of both cells before their first steps."""
        return self.forward.initial_state(batch_size), self.backward.initial_state(batch_size)

    def __call__(self, x: Any, state: Any = None, *, lengths: Any = None, mask: Any = None) -> Any:
        """Run both cells over ``x``; arguments as in :class:`RNN`, the state a pair."""
        xs, mask = prepared(type(self).__name__, x, lengths, mask, self.time_major)
        first = (None, None) if state is None else state
        one = over_time(self.forward, xs, first[0], mask, False, self.unroll)
        two = over_time(self.backward, xs, first[1], mask, True, self.unroll)
        both = unp.concat([one[0], two[0]] if self.return_sequences else [one[1], two[1]], axis=-1)
        result = turned(both, self.time_major) if self.return_sequences else both
        return (result, (one[2], two[2])) if self.return_state else result


def prepared(name: str, x: Array, lengths: Any, mask: Any, time_major: bool) -> tuple[Array, Array | None]:
    """The inputs as (time, batch, features), and the mask as (time, batch)."""
    engine, x, lengths, mask = many(x, lengths, mask)
    checks.sequence(name, x, time_major)
    xs = turned(x, time_major)
    return xs, checks.mask_of(name, engine, lengths, mask, xs.shape[0], xs.shape[1], time_major)


def turned(x: Array, time_major: bool) -> Array:
    """Between (time, batch, features) and what the layer has."""
    return x if time_major else unp.permute_dims(x, (1, 0, *range(2, len(x.shape))))


def over_time(
    cell: Any, xs: Array, state: Any, mask: Array | None, reverse: bool, unroll: int
) -> tuple[Array, Array, Any]:
    """All outputs, the last one, and the last state."""
    if type(cell).__call__ is StackedCells.__call__:
        return _stacked(cell.cells, xs, state, mask, reverse, unroll)
    if not cells.is_ready(cell):
        is_traced = not config.engine_of(xs).arrays.is_concrete(xs) and xs.shape[0] > 0
        return (_as_one_loop if is_traced else _step_by_step)(cell, xs, state, mask, reverse)
    if isinstance(cell.kernel, Initializer):
        cell(state, xs[0])  # while sizes are found: it takes its own from a call
    ys, state = cell.over_time(xs, state, mask, reverse, unroll)
    return ys, state[0] if isinstance(state, tuple) else state, state


def _stacked(
    stack: list[Any], xs: Array, state: Any, mask: Array | None, reverse: bool, unroll: int
) -> tuple[Array, Array, Any]:
    # Each cell over all steps before the next one: the same numbers, and the ready ones run as loops of the engine.
    last, found = None, []
    for cell, first in zip(stack, (None,) * len(stack) if state is None else state, strict=True):
        xs, last, new = over_time(cell, xs, first, mask, reverse, unroll)
        found.append(new)
    return xs, last, tuple(found)


def _step_by_step(cell: Any, xs: Array, state: Any, mask: Array | None, reverse: bool) -> tuple[Array, Array, Any]:
    state = cell.initial_state(int(xs.shape[1])) if state is None else state
    times, ys, last = range(xs.shape[0]), [], None
    for t in reversed(times) if reverse else times:
        new, y = cell(state, xs[t])
        state = new if mask is None else tree.map(lambda one, old, t=t: held(mask[t], one, old), new, state)
        ys.append(y if mask is None else held(mask[t], y, unp.zeros_like(y)))
        last = y if mask is None else held(mask[t], y, unp.zeros_like(y) if last is None else last)
    return unp.stack(ys[::-1] if reverse else ys), last, state


class _Masked(Module):
    """A cell that holds its state, and gives zeros, where a mask says so."""

    def __init__(self, cell: Any) -> None:
        self.cell = cell

    def __call__(self, state: Any, now: tuple[Array, Array | None]) -> tuple[Any, Array]:
        x, keep = now
        new, y = self.cell(state, x)
        if keep is None:
            return new, y
        return tree.map(lambda one, old: held(keep, one, old), new, state), held(keep, y, unp.zeros_like(y))


def _as_one_loop(cell: Any, xs: Array, state: Any, mask: Array | None, reverse: bool) -> tuple[Array, Array, Any]:
    """The same as a loop that is compiled once, whatever its length."""
    state = cell.initial_state(int(xs.shape[1])) if state is None else state
    state, ys = scan(_Masked(cell), state, (xs, mask), reverse=reverse)
    return ys, _last(ys, mask, reverse), state


def _last(ys: Array, mask: Array | None, reverse: bool) -> Array:
    """The output of the last step that the mask does not leave out; zeros where it leaves out all."""
    if mask is None:
        return ys[0 if reverse else -1]
    steps = ys.shape[0]
    kept = unp.astype(mask, "int32")
    place = unp.argmax(kept, axis=0) if reverse else steps - 1 - unp.argmax(unp.flip(kept, axis=0), axis=0)
    index = unp.reshape(place, (1, -1, *(1,) * (len(ys.shape) - 2)))
    return unp.take_along_axis(ys, unp.broadcast_to(index, (1, *ys.shape[1:])), axis=0)[0]
