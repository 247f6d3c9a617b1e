"""64-bit numbers: always there on torch and numpy, on JAX after they were switched on.

JAX makes no float64, int64, uint64 and complex128 arrays unless it is told to. unimod never tells it by itself, because
that would change every other JAX program in the process; a request for 64 bits is a ``DTypeError`` until then. The
default dtypes stay float32, int32 and complex64 either way: 64 bits are what is asked for by ``dtype=``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from unimod.backends import _registry
from unimod.backends._protocol import Engine


class _Blocks(threading.local):
    open: tuple[tuple[bool, contextlib.ExitStack], ...] = ()


_blocks = _Blocks()
_process_wide: list[bool] = []


def enable_x64(enabled: bool = True) -> None:
    """Allow 64-bit dtypes on every engine, in the whole process (or forbid them again where they can be).

    On JAX this is its own switch ``jax_enable_x64``; JAX is not loaded for it, but told when it is. torch and numpy
    always have 64 bits. Call it at the start: what was compiled before is compiled again.

    Args:
        enabled: False gives JAX's own default back.

    Example:
        >>> import unimod as um
        >>> um.enable_x64()
        >>> um.numpy.ones(2, dtype="float64").dtype == um.float64, um.numpy.ones(2).dtype == um.float32
        (True, True)
        >>> um.enable_x64(False)
    """
    _process_wide[:] = [enabled]
    for engine in _registry.loaded():
        engine.facts.set_x64(enabled)


@contextlib.contextmanager
def use_x64(enabled: bool = True) -> Iterator[None]:
    """Allow 64-bit dtypes inside a ``with`` block of this thread. Arrays that were made in it stay usable after it.

    Example:
        >>> import unimod as um
        >>> with um.use_x64():
        ...     x = um.numpy.linspace(0, 1, 3, dtype="float64")
        >>> x.dtype == um.float64
        True
    """
    before = _blocks.open
    with contextlib.ExitStack() as stack:
        for engine in _registry.loaded():
            stack.enter_context(engine.facts.use_x64(enabled))
        _blocks.open = (*before, (enabled, stack))
        try:
            yield
        finally:
            _blocks.open = before


def _catch_up(engine: Engine) -> None:
    """Tell an engine that is loaded late what was said before."""
    for enabled in _process_wide:
        engine.facts.set_x64(enabled)
    for enabled, stack in _blocks.open:
        stack.enter_context(engine.facts.use_x64(enabled))


_registry.on_load(_catch_up)
