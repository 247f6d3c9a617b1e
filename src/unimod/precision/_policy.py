"""Three dtypes under one name, and casting whole trees to them."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any, Final

import unimod.numpy as unp
from unimod import config
from unimod.core import tree as trees
from unimod.core.node import Node
from unimod.dtypes import DType, bfloat16, float16, float32, float64
from unimod.errors import DTypeError, OptionError
from unimod.numpy import _options

FLOATS: Final = (float16, bfloat16, float32, float64)

_SHORT: Final = {
    "half": float16, "full": float32, "f16": float16, "bf16": bfloat16, "f32": float32, "f64": float64,
}  # fmt: skip
_KEYS: Final = {
    **dict.fromkeys(("p", "param", "params"), "param_dtype"),
    **dict.fromkeys(("c", "compute"), "compute_dtype"),
    **dict.fromkeys(("o", "out", "output"), "output_dtype"),
}


@dataclasses.dataclass(frozen=True, init=False, repr=False)
class Policy:
    """The dtypes of parameters, of the computation, and of results.

    Written ``"params=float32,compute=bfloat16,output=float32"``, in any order; ``p``, ``param``, ``c``, ``o`` and
    ``out`` stand for the keys. A single dtype stands for all three. Dtypes are ``float16`` (``f16``, ``half``),
    ``bfloat16`` (``bf16``), ``float32`` (``f32``, ``full``) and ``float64`` (``f64``). What is left out is float32 for
    the parameters, as the parameters for the computation, and as the computation for results.

    Policies are immutable, equal where their dtypes are, hashable, and ``str(policy)`` can be read again.

    Args:
        policy: the text, or a policy; None for the dtypes alone.
        param_dtype: of the parameters, over what the text says: a name, or a dtype of any engine.
        compute_dtype: of the computation, likewise.
        output_dtype: of results, likewise.

    Raises:
        DTypeError: there is no floating-point dtype of that name.
        OptionError: the text has another key, or one twice.

    Example:
        >>> import unimod as um
        >>> policy = um.Policy("params=f32,compute=half")
        >>> str(policy)
        'params=float32,compute=float16,output=float16'
        >>> policy == um.Policy(compute_dtype=um.float16), um.Policy("bf16").param_dtype
        (True, bfloat16)
        >>> um.dtype_of(policy.cast_to_compute({"x": um.numpy.ones(3), "n": 2})["x"])
        float16

    Differences: jmp's ``"half"`` is bfloat16 on TPU; here it is float16 on every device.
    """

    param_dtype: DType
    compute_dtype: DType
    output_dtype: DType

    def __init__(
        self, policy: str | Policy | None = None, *, param_dtype: Any = None, compute_dtype: Any = None,
        output_dtype: Any = None,
    ) -> None:  # fmt: skip
        given = _written(policy)
        named = {"param_dtype": param_dtype, "compute_dtype": compute_dtype, "output_dtype": output_dtype}
        given.update({name: floating(value) for name, value in named.items() if value is not None})
        before = float32
        for name in named:
            before = given.get(name, before)
            object.__setattr__(self, name, before)

    def __str__(self) -> str:
        return f"params={self.param_dtype},compute={self.compute_dtype},output={self.output_dtype}"

    def __repr__(self) -> str:
        return f"Policy({str(self)!r})"

    def cast_to_param(self, tree: Any) -> Any:
        """Any tree with its floating-point arrays in the dtype of parameters; all else is left as it is."""
        return cast(tree, self.param_dtype)

    def cast_to_compute(self, tree: Any) -> Any:
        """Any tree with its floating-point arrays in the dtype of the computation; all else is left as it is."""
        return cast(tree, self.compute_dtype)

    def cast_to_output(self, tree: Any) -> Any:
        """Any tree with its floating-point arrays in the dtype of results; all else is left as it is."""
        return cast(tree, self.output_dtype)

    def with_output_dtype(self, dtype: Any) -> Policy:
        """The same policy with another dtype of results."""
        return dataclasses.replace(self, output_dtype=dtype)


def _written(policy: Any) -> dict[str, DType]:
    """What a text, or another policy, says."""
    if policy is None:
        return {}
    if isinstance(policy, Policy):
        return dataclasses.asdict(policy)
    if not isinstance(policy, str):
        raise DTypeError(
            "A policy is written as text.",
            got=f"{type(policy).__name__}: {policy!r:.80}",
            expected='such as "params=float32,compute=bfloat16,output=float32"',
            fix="pass the text, or an um.Policy",
        )
    if "=" not in policy:
        return dict.fromkeys(("param_dtype", "compute_dtype", "output_dtype"), floating(policy.strip()))
    found: dict[str, DType] = {}
    for part in policy.split(","):
        key, _, value = part.partition("=")
        name = _KEYS.get(key.strip())
        if name is None or name in found:
            raise _bad_key(policy, key.strip(), is_twice=name is not None)
        found[name] = floating(value.strip())
    return found


def _bad_key(policy: str, key: str, *, is_twice: bool) -> OptionError:
    return OptionError(
        f"A policy says {key!r} twice." if is_twice else f"A policy has no key {key!r}.",
        got=repr(policy),
        expected="the keys params, compute and output, each at most once",
        fix='write it such as "params=float32,compute=bfloat16,output=float32"',
    )


def floating(dtype: Any) -> DType:
    """The floating-point dtype of a name, an abbreviation, or a dtype of any engine.

    Raises:
        DTypeError: it is none.
    """
    try:
        name = _SHORT.get(dtype) if isinstance(dtype, str) else None
        found = DType(_options.dtype_name(dtype)) if name is None else name
    except DTypeError:
        found = None
    if found not in FLOATS:
        raise DTypeError(
            f"A policy cannot have the dtype {str(dtype)!r}.",
            got=repr(dtype),
            expected=f"one of {', '.join(FLOATS)}, or {', '.join(_SHORT)}",
            fix='name a floating-point dtype, such as "bfloat16"',
        )
    assert found is not None
    return found


# Casting --------------------------------------------------------------------------------------------------------------


def is_floating(leaf: Any) -> bool:
    """Whether a leaf is a real floating-point array."""
    return config.is_array(leaf) and config.dtype_of(leaf) in FLOATS


def cast_leaf(leaf: Any, dtype: DType) -> Any:
    """A floating-point array in another dtype; anything else as it is."""
    return unp.astype(leaf, dtype) if is_floating(leaf) and config.dtype_of(leaf) != dtype else leaf


def cast(value: Any, dtype: DType, of_node: Callable[[Node], Any] | None = None) -> Any:
    """A tree with its floating-point arrays in ``dtype``; parts without any are the same objects.

    Args:
        value: a tree.
        dtype: the new dtype.
        of_node: what takes the place of a module; None casts its leaves.
    """
    if isinstance(value, Node):
        return trees.map(lambda leaf: cast_leaf(leaf, dtype), value) if of_node is None else of_node(value)
    if isinstance(value, dict):
        return _dict(value, {name: cast(item, dtype, of_node) for name, item in value.items()})
    if isinstance(value, (list, tuple)):
        return _sequence(value, [cast(item, dtype, of_node) for item in value])
    return cast_leaf(value, dtype)


def _dict(old: Any, items: dict[Any, Any]) -> Any:
    if all(items[name] is value for name, value in old.items()):
        return old
    new = copy.copy(old)
    new.update(items)
    return new


def _sequence(old: Any, items: list[Any]) -> Any:
    if all(new is value for new, value in zip(items, old, strict=True)):
        return old
    return type(old)(*items) if hasattr(old, "_fields") else type(old)(items)
