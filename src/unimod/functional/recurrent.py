"""Recurrent networks: a cell is a parametrized function ``(carry, x) -> (carry, y)``, beside its first carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.core import tree
from unimod.functional._frame import current
from unimod.functional._slots import Init, Param
from unimod.functional.initializers import glorot
from unimod.functional.parametrized import Parametrized
from unimod.nn import activations
from unimod.transforms._scan import scan

CarryInit = Callable[[int], Any]


def GRUCell(carry_size: int, param_init: Init = glorot()) -> tuple[Parametrized, CarryInit]:
    """A gated recurrent unit, and its first carry, zeros ``(batch, carry_size)``.

    ``z, r = sigmoid([x, h] @ update), sigmoid([x, h] @ reset)``, ``h' = z * tanh([x, r * h] @ compute) + (1 - z) * h``

    Args:
        carry_size: length of the last axis of the carry.
        param_init: of the three kernels, ``(in + carry_size, carry_size)``.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import GRUCell, Rnn, zeros
        >>> net = Rnn(*GRUCell(3, zeros))
        >>> x = um.numpy.ones((2, 5, 4))
        >>> net(net.init_params(0, x), x).shape == (2, 5, 3)
        True

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
    """

    def param() -> Any:
        return Param(lambda carry, x: (x.shape[-1] + carry_size, carry_size), param_init)

    def gru_cell(
        carry: Any, x: Any, update_params: Any = param(), reset_params: Any = param(), compute_params: Any = param()
    ) -> Any:
        both = unp.concat([x, carry], axis=-1)
        z, r = activations.sigmoid(both @ update_params), activations.sigmoid(both @ reset_params)
        candidate = unp.tanh(unp.concat([x, r * carry], axis=-1) @ compute_params)
        new = z * candidate + (1 - z) * carry
        return new, new

    return Parametrized(gru_cell), lambda batch_size: unp.zeros((batch_size, carry_size))


def Rnn(cell: Any, carry_init: CarryInit) -> Parametrized:
    """The outputs of a cell along the second axis of its inputs, ``(batch, time, ...)``.

    Args:
        cell: a parametrized function ``(carry, x) -> (carry, y)``.
        carry_init: of the length of the batch, makes the first carry; it gets the dtype of the inputs.
    """

    def rnn(xs: Any, cell: Any = cell) -> Any:
        with config.use_backend(config.engine_of(xs).name):
            carry = tree.map(lambda x: unp.astype(x, xs.dtype), carry_init(int(xs.shape[0])))
        frame = current()
        if frame is not None and frame.filling is not None:
            cell(carry, xs[:, 0])
        return scan(cell, carry, xs, time_major=False)[1]

    return Parametrized(rnn)
