"""Functions of functions: jit, grad, vmap. They take and return trees, on every engine."""

from unimod.transforms.associative import associative_scan
from unimod.transforms.branches import cond, switch
from unimod.transforms.collectives import (
    all_gather,
    all_to_all,
    axis_index,
    axis_size,
    pmax,
    pmean,
    pmin,
    ppermute,
    psum,
    psum_scatter,
)
from unimod.transforms.grad import grad, stop_gradient, value_and_grad
from unimod.transforms.jit import jit
from unimod.transforms.loops import fori_loop, while_loop
from unimod.transforms.scan import scan
from unimod.transforms.sequential import sequential_map
from unimod.transforms.vmap import vmap

__all__ = [
    "all_gather",
    "all_to_all",
    "associative_scan",
    "axis_index",
    "axis_size",
    "cond",
    "fori_loop",
    "grad",
    "jit",
    "pmax",
    "pmean",
    "pmin",
    "ppermute",
    "psum",
    "psum_scatter",
    "scan",
    "sequential_map",
    "stop_gradient",
    "switch",
    "value_and_grad",
    "vmap",
    "while_loop",
]
