"""What a run may do to the state, and what it did."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from unimod.errors import OptionError


class Flags(NamedTuple):
    """What a stateful function may do to the state. See :func:`unimod.stateful.pure`."""

    create: bool = False
    modify: bool = True
    ignore: bool = False

    def below(self, create: bool | None, modify: bool | None, ignore: bool | None) -> Flags:
        """The flags of a run inside of this one.

        Raises:
            OptionError: it asks for more than is allowed here.
        """
        for name, asked, is_allowed in (
            ("create", create, not create or self.create),
            ("modify", modify, not modify or self.modify),
            ("ignore", ignore, ignore is None or ignore or not self.ignore),
        ):
            if not is_allowed:
                raise OptionError(
                    "A pure function inside of another one may do less than that one, not more.",
                    got=f"{name}={asked}",
                    expected=f"{name}={getattr(self, name)}, as outside, or nothing",
                    fix=f"leave {name} away, or pass {name}={asked} to the outer call too",
                )
        given = {"create": create, "modify": modify, "ignore": ignore}
        return self._replace(**{name: flag for name, flag in given.items() if flag is not None})


class Track(NamedTuple):
    """Which entries a run used. A parameter that was created and then changed is in both sets.

    Attributes:
        read: keys of entries that were there before, or were created, and were read.
        created: keys of entries that were not there before.
        modified: keys of entries that were written after they were there.
    """

    read: frozenset[str]
    created: frozenset[str]
    modified: frozenset[str]


@dataclasses.dataclass
class Notes:
    """What a run did, beside the values."""

    read: set[str] = dataclasses.field(default_factory=set)
    created: set[str] = dataclasses.field(default_factory=set)
    modified: set[str] = dataclasses.field(default_factory=set)
    untrained: set[str] = dataclasses.field(default_factory=set)

    def copy(self) -> Notes:
        """The same, in sets of their own."""
        return Notes(*(set(getattr(self, field.name)) for field in dataclasses.fields(self)))

    def add(self, other: Notes) -> None:
        """Take over what a run inside of this one did."""
        for field in dataclasses.fields(self):
            getattr(self, field.name).update(getattr(other, field.name))
