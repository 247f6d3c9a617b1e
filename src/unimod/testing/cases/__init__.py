"""The tables of the conformance suite: one row for each public name, and more for its options.

A public name without a row fails the suite; what needs none is listed in :data:`WITHOUT_ROW`, with the reason.
"""

from __future__ import annotations

import types
from collections.abc import Iterator

import unimod.numpy
from unimod import functional as _parametrized
from unimod import interop as _interop
from unimod import losses as _losses
from unimod import metrics as _metrics
from unimod import nets as _nets
from unimod import nn, optim, random
from unimod import precision as _precision
from unimod import regularizers as _regularizers
from unimod import stateful as _stateful
from unimod import transforms as _transforms
from unimod.nn import functional, initializers
from unimod.testing.case import Case
from unimod.testing.cases import (
    activations,
    arrays,
    attention,
    convolutions,
    counting,
    coverage_layers,
    coverage_torch,
    creating,
    distributions,
    elementwise,
    fft,
    indexing,
    interop,
    layers,
    linalg,
    losses,
    metrics,
    module_style,
    moments,
    nets,
    norms,
    numerical,
    ops,
    optimizers,
    optimizers_further,
    optimizers_more,
    optimizers_wrapped,
    parametrized,
    precision,
    recurrent,
    regularizers,
    schedules,
    small_layers,
    sorting,
    stateful,
    statistics,
    transforms,
    transforms_ahead,
    transforms_axes,
    transforms_control,
    transforms_derivatives,
    weights,
)

CASES: tuple[Case, ...] = (
    *ops.CASES, *elementwise.CASES, *arrays.CASES, *creating.CASES, *activations.CASES, *layers.CASES, *losses.CASES,
    *optimizers.CASES, *distributions.CASES, *transforms.CASES, *fft.CASES, *numerical.CASES, *counting.CASES,
    *sorting.CASES, *statistics.CASES, *recurrent.CASES, *linalg.CASES, *indexing.CASES, *attention.CASES,
    *convolutions.CASES, *norms.CASES, *small_layers.CASES, *weights.CASES, *metrics.CASES, *regularizers.CASES,
    *precision.CASES, *schedules.CASES,
    *nets.CASES,
    *optimizers_more.CASES,
    *optimizers_further.CASES,
    *coverage_layers.CASES,
    *coverage_torch.CASES,
    *optimizers_wrapped.CASES,
    *moments.CASES,
    *transforms_ahead.CASES,
    *transforms_axes.CASES,
    *transforms_derivatives.CASES,
    *transforms_control.CASES,
    *stateful.CASES,
    *interop.CASES,
    *parametrized.CASES,
    *module_style.CASES,
)  # fmt: skip

TESTED: tuple[tuple[str, types.ModuleType], ...] = (
    ("numpy", unimod.numpy),
    ("numpy.linalg", unimod.numpy.linalg),
    ("numpy.fft", unimod.numpy.fft),
    ("nn", nn),
    ("nn.functional", functional),
    ("nn.initializers", initializers),
    ("nets", _nets),
    ("functional", _parametrized),
    ("interop", _interop),
    ("losses", _losses),
    ("metrics", _metrics),
    ("regularizers", _regularizers),
    ("optim", optim),
    ("precision", _precision),
    ("random", random),
    ("stateful", _stateful),
    ("transforms", _transforms),
)
"""The modules of which every public name has a row, and what they are called."""

_CONSTANT = "a number or the name of a dtype: there is nothing to compute"
_BASE = "a base class, whose classes have rows"
_CLASS = "a class whose instances the rows of the functions that make them compare"
_SHAPES = "a function of shapes alone, which no engine sees"
_STRUCTURE = "about the classes of modules alone, which no engine sees"
_LIBRARY = "about another library, against which tests/conformance/test_interop_*.py compare it"
_ALIAS = "another name of something that has a row"

