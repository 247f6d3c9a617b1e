"""Every name of ours on the page for those who come from another system exists."""

from __future__ import annotations

import functools
import pathlib
import re

import pytest

import unimod as um

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "coming-from.md"
NAMES = sorted(set(re.findall(r"\bum((?:\.[A-Za-z_]\w*)+)", PAGE.read_text("utf8"))))
METHODS = sorted(set(re.findall(r"`(?:m|net|module)\.([a-z_]+)", PAGE.read_text("utf8"))))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_the_page_exists(name):
    assert functools.reduce(getattr, name.strip(".").split("."), um) is not None


OTHERS = {"apply", "init_params"}
"""Methods of others in the left columns."""


@pytest.mark.parametrize("name", [name for name in METHODS if name not in OTHERS])
def test_a_method_on_the_page_exists(name):
    assert callable(getattr(um.Module, name)) or isinstance(vars(um.Module).get(name), property)


def test_the_page_is_read():
    assert len(NAMES) > 80
    assert len(METHODS) > 10
