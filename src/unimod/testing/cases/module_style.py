"""Functions of modules as values: what they compute is written out in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.core.kinds import Parameter, State
from unimod.core.module import Module
from unimod.testing.case import Case
from unimod.transforms import preserve_state, pure, vmap


class _Scale(Module):
    """A factor, and the last thing that was scaled."""

    def __init__(self, w: Any) -> None:
        self.w, self.last = Parameter(w), State(unp.zeros_like(w))

    def __call__(self, x: Any) -> Any:
        self.last = unp.multiply(self.w, x)
        return self.last


def _scaled(w: Any, x: Any) -> Any:
    @pure
    def run(module: Any, x: Any) -> Any:
        return module(x), module

    module = _Scale(w)
    y, after = run(module, x)
    return y, after.last, module.last


def _preserved(w: Any, x: Any) -> Any:
    module = _Scale(w)
    y = preserve_state(vmap, in_axes=(None, 0))(lambda module, x: module(x))(module, x)
    return y, module.last, module.w


CASES = (
    Case(
        "transforms.pure",
        _scaled,
        lambda d: (d.array(3), d.array(3)),
        reference=lambda w, x: (w * x, w * x, np.zeros_like(w)),
        wrt=(0, 1),
    ),
    Case(
        "transforms.preserve_state",
        _preserved,
        lambda d: (d.array(3), d.array(2, 3)),
        reference=lambda w, x: (w * x, w * x, w),
    ),
)