WITHOUT_ROW: dict[str, str] = {
    **{f"numpy.{name}": _CONSTANT for name in ("e", "inf", "nan", "newaxis", "pi", "bool", "bool_")},
    **{f"numpy.int{bits}": _CONSTANT for bits in (8, 16, 32, 64)},
    **{f"numpy.uint{bits}": _CONSTANT for bits in (8, 16, 32, 64)},
    **{f"numpy.{name}": _CONSTANT for name in ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")},
    "numpy.FloatInfo": _CLASS,
    "numpy.IntInfo": _CLASS,
    "numpy.NamespaceInfo": "what the standard asks of an engine, which tests/unit reads",
    "numpy.linalg": "a module, whose names have rows of their own",
    **{f"numpy.linalg.{name}Result": _CLASS for name in ("Eig", "Eigh", "LU", "Lstsq", "QR", "SVD", "Slogdet")},
    "numpy.fft": "a module, whose names have rows of their own",
    **{f"numpy.Unique{name}": _CLASS for name in ("All", "Counts", "Inverse")},
    **{f"nets.ResNet{layers}": "a ResNet of other sizes" for layers in (18, 34, 50, 101, 152, 200)},
    **{f"nets.{name}": _CLASS for name in ("BERTOutput", "VAEOutput")},
    "nets.count_parameters": _SHAPES,
    "transforms.CheckResult": _CLASS,
    **{f"functional.{name}": _CLASS for name in ("Parametrized", "Params", "OptimizerState")},
    **{f"functional.{name}": "about files, which no engine sees" for name in ("load", "save")},
    **{f"functional.{name}": _ALIAS for name in ("elu", "gelu", "leaky_relu", "log_softmax", "logsoftmax", "relu")},
    **{f"functional.{name}": _ALIAS for name in ("selu", "sigmoid", "softmax", "softplus", "tanh")},
    "losses.Loss": _BASE,
    "metrics.LossAndLogs": "another name of LossesAndMetrics",
    "metrics.Metric": _BASE,
    "metrics.recorded": "a choice of leaves, which no engine sees",
    "regularizers.Regularizer": _BASE,
    **{f"optim.{name}": _CLASS for name in ("Chain", "NamedChain", "ScaleBySchedule")},
    **{f"optim.{name}DimensionNumbers": _CLASS for name in ("GaLore", "Muon")},
    "optim.LossScale": _BASE,
    "optim.multi_transform": _ALIAS,
    "optim.Primitive": _CLASS,
    "optim.ScaleByLearningRate": _CLASS,
    "optim.Schedule": _CLASS,
    "optim.Transformation": _CLASS,
    "optim.schedules": "a module, whose names have rows of their own",
    **{f"precision.{name}": _STRUCTURE for name in ("policy_of", "unwrap_policy")},
    "transforms.ShapeDtypeStruct": _CLASS,
    "transforms.checkpoint_policies": "a module of names, which the rows of remat take",
    "random.Key": _CLASS,
    **{f"stateful.{name}": _CLASS for name in ("Context", "Entries", "Track")},
    **{f"stateful.From{name}": _LIBRARY for name in ("Flax", "Haiku", "Torch")},
    **{f"interop.{name}": _LIBRARY for name in ("FlaxModule", "HaikuModule", "NNXModule", "TorchModule")},
    **{f"interop.{name}": _LIBRARY for name in ("functional_module", "get_buffers", "get_params")},
    **{f"interop.{name}": _LIBRARY for name in ("as_flax_module", "as_torch_module")},
    **{f"interop.from_{name}": _LIBRARY for name in ("flax_variables", "torch_state_dict")},
    **{f"interop.to_{name}": _LIBRARY for name in ("flax_variables", "torch_state_dict")},
    "interop.InitApply": _CLASS,
    **{f"stateful.{name}": _ALIAS for name in ("OptaxModule", "seed")},
    "random.stable_hash": "a hash of text, computed on the host",
    "nn.functional": "a module, whose names have rows of their own",
    "nn.initializers": "a module, whose names have rows of their own",
    "nn.initializers.compute_fans": _SHAPES,
    "nn.initializers.gain": "a number that depends on a name, computed on the host",
    "nn.initializers.eye": _ALIAS,
    **{f"nn.{name}": _ALIAS for name in ("DropPath", "KeySeq", "hard_swish", "swish")},
}
"""Public names without a row, and why they need none."""


def public_names() -> Iterator[str]:
    """Every public name of the tested modules, such as ``numpy.add``."""
    for prefix, module in TESTED:
        yield from (f"{prefix}.{name}" for name in _public(module))


def _public(module: types.ModuleType) -> list[str]:
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    ]
    if module.__file__ is not None and module.__file__.endswith("__init__.py"):
        return own
    return [
        name for name in own if getattr(vars(module)[name], "__module__", "") == module.__name__ and name[0].islower()
    ]


def missing() -> list[str]:
    """Public names that have no row and no reason for having none."""
    covered = {case.target for case in CASES}
    return [name for name in public_names() if name not in covered and name not in WITHOUT_ROW]


def stale() -> list[str]:
    """Reasons for having no row of names that have one, or are gone; and rows about names that are gone."""
    covered, public = {case.target for case in CASES}, set(public_names())
    needless = [name for name in WITHOUT_ROW if name in covered or name not in public]
    return needless + sorted(covered - public)
