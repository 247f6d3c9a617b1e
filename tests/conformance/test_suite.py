"""The suite of the package on every engine, and the tables themselves."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import unimod as um
from unimod.backends import _registry
from unimod.backends._capabilities import GRAD, UNSIGNED
from unimod.errors import CapabilityError, DTypeError
from unimod.testing import checks
from unimod.testing.cases import CASES, WITHOUT_ROW, missing, stale
from unimod.testing.suite import (  # noqa: F401 (tests are found by their names)
    test_agreement,
    test_eval,
    test_frozen,
    test_gradient,
    test_jit,
    test_layout,
    test_value,
    test_vmap,
)


def test_every_public_name_has_a_row():
    assert missing() == []


def test_no_reason_for_having_no_row_is_stale():
    assert stale() == []
    assert all(WITHOUT_ROW.values())


def test_every_row_has_a_name_of_its_own():
    assert [name for name, count in collections.Counter(case.name for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_inputs_are_the_same_each_time_and_not_all_zeros(case):
    for dtype in case.dtypes:
        first, second = (checks.tree.leaves(case.data(dtype)) for _ in range(2))
        assert [leaf.tobytes() for leaf in first] == [leaf.tobytes() for leaf in second]
        assert all(np.any(leaf) for leaf in first)


def test_declared_divergences_are_still_true(any_backend):
    facts = _registry.load(any_backend).facts
    x = um.numpy.ones((2,))
    outcomes = {
        "grad": (GRAD not in facts.CAPABILITIES, CapabilityError, lambda: um.grad(um.numpy.sum)(x)),
        "float64": (True, DTypeError, lambda: um.numpy.astype(x, "float64")),
        "unsigned": (
            UNSIGNED not in facts.CAPABILITIES,
            CapabilityError,
            lambda: um.numpy.negative(um.numpy.astype(x, "uint32")),
        ),
    }
    assert set(facts.DIVERGENCES) <= set(outcomes)
    for name in facts.DIVERGENCES:
        is_declared, error, call = outcomes[name]
        assert is_declared
        with pytest.raises(error):
            call()


def test_every_check_has_rows():
    counts = {check: len(list(checks.rows(check, CASES))) for check in (*checks.CHECKS, "agreement")}
    assert min(counts.values()) >= 15
    assert counts["value"] >= 800
