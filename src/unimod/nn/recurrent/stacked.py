"""Cells one above the other, as one cell."""

from __future__ import annotations

from typing import Any

from unimod.config import describe_value, is_array
from unimod.core.module import Module
from unimod.errors import OptionError


class StackedCells(Module):
    """Cells, each of which gets what the one below it gives out, as one cell; its state is the tuple of theirs.

    For a model that is run step by step, such as one that draws its own next input; :class:`RNN` runs it over time.

    Args:
        cells: from the lowest up; see :class:`RNN` for what a cell is.

    Raises:
        OptionError: there are no cells, or a state has not one part for each of them.

    Example:
        >>> import unimod as um
        >>> cell = um.nn.StackedCells(um.nn.GRUCell(3, 4), um.nn.LSTMCell(4, 5)).init(0)
        >>> state, output = cell(cell.initial_state(2), um.numpy.ones((2, 3)))
        >>> tuple(state[0].shape), [tuple(part.shape) for part in state[1]], tuple(output.shape)
        ((2, 4), [(2, 5), (2, 5)], (2, 5))
    """

    def __init__(self, *cells: Any) -> None:
        if not cells:
            raise OptionError(
                "StackedCells has no cells.", got="no arguments", expected="one cell or more", fix="pass cells"
            )
        self.cells = list(cells)

    def initial_state(self, batch_size: int) -> Any:
        """The states before the first step."""
        return tuple(cell.initial_state(batch_size) for cell in self.cells)

    def __call__(self, state: Any, x: Any) -> tuple[Any, Any]:
        """One step: ``(state, output)`` for a state with one part for each cell (None: what each cell starts from)."""
        found, state = [], (None,) * len(self.cells) if state is None else state
        if not isinstance(state, (tuple, list)) or len(state) != len(self.cells):
            raise OptionError(
                f"StackedCells of {len(self.cells)} cells got another state.",
                got=_described(state),
                expected=f"a tuple of {len(self.cells)} states, from the lowest cell up",
                fix="pass what a call returns, or initial_state(batch_size)",
            )
        for cell, old in zip(self.cells, state, strict=True):
            new, x = cell(old, x)
            found.append(new)
        return tuple(found), x


def _described(state: Any) -> str:
    if is_array(state):
        return describe_value(state)
    return f"{type(state).__name__}" + (f" of {len(state)}" if isinstance(state, (tuple, list)) else "")
