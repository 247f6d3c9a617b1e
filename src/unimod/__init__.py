"""unimod: write a model once, run it on JAX or PyTorch, both in one process, with results that are proved to agree.

Example:
    >>> import unimod as um
    >>> model = um.nn.MLP([2, 16, 1]).init(0)
    >>> loss = lambda model, x: um.numpy.mean(model(x) ** 2)
    >>> value, grads = um.value_and_grad(loss)(model, um.numpy.ones((4, 2)))
    >>> grads.layers[0].kernel.shape == (2, 16)
    True
"""

import importlib

from unimod import losses, nn, numpy, optim, random
from unimod._version import __version__
from unimod.config import (
    BackendInfo,
    backend_info,
    dtype_of,
    engine_of,
    is_array,
    reset_backend,
    set_backend,
    use_backend,
)
from unimod.core import registration as _registration
from unimod.core import tree
from unimod.core.filters import FieldInfo
from unimod.core.initializer import Initializer
from unimod.core.kinds import (
    BatchStat,
    Cache,
    Hashable,
    Log,
    Loss,
    Metric,
    ModelState,
    Nothing,
    OptState,
    Parameter,
    Rng,
    State,
    TreePart,
    field,
    node,
    static,
)
from unimod.core.module import Module, filter, map, update
from unimod.core.move import to_backend
from unimod.core.skeleton import Skeleton
from unimod.core.surgery import apply
from unimod.dtypes import (
    DType,
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from unimod.errors import (
    BackendNotInstalledError,
    CapabilityError,
    CapturedModuleError,
    DTypeError,
    MixedBackendError,
    NotInitializedError,
    OptionError,
    RetraceWarning,
    ShapeError,
    StateDictError,
    TreeError,
    UnimodError,
    UnknownBackendError,
    UnreturnedStateWarning,
)
from unimod.nn import (
    MLP,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    Embed,
    Flatten,
    Identity,
    Lambda,
    LayerNorm,
    Linear,
    MaxPool,
    Sequential,
    celu,
    elu,
    functional,
    gelu,
    glu,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    initializers,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sequence,
    sigmoid,
    silu,
    soft_sign,
    softmax,
    softplus,
    tanh,
)
from unimod.optim import apply_gradients
from unimod.random import rng, seed
from unimod.transforms import grad, jit, stop_gradient, value_and_grad, vmap
from unimod.x64 import enable_x64, use_x64

_registration.install()

_ON_DEMAND = ("testing",)


def __getattr__(name: str) -> object:
    """Import the parts that a model does not need when they are first asked for."""
    if name in _ON_DEMAND:
        return importlib.import_module(f"unimod.{name}")
    raise AttributeError(f"module 'unimod' has no attribute {name!r}")


__all__ = [
    "AvgPool",
    "BackendInfo",
    "BackendNotInstalledError",
    "BatchNorm",
    "BatchStat",
    "Cache",
    "CapabilityError",
    "CapturedModuleError",
    "Conv",
    "DType",
    "DTypeError",
    "Dropout",
    "Embed",
    "FieldInfo",
    "Flatten",
    "Hashable",
    "Identity",
    "Initializer",
    "Lambda",
    "LayerNorm",
    "Linear",
    "Log",
    "Loss",
    "MLP",
    "MaxPool",
    "Metric",
    "MixedBackendError",
    "ModelState",
    "Module",
    "NotInitializedError",
    "Nothing",
    "OptState",
    "OptionError",
    "Parameter",
    "RetraceWarning",
    "Rng",
    "Sequential",
    "ShapeError",
    "Skeleton",
    "State",
    "StateDictError",
    "TreeError",
    "TreePart",
    "UnimodError",
    "UnknownBackendError",
    "UnreturnedStateWarning",
    "__version__",
    "apply",
    "apply_gradients",
    "backend_info",
    "bfloat16",
    "bool_",
    "celu",
    "complex128",
    "complex64",
    "dtype_of",
    "elu",
    "enable_x64",
    "engine_of",
    "field",
    "filter",
    "float16",
    "float32",
    "float64",
    "functional",
    "gelu",
    "glu",
    "grad",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "initializers",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_array",
    "jit",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "losses",
    "map",
    "mish",
    "nn",
    "node",
    "numpy",
    "optim",
    "random",
    "relu",
    "relu6",
    "reset_backend",
    "rng",
    "seed",
    "selu",
    "sequence",
    "set_backend",
    "sigmoid",
    "silu",
    "soft_sign",
    "softmax",
    "softplus",
    "static",
    "stop_gradient",
    "tanh",
    "to_backend",
    "tree",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "update",
    "use_backend",
    "use_x64",
    "value_and_grad",
    "vmap",
]
