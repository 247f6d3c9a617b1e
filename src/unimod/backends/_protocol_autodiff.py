"""The protocol of ``autodiff``: derivatives of flat functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from unimod.backends._terms import Array, FlatFn, Linear, Shape, SplitFn, optional


class Autodiff(Protocol):
    """Derivatives of flat functions."""

    def value_and_grad(
        self, fn: FlatFn, leaves: list[Array], which: Sequence[int]
    ) -> tuple[list[Array], Any, list[Array]]:
        """Run ``fn(leaves) -> ([loss, *aux], extra)`` and differentiate the scalar ``loss`` by ``leaves[which]``.

        Returns ``([loss, *aux], extra, grads)``; leaves that the loss does not depend on get zeros.
        """

    def stop_gradient(self, x: Array) -> Array: ...
    @optional
    def vjp(
        self, fn: SplitFn, leaves: list[Array], which: Sequence[int]
    ) -> tuple[list[Array], list[Array], Any, Linear]:
        """Run ``fn`` and give, beside what it returns, the function from cotangents to cotangents.

        It takes those of the outputs and gives those of ``leaves[which]``, and may be called again, mapped and
        differentiated. The cotangent of a complex array points where the real part of the output rises.
        """

    @optional
    def jvp(
        self, fn: SplitFn, leaves: list[Array], which: Sequence[int], tangents: list[Array]
    ) -> tuple[list[Array], list[Array], Any, list[Array]]:
        """Run ``fn`` and give, beside what it returns, the tangents of its outputs for those of ``leaves[which]``."""

    @optional
    def linearize(
        self, fn: SplitFn, leaves: list[Array], which: Sequence[int]
    ) -> tuple[list[Array], list[Array], Any, Linear]:
        """The same with a function from tangents to tangents, which does not run ``fn`` again."""

    @optional
    def custom_vjp(
        self, fn: FlatFn, forward: SplitFn, backward: Callable[..., Any], leaves: list[Array]
    ) -> tuple[list[Array], Any]:
        """``fn(leaves)``, differentiated in reverse mode by a rule; forward mode raises ``CapabilityError``.

        Where it is differentiated, ``forward(leaves)`` gives the outputs, what is kept, and the opaque result; and
        ``backward(kept, cotangents)`` one cotangent or None for each leaf. Outputs that are not floating-point have
        the cotangent None.
        """

    @optional
    def custom_jvp(self, fn: FlatFn, rule: Callable[..., Any], leaves: list[Array]) -> tuple[list[Array], Any]:
        """``fn(leaves)``, differentiated in both modes by ``rule(leaves, tangents)``.

        That gives outputs, their tangents, and the opaque result. Tangents are linear in the given ones, and None for
        what is not floating-point.
        """

    @optional
    def remat(
        self, fn: FlatFn, leaves: list[Array], policy: tuple[str, tuple[str, ...]] | None, prevent_cse: bool
    ) -> tuple[list[Array], Any]:
        """``fn(leaves)``, of which only what the policy allows is kept for the derivative; the rest is computed again.

        A policy is the name of one of JAX's, and the names it takes. None keeps nothing. With ``prevent_cse`` an
        engine that merges equal operations does not merge those of the second time with those of the first.
        """

    @optional
    def checkpoint_name(self, x: Array, name: str) -> Array:
        """``x``, which a policy knows under this name."""

    @optional
    def eval_shape(self, fn: FlatFn, specs: Sequence[tuple[Shape, str]]) -> tuple[list[tuple[Shape, str]], Any]:
        """The shape and the dtype of each array that ``fn`` returns for arrays of these shapes and dtypes."""
