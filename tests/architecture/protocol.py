"""What the protocols of an engine ask for, read from ``backends/_protocol.py``."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any

from unimod.backends import _protocol

NOT_FUNCTIONS = frozenset({"correction"})
"""Words that stand in code quotes in the text of a protocol and are options."""


def modules() -> dict[str, type]:
    """The protocol of each module of an engine, by the field of ``Engine`` that holds the module."""
    fields = dataclasses.fields(_protocol.Engine)
    return {field.name: getattr(_protocol, str(field.type)) for field in fields if field.name != "name"}


def methods(protocol: type) -> dict[str, inspect.Signature]:
    """The functions that a protocol spells out, with their signatures (without ``self``)."""
    found = {name: value for name, value in vars(protocol).items() if inspect.isfunction(value)}
    return {name: without_self(value) for name, value in found.items() if not name.startswith("_")}


def without_self(function: Any) -> inspect.Signature:
    signature = inspect.signature(function)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def named(protocol: type) -> set[str]:
    """The functions that a protocol with ``__getattr__`` lists in its text, in double code quotes."""
    if "__getattr__" not in vars(protocol):
        return set()
    return {name for span in re.findall(r"``(.*?)``", protocol.__doc__ or "", re.DOTALL) for name in names(span)}


def names(span: str) -> Iterator[str]:
    """The functions in one pair of quotes: ``matmul(x, y)`` names one, ``sum prod mean`` three, ``(x, axis)`` none."""
    call = re.fullmatch(r"(\w*)\(.*\)", span, re.DOTALL)
    words = [call[1]] if call else span.split()
    yield from (word for word in words if word and word not in NOT_FUNCTIONS)


def required() -> list[tuple[str, str]]:
    """Every ``(module, function)`` that an engine has to define."""
    return [
        (module, name)
        for module, protocol in modules().items()
        for name in sorted(set(methods(protocol)) - optional(protocol) | named(protocol))
    ]


def optional(protocol: type) -> set[str]:
    """The methods that a protocol spells out and does not ask for."""
    return {name for name in methods(protocol) if getattr(vars(protocol)[name], "is_optional", False)}


def takes(function: Any, signature: inspect.Signature) -> bool:
    """Whether ``function`` can be called as ``signature`` says: with all arguments, and without the optional ones."""
    try:
        own = inspect.signature(function)
    except ValueError:  # a function written in C that does not tell
        return True
    parameters = list(signature.parameters.values())
    return all(binds(own, chosen) for chosen in (parameters, [p for p in parameters if p.default is p.empty]))


def binds(own: inspect.Signature, parameters: list[inspect.Parameter]) -> bool:
    by_keyword = {p.name: None for p in parameters if p.kind is p.KEYWORD_ONLY}
    try:
        own.bind(*(None for p in parameters if p.kind is not p.KEYWORD_ONLY), **by_keyword)
    except TypeError:
        return False
    return True
