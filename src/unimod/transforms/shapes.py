"""``eval_shape``: what a function would return, without computing it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.dtypes import DType, describe
from unimod.transforms import _lift


@dataclasses.dataclass(frozen=True, init=False)
class ShapeDtypeStruct:
    """An array without values: its shape and its dtype.

    Example:
        >>> import unimod as um
        >>> spec = um.ShapeDtypeStruct((2, 3), um.float32)
        >>> spec, spec.ndim, spec.size
        (ShapeDtypeStruct(f32[2, 3]), 2, 6)
    """

    shape: tuple[int, ...]
    dtype: DType

    def __init__(self, shape: Any, dtype: Any) -> None:
        object.__setattr__(self, "shape", tuple(int(size) for size in shape))
        object.__setattr__(self, "dtype", DType(dtype))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"ShapeDtypeStruct({describe(self.shape, self.dtype)})"


def eval_shape(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of what ``fn(*args, **kwargs)`` returns; nothing is computed.

    Args:
        fn: the function, transformed or not.
        args: trees of arrays, or of :class:`ShapeDtypeStruct`, also in modules.
        kwargs: the same, by name.

    Returns:
        What ``fn`` returns, with a :class:`ShapeDtypeStruct` for each array. On the numpy engine, which has no arrays
        without values, ``fn`` runs on ones.

    Raises:
        CapabilityError: ``fn`` asks an array for its values.

    Example:
        >>> import unimod as um
        >>> x = um.ShapeDtypeStruct((2, 3), "float32")
        >>> um.eval_shape(lambda x: {"y": um.numpy.sum(x, axis=1)}, x)
        {'y': ShapeDtypeStruct(f32[2])}
    """
    target = _lift.target_of(fn)
    args = args if target.owner is None else (target.owner, *args)
    leaves, structure = walk.flatten((args, kwargs))
    engine = _lift.engine_for([leaf for leaf in leaves if not isinstance(leaf, ShapeDtypeStruct)])
    flat = _lift.flat_function(target, structure, _lift.StateWatch(target.name), are_numbers_arrays=False)
    specs = {index: spec for index, leaf in enumerate(leaves) if (spec := _spec(engine, leaf)) is not None}

    def of_arrays(arrays: list[Any]) -> Any:
        full = list(leaves)
        for index, array in zip(specs, arrays, strict=True):
            full[index] = array
        return flat(full)

    with config.use_backend(engine.name):
        found, packed = engine.autodiff.eval_shape(of_arrays, list(specs.values()))
    return packed.unpack([ShapeDtypeStruct(shape, dtype) for shape, dtype in found])


def _spec(engine: Engine, leaf: Any) -> tuple[tuple[int, ...], str] | None:
    if isinstance(leaf, ShapeDtypeStruct):
        return leaf.shape, str(leaf.dtype)
    owner = config.engine_of(leaf) if config.is_array(leaf) else None
    return None if owner is None else (tuple(leaf.shape), owner.arrays.dtype_name(leaf))
