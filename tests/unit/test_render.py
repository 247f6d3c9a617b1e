"""Modules as text."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um


class Small(um.Module):
    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.ones((2, 3), np.float32), "f32[2, 3]"),
        (np.float32(1), "f32[]"),
        (1, "1"),
        ("a", "'a'"),
        (None, "None"),
        (um.Nothing, "Nothing"),
        (um.nn.relu, "relu"),
        (len, "len"),
        ([np.ones(1, bool), 2], "[bool[1], 2]"),
        ((1,), "(1,)"),
        ((), "()"),
        ({"a": np.ones(1, np.int32)}, "{'a': i32[1]}"),
        (um.float32, "float32"),
        (um.Initializer(None), "Initializer()"),
        (um.Initializer(None, (2,), "float16"), "Initializer(f16[2])"),
        (um.Hashable([1]), "Hashable(list)"),
        (um.nn.Identity(), "Identity()"),
    ],
)
def test_values(value, text):
    assert repr(Small(x=value)) == f"Small(x={text})"


def test_partials_and_unnamed_callables_have_a_repr():
    assert "functools.partial" in repr(Small(x=functools.partial(print, 1)))


def test_names_with_an_underscore_are_left_out():
    assert repr(Small(_x=1, y=2)) == "Small(y=2)"


def test_a_short_module_stands_on_one_line(any_backend):
    layer = um.nn.Linear(2, 3).init(0)
    assert repr(layer) == "Linear(in_features=2, out_features=3, use_bias=True, kernel=f32[2, 3], bias=f32[3])"
    assert repr(um.tree.map(lambda x: x, layer)) == repr(layer)
    assert str(layer) == repr(layer)


def test_a_long_module_is_indented():
    net = um.nn.Sequential(um.nn.Linear(2, 3, use_bias=False), um.nn.relu, um.nn.Linear(3, 1, use_bias=False))
    assert repr(net) == (
        "Sequential(\n"
        "  layers=[\n"
        "    Linear(in_features=2, out_features=3, use_bias=False, kernel=Initializer(f32[2, 3]), bias=None),\n"
        "    relu,\n"
        "    Linear(in_features=3, out_features=1, use_bias=False, kernel=Initializer(f32[3, 1]), bias=None),\n"
        "  ],\n"
        ")"
    )


def test_no_line_of_a_long_module_is_endless():
    net = Small(parts={"a": [um.nn.Linear(2, 3)] * 3, "b": tuple(range(40))}, text="x")
    lines = repr(net).split("\n")
    assert lines[0] == "Small("
    assert lines[-1] == ")"
    assert max(map(len, lines)) < 160
