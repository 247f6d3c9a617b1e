"""How the transformers of this package start: all kernels from one distribution."""

from __future__ import annotations

from typing import Any

from unimod.nn import _leaves, activations
from unimod.nn.linear import Linear
from unimod.nn.transformer import TransformerEncoderLayer

Array = Any


def gelu_tanh(x: Array) -> Array:
    """:func:`unimod.nn.gelu` by the hyperbolic tangent, as GPT-2 has it."""
    return activations.gelu(x, approximate="tanh")


def with_kernels(
    layer: TransformerEncoderLayer, kernel_init: _leaves.Fill, last_init: _leaves.Fill | None = None
) -> TransformerEncoderLayer:
    """The layer itself, with other initializers of its kernels.

    Args:
        layer: it is changed.
        kernel_init: of all kernels.
        last_init: of those that a residual sum follows; None: ``kernel_init``.
    """
    last_init = kernel_init if last_init is None else last_init
    attention, network = layer.attention, layer.feed_forward
    attention.query, attention.key, attention.value = (
        _redrawn(linear, kernel_init) for linear in (attention.query, attention.key, attention.value)
    )
    attention.out = _redrawn(attention.out, last_init)
    network.up, network.down = _redrawn(network.up, kernel_init), _redrawn(network.down, last_init)
    network.gate = None if network.gate is None else _redrawn(network.gate, kernel_init)
    return layer


def _redrawn(linear: Linear, kernel_init: _leaves.Fill) -> Linear:
    return Linear(
        linear.in_features,
        linear.out_features,
        use_bias=linear.use_bias,
        kernel_init=kernel_init,
        dtype=linear._dtype,
    )
