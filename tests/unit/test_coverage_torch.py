"""The tables of docs/coverage.md: every class of torch.nn is in them, and what they name exists."""

from __future__ import annotations

import functools
import inspect
import pathlib
import re

import pytest

import unimod as um

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "coverage.md"
NONE = "—"

CALL = re.compile(r"`(um(?:\.\w+)+)(?:\(([^`]*)\))?`")
"""A name of unimod, perhaps with options."""


def rows(text):
    """The rows of all tables: what is theirs, what is ours, the remark."""
    cells = [
        [cell.strip() for cell in line.strip("|").split(" |")] for line in text.splitlines() if line.startswith("|")
    ]
    return [
        tuple(row) for row in cells if set(row[0]) != {"-"} and row[0] != "torch.nn" and not row[0].startswith("---")
    ]


def found(name):
    """What stands behind a dotted name that begins with ``um``."""
    return functools.reduce(getattr, name.split(".")[1:], um)


def options(text):
    """The names of the options in a call."""
    return re.findall(r"(\w+)=", text or "")


def complaints(text):
    """Everything that is wrong with a page, apart from rows that are missing."""
    bad = []
    for theirs, ours, remark in rows(text):
        if not CALL.fullmatch(ours) and not (ours == NONE and remark):
            bad.append(f"{theirs}: neither a name nor a dash with a reason")
        for name, given in CALL.findall(ours) + CALL.findall(remark):
            try:
                value = found(name)
            except AttributeError:
                bad.append(f"{theirs}: there is no {name}")
                continue
            known = inspect.signature(value.__init__ if inspect.isclass(value) else value).parameters
            bad += [f"{theirs}: {name} has no option {option}" for option in options(given) if option not in known]
    return bad


def listed(text):
    """The names of classes in the first column."""
    return [theirs.strip("`") for theirs, _, _ in rows(text)]


def test_what_is_named_exists():
    assert complaints(PAGE.read_text()) == []


def test_no_class_has_two_rows():
    names = listed(PAGE.read_text())
    assert len(names) > 150
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.needs("torch")
def test_every_class_has_a_row_and_every_row_a_class():
    import torch

    values = {name: getattr(torch.nn, name) for name in dir(torch.nn) if not name.startswith("_")}
    modules = {name for name, value in values.items() if inspect.isclass(value) and issubclass(value, torch.nn.Module)}
    assert len(modules) > 150
    assert {name for name in torch.nn.modules.__all__ if not name.endswith("Options")} <= modules
    names = set(listed(PAGE.read_text()))
    assert sorted(modules - names) == []
    assert sorted(names - modules) == []


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("| `Linear` | `um.nn.Lineal` | |", "there is no um.nn.Lineal"),
        ("| `Linear` | `um.nn.Linear(out=3)` | |", "um.nn.Linear has no option out"),
        ("| `Linear` | — | see `um.nn.Nothing` |", "there is no um.nn.Nothing"),
        ("| `Linear` | — | |", "neither a name nor a dash with a reason"),
        ("| `Linear` | Linear | |", "neither a name nor a dash with a reason"),
    ],
)
def test_a_wrong_row_is_noticed(row, text):
    assert complaints(f"| torch.nn | unimod | remark |\n|---|---|---|\n{row}\n") == [f"`Linear`: {text}"]
