"""The layers of ``um.nn`` as torch names and lays out their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import nn
from unimod.interop._rules import Arrays, Layer, Rule, below, moved, present, same, transposed


def _linear(module: Any) -> Layer:
    return Layer(present(module, transposed("kernel", "weight"), same("bias", "bias")))


def _bilinear(module: Any) -> Layer:
    return Layer(present(module, moved("kernel", "weight", lambda ndim: (1, 2, 0)), same("bias", "bias")))


def _conv(module: Any) -> Layer:
    kernel = moved("kernel", "weight", lambda ndim: (*range(2, ndim), 1, 0))
    return Layer(present(module, kernel, same("bias", "bias")))


def _conv_transpose(module: Any) -> Layer:
    # torch has the groups of outputs side by side on the axis of the inputs.
    groups = module.groups

    def load(weight: Any) -> Arrays:
        spatial = tuple(range(2, weight.ndim))
        split = weight.reshape(groups, -1, *weight.shape[1:])
        merged = np.moveaxis(split, 0, 1).reshape(-1, groups * weight.shape[1], *weight.shape[2:])
        return (merged.transpose(*spatial, 0, 1),)

    def dump(kernel: Any) -> Arrays:
        sizes = kernel.shape[:-2]
        merged = np.moveaxis(kernel, (-2, -1), (0, 1))
        split = merged.reshape(merged.shape[0], groups, -1, *sizes)
        weight = np.moveaxis(split, 1, 0).reshape(-1, split.shape[2], *sizes)
        return (weight,)

    return Layer(present(module, Rule(("kernel",), ("weight",), load, dump), same("bias", "bias")))


def _embed(module: Any) -> Layer:
    return Layer(present(module, same("embedding", "weight")))


def _norm(module: Any) -> Layer:
    return Layer(present(module, same("scale", "weight"), same("bias", "bias")))


def _batch_norm(module: Any) -> Layer:
    statistics = present(module, same("mean", "running_mean"), same("var", "running_var"))
    counter = (("num_batches_tracked", np.zeros((), np.int64)),) if statistics else ()
    return Layer((*_norm(module).rules, *statistics), counter)


def _prelu(module: Any) -> Layer:
    return Layer((same("slope", "weight"),))


def _cell(suffix: str = "") -> Callable[[Any], Layer]:
    def layer(module: Any) -> Layer:
        names = ("bias_ih" + suffix, "bias_hh" + suffix)
        # The two biases are added up, but for the candidate of a GRU.
        bias = Rule(("bias",), names, lambda x, h: (x + h,), lambda bias: (bias, np.zeros_like(bias)))
        if hasattr(module, "candidate_bias"):
            bias = Rule(("bias", "candidate_bias"), names, _load_gru, _dump_gru)
        kernels = (transposed("kernel", "weight_ih" + suffix), transposed("recurrent_kernel", "weight_hh" + suffix))
        return Layer(present(module, *kernels, bias))

    return layer


def _load_gru(x: Any, h: Any) -> Arrays:
    size = x.shape[0] // 3
    return np.concatenate([x[: 2 * size] + h[: 2 * size], x[2 * size :]]), h[2 * size :]


def _dump_gru(bias: Any, candidate: Any) -> Arrays:
    return bias, np.concatenate([np.zeros_like(bias[: bias.shape[0] - candidate.shape[0]]), candidate])


def _recurrent(module: Any) -> Layer:
    sides = 2 if module.bidirectional else 1
    rules: list[Rule] = []
    for index, cell in enumerate(module.cells):
        suffix = f"_l{index // sides}" + ("_reverse" if index % sides else "")
        rules += below(f"cells.{index}", _cell(suffix)(cell), "")
    return Layer(tuple(rules))


def _attention(module: Any) -> Layer:
    names = ("query", "key", "value")
    kernels = tuple(f"{name}.kernel" for name in names)
    sizes = [getattr(module, name).kernel.shape for name in names]
    if len(set(sizes)) == 1:
        packed = Rule(kernels, ("in_proj_weight",), _unpack, lambda *parts: (np.concatenate([p.T for p in parts]),))
        projections: tuple[Rule, ...] = (packed,)
    else:
        projections = tuple(transposed(f"{name}.kernel", f"{name[0]}_proj_weight") for name in names)
    bias = Rule(
        tuple(f"{name}.bias" for name in names),
        ("in_proj_bias",),
        lambda bias: tuple(np.split(bias, 3)),
        lambda *parts: (np.concatenate(parts),),
    )
    out = (transposed("out.kernel", "out_proj.weight"), same("out.bias", "out_proj.bias"))
    return Layer(present(module, *projections, bias, *out))


def _unpack(weight: Any) -> Arrays:
    return tuple(part.T for part in np.split(weight, 3))


LAYERS: dict[type, Callable[[Any], Layer]] = {
    nn.Linear: _linear,
    nn.Bilinear: _bilinear,
    nn.Conv: _conv,
    nn.ConvTranspose: _conv_transpose,
    nn.Embed: _embed,
    nn.LayerNorm: _norm,
    nn.GroupNorm: _norm,
    nn.InstanceNorm: _norm,
    nn.RMSNorm: _norm,
    nn.BatchNorm: _batch_norm,
    nn.PReLU: _prelu,
    nn.VanillaRNNCell: _cell(),
    nn.GRUCell: _cell(),
    nn.LSTMCell: _cell(),
    nn.VanillaRNN: _recurrent,
    nn.GRU: _recurrent,
    nn.LSTM: _recurrent,
    nn.MultiHeadAttention: _attention,
}

RENAMED: dict[type, dict[str, str]] = {
    nn.Sequential: {"layers": ""},
    nn.TransformerEncoderLayer: {
        "attention": "self_attn",
        "attention_norm": "norm1",
        "feed_forward.up": "linear1",
        "feed_forward.down": "linear2",
        "feed_forward_norm": "norm2",
    },
}
"""Parts that torch calls by other names."""
