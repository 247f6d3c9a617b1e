"""Parameters that are held."""

from __future__ import annotations

import dataclasses
from typing import Any

from unimod.core import walk
from unimod.optim._masks import mask_of, static_spec
from unimod.optim.base import Transformation
from unimod.optim.clipping import set_to_zero
from unimod.optim.masking import Masked, Partition, masked, partition


def freeze(mask: Any) -> Masked:
    """Updates of 0 where the mask holds; the others pass as they are.

    Put it last: what comes after it, such as weight decay, moves the parameters all the same.

    Args:
        mask: which parameters are held, as :func:`masked` takes it.

    Example:
        >>> import unimod as um
        >>> x = {"w": um.numpy.asarray(1.0), "b": um.numpy.asarray(1.0)}
        >>> updates, _ = um.optim.freeze({"w": True, "b": False}).init(x).update(x)
        >>> float(updates["w"]), float(updates["b"])
        (0.0, 1.0)
    """
    return masked(set_to_zero(), mask)


@dataclasses.dataclass(frozen=True)
class _Labels:
    """``"freeze"`` where a mask holds, else ``"train"``."""

    mask: Any

    def __call__(self, params: Any) -> Any:
        leaves, structure = walk.flatten(params)
        return walk.unflatten(structure, ["freeze" if m else "train" for m in mask_of(self.mask, leaves, structure)])


def selective_transform(optimizer: Transformation, *, freeze_mask: Any) -> Partition:
    """``optimizer`` for the parameters that are not held; it has no state of the others.

    The parts: ``opt["train"]`` and ``opt["freeze"]``.

    Args:
        optimizer: of the parameters where the mask does not hold.
        freeze_mask: which parameters are held, as :func:`masked` takes it.

    Example:
        >>> import unimod as um
        >>> net = um.nn.MLP([2, 3, 1]).init(0)
        >>> opt = um.optim.selective_transform(um.optim.adam(0.1), freeze_mask="*.kernel").init(net)
        >>> opt.groups
        ('freeze', 'train', 'freeze', 'train')
    """
    return partition({"train": optimizer, "freeze": set_to_zero()}, _Labels(static_spec(freeze_mask)))
