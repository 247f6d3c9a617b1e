"""Which of the examples in the docstrings run: on an engine without derivatives, those that differentiate do not."""

from __future__ import annotations

import os
import re

import pytest

import unimod as um
from unimod.config import VARIABLE

DERIVATIVES = re.compile(
    r"(grad|vjp|jvp|linearize|jacfwd|jacrev|jacobian|hessian|hvp|build_update_fn|checkify)\(|\bOptimizer\b"
)
"""What differentiates, and the check of numbers, which an engine without derivatives does not make either."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the examples that the chosen engine cannot run."""
    if not os.environ.get(VARIABLE) or "grad" in um.backend_info().capabilities:
        return
    kept = [item for item in items if not _differentiates(item)]
    config.hook.pytest_deselected(items=[item for item in items if _differentiates(item)])
    items[:] = kept


def _differentiates(item: pytest.Item) -> bool:
    return isinstance(item, pytest.DoctestItem) and any(
        DERIVATIVES.search(example.source) for example in item.dtest.examples
    )
