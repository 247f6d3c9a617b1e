"""The tables of docs/coverage-flax.md: every public name of flax.linen is in them, and what they name exists."""

from __future__ import annotations

import inspect

import pytest

from tests.unit import tables

PAGE = (tables.DOCS / "coverage-flax.md").read_text()


def public(module):
    """Its names, without modules, and without what it imports for annotations."""
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {name for name, value in found.items() if not inspect.ismodule(value)}


def test_what_is_named_exists():
    assert len(tables.rows(PAGE)) > 130
    assert tables.complaints(PAGE) == []


@pytest.mark.needs("jax")
def test_every_name_has_a_row_and_every_row_a_name():
    import flax.linen

    theirs = public(flax.linen) | {f"initializers.{name}" for name in public(flax.linen.initializers)}
    assert {"Dense", "ConvLSTMCell", "initializers.orthogonal"} <= theirs
    assert sorted(theirs - set(tables.names(PAGE))) == []
    assert sorted(set(tables.names(PAGE)) - theirs) == []


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("| `Dense` | `um.nn.Lineal(a)` | |", "`Dense`: there is no um.nn.Lineal"),
        ("| `Dense` | `um.nn.Linear(a, b, bias=True)` | |", "`Dense`: um.nn.Linear has no option bias"),
        ("| `Dense` | — | like `um.nn.Nothing` |", "`Dense`: there is no um.nn.Nothing"),
        ("| `Dense` | — | |", "`Dense`: a dash without a reason"),
        ("| `Dense` | Linear | |", "`Dense`: neither names nor a dash"),
        ("| `Dense` | `um.nn.Linear` | |\n| `Dense` | — | none |", "Dense: two rows"),
    ],
)
def test_a_wrong_row_is_noticed(row, text):
    assert tables.complaints(f"| flax.linen | unimod | remark |\n|---|---|---|\n{row}\n") == [text]
