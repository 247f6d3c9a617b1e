"""unimod: write a model once, run it on JAX or PyTorch, both in one process, with results that are proved to agree.

Example:
    >>> import unimod as um
    >>> model = um.nn.MLP([2, 16, 1]).init(0)
    >>> loss = lambda model, x: um.numpy.mean(model(x) ** 2)
    >>> value, grads = um.value_and_grad(loss)(model, um.numpy.ones((4, 2)))
    >>> grads.layers[0].kernel.shape == (2, 16)
    True
"""

from typing import TYPE_CHECKING

from unimod import nn, numpy, random
from unimod._lazy import attach
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
from unimod.core.compact import compact, compact_module, next_key
from unimod.core.filters import FieldInfo
from unimod.core.initializer import Initializer
from unimod.core.inputs import Inputs
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
from unimod.core.mutability import call, mutable, toplevel_mutable
from unimod.core.sealed import Immutable
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
    CheckFailedError,
    DTypeError,
    ImmutableModuleError,
    LeakedTracerError,
    MixedBackendError,
    NotInitializedError,
    OptionError,
    RetraceWarning,
    ShapeError,
    StateDictError,
    TreeError,
    UnboundAxisError,
    UnimodError,
    UnknownBackendError,
    UnreturnedStateWarning,
)
from unimod.random import rng, seed
from unimod.transforms import grad, jit, stop_gradient, value_and_grad, vmap
from unimod.x64 import enable_x64, use_x64

if TYPE_CHECKING:
    from unimod import functional as functional
    from unimod import interop as interop
    from unimod import losses, metrics, nets, optim, precision, regularizers, stateful, tasks
    from unimod.core.graph import GraphModule, build_graph_module, input_node
    from unimod.core.metadata import FlattenMode, add_field_info, fields
    from unimod.core.summary import Summary, summarize
    from unimod.core.texts import to_dict, to_string
    from unimod.core.transforming import (
        enable_eval_mode,
        enable_train_mode,
        freeze_parameters,
        select_parameters,
        select_states,
        unfreeze_parameters,
        update_parameters,
        update_states,
    )
    from unimod.interop import (
        FlaxModule,
        HaikuModule,
        NNXModule,
        TorchModule,
        as_flax_module,
        as_init_apply,
        as_torch_module,
        functional_module,
        get_buffers,
        get_params,
    )
    from unimod.nn import *  # type: ignore[no-redef]  # noqa: F403 (all layers are on the base namespace too)
    from unimod.optim import (
        DynamicLossScale,
        LossScale,
        NoOpLossScale,
        Optimizer,
        StaticLossScale,
        all_finite,
        apply_gradients,
        select_tree,
    )
    from unimod.optim.functional import functional_optimizer
    from unimod.optim.schedules.functional import functional_schedule
    from unimod.precision import Policy, apply_policy, unwrap_policy
    from unimod.profiling import Profile, profile
    from unimod.training import build_update_fn
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

_registration.install()

# The parts that a model does not need, and every layer and activation, are imported when they are first asked for.
__getattr__, __dir__ = attach(
    __name__,
    {
        "functional": "",
        "interop": "",
        "interop.modules": "FlaxModule HaikuModule NNXModule TorchModule",
        "interop.exported": "as_flax_module as_init_apply as_torch_module",
        "interop.functional": "functional_module get_buffers get_params",
        **dict.fromkeys(("losses", "metrics", "nets", "optim", "precision", "regularizers", "stateful", "testing"), ""),
        "tasks": "",
        "nn": " ".join(nn.__all__),
        "core.summary": "Summary summarize",
        "core.graph": "GraphModule build_graph_module input_node",
        "core.metadata": "FlattenMode add_field_info fields",
        "core.texts": "to_dict to_string",
        "core.transforming": (
            "enable_eval_mode enable_train_mode freeze_parameters select_parameters select_states "
            "unfreeze_parameters update_parameters update_states"
        ),
        "training": "build_update_fn",
        "transforms._pure": "pure",
        "transforms.preserving": "preserve_state",
        "optim.apply": "apply_gradients",
        "optim.loss_scale": "DynamicLossScale LossScale NoOpLossScale StaticLossScale",
        "optim.finite": "all_finite select_tree",
        "optim.optimizer": "Optimizer",
        "optim.functional": "functional_optimizer",
        "optim.schedules.functional": "functional_schedule",
        "transforms.associative": "associative_scan",
        "transforms.branches": "cond switch",
        "transforms": "checkpoint_policies",
        "transforms.closures": "closure_convert",
        "transforms.custom_rules": "custom_jvp custom_vjp",
        "transforms._jacobian": "hessian hvp jacfwd jacobian jacrev",
        "transforms.compilation_cache": "set_compilation_cache",
        "transforms._jvp": "jvp linearize",
        "transforms.saved": "load_function save_function",
        "transforms.naming": "named_call",
        "transforms._remat": "checkpoint checkpoint_name remat",
        "transforms.shapes": "ShapeDtypeStruct eval_shape",
        "transforms._vjp": "vjp",
        "transforms.loops": "fori_loop while_loop",
        "transforms._scan": "scan",
        "transforms.sequential": "sequential_map",
        "profiling": "Profile profile",
        "transforms.checks": "CheckResult check checkify",
        "transforms.debugging": "debug_callback debug_print",
        "transforms.collectives": (
            "all_gather all_to_all axis_index axis_size pmax pmean pmin ppermute psum psum_scatter"
        ),
        "precision._apply": "apply_policy unwrap_policy",
        "precision._policy": "Policy",
    },
)

