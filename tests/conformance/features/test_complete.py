"""Each row of the list of features has a test, and each test a row."""

from __future__ import annotations

import importlib

import pytest

COUNTS = {
    "test_pax": {"A": range(22)},
    "test_epfml": {"B": range(1, 13)},
    "test_opax": {"C": range(1, 19)},
    "test_treex": {"TX": range(1, 51)},
    "test_jaxnet": {"JN": range(1, 31)},
    "test_ninjax": {"NJ": range(1, 31)},
}
"""The rows by the file that tests them: what users of the systems before could do, numbered."""

ALONE = {
    "test_epfml": {"B2": "test_a_process_with_torch_alone"},
    "test_treex": {"TX29": "test_tx29_any_optimizer_of_optax", "TX37": "test_tx37_modules_of_flax"},
}
"""Rows that are about one framework, each a test function of its own."""


@pytest.mark.parametrize("file", COUNTS)
def test_each_row_has_a_test(file):
    module = importlib.import_module(f"tests.conformance.features.{file}")
    rows = {f"{letters}{number}" for letters, numbers in COUNTS[file].items() for number in numbers}
    tested = {row.split("-")[0] for row in module.ROWS}
    tested |= {row for row, name in ALONE.get(file, {}).items() if callable(getattr(module, name))}
    assert not rows - tested
    assert not tested - rows


def test_all_rows_are_counted():
    assert sum(len(numbers) for counts in COUNTS.values() for numbers in counts.values()) == 162
