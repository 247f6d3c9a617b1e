"""Layers, activations and initializers."""

from unimod.nn import functional, initializers
from unimod.nn.activations import (
    celu,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_sign,
    softmax,
    softplus,
    tanh,
)
from unimod.nn.containers import MLP, Flatten, Identity, Lambda, Sequential, sequence
from unimod.nn.conv import Conv
from unimod.nn.embed import Embed
from unimod.nn.linear import Linear
from unimod.nn.norm import BatchNorm, LayerNorm
from unimod.nn.pool import AvgPool, MaxPool
from unimod.nn.stochastic import Dropout

__all__ = [
    "MLP",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "Dropout",
    "Embed",
    "Flatten",
    "Identity",
    "Lambda",
    "LayerNorm",
    "Linear",
    "MaxPool",
    "Sequential",
    "celu",
    "elu",
    "functional",
    "gelu",
    "glu",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "initializers",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sequence",
    "sigmoid",
    "silu",
    "soft_sign",
    "softmax",
    "softplus",
    "tanh",
]
