"""The error for reverse-mode derivatives of a loop whose number of steps is not known. The same on all engines."""

from __future__ import annotations

from unimod.errors import CapabilityError


def unknown_steps() -> CapabilityError:
    """The error to raise where a derivative would have to go through such a loop backward."""
    return CapabilityError(
        "Reverse-mode derivatives do not go through while_loop, of which the number of steps is not known before.",
        got="um.while_loop, or um.fori_loop with bounds that are arrays, in a function to differentiate",
        expected="a loop with a fixed number of steps",
        fix="use um.scan, or um.fori_loop with Python ints; or stop_gradient; or forward mode",
    )
