"""JAX: who the engine is, which arrays are its own, and what it can do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import jax

from unimod.backends import _capabilities as has

NAME = "jax"
CAPABILITIES = frozenset({has.GRAD, has.JIT, has.VMAP, has.FLOAT64, has.BFLOAT16, has.OPTIM, has.UNSIGNED})
DIVERGENCES: dict[str, str] = {
    "float64": "64-bit dtypes need JAX's switch, um.enable_x64(); without it asking for one raises DTypeError",
}


def owns(cls: type) -> bool:
    """Whether instances of ``cls`` are JAX arrays; tracers are, though ``issubclass(cls, jax.Array)`` denies it."""
    return issubclass(cls, (jax.Array, jax.core.Tracer))


def version() -> str:
    """The version of JAX."""
    return jax.__version__


def device_kinds() -> tuple[str, ...]:
    """The platforms that JAX found, the default first; ``"gpu:1"`` names one device of several."""
    found = list(dict.fromkeys(device.platform for device in jax.devices()))
    return tuple(found if "cpu" in found else [*found, "cpu"])


def has_x64() -> bool:
    """Whether JAX's switch is on, in this thread."""
    return bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]


def set_x64(enabled: bool) -> None:
    """Turn JAX's switch for the process."""
    jax.config.update("jax_enable_x64", enabled)  # type: ignore[no-untyped-call]


def use_x64(enabled: bool) -> contextlib.AbstractContextManager[Any]:
    """Turn JAX's switch inside a ``with`` block of this thread."""
    context: contextlib.AbstractContextManager[Any] = jax.enable_x64(enabled)
    return context


def register_node(
    cls: type,
    flatten: Callable[[Any], tuple[list[Any], Any]],
    unflatten: Callable[[Any, list[Any]], Any],
) -> None:
    """Let ``jax.jit``, ``jax.grad`` and ``jax.tree`` see through instances of ``cls``."""
    jax.tree_util.register_pytree_node(cls, flatten, lambda aux, leaves: unflatten(aux, list(leaves)))
