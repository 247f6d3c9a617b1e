"""The layers of ``um.nn`` as flax.linen names and lays out their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import nn
from unimod.errors import CapabilityError
from unimod.interop._rules import Arrays, Layer, Rule, below, present, same, split


def _plain(*names: str) -> Callable[[Any], Layer]:
    return lambda module: Layer(present(module, *(same(name, name) for name in names)))


def _batch_norm(module: Any) -> Layer:
    statistics = (same("mean", "batch_stats/mean"), same("var", "batch_stats/var"))
    return Layer(present(module, same("scale", "scale"), same("bias", "bias"), *statistics))


def _conv_transpose(module: Any) -> Layer:
    # Flax slides the kernel over the input spread out; here it is the transpose of a convolution.
    def turned(kernel: Any) -> Arrays:
        return (np.flip(kernel, tuple(range(kernel.ndim - 2))),)

    return Layer(present(module, Rule(("kernel",), ("kernel",), turned, turned), same("bias", "bias")))


def _prelu(module: Any) -> Layer:
    load, dump = lambda slope: (slope.reshape(1),), lambda slope: (slope.reshape(()),)
    return Layer((Rule(("slope",), ("negative_slope",), load, dump),))


def _vanilla(module: Any) -> Layer:
    return Layer(
        present(module, same("kernel", "i.kernel"), same("bias", "i.bias"), same("recurrent_kernel", "h.kernel"))
    )


def _lstm(module: Any) -> Layer:
    kernels = split("kernel", tuple(f"i{gate}.kernel" for gate in "ifgo"))
    recurrent = split("recurrent_kernel", tuple(f"h{gate}.kernel" for gate in "ifgo"))
    bias = split("bias", tuple(f"h{gate}.bias" for gate in "ifgo"))
    return Layer(present(module, kernels, recurrent, bias))


def _gru(module: Any) -> Layer:
    kernels = split("kernel", tuple(f"i{gate}.kernel" for gate in "rzn"))
    recurrent = split("recurrent_kernel", tuple(f"h{gate}.kernel" for gate in "rzn"))
    bias = split("bias", tuple(f"i{gate}.bias" for gate in "rzn"))
    return Layer(present(module, kernels, recurrent, bias, same("candidate_bias", "hn.bias")))


def _recurrent(module: Any) -> Layer:
    prefixes = ("forward_rnn.cell", "backward_rnn.cell") if module.bidirectional else ("cell",)
    if len(module.cells) != len(prefixes):
        raise CapabilityError(
            "Recurrent layers of Flax have one layer.",
            got=f"{type(module).__name__}(num_layers={len(module.cells) // len(prefixes)})",
            fix="stack layers of one layer: um.nn.Sequential([um.nn.LSTM(...), um.nn.LSTM(...)])",
        )
    rules: list[Rule] = []
    for index, (cell, prefix) in enumerate(zip(module.cells, prefixes, strict=True)):
        rules += below(f"cells.{index}", LAYERS[type(cell)](cell), prefix)
    return Layer(tuple(rules))


def _attention(module: Any) -> Layer:
    rules: list[Rule] = []
    for name, heads in (
        ("query", module.num_heads),
        ("key", module.num_kv_heads or module.num_heads),
        ("value", module.num_kv_heads or module.num_heads),
    ):
        rules.append(_divided(f"{name}.kernel", heads))
        rules.append(_divided(f"{name}.bias", heads))
    rules += [_out(module.num_heads), same("out.bias", "out.bias")]
    return Layer(present(module, *rules))


def _divided(name: str, heads: int) -> Rule:
    """A last axis that Flax divides into heads and their sizes."""

    def load(array: Any) -> Arrays:
        return (array.reshape(*array.shape[:-2], -1),)

    def dump(array: Any) -> Arrays:
        return (array.reshape(*array.shape[:-1], heads, -1),)

    return Rule((name,), (name,), load, dump)


def _out(heads: int) -> Rule:
    def load(array: Any) -> Arrays:
        return (array.reshape(-1, array.shape[-1]),)

    def dump(array: Any) -> Arrays:
        return (array.reshape(heads, -1, array.shape[-1]),)

    return Rule(("out.kernel",), ("out.kernel",), load, dump)


LAYERS: dict[type, Callable[[Any], Layer]] = {
    nn.Linear: _plain("kernel", "bias"),
    nn.Conv: _plain("kernel", "bias"),
    nn.ConvTranspose: _conv_transpose,
    nn.Embed: _plain("embedding"),
    nn.LayerNorm: _plain("scale", "bias"),
    nn.GroupNorm: _plain("scale", "bias"),
    nn.InstanceNorm: _plain("scale", "bias"),
    nn.RMSNorm: _plain("scale"),
    nn.BatchNorm: _batch_norm,
    nn.PReLU: _prelu,
    nn.VanillaRNNCell: _vanilla,
    nn.GRUCell: _gru,
    nn.LSTMCell: _lstm,
    nn.VanillaRNN: _recurrent,
    nn.GRU: _recurrent,
    nn.LSTM: _recurrent,
    nn.MultiHeadAttention: _attention,
}

RENAMED: dict[type, dict[str, str]] = {}
"""Parts that Flax calls by other names; those in lists are ``layers_0``."""
