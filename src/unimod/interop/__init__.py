"""Other libraries: their modules inside of unimod, modules of unimod inside of them, and weights there and back."""

from unimod.interop.exported import InitApply, as_flax_module, as_init_apply, as_torch_module
from unimod.interop.functional import functional_module, get_buffers, get_params
from unimod.interop.modules import FlaxModule, HaikuModule, NNXModule, TorchModule
from unimod.interop.weights import (
    from_flax_variables,
    from_torch_state_dict,
    to_flax_variables,
    to_torch_state_dict,
)

__all__ = [
    "FlaxModule",
    "HaikuModule",
    "InitApply",
    "NNXModule",
    "TorchModule",
    "as_flax_module",
    "as_init_apply",
    "as_torch_module",
    "from_flax_variables",
    "from_torch_state_dict",
    "functional_module",
    "get_buffers",
    "get_params",
    "to_flax_variables",
    "to_torch_state_dict",
]
