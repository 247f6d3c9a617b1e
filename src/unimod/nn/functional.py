"""Layers as pure functions of arrays: convolution, pooling, normalisation, dropout, embedding.

Images are channels last, ``(batch..., spatial..., channels)``; kernels are ``(spatial..., in // groups, out)``. All
checks stand here, so that errors are the same on every engine; the modules of ``unimod.nn`` add where they happened.
"""

from __future__ import annotations

from unimod.nn._adaptive import adaptive_avg_pool as adaptive_avg_pool
from unimod.nn._adaptive import adaptive_max_pool as adaptive_max_pool
from unimod.nn._adaptive import global_avg_pool as global_avg_pool
from unimod.nn._adaptive import global_max_pool as global_max_pool
from unimod.nn._affine import bilinear as bilinear
from unimod.nn._affine import linear as linear
from unimod.nn._attention import scaled_dot_product_attention as scaled_dot_product_attention
from unimod.nn._bags import embedding_bag as embedding_bag
from unimod.nn._batch import batch_norm as batch_norm
from unimod.nn._batch import moments as moments
from unimod.nn._conv_lstm import conv_lstm_cell as conv_lstm_cell
from unimod.nn._convolution import conv as conv
from unimod.nn._convolution import conv_local as conv_local
from unimod.nn._convolution import conv_transpose as conv_transpose
from unimod.nn._convolution import general_conv as general_conv
from unimod.nn._folding import channel_shuffle as channel_shuffle
from unimod.nn._folding import fold as fold
from unimod.nn._folding import unfold as unfold
from unimod.nn._fractional import fractional_max_pool as fractional_max_pool
from unimod.nn._lookup import embedding as embedding
from unimod.nn._minimal import mgu_cell as mgu_cell
from unimod.nn._noise import alpha_dropout as alpha_dropout
from unimod.nn._noise import dropout as dropout
from unimod.nn._noise import gaussian_dropout as gaussian_dropout
from unimod.nn._noise import gaussian_noise as gaussian_noise
from unimod.nn._noise import stochastic_depth as stochastic_depth
from unimod.nn._normalization import group_norm as group_norm
from unimod.nn._normalization import instance_norm as instance_norm
from unimod.nn._normalization import layer_norm as layer_norm
from unimod.nn._normalization import local_response_norm as local_response_norm
from unimod.nn._normalization import rms_norm as rms_norm
from unimod.nn._pooling import avg_pool as avg_pool
from unimod.nn._pooling import lp_pool as lp_pool
from unimod.nn._pooling import max_pool as max_pool
from unimod.nn._pooling import min_pool as min_pool
from unimod.nn._pooling import sum_pool as sum_pool
from unimod.nn._positions import alibi as alibi
from unimod.nn._positions import rotary as rotary
from unimod.nn._positions import sinusoidal as sinusoidal
from unimod.nn._recurrent import gru as gru
from unimod.nn._recurrent import gru_cell as gru_cell
from unimod.nn._recurrent import lstm as lstm
from unimod.nn._recurrent import lstm_cell as lstm_cell
from unimod.nn._recurrent import rnn as rnn
from unimod.nn._recurrent import rnn_cell as rnn_cell
from unimod.nn._reparametrization import spectral_norm as spectral_norm
from unimod.nn._reparametrization import weight_norm as weight_norm
from unimod.nn._resampling import pad_spatial as pad_spatial
from unimod.nn._resampling import pixel_shuffle as pixel_shuffle
from unimod.nn._resampling import pixel_unshuffle as pixel_unshuffle
from unimod.nn._resampling import resize as resize
from unimod.nn._similarity import cosine_similarity as cosine_similarity
from unimod.nn._similarity import pairwise_distance as pairwise_distance
from unimod.nn._unpooling import max_pool_with_indices as max_pool_with_indices
from unimod.nn._unpooling import max_unpool as max_unpool
from unimod.nn.randomized import rrelu as rrelu

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "alibi",
    "alpha_dropout",
    "avg_pool",
    "batch_norm",
    "bilinear",
    "channel_shuffle",
    "conv",
    "conv_local",
    "conv_lstm_cell",
    "conv_transpose",
    "cosine_similarity",
    "dropout",
    "embedding",
    "embedding_bag",
    "fold",
    "fractional_max_pool",
    "gaussian_dropout",
    "gaussian_noise",
    "general_conv",
    "global_avg_pool",
    "global_max_pool",
    "group_norm",
    "gru",
    "gru_cell",
    "instance_norm",
    "layer_norm",
    "linear",
    "local_response_norm",
    "lp_pool",
    "lstm",
    "lstm_cell",
    "max_pool",
    "max_pool_with_indices",
    "max_unpool",
    "mgu_cell",
    "min_pool",
    "moments",
    "pad_spatial",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "resize",
    "rms_norm",
    "rnn",
    "rnn_cell",
    "rotary",
    "rrelu",
    "scaled_dot_product_attention",
    "sinusoidal",
    "spectral_norm",
    "stochastic_depth",
    "sum_pool",
    "unfold",
    "weight_norm",
]
