"""Functions of functions: jit, grad, vmap. They take and return trees, on every engine."""

from unimod.transforms.associative import associative_scan
from unimod.transforms.branches import cond, switch
from unimod.transforms.grad import grad, stop_gradient, value_and_grad
from unimod.transforms.jit import jit
from unimod.transforms.loops import fori_loop, while_loop
from unimod.transforms.scan import scan
from unimod.transforms.sequential import sequential_map
from unimod.transforms.vmap import vmap

__all__ = [
    "associative_scan",
    "cond",
    "fori_loop",
    "grad",
    "jit",
    "scan",
    "sequential_map",
    "stop_gradient",
    "switch",
    "value_and_grad",
    "vmap",
    "while_loop",
]
