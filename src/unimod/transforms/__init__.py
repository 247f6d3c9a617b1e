"""Functions of functions: jit, grad, vmap. They take and return trees, on every engine."""

from unimod.transforms.grad import grad, stop_gradient, value_and_grad
from unimod.transforms.jit import jit
from unimod.transforms.vmap import vmap

__all__ = ["grad", "jit", "stop_gradient", "value_and_grad", "vmap"]
