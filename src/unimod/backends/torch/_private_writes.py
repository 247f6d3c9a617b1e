"""What a trace refuses to record: writes into tensors from outside; checked with torch 2.13.0."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode

from unimod.errors import CapabilityError

_META = torch.device("meta")


class NoCapturedWrites(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's class hook has no types
    """Refuses writes into real tensors: fake tensor mode would carry them out, once, while tracing."""

    supports_higher_order_operators = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run ``func`` unless it writes into a tensor that has values."""
        schema, kwargs = getattr(func, "_schema", None), kwargs or {}
        if schema is not None and schema.is_mutable:
            _refuse_real(schema, args, kwargs)
        return func(*args, **without_meta(func, args, kwargs))


def without_meta(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The options of a call that a dispatch mode sees, mended."""
    # The sum of a tensor and a tangent of zeros copies the tensor with the options of a stand-in, device included
    # (torch 2.13). The stand-in itself is made with a device only.
    is_sum = func is torch.ops.aten._to_copy.default and kwargs.get("layout") is not None
    return {**kwargs, "device": args[0].device} if is_sum and kwargs.get("device") == _META else kwargs


def no_captured_writes() -> contextlib.AbstractContextManager[Any]:
    """A mode that refuses writes into real tensors."""
    mode: Any = NoCapturedWrites
    return mode()  # type: ignore[no-any-return]


def _refuse_real(schema: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    for position, argument in enumerate(schema.arguments):
        value = args[position] if position < len(args) else kwargs.get(argument.name)
        if argument.is_write and any(isinstance(x, Tensor) and not isinstance(x, FakeTensor) for x in _as_list(value)):
            raise CapabilityError(
                f"A jitted function writes into an array from outside ({schema.name}).",
                got="an in-place change of a captured array",
                expected="arrays of the outside to be read only",
                fix="pass the array as an argument and return the new one",
            )


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]
