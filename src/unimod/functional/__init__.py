"""Models as functions of explicit parameters. Imported when it is first asked for.

A function with ``@parametrized`` has its parts in the defaults of its arguments, or makes them in its body; it is a
description without values. Its parameters are a module, so that trees, gradients, jit, optimizers and files treat them
as any other.

Example:
    >>> import unimod as um
    >>> from unimod.functional import Dense, Sequential, relu
    >>> net = Sequential([Dense(8), relu, Dense(2)])
    >>> x = um.numpy.ones((3, 4))
    >>> params = net.init_params(um.random.key(0), x)
    >>> params.layers[2].bias.shape == (2,), net(params, x).shape == (3, 2)
    (True, True)
"""

from unimod.functional._inline import Parameter, is_training, parameter, random_key
from unimod.functional._params import Params
from unimod.functional._slots import Param
from unimod.functional.combinators import FanInConcat, FanInSum, FanOut, Sequential, identity, parallel
from unimod.functional.files import load, save
from unimod.functional.initializers import glorot, ones, randn, zeros
from unimod.functional.layers import (
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    GeneralConv,
    MaxPool,
    SumPool,
    flatten,
)
from unimod.functional.optimizer import Optimizer, OptimizerState
from unimod.functional.parametrized import Parametrized, parametrized
from unimod.functional.recurrent import GRUCell, Rnn
from unimod.functional.wrappers import Batched, L1Regularized, L2Regularized, Regularized, Reparametrized
from unimod.nn import elu, gelu, leaky_relu, log_softmax, relu, selu, sigmoid, softmax, softplus, tanh

logsoftmax = log_softmax

__all__ = [
    "AvgPool",
    "BatchNorm",
    "Batched",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Dropout",
    "FanInConcat",
    "FanInSum",
    "FanOut",
    "GRUCell",
    "GeneralConv",
    "L1Regularized",
    "L2Regularized",
    "MaxPool",
    "Optimizer",
    "OptimizerState",
    "Param",
    "Parameter",
    "Parametrized",
    "Params",
    "Regularized",
    "Reparametrized",
    "Rnn",
    "Sequential",
    "SumPool",
    "elu",
    "flatten",
    "gelu",
    "glorot",
    "identity",
    "is_training",
    "leaky_relu",
    "load",
    "log_softmax",
    "logsoftmax",
    "ones",
    "parallel",
    "parameter",
    "parametrized",
    "random_key",
    "randn",
    "relu",
    "save",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
    "zeros",
]
