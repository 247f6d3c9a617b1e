"""The conformance suite as tests, for a test file of one line: ``from unimod.testing.suite import *``.

Each test runs on each engine that is chosen (see :mod:`unimod.testing.plugin`); what an engine does not declare in
``facts.CAPABILITIES`` is deselected. An engine that differs knowingly marks the test with a strict ``xfail`` in its own
``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from unimod.testing import checks
from unimod.testing.case import Case
from unimod.testing.cases import CASES

__all__ = [
    "test_agreement",
    "test_eval",
    "test_frozen",
    "test_gradient",
    "test_jit",
    "test_layout",
    "test_value",
    "test_vmap",
]

Check = Callable[..., None]
Test = TypeVar("Test", bound=Callable[..., None])


def _parametrized(check: str) -> Callable[[Test], Test]:
    rows = [pytest.param(case, dtype, id=f"{case.name}-{dtype}") for case, dtype in checks.rows(check, CASES)]
    return pytest.mark.parametrize(("case", "dtype"), rows)


@_parametrized("value")
def test_value(case: Case, dtype: str, unimod_engine: str, unimod_check: Check) -> None:
    """Results and states are native, of the exact shapes and dtypes, and near a reference in float64."""
    unimod_check("value", case, dtype, unimod_engine)


@_parametrized("layout")
def test_layout(case: Case, dtype: str, unimod_engine: str, unimod_check: Check) -> None:
    """Arrays whose elements lie in memory in another order give the same results."""
    unimod_check("layout", case, dtype, unimod_engine)


@_parametrized("gradient")
def test_gradient(case: Case, dtype: str, unimod_engine: str, unimod_check: Check) -> None:
    """Derivatives are near central differences in float64."""
    unimod_check("gradient", case, dtype, unimod_engine)


@_parametrized("jit")
def test_jit(case: Case, dtype: str, unimod_engine: str, unimod_check: Check) -> None:
    """A jitted function gives what the function gives."""
    unimod_check("jit", case, dtype, unimod_engine)


@_parametrized("vmap")
def test_vmap(case: Case, dtype: str, unimod_engine: str, unimod_check: Check) -> None:
    """A mapped function gives what a loop gives."""
    unimod_check("vmap", case, dtype, unimod_engine)


@_parametrized("eval")
def test_eval(case: Case, dtype: str, unimod_engine: str, unimod_check: Check) -> None:
    """A layer in evaluation mode changes nothing in itself."""
    unimod_check("eval", case, dtype, unimod_engine)


@_parametrized("frozen")
def test_frozen(case: Case, dtype: str, unimod_engine: str, unimod_check: Check) -> None:
    """A frozen layer changes nothing in itself, and has no gradients."""
    unimod_check("frozen", case, dtype, unimod_engine)


@_parametrized("agreement")
def test_agreement(case: Case, dtype: str, unimod_engines: tuple[str, ...], unimod_check: Check) -> None:
    """Engines agree with each other in values, states and derivatives, of everything that has derivatives."""
    unimod_check("agreement", case, dtype, unimod_engines)
