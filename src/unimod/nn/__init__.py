"""Layers, activations and initializers. Each is imported when it is first asked for."""

from typing import TYPE_CHECKING

from unimod._lazy import attach

if TYPE_CHECKING:
    from unimod.nn import functional, initializers
    from unimod.nn._rectified import (
        hard_shrink,
        prelu,
        soft_shrink,
        sparse_plus,
        sparse_sigmoid,
        tanh_shrink,
        threshold,
    )
    from unimod.nn._smooth import identity, log1mexp, logsumexp, squareplus, standardize
    from unimod.nn.activations import (
        celu,
        elu,
        gelu,
        glu,
        hard_sigmoid,
        hard_silu,
        hard_swish,
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
        swish,
        tanh,
    )
    from unimod.nn.adaptive_softmax import AdaptiveLogSoftmax
    from unimod.nn.additive_attention import AdditiveAttention
    from unimod.nn.attention import MultiHeadAttention, init_cache, reset_cache
    from unimod.nn.averages import EMA, debiased, running_avg
    from unimod.nn.containers import MLP, Concat, Parallel, Residual, Sequential, sequence
    from unimod.nn.conv import Conv, Conv1D, Conv2D, Conv3D
    from unimod.nn.conv_local import ConvLocal
    from unimod.nn.conv_special import DepthwiseConv, GeneralConv, SeparableConv
    from unimod.nn.conv_transpose import ConvTranspose, ConvTranspose1D, ConvTranspose2D, ConvTranspose3D
    from unimod.nn.embed import Embed
    from unimod.nn.embed_bag import EmbeddingBag
    from unimod.nn.folding import ChannelShuffle, Fold, Unfold
    from unimod.nn.general import Einsum, LinearGeneral
    from unimod.nn.keys import KeySeq, RngSeq
    from unimod.nn.linear import Bilinear, Linear
    from unimod.nn.masking import attention_mask, step_mask
    from unimod.nn.masks import causal_mask, combine_masks, padding_mask
    from unimod.nn.norm import (
        BatchNorm,
        GroupNorm,
        InstanceNorm,
        LayerNorm,
        LocalResponseNorm,
        RMSNorm,
        SpectralNorm,
        WeightNorm,
    )
    from unimod.nn.parametric import PReLU
    from unimod.nn.penalties import ActivityRegularization
    from unimod.nn.pool import AvgPool, LpPool, MaxPool, MinPool, SumPool
    from unimod.nn.pool_adaptive import AdaptiveAvgPool, AdaptiveMaxPool, GlobalAvgPool, GlobalMaxPool
    from unimod.nn.pool_fractional import FractionalMaxPool
    from unimod.nn.positions import LearnedPositions, RotaryPositions, SinusoidalPositions
    from unimod.nn.preprocessing import CategoryEncoding, Discretization, Normalization, Rescaling
    from unimod.nn.randomized import RReLU
    from unimod.nn.recurrent import (
        GRU,
        LSTM,
        RNN,
        Bidirectional,
        ConvLSTM,
        ConvLSTMCell,
        GRUCell,
        LSTMCell,
        MGUCell,
        StackedCells,
        VanillaRNN,
        VanillaRNNCell,
    )
    from unimod.nn.resize import Pad, PixelShuffle, PixelUnshuffle, Resize, Upsample
    from unimod.nn.shaping import (
        BatchApply,
        Crop,
        Flatten,
        Identity,
        Lambda,
        Permute,
        RepeatVector,
        Reshape,
        Unflatten,
    )
    from unimod.nn.similarity import CosineSimilarity, PairwiseDistance
    from unimod.nn.stochastic import (
        AlphaDropout,
        Dropout,
        DropPath,
        FeatureAlphaDropout,
        GaussianDropout,
        GaussianNoise,
        SpatialDropout,
        StochasticDepth,
    )
    from unimod.nn.transformer import (
        FeedForward,
        TransformerDecoder,
        TransformerDecoderLayer,
        TransformerEncoder,
        TransformerEncoderLayer,
    )
    from unimod.nn.unit_norm import UnitNorm
    from unimod.nn.unpooling import MaxPoolWithIndices, MaxUnpool
    from unimod.numpy import one_hot