__all__ = [
    "BackendInfo", "BackendNotInstalledError", "BatchStat", "Cache", "CapabilityError", "CapturedModuleError",
    "CheckFailedError", "CheckResult", "DType", "DTypeError", "DynamicLossScale", "FieldInfo", "FlattenMode",
    "FlaxModule", "GraphModule", "HaikuModule", "Hashable", "Immutable", "ImmutableModuleError", "Initializer",
    "Inputs", "LeakedTracerError", "Log", "Loss", "LossScale", "Metric", "MixedBackendError", "ModelState", "Module",
    "NNXModule", "NoOpLossScale", "NotInitializedError", "Nothing", "OptState", "Optimizer", "OptionError", "Parameter",
    "Policy", "Profile", "RetraceWarning", "Rng", "ShapeDtypeStruct", "ShapeError", "Skeleton", "State",
    "StateDictError", "StaticLossScale", "Summary", "TorchModule", "TreeError", "TreePart", "UnboundAxisError",
    "UnimodError", "UnknownBackendError", "UnreturnedStateWarning", "__version__", "add_field_info", "all_finite",
    "all_gather", "all_to_all", "apply", "apply_gradients", "apply_policy", "as_flax_module", "as_init_apply",
    "as_torch_module", "associative_scan", "axis_index", "axis_size", "backend_info", "bfloat16", "bool_",
    "build_graph_module", "build_update_fn", "call", "check", "checkify", "checkpoint", "checkpoint_name",
    "checkpoint_policies", "closure_convert", "compact", "compact_module", "complex128", "complex64", "cond",
    "custom_jvp", "custom_vjp", "debug_callback", "debug_print", "dtype_of", "enable_eval_mode", "enable_train_mode",
    "enable_x64", "engine_of", "eval_shape", "field", "fields", "filter", "float16", "float32", "float64", "fori_loop",
    "freeze_parameters", "functional_module", "functional_optimizer", "functional_schedule", "get_buffers",
    "get_params", "grad", "hessian", "hvp", "input_node", "int16", "int32", "int64", "int8", "interop", "is_array",
    "jacfwd", "jacobian", "jacrev", "jit", "jvp", "linearize", "load_function", "losses", "map", "metrics", "mutable",
    "named_call", "nets", "next_key", "nn", "node", "numpy", "optim", "pmax", "pmean", "pmin", "ppermute", "precision",
    "preserve_state", "profile", "psum", "psum_scatter", "pure", "random", "regularizers", "remat", "reset_backend",
    "rng", "save_function", "scan", "seed", "select_parameters", "select_states", "select_tree", "sequential_map",
    "set_backend", "set_compilation_cache", "stateful", "static", "stop_gradient", "summarize", "switch", "tasks",
    "to_backend", "to_dict", "to_string", "toplevel_mutable", "tree", "uint16", "uint32", "uint64", "uint8",
    "unfreeze_parameters", "unwrap_policy", "update", "update_parameters", "update_states", "use_backend", "use_x64",
    "value_and_grad", "vjp", "vmap", "while_loop",
]  # fmt: skip
__all__ += nn.__all__
