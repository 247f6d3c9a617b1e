"""Functions of functions: jit, grad, vmap and their kin. They take and return trees, on every engine."""

from typing import TYPE_CHECKING

from unimod._lazy import attach
from unimod.transforms.grad import grad, stop_gradient, value_and_grad
from unimod.transforms.jit import jit
from unimod.transforms.vmap import vmap

if TYPE_CHECKING:
    from unimod.transforms import checkpoint_policies
    from unimod.transforms._jacobian import hessian, hvp, jacfwd, jacobian, jacrev
    from unimod.transforms._jvp import jvp, linearize
    from unimod.transforms._pure import pure
    from unimod.transforms._remat import checkpoint, checkpoint_name, remat
    from unimod.transforms._scan import scan
    from unimod.transforms._vjp import vjp
    from unimod.transforms.associative import associative_scan
    from unimod.transforms.branches import cond, switch
    from unimod.transforms.checks import CheckResult, check, checkify
    from unimod.transforms.closures import closure_convert
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
    from unimod.transforms.compilation_cache import set_compilation_cache
    from unimod.transforms.custom_rules import custom_jvp, custom_vjp
    from unimod.transforms.debugging import debug_callback, debug_print
    from unimod.transforms.loops import fori_loop, while_loop
    from unimod.transforms.naming import named_call
    from unimod.transforms.preserving import preserve_state
    from unimod.transforms.saved import load_function, save_function
    from unimod.transforms.sequential import sequential_map
    from unimod.transforms.shapes import ShapeDtypeStruct, eval_shape

# What most programs do without is imported when it is first asked for.
__getattr__, __dir__ = attach(
    __name__,
    {
        "transforms.checkpoint_policies": "",
        "transforms.associative": "associative_scan",
        "transforms.branches": "cond switch",
        "transforms.checks": "CheckResult check checkify",
        "transforms.closures": "closure_convert",
        "transforms.collectives": (
            "all_gather all_to_all axis_index axis_size pmax pmean pmin ppermute psum psum_scatter"
        ),
        "transforms.compilation_cache": "set_compilation_cache",
        "transforms.custom_rules": "custom_jvp custom_vjp",
        "transforms.debugging": "debug_callback debug_print",
        "transforms._jacobian": "hessian hvp jacfwd jacobian jacrev",
        "transforms._jvp": "jvp linearize",
        "transforms.loops": "fori_loop while_loop",
        "transforms.naming": "named_call",
        "transforms.preserving": "preserve_state",
        "transforms._pure": "pure",
        "transforms._remat": "checkpoint checkpoint_name remat",
        "transforms.saved": "load_function save_function",
        "transforms._scan": "scan",
        "transforms.sequential": "sequential_map",
        "transforms.shapes": "ShapeDtypeStruct eval_shape",
        "transforms._vjp": "vjp",
    },
)

__all__ = [
    "CheckResult",
    "ShapeDtypeStruct",
    "all_gather",
    "all_to_all",
    "associative_scan",
    "axis_index",
    "axis_size",
    "check",
    "checkify",
    "checkpoint",
    "checkpoint_name",
    "checkpoint_policies",
    "closure_convert",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "debug_callback",
    "debug_print",
    "eval_shape",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "load_function",
    "named_call",
    "pmax",
    "pmean",
    "pmin",
    "ppermute",
    "preserve_state",
    "psum",
    "psum_scatter",
    "pure",
    "remat",
    "save_function",
    "scan",
    "sequential_map",
    "set_compilation_cache",
    "stop_gradient",
    "switch",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
