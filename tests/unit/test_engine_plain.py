"""Where an engine says that the framework's own function will do, it gives what the engine's gives."""

from __future__ import annotations

import inspect

import pytest

pytestmark = pytest.mark.needs("torch")


def plain_functions():
    torch_engine = pytest.importorskip("unimod.backends.torch").ENGINE
    return [
        (f"{module}.{name}", function)
        for module in ("arrays", "math")
        for name, function in vars(getattr(torch_engine, module)).items()
        if hasattr(function, "plain")
    ]


def outcome(function, *args):
    """The result with its dtype, or the class of what was raised."""
    try:
        found = function(*args)
    except Exception as error:
        return type(error)
    return found.dtype, found.isnan().tolist(), found.nan_to_num().tolist()


def operands(name, function, dtype):
    import torch

    x, y = torch.tensor([[1, 0], [1, 1]]).to(dtype), torch.tensor([[1, 1], [0, 1]]).to(dtype)
    if name == "arrays.where":
        return [(torch.tensor([[True, False], [False, True]]), x, y)]
    if name == "arrays.take":
        return [(x, torch.tensor([0, -1]).to(dtype), axis) for axis in (0, -1)]
    if "axis" in inspect.signature(function).parameters:
        return [(x, axis, keepdims) for axis in (None, 0, (0, 1)) for keepdims in (False, True)]
    return [(x, y)] if len(inspect.signature(function).parameters) == 2 else [(x,)]


def test_plain_functions_give_what_the_engine_gives():
    found = plain_functions()
    assert len(found) > 60
    for name, function in found:
        plain = function.plain
        assert plain.alike, name
        for dtype in plain.alike:
            if str(dtype).startswith(("torch.float8", "torch.uint16", "torch.uint32", "torch.uint64")):
                continue
            for args in operands(name, function, dtype):
                assert outcome(plain.function, *args) == outcome(function, *args), (name, dtype, args[1:])


def test_plain_functions_take_a_float_where_they_say_so():
    for name, function in plain_functions():
        for dtype in function.plain.beside_float:
            (x, _), *_ = operands(name, function, dtype)
            assert outcome(function.plain.function, x, 0.5) == outcome(function, x, 0.5), (name, dtype)


def test_tables_call_the_framework_itself(monkeypatch):
    import torch

    from unimod.numpy._table import ByDType, Table

    exp = ByDType(Table("math", "exp"))
    x = torch.ones(2)
    assert exp[x.dtype](x).tolist() == torch.exp(x).tolist()
    assert exp[torch.float32] is torch.exp
    whole = exp[torch.int32](x.to(torch.int32))
    assert whole.dtype == torch.float32
    assert exp[torch.int32] is not torch.exp
