"""The optimizers that scale by norms, find their rates, make matrices orthogonal, or search along lines."""

from unimod.optim.ademamix import ademamix, scale_by_ademamix, scale_by_simplified_ademamix, simplified_ademamix
from unimod.optim.layerwise import (
    fromage,
    lamb,
    lars,
    scale_by_param_block_norm,
    scale_by_param_block_rms,
    scale_by_trust_ratio,
)
from unimod.optim.matrices import muon, scale_by_muon, scale_by_shape
from unimod.optim.memory_efficient import adafactor, scale_by_factored_rms
from unimod.optim.noisy import add_noise, noisy_sgd
from unimod.optim.optimistic import (
    optimistic_adam,
    optimistic_adam_v2,
    optimistic_gradient_descent,
    scale_by_optimistic_gradient,
)
from unimod.optim.parameter_free import (
    cocob,
    dadapt_adamw,
    dog,
    dowg,
    prodigy,
    scale_by_cocob,
    scale_by_distance_over_gradients,
    scale_by_dog,
    scale_by_dowg,
)
from unimod.optim.polyak import polyak_sgd, scale_by_polyak
from unimod.optim.quasi_newton import (
    lbfgs,
    scale_by_backtracking_linesearch,
    scale_by_lbfgs,
    scale_by_zoom_linesearch,
)
from unimod.optim.schedule_free import (
    schedule_free,
    schedule_free_adamw,
    schedule_free_eval_params,
    schedule_free_sgd,
)

__all__ = [
    "adafactor",
    "add_noise",
    "ademamix",
    "cocob",
    "dadapt_adamw",
    "dog",
    "dowg",
    "fromage",
    "lamb",
    "lars",
    "lbfgs",
    "muon",
    "noisy_sgd",
    "optimistic_adam",
    "optimistic_adam_v2",
    "optimistic_gradient_descent",
    "polyak_sgd",
    "prodigy",
    "scale_by_ademamix",
    "scale_by_backtracking_linesearch",
    "scale_by_cocob",
    "scale_by_distance_over_gradients",
    "scale_by_dog",
    "scale_by_dowg",
    "scale_by_factored_rms",
    "scale_by_lbfgs",
    "scale_by_muon",
    "scale_by_optimistic_gradient",
    "scale_by_param_block_norm",
    "scale_by_param_block_rms",
    "scale_by_polyak",
    "scale_by_shape",
    "scale_by_simplified_ademamix",
    "scale_by_trust_ratio",
    "scale_by_zoom_linesearch",
    "schedule_free",
    "schedule_free_adamw",
    "schedule_free_eval_params",
    "schedule_free_sgd",
    "simplified_ademamix",
]