_WHERE = {
    "nn.functional": "",
    "nn.initializers": "",
    "nn._rectified": "hard_shrink prelu soft_shrink sparse_plus sparse_sigmoid tanh_shrink threshold",
    "nn._smooth": "identity log1mexp logsumexp squareplus standardize",
    "nn.activations": (
        "celu elu gelu glu hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu log_sigmoid "
        "log_softmax mish relu relu6 selu sigmoid silu soft_sign softmax softplus swish tanh "
    ),
    "nn.additive_attention": "AdditiveAttention",
    "nn.adaptive_softmax": "AdaptiveLogSoftmax",
    "nn.attention": "MultiHeadAttention init_cache reset_cache",
    "nn.averages": "EMA debiased running_avg",
    "nn.containers": "MLP Concat Parallel Residual Sequential sequence",
    "nn.conv": "Conv Conv1D Conv2D Conv3D",
    "nn.conv_local": "ConvLocal",
    "nn.conv_special": "DepthwiseConv GeneralConv SeparableConv",
    "nn.conv_transpose": "ConvTranspose ConvTranspose1D ConvTranspose2D ConvTranspose3D",
    "nn.embed": "Embed",
    "nn.embed_bag": "EmbeddingBag",
    "nn.folding": "ChannelShuffle Fold Unfold",
    "nn.general": "Einsum LinearGeneral",
    "nn.keys": "KeySeq RngSeq",
    "nn.linear": "Bilinear Linear",
    "nn.masking": "attention_mask step_mask",
    "nn.masks": "causal_mask combine_masks padding_mask",
    "nn.norm": "BatchNorm GroupNorm InstanceNorm LayerNorm LocalResponseNorm RMSNorm SpectralNorm WeightNorm",
    "nn.parametric": "PReLU",
    "nn.penalties": "ActivityRegularization",
    "nn.pool": "AvgPool LpPool MaxPool MinPool SumPool",
    "nn.pool_adaptive": "AdaptiveAvgPool AdaptiveMaxPool GlobalAvgPool GlobalMaxPool",
    "nn.pool_fractional": "FractionalMaxPool",
    "nn.positions": "LearnedPositions RotaryPositions SinusoidalPositions",
    "nn.preprocessing": "CategoryEncoding Discretization Normalization Rescaling",
    "nn.randomized": "RReLU",
    "nn.recurrent": (
        "GRU LSTM RNN Bidirectional ConvLSTM ConvLSTMCell GRUCell LSTMCell MGUCell StackedCells VanillaRNN "
        "VanillaRNNCell "
    ),
    "nn.resize": "Pad PixelShuffle PixelUnshuffle Resize Upsample",
    "nn.shaping": "BatchApply Crop Flatten Identity Lambda Permute RepeatVector Reshape Unflatten",
    "nn.similarity": "CosineSimilarity PairwiseDistance",
    "nn.stochastic": (
        "AlphaDropout Dropout DropPath FeatureAlphaDropout GaussianDropout GaussianNoise SpatialDropout "
        "StochasticDepth "
    ),
    "nn.transformer": (
        "FeedForward TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer "
    ),
    "nn.unit_norm": "UnitNorm",
    "nn.unpooling": "MaxPoolWithIndices MaxUnpool",
    "numpy.gathering": "one_hot",
}
__getattr__, __dir__ = attach(__name__, _WHERE)

__all__ = [
    "EMA",
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "ActivityRegularization",
    "AdaptiveAvgPool",
    "AdaptiveLogSoftmax",
    "AdaptiveMaxPool",
    "AdditiveAttention",
    "AlphaDropout",
    "AvgPool",
    "BatchApply",
    "BatchNorm",
    "Bidirectional",
    "Bilinear",
    "CategoryEncoding",
    "ChannelShuffle",
    "Concat",
    "Conv",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "ConvLSTM",
    "ConvLSTMCell",
    "ConvLocal",
    "ConvTranspose",
    "ConvTranspose1D",
    "ConvTranspose2D",
    "ConvTranspose3D",
    "CosineSimilarity",
    "Crop",
    "DepthwiseConv",
    "Discretization",
    "DropPath",
    "Dropout",
    "Einsum",
    "Embed",
    "EmbeddingBag",
    "FeatureAlphaDropout",
    "FeedForward",
    "Flatten",
    "Fold",
    "FractionalMaxPool",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GeneralConv",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "Identity",
    "InstanceNorm",
    "KeySeq",
    "LSTMCell",
    "Lambda",
    "LayerNorm",
    "LearnedPositions",
    "Linear",
    "LinearGeneral",
    "LocalResponseNorm",
    "LpPool",
    "MGUCell",
    "MaxPool",
    "MaxPoolWithIndices",
    "MaxUnpool",
    "MinPool",
    "MultiHeadAttention",
    "Normalization",
    "PReLU",
    "Pad",
    "PairwiseDistance",
    "Parallel",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "RMSNorm",
    "RReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Residual",
    "Resize",
    "RngSeq",
    "RotaryPositions",
    "SeparableConv",
    "Sequential",
    "SinusoidalPositions",
    "SpatialDropout",
    "SpectralNorm",
    "StackedCells",
    "StochasticDepth",
    "SumPool",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "Unflatten",
    "Unfold",
    "UnitNorm",
    "Upsample",
    "VanillaRNN",
    "VanillaRNNCell",
    "WeightNorm",
    "attention_mask",
    "causal_mask",
    "celu",
    "combine_masks",
    "debiased",
    "elu",
    "functional",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "identity",
    "init_cache",
    "initializers",
    "leaky_relu",
    "log1mexp",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "mish",
    "one_hot",
    "padding_mask",
    "prelu",
    "relu",
    "relu6",
    "reset_cache",
    "running_avg",
    "selu",
    "sequence",
    "sigmoid",
    "silu",
    "soft_shrink",
    "soft_sign",
    "softmax",
    "softplus",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "standardize",
    "step_mask",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
