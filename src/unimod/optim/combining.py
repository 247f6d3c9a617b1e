"""What is not an optimizer itself: transformations around others, of one's own, and the ways to apply them."""

from __future__ import annotations

from unimod.optim.accumulation import MultiSteps, apply_every, skip_large_updates, skip_not_finite
from unimod.optim.apply import apply_gradients, apply_updates, global_norm, incremental_update, periodic_update
from unimod.optim.averaging import ema, lookahead
from unimod.optim.chain import Chain, NamedChain, chain, named_chain
from unimod.optim.clipping import (
    adaptive_grad_clip,
    centralize,
    clip,
    clip_by_block_rms,
    clip_by_global_norm,
    identity,
    keep_params_nonnegative,
    normalize_by_update_norm,
    set_to_zero,
    zero_nans,
)
from unimod.optim.custom import Custom, custom, stateless, stateless_with_tree_map
from unimod.optim.finite import all_finite, select_tree
from unimod.optim.loss_scale import DynamicLossScale, LossScale, NoOpLossScale, StaticLossScale
from unimod.optim.masking import label_by, masked, multi_transform, partition
from unimod.optim.optimizer import Optimizer
from unimod.optim.private import (
    differentially_private_aggregate,
    dpsgd,
    per_example_global_norm_clip,
    per_example_layer_norm_clip,
)
from unimod.optim.scheduled import ScaleBySchedule, scale_by_schedule
from unimod.optim.wrappers import apply_if_finite, conditionally_mask, conditionally_transform

__all__ = [
    "Chain",
    "Custom",
    "DynamicLossScale",
    "LossScale",
    "MultiSteps",
    "NamedChain",
    "NoOpLossScale",
    "Optimizer",
    "ScaleBySchedule",
    "StaticLossScale",
    "adaptive_grad_clip",
    "all_finite",
    "apply_every",
    "apply_gradients",
    "apply_if_finite",
    "apply_updates",
    "centralize",
    "chain",
    "clip",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "conditionally_mask",
    "conditionally_transform",
    "custom",
    "differentially_private_aggregate",
    "dpsgd",
    "ema",
    "global_norm",
    "identity",
    "incremental_update",
    "keep_params_nonnegative",
    "label_by",
    "lookahead",
    "masked",
    "multi_transform",
    "named_chain",
    "normalize_by_update_norm",
    "partition",
    "per_example_global_norm_clip",
    "per_example_layer_norm_clip",
    "periodic_update",
    "scale_by_schedule",
    "select_tree",
    "set_to_zero",
    "skip_large_updates",
    "skip_not_finite",
    "stateless",
    "stateless_with_tree_map",
    "zero_nans",
]
