"""PyTorch: callbacks by an operator with an effect, checks by a dispatch mode, costs by torch's counter."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from unimod.backends import _failures
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _callbacks, _checks
from unimod.backends.torch._captures import resolved
from unimod.backends.torch.arrays import to_numpy
from unimod.backends.torch.autodiff import as_tensors


def callback(fn: Callable[[list[Any]], None], arrays: list[Array], ordered: bool) -> None:
    """Call ``fn`` with the values when they are computed; torch keeps the order always."""
    _callbacks.call(lambda values: fn([to_numpy(value) for value in values]), arrays)


def checked(fn: FlatFn, leaves: list[Array], kinds: frozenset[str]) -> tuple[list[Array], Any, list[Array], Hashable]:
    """Run ``fn`` with checks; see the protocol."""
    mode = _checks.Checks(kinds)
    _checks.active.modes.append(mode)
    try:
        with mode:
            outputs, extra = fn(leaves)
    finally:
        _checks.active.modes.pop()
    found, how = mode.found()
    return as_tensors(outputs), extra, found, how


def check(condition: Array, text: str, arrays: list[Array]) -> None:
    """A check of the surrounding :func:`checked`, which takes the operator before it runs."""
    condition, *values = (x.detach() for x in resolved([condition, *arrays]))
    _checks.check_value(condition, values, _checks.number_of(text))


def failure(found: list[Array], how: Hashable) -> str | None:
    """The text of the failure in what :func:`checked` returned."""
    assert isinstance(how, tuple)
    code, values = int(found[0]), list(found[1:])
    if code < 0:
        return None
    start = sum(count for _, count in how[:code])
    text, count = how[code]
    return _failures.formatted(text, [to_numpy(x) for x in values[start : start + count]])


def wait(arrays: list[Array]) -> None:
    """Return when the values are there."""
    for device in {x.device for x in arrays if x.device.type == "cuda"}:
        torch.cuda.synchronize(device)


def cost(fn: FlatFn, leaves: list[Array]) -> dict[str, float]:
    """The floating-point operations of products of matrices, convolutions and attention."""
    counter = FlopCounterMode(display=False)
    with counter:
        fn(leaves)
    return {"flops": float(counter.get_total_flops())}


def trace_file(fn: Callable[[], Any], directory: str) -> None:
    """Call ``fn`` and write a trace for Perfetto and ``chrome://tracing``."""
    with torch.profiler.profile() as profile:
        fn()
    profile.export_chrome_trace(str(pathlib.Path(directory) / "torch.json"))
