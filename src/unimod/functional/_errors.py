"""What can be wrong with a parametrized function, its parameters, or where it is called."""

from __future__ import annotations

from typing import Any

from unimod import config
from unimod.core import init, paths
from unimod.errors import DTypeError, NotInitializedError, OptionError, ShapeError, TreeError


def not_parameters(name: str, args: tuple[Any, ...]) -> DTypeError:
    """A call from outside without parameters."""
    return DTypeError(
        f"{name} was called without its parameters.",
        got=f"{name}({', '.join(map(config.describe_value, args))})",
        expected=f"outside of parametrized functions {name}(params, *inputs); inside of one {name}(*inputs)",
        fix=f"params = {name}.init_params(key, *inputs), then {name}(params, *inputs)",
    )


def wrong_inputs(name: str, slots: Any, error: Exception, signature: Any) -> DTypeError:
    """Inputs that the function does not take."""
    return DTypeError(
        f"{name} cannot be called with these inputs: {error}.",
        expected=f"{name}{signature}",
        fix=f"pass inputs only; the parameters have {', '.join(slots)}" if slots else "pass the inputs that it takes",
    )


def reserved(name: str, slot: str) -> TreeError:
    """An argument, or an inline part, with a name that parameters cannot have."""
    return TreeError(
        f"{name} has a part with a name that already means something on its parameters.",
        got=f"{slot!r}, as in params.{slot}",
        expected="a name that modules and parametrized functions do not use",
        fix=f"rename it, such as {slot}_, or give an inline part another name: part.named('my_{slot}')",
    )


def clash(name: str, slot: str) -> TreeError:
    """Two parts of one name."""
    return TreeError(
        f"{name} has two parts of the name {slot!r}.",
        where=f"params.{slot}",
        got="an argument and an inline part, or two inline parts, of one name",
        expected="a name for each",
        fix="rename the argument, or the inline part: part.named('other'), parameter(shape, init, name='other')",
    )


def place(error: Exception, node: Any) -> None:
    """Say where an entry is, seen from the parameters ``node`` of the call that an error passes through."""
    if not isinstance(error, (TreeError, ShapeError)) or not error.where.startswith("params"):
        return
    own = getattr(error, "_um_node", None)
    if own is None:
        error._um_node, error._um_where = node, error.where.removeprefix("params")  # type: ignore[union-attr]
        return
    path = next((path for path, found in init.modules(node) if found is own), None)
    if path is not None:
        error.where = paths.pretty("params", path) + error._um_where  # type: ignore[union-attr]


class InlineMissingError(TreeError):
    """A part that a body calls inline has no parameters."""


def missing_inline(name: str, part: str, have: Any) -> TreeError:
    """Parameters without those of an inline part."""
    error = missing(name, (part,), have)
    return InlineMissingError(error.what, where=error.where, got=error.got, expected=error.expected, fix=error.fix)


def missing(name: str, path: tuple[Any, ...], have: Any) -> TreeError:
    """Parameters that do not have what the function needs."""
    return TreeError(
        f"The parameters are not those of {name}: an entry is missing.",
        where=paths.pretty("params", path),
        got=", ".join(map(str, have)) or "no entries",
        expected=f"an entry {str(path[-1])!r}",
        fix=f"pass what {name}.init_params(key, *inputs) returned; or {name}.params_from({{other: its params}})",
    )


def different(name: str, path: tuple[Any, ...], got: str, expected: str) -> TreeError:
    """Parameters that have something else where the function needs parameters."""
    return TreeError(
        f"The parameters are not those of {name}.",
        where=paths.pretty("params", path),
        got=got,
        expected=expected,
        fix=f"pass what {name}.init_params(key, *inputs) returned",
    )


def misfit(name: str, path: tuple[Any, ...], value: Any, shape: tuple[int, ...]) -> ShapeError:
    """A parameter that these inputs would have in another shape."""
    got = config.describe_value(value)
    return ShapeError(
        f"The inputs of {name} do not fit its parameters.",
        where=paths.pretty("params", path),
        got=got,
        expected=f"shape {shape} for these inputs",
        fix="pass inputs of the sizes that init_params saw, or initialise again",
    )


def unknown(name: str, path: tuple[Any, ...]) -> TreeError:
    """A parameter that is in none of the given ones."""
    error: Any = TreeError(
        f"The given parameters do not have all that {name} needs.",
        where=paths.pretty("params", path),
        got="an entry that none of the given parts has",
        expected="parts of the given ones, the same objects",
        fix=f"initialise the rest: {name}.init_params(key, *inputs, reuse={{part: params}}); "
        "a part that is called inline is found through part.shaped(*inputs)",
    )
    error._um_node = error  # its path is that from the root already
    return error  # type: ignore[no-any-return]


def not_a_part(name: str, others: list[str]) -> TreeError:
    """Given parameters of something that the function does not use."""
    return TreeError(
        f"Parameters were given of something that is no part of {name}.",
        got=", ".join(others),
        expected=f"{name}, its parts, or parametrized functions that share a part with it (the same object)",
        fix="name the part as it is used, such as {net.layers[0]: params}; one that is called inline is found through "
        "{net.shaped(*inputs): params}",
    )


def not_a_key(value: Any) -> DTypeError:
    """A key of a mapping of parameters that cannot have any."""
    return DTypeError(
        "Parameters are given by the part that they belong to.",
        got=repr(value)[:80],
        expected="{part: params}, with a parametrized function or a layer as the part",
        fix="name the part by the object itself, or by net.layers[0]",
    )


def not_reached(path: tuple[Any, ...], name: str) -> NotInitializedError:
    """A part that the call with the example inputs did not use."""
    return NotInitializedError(
        f"{name} is a part, and the example inputs do not reach it, so that its shapes are not known.",
        where=paths.pretty("params", path),
        fix="call it for the example inputs, or give its parameters: init_params(..., reuse={part: params})",
    )


def outside(what: str) -> NotInitializedError:
    """A function for bodies, called elsewhere."""
    return NotInitializedError(
        f"{what} was called outside of a parametrized function.",
        expected="a call in the body of a function with @parametrized",
        fix="outside make keys with um.random.key(seed) and arrays with an initializer",
    )


def no_key(name: str) -> NotInitializedError:
    """Randomness without a key."""
    return NotInitializedError(
        f"random_key() was called in {name}, and the call got no key.",
        expected="a key for the whole call",
        fix="net.apply(params, *inputs, key=um.random.key(0))",
    )


def bad_function(value: Any) -> DTypeError:
    """Something that cannot be parametrized."""
    return DTypeError(
        "parametrized takes a function.",
        got=repr(value)[:80],
        expected="a function, whose defaults hold its parts; or a layer",
        fix="write it as @parametrized above a def",
    )


def immutable(name: str, attribute: str) -> OptionError:
    """A change of something that is only a description."""
    return OptionError(
        f"{name}.{attribute} cannot be set: a parametrized function does not change, and has no values.",
        got=f"{name}.{attribute} = ...",
        expected="another parametrized function",
        fix="define one with the other parts",
    )
