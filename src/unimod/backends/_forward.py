"""The error for forward mode through a rule that has none. The text is the same on every engine."""

from __future__ import annotations

from unimod.errors import CapabilityError


def no_forward_mode() -> CapabilityError:
    """The error to raise where a function with a ``custom_vjp`` meets a tangent."""
    return CapabilityError(
        "A function with a custom_vjp has no derivative in forward mode.",
        got="jvp, linearize or jacfwd of a function that calls it",
        expected="vjp, jacrev or grad",
        fix="define its derivative with custom_jvp, which serves in both modes",
    )
