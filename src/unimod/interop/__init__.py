"""Other libraries: their modules inside of unimod, modules of unimod inside of them, and weights there and back."""

from unimod.interop.functional import functional_module, get_buffers, get_params
from unimod.interop.modules import FlaxModule, HaikuModule, NNXModule, TorchModule

__all__ = ["FlaxModule", "HaikuModule", "NNXModule", "TorchModule", "functional_module", "get_buffers", "get_params"]
