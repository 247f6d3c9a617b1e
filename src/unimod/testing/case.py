"""A row of the tables: a function or a layer, its inputs, and how near its results must come."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from unimod.backends import _capabilities as has
from unimod.backends import _host
from unimod.dtypes import DType, is_inexact
from unimod.testing.bounds import Bound

FLOATS = ("float32", "float64", "bfloat16", "float16")
WIDE = ("float32", "float64")
NUMBERS = ("float32", "float64", "bfloat16", "int32", "bool")

VALUES = Bound(eps=4)
SLOPES = Bound(eps=16)
"""The usual bounds of values and of derivatives: a few roundings."""

_NEEDS = {"float64": has.FLOAT64, "complex128": has.FLOAT64, "bfloat16": has.BFLOAT16}


class Data:
    """Seeded numpy data of one dtype; never all zeros, and without ties or zeros among the floats.

    Args:
        name: the name of the case, from which the seed is derived.
        dtype: of the floats that are made.
        index: which of several examples.
    """

    def __init__(self, name: str, dtype: str = "float32", index: int = 0) -> None:
        self.dtype = dtype
        self.random = np.random.default_rng([zlib.crc32(name.encode()), index])

    def array(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Any:
        """Numbers in ``[low, high)``: evenly spread floats in random order, or ints from -6 to 6, or bools."""
        kind = DType(self.dtype).kind
        if kind == "bool":
            return self.bools(*shape)
        if kind in ("int", "uint"):
            return self._nonzero(shape).astype(self.dtype)
        real = self._spread(shape, low, high)
        wide = real + 1j * self._spread(shape, low, high) if kind == "complex" else real
        return wide.astype(_host.dtype(self.dtype))

    def ints(self, low: int, high: int, *shape: int) -> Any:
        """int32 in ``[low, high)``."""
        return self.random.integers(low, high, shape).astype(np.int32)

    def bools(self, *shape: int) -> Any:
        """Both values, in random order."""
        count = int(np.prod(shape, dtype=np.int64))
        return self.random.permutation(np.arange(count) % 2 == 0).reshape(shape)

    def probabilities(self, *shape: int) -> Any:
        """Positive numbers that sum to 1 along the last axis."""
        raw = self.random.uniform(0.1, 1.0, shape)
        return (raw / raw.sum(-1, keepdims=True)).astype(_host.dtype(self.dtype))

    def _spread(self, shape: tuple[int, ...], low: float, high: float) -> Any:
        # Even spacing keeps the values apart, so that maxima and sorted orders do not depend on roundings.
        count = int(np.prod(shape, dtype=np.int64))
        steps = self.random.permutation(count) + self.random.uniform(0.25, 0.75)
        return (low + (high - low) * steps / count).reshape(shape)

    def _nonzero(self, shape: tuple[int, ...]) -> Any:
        values = self.random.integers(1, 7, shape)
        return values if self.dtype.startswith("u") else values * self.random.choice([-1, 1], shape)


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A row.

    Attributes:
        name: the public name that it is about, below ``unimod``, with what is special in brackets:
            ``numpy.sum[axis=0]``.
        fn: the function under test, of the inputs; for a layer None.
        module: makes the layer under test; it is called with the inputs.
        inputs: makes the inputs, numpy arrays and trees of them.
        reference: an independent function for what is expected, of numpy arrays; None: ``fn`` on the numpy engine.
        dtypes: the dtypes to test; inputs are made in them.
        bound: of values and states, against the reference.
        jit_bound: between jitted, also jitted and mapped, and eager calls; None: ``bound``.
        gradient_bound: of derivatives, against central differences of the reference in float64.
        wrt: the places of the inputs to differentiate by (the parameters of a layer always are).
        jit: whether the function may be jitted.
        vmap: whether it may be mapped over its inputs.
        layout: whether results are the same for arrays that are stored in another order.
        widen: whether the reference is computed in float64; False where the values depend on the dtype.
        needs: capabilities of the engine without which the row does not apply.
    """

    name: str
    fn: Callable[..., Any] | None
    inputs: Callable[[Data], tuple[Any, ...]]
    module: Callable[[], Any] | None = None
    reference: Callable[..., Any] | None = None
    dtypes: tuple[str, ...] = ("float32",)
    bound: Bound = VALUES
    jit_bound: Bound | None = None
    gradient_bound: Bound = SLOPES
    wrt: tuple[int, ...] = ()
    jit: bool = True
    vmap: bool = True
    layout: bool = True
    widen: bool = True
    needs: frozenset[str] = frozenset()

    @property
    def target(self) -> str:
        """The public name that the row is about."""
        return self.name.partition("[")[0]

    def __repr__(self) -> str:
        return f"<case {self.name}>"

    def data(self, dtype: str, index: int = 0) -> tuple[Any, ...]:
        """The inputs, numpy arrays."""
        return tuple(self.inputs(Data(self.name, dtype, index)))

    def needed(self, dtype: str) -> frozenset[str]:
        """The capabilities without which the row does not apply in this dtype."""
        return self.needs | {_NEEDS[dtype]} if dtype in _NEEDS else self.needs

    @property
    def has_gradient(self) -> bool:
        """Whether there is something to differentiate by, in the first dtype of the row."""
        return (bool(self.wrt) or self.module is not None) and is_inexact(self.dtypes[0])
