"""``um.profile``: what one call of a function takes."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.core import walk
from unimod.core.table import Table
from unimod.errors import OptionError
from unimod.transforms import _lift


@dataclasses.dataclass(frozen=True)
class Profile:
    """What :func:`profile` measured. Printed, it is a table.

    Attributes:
        name: of the function.
        backend: of the engine.
        first_call: seconds of the first call, with tracing and compiling.
        seconds: the median of the calls after it.
        calls: how many these were.
        traces: how often the function was traced; 0 where it is not jitted.
        argument_bytes: of the arrays that go in.
        output_bytes: of the arrays that come out.
        flops: floating-point operations of a call, as the framework counts them; None where it does not.
        bytes_accessed: likewise the bytes read and written.
        temporary_bytes: likewise the memory for results in between.
    """

    name: str
    backend: str
    first_call: float
    seconds: float
    calls: int
    traces: int
    argument_bytes: int
    output_bytes: int
    flops: float | None = None
    bytes_accessed: float | None = None
    temporary_bytes: float | None = None

    @property
    def compile_seconds(self) -> float:
        """How much longer the first call took."""
        return max(self.first_call - self.seconds, 0.0)

    def __str__(self) -> str:
        rows = [
            ("time of a call", _time(self.seconds)),
            ("tracing and compiling", _time(self.compile_seconds)),
            ("traces", str(self.traces)),
            ("floating-point operations", _number(self.flops)),
            ("bytes of arguments", _number(self.argument_bytes)),
            ("bytes of results", _number(self.output_bytes)),
            ("bytes in between", _number(self.temporary_bytes)),
            ("bytes read and written", _number(self.bytes_accessed)),
        ]
        below = f"The median of {self.calls} calls."
        return Table((f"{self.name} on {self.backend}", "value"), tuple(rows), frozenset({"value"}), below).text()


def profile(fn: Callable[..., Any], *args: Any, calls: int = 10, trace_dir: str | None = None) -> Profile:
    """Call a function several times, and say what a call takes.

    Args:
        fn: is measured as it is; a jitted one is what the framework can count best.
        args: its arguments. A bound method changes its module, as always.
        calls: how many to take the median of, after the first.
        trace_dir: a directory for a file about one more call: a trace for Perfetto or TensorBoard (JAX), for Perfetto
            or ``chrome://tracing`` (torch), or one of Python's profiler (numpy).

    Returns:
        A :class:`Profile`.

    Raises:
        OptionError: ``calls`` is less than 1.

    Example:
        >>> import unimod as um
        >>> found = um.profile(um.jit(lambda x: x @ x, compiler="graph"), um.numpy.ones((8, 8)))
        >>> found.argument_bytes, found.output_bytes, found.seconds > 0
        (256, 256, True)

    Differences: JAX counts all operations of the compiled program, torch those of products of matrices, convolutions
    and attention, numpy none.
    """
    if not isinstance(calls, int) or calls < 1:
        raise OptionError("A profile needs at least one call.", got=f"calls = {calls!r}", expected="1 or more")
    leaves, _ = walk.flatten(args)
    engine, _ = _lift.settle(leaves)

    def run() -> Any:
        out = fn(*args)
        engine.inspect.wait(_arrays(out))
        return out

    first, out = _timed(run)
    seconds = statistics.median(_timed(run)[0] for _ in range(calls))
    if trace_dir is not None:
        pathlib.Path(trace_dir).mkdir(parents=True, exist_ok=True)
        engine.inspect.trace_file(run, trace_dir)
    traces = getattr(fn, "trace_count", 0)
    return Profile(
        name=_lift.target_of(fn).name,
        backend=engine.name,
        first_call=first,
        seconds=seconds,
        calls=calls,
        traces=traces,
        argument_bytes=_size(args),
        output_bytes=_size(out),
        **_counted(engine, fn, args),
    )


def _counted(engine: Any, fn: Callable[..., Any], args: tuple[Any, ...]) -> dict[str, Any]:
    """What the engine counts in ``fn`` as a flat function."""
    target = _lift.target_of(fn)
    full = args if target.owner is None else (target.owner, *args)
    leaves, structure = walk.flatten((full, {}))
    flat, passed, _ = _lift.only_arrays(
        _lift.flat_function(target, structure, _lift.StateWatch(target.name)), _lift.to_engine(engine, leaves)
    )
    found: dict[str, Any] = engine.inspect.cost(flat, passed)
    return found


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    out = run()
    return time.perf_counter() - start, out


def _arrays(tree: Any) -> list[Any]:
    return [leaf for leaf in walk.flatten(tree)[0] if config.is_array(leaf)]


def _size(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * config.dtype_of(leaf).itemsize for leaf in _arrays(tree))


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1.0 or unit == "us":
            return f"{seconds * factor:.1f} {unit}"
    raise AssertionError


def _number(value: float | None) -> str:
    return "-" if value is None else f"{int(value):,}"
