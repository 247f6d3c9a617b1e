"""One call of a parametrized function: which part runs, with which parameters, and the names of what it calls inline.

The innermost call is in a context variable, so that threads and asyncio tasks do not see each other's.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from unimod import random
from unimod.functional import _errors, _slots
from unimod.functional._params import Params, entries

if TYPE_CHECKING:
    from unimod.functional._filling import Filling
    from unimod.functional.parametrized import Parametrized

_current: contextvars.ContextVar[Frame | None] = contextvars.ContextVar("unimod.functional", default=None)


class Frame:
    """What one call of a parametrized function knows.

    Inline parts (those that are called in the body, and are no defaults of its arguments) have the name of their
    function. Where several have the same one, they are numbered in the order of their first calls: ``dense`` alone,
    ``dense0`` and ``dense1`` together. The same object called again is the same part.
    """

    __slots__ = ("counts", "draws", "filling", "inline", "key", "node", "part")

    def __init__(self, part: Parametrized, node: Params, key: random.Key | None, filling: Filling | None) -> None:
        self.part, self.node, self.key, self.filling = part, node, key, filling
        self.inline: dict[int, tuple[_slots.Part, Params]] = {}
        self.counts: dict[str, int] = {}
        self.draws = 0

    def next_key(self) -> random.Key | None:
        """A fresh key of this call; None where there is no randomness."""
        if self.key is None:
            return None
        self.draws += 1
        return random.fold_in(self.key, self.draws - 1)

    def marks(self) -> tuple[Any, ...]:
        """How far the names and keys of this call have come; see :meth:`reset`."""
        return dict(self.inline), dict(self.counts), self.draws

    def reset(self, marks: tuple[Any, ...]) -> None:
        """Go back to where the names and keys of this call had come to."""
        self.inline, self.counts, self.draws = marks

    def node_of(self, part: Parametrized) -> Params:
        """The parameters of a part that the body calls, and was not handed by an argument."""
        for name, tree in self.part.slots.items():
            for path, leaf in _slots.places(tree):
                if leaf is part:
                    return at(entries(self.node)[name], path)  # type: ignore[no-any-return]
        known = self.inline.get(id(part))
        if known is None:
            known = self.inline[id(part)] = (part, self._inline(part))
        return known[1]

    def _inline(self, part: Parametrized) -> Params:
        name = self.next_name(part.name)
        if self.filling is not None:
            return self.filling.inline_part(self, name, part)
        found = entries(self.node).get(name)
        if found is None:
            raise _errors.missing_inline(self.part.name, name, entries(self.node))
        if not isinstance(found, Params):
            raise _errors.different(self.part.name, (name,), type(found).__name__, f"the parameters of {part.name}")
        return found

    def next_name(self, base: str) -> str:
        """The name of the next inline part that is called ``base``; what stands there already decides on the number."""
        count = self.counts[base] = self.counts.get(base, 0) + 1
        numbered = f"{base}{count - 1}"
        is_alone = count == 1 and numbered not in entries(self.node)
        return base if is_alone else numbered


def at(stored: Any, path: tuple[Any, ...]) -> Any:
    """What stands at a path in containers."""
    for step in path:
        stored = stored[step] if isinstance(stored, (list, dict)) or isinstance(step, int) else getattr(stored, step)
    return stored


def stored_at(part: Parametrized, stored: Any, path: tuple[Any, ...]) -> Any:
    """What stands below an entry of the parameters of a part, at a path that begins with the name of the entry.

    Raises:
        TreeError: nothing does.
    """
    try:
        return at(stored, path[1:])
    except (IndexError, KeyError, TypeError, AttributeError):
        raise _errors.missing(part.name, path, [path[0]]) from None


def current() -> Frame | None:
    """The innermost call; None outside of any."""
    return _current.get()


@contextlib.contextmanager
def entered(frame: Frame) -> Iterator[None]:
    """Run a block as the body of a call; the old one comes back, whatever happens."""
    token = _current.set(frame)
    try:
        yield
    finally:
        _current.reset(token)
