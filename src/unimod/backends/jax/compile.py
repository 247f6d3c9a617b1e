"""JAX: compiling of flat functions with ``jax.jit``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from unimod.backends._concrete import donated_before, leaked, value_needed
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.jax import _private
from unimod.backends.jax._ahead import export as export
from unimod.backends.jax._ahead import import_exported as import_exported
from unimod.backends.jax._ahead import lower as lower
from unimod.backends.jax._ahead import set_cache as set_cache
from unimod.backends.jax.autodiff import VALUE_NEEDED, as_arrays
from unimod.errors import OptionError


class _Extra:
    """What a trace returned beside its arrays: a pytree node without leaves, equal to itself only."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


# The node must come back as a node: JAX flattens the outputs of the first call again, and takes its slow path for
# good (7 us for each output, jax 0.10) when anything but arrays and nodes comes out of it.
jax.tree_util.register_pytree_node(_Extra, lambda extra: ((), extra), lambda extra, _: extra)


def jit(
    fn: FlatFn,
    *,
    donate: Sequence[int] = (),
    compiler: str | None = None,
    options: Mapping[str, Any] | None = None,
    dynamic: Mapping[int, Sequence[int] | None] | None = None,
) -> FlatFn:
    """``fn`` under ``jax.jit``; see the protocol.

    Args:
        fn: the flat function.
        donate: the leaves whose buffers may be reused for the outputs.
        compiler: ``"none"`` runs ``fn`` as it is; JAX has one compiler, so every other name means that one.
        options: of XLA, as ``compiler_options`` of ``jax.jit``.
        dynamic: sizes are part of a program, so each of them has its own whatever this says.
    """
    if compiler == "none":
        return fn
    run = _jitted(fn, donate, options)

    def compiled(leaves: list[Array]) -> tuple[list[Array], Any]:
        try:
            outputs, extra = run(*leaves)
        except VALUE_NEEDED as error:
            raise value_needed(error, jax.__file__) from error
        except jax.errors.UnexpectedTracerError as error:
            raise leaked() from error
        except (RuntimeError, ValueError) as error:
            _check_options(error, options)
            if any(isinstance(leaf, jax.Array) and _is_deleted(leaf) for leaf in leaves):
                raise donated_before() from error
            raise
        return outputs, extra.value

    return compiled


def _jitted(fn: FlatFn, donate: Sequence[int], options: Mapping[str, Any] | None) -> Any:
    def traced(*leaves: Array) -> tuple[list[Array], _Extra]:
        outputs, extra = fn(list(leaves))
        return as_arrays(outputs), _Extra(extra)

    return jax.jit(traced, donate_argnums=tuple(donate), compiler_options=dict(options) if options else None)


def _is_deleted(x: jax.Array) -> bool:
    return not isinstance(x, jax.core.Tracer) and x.is_deleted()


def _check_options(error: Exception, options: Mapping[str, Any] | None) -> None:
    """Raise what XLA says about an option in the words of the library."""
    text = str(error)
    if options and "option" in text:
        raise OptionError("XLA refuses a compiler option.", got=f"{dict(options)!r}: {text}") from error


def is_tracing() -> bool:
    """Whether JAX is tracing or transforming right now in this thread."""
    return not _private.trace_state_clean()


def named_scope(name: str) -> contextlib.AbstractContextManager[Any]:
    """A context whose operations carry a name in profiles and in XLA's programs."""
    return jax.named_scope(name)
