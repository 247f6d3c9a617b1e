"""Reading pages with tables of three columns: what others call it, what it is here, a remark."""

from __future__ import annotations

import functools
import inspect
import pathlib
import re

import unimod as um

DOCS = pathlib.Path(__file__).parents[2] / "docs"
NONE = "—"

CALL = re.compile(r"`(um(?:\.\w+)+)(?:\(([^`]*)\))?`")
"""A name of unimod, perhaps with options."""


def rows(text):
    """The rows of all tables, without the heads."""
    lines = text.splitlines()
    heads = {place - 1 for place, line in enumerate(lines) if line.startswith("|---")}
    kept = [line for place, line in enumerate(lines) if line.startswith("| ") and place not in heads]
    return [tuple(cell.strip() for cell in line[1:].split(" |")[:3]) for line in kept]


def names(text):
    """What others call it, row by row."""
    return [theirs.strip("`") for theirs, _, _ in rows(text)]


def complaints(text):
    """Everything that is wrong with the rows that are there."""
    bad = [f"{name}: two rows" for name in sorted({n for n in names(text) if names(text).count(n) > 1})]
    for theirs, ours, remark in rows(text):
        if ours == NONE and not remark:
            bad.append(f"{theirs}: a dash without a reason")
        if ours != NONE and CALL.sub("", ours).strip(", "):
            bad.append(f"{theirs}: neither names nor a dash")
        bad += [f"{theirs}: {wrong}" for name, given in CALL.findall(ours + remark) if (wrong := mistake(name, given))]
    return bad


def mistake(name, given):
    """What is wrong with a name and the options that it is given."""
    try:
        value = functools.reduce(getattr, name.split(".")[1:], um)
    except AttributeError:
        return f"there is no {name}"
    options = re.findall(r"(\w+)=", given)
    known = inspect.signature(value.__init__ if inspect.isclass(value) else value).parameters if options else {}
    wrong = [option for option in options if option not in known]
    return f"{name} has no option {wrong[0]}" if wrong else ""
