"""Loops and branches of stateful functions: the state goes through them, and random keys differ from step to step.

The functions may be run more than once to find out what they do; what they do to the state happens once. Entries
that are missing are created before, by running each function, where that is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import unimod.numpy as unp
import unimod.random as random
from unimod.core import tree
from unimod.stateful import _context, _inner
from unimod.stateful._context import Context, current
from unimod.stateful._keys import Keys
from unimod.stateful._records import Notes
from unimod.transforms import branches, loops
from unimod.transforms._scan import scan as plain_scan


class _Body:
    """Functions that are run by a transform, and what they write: the only entries that go in and out."""

    def __init__(self, functions: Sequence[Callable[..., Any]], args: tuple[Any, ...]) -> None:
        self.context: Context = current()
        for fn in functions:
            _inner.create(self.context, fn, args, {})
        root = self.context.random.root
        self.keys = Keys(root, None if root is None else self.context.random.draw(_context.path()))
        self.notes = Notes()
        for fn in functions:
            self.notes.add(_inner.survey(self.context, fn, args, self.keys))
        written = sorted(self.notes.created | self.notes.modified)
        self.written = self.context.values_of(written)
        self.others = {key: value for key, value in self.context.all_values().items() if key not in self.written}
        # The number of the step, for the random keys.
        self.start: Any = () if root is None else unp.zeros((), dtype="int32")

    def run(self, fn: Callable[..., Any], written: Mapping[str, Any], step: Any, *args: Any) -> tuple[Any, Any]:
        """``(written entries, out)`` of one call."""
        is_seeded = self.keys.root is not None and not isinstance(step, tuple)
        stream = random.fold_in(self.keys.stream, step) if is_seeded else self.keys.stream  # type: ignore[arg-type]
        inner = self.context.inner({**self.others, **written}, create=False, keys=Keys(self.keys.root, stream))
        with _context.enter(inner):
            out = fn(*args)
        return inner.values_of(self.written), out

    def following(self, step: Any) -> Any:
        """The number of the next step."""
        return step if isinstance(step, tuple) else step + 1

    def finish(self, written: Mapping[str, Any]) -> None:
        """Give the context what was written."""
        self.context.absorb(written, self.notes, self.context.random)


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """:func:`unimod.cond` of stateful functions; the one that is chosen changes the state.

    Example:
        >>> import unimod as um
        >>> def bump(x):
        ...     return um.stateful.put("n", um.stateful.get("n") + x)
        >>> def f(x):
        ...     return um.stateful.cond(x > 0, bump, lambda x: x, x)
        >>> state, _ = um.stateful.pure(f)({"n": um.numpy.asarray(1.0)}, um.numpy.asarray(2.0))
        >>> float(state["n"])
        3.0
    """
    body = _Body((true_fun, false_fun), operands)
    one, other = (_branch(body, fn) for fn in (true_fun, false_fun))
    return _chosen(body, branches.cond(pred, one, other, body.written, *operands))


def switch(index: Any, functions: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """:func:`unimod.switch` of stateful functions; the one that is chosen changes the state."""
    body = _Body(functions, operands)
    return _chosen(body, branches.switch(index, [_branch(body, fn) for fn in functions], body.written, *operands))


def _branch(body: _Body, fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda written, *operands: body.run(fn, written, (), *operands)


def _chosen(body: _Body, result: tuple[Any, Any]) -> Any:
    body.finish(result[0])
    return result[1]


def scan(
    f: Callable[..., tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Any, Any]:
    """:func:`unimod.scan` of a stateful step: what it writes goes from step to step, random keys differ.

    Example:
        >>> import unimod as um
        >>> def step(total, x):
        ...     um.stateful.put("n", um.stateful.get("n") + 1)
        ...     return total + x, total
        >>> pure = um.stateful.pure(lambda xs: um.stateful.scan(step, 0.0, xs))
        >>> state, (total, _) = pure({"n": um.numpy.asarray(0)}, um.numpy.asarray([1.0, 2.0, 4.0]))
        >>> int(state["n"]), float(total)
        (3, 7.0)
    """
    first = tree.map(lambda x: x[0] if len(x.shape) and x.shape[0] else x, xs)
    body = _Body((f,), (init, first))

    def step(carry: Any, x: Any) -> Any:
        written, count, value = carry
        written, result = body.run(f, written, count, value, x)
        value, y = result
        return (written, body.following(count), value), y

    (written, _, last), ys = plain_scan(step, (body.written, body.start, init), xs, length, reverse, unroll)
    body.finish(written)
    return last, ys


def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """:func:`unimod.fori_loop` of a stateful body: what it writes goes from step to step, random keys differ."""
    body = _Body((body_fun,), (unp.asarray(lower, dtype="int32"), init_val))

    def step(i: Any, carry: Any) -> Any:
        written, count, value = carry
        written, value = body.run(body_fun, written, count, i, value)
        return written, body.following(count), value

    written, _, last = loops.fori_loop(lower, upper, step, (body.written, body.start, init_val))
    body.finish(written)
    return last


def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    """:func:`unimod.while_loop` of stateful functions; the condition reads the state, and does not change it."""
    body = _Body((body_fun,), (init_val,))

    def goes_on(carry: Any) -> Any:
        return body.run(_reading(cond_fun), carry[0], carry[1], carry[2])[1]

    def step(carry: Any) -> Any:
        written, count, value = carry
        written, value = body.run(body_fun, written, count, value)
        return written, body.following(count), value

    written, _, last = loops.while_loop(goes_on, step, (body.written, body.start, init_val))
    body.finish(written)
    return last


def _reading(fn: Callable[..., Any]) -> Callable[..., Any]:
    """``fn``, which may not change the state."""

    def read(*args: Any) -> Any:
        context = current()
        context.flags = context.flags._replace(modify=False)
        return fn(*args)

    return read
