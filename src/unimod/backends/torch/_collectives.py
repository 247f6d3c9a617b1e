"""What the calls of a mapped function exchange: differentiable functions that know the level at which they act.

The function is mapped over a hidden argument too, the marker, which counts the calls. A collective is an
``autograd.Function`` of its array and the marker. Where ``torch.func.vmap`` asks for its rule, the marker is batched
at one level only, that of the axis: there the batch axis of the array is what the calls exchange over. At every other
level a batch axis is one axis more.

The body of a loop is traced by itself, outside of all levels. There a collective is an operator that stands for it and
is never run: where the loop is mapped over the axis, its body is traced once more, and the rule is asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private
from unimod.backends.torch._captures import resolved


@dataclasses.dataclass(frozen=True)
class Exchange:
    """A linear function of the array of all calls.

    Attributes:
        name: says what it does to shapes, for the operator that stands for it.
        run: of an array whose first axis are the calls.
        is_shared: whether the result is one for all calls; else its first axis are the calls.
        transposed: gives the function that takes the cotangents back.
    """

    name: str
    run: Callable[[Tensor], Tensor]
    is_shared: bool
    transposed: Callable[[], Exchange]


class Linear(torch.autograd.Function):
    """An exchange that is linear: its forward derivative is itself, its backward derivative the transposed one."""

    @staticmethod
    def forward(x: Tensor, marker: Tensor, exchange: Exchange) -> Tensor:
        """Reached in the body of a loop only: elsewhere the rule for vmap takes the call before."""
        return _stands_for(x, marker, exchange.name)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the marker."""
        _, marker, ctx.exchange = inputs
        ctx.save_for_backward(marker)
        ctx.save_for_forward(marker)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None]:
        """The transposed exchange of the cotangents."""
        (marker,) = ctx.saved_tensors
        return apply(Linear, cotangent, marker, ctx.exchange.transposed()), None, None

    @staticmethod
    @_private.differentiable_rule
    def jvp(ctx: Any, tangent: Tensor, *others: Any) -> Tensor:
        """The same exchange of the tangents."""
        (marker,) = ctx.saved_tensors
        return apply(Linear, tangent, marker, ctx.exchange)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], x: Tensor, marker: Tensor, exchange: Exchange) -> tuple[Tensor, Any]:
        """The exchange itself at the level of its axis, one axis more at the others."""
        if in_dims[1] is None:
            y = apply(Linear, x.movedim(in_dims[0], -1), marker, exchange)
            return y, y.ndim - 1
        return exchange.run(calls_first(info, in_dims[0], x)), None if exchange.is_shared else 0


class Extreme(torch.autograd.Function):
    """The largest or smallest array of all calls; those that have it share the derivative evenly."""

    @staticmethod
    def forward(x: Tensor, marker: Tensor, find: Callable[..., Tensor]) -> Tensor:
        """As for linear ones."""
        return _stands_for(x, marker, find.__name__)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep what the share of a call is computed from."""
        x, marker, _ = inputs
        ctx.save_for_backward(x, output, marker)
        ctx.save_for_forward(x, output, marker)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None]:
        """The share of this call of all cotangents."""
        share, marker = _share(ctx)
        return apply(Linear, cotangent, marker, SUM) * share, None, None

    @staticmethod
    @_private.differentiable_rule
    def jvp(ctx: Any, tangent: Tensor, *others: Any) -> Tensor:
        """The tangents by their shares."""
        share, marker = _share(ctx)
        return apply(Linear, tangent * share, marker, SUM)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], x: Tensor, marker: Tensor, find: Any) -> tuple[Tensor, Any]:
        """As for linear ones."""
        if in_dims[1] is None:
            y = apply(Extreme, x.movedim(in_dims[0], -1), marker, find)
            return y, y.ndim - 1
        return find(calls_first(info, in_dims[0], x), 0), None


def apply(function: Any, *args: Any) -> Tensor:
    """``function.apply``, which has no types."""
    result: Tensor = function.apply(*resolved(args))
    return result


def _stands_for(x: Tensor, marker: Tensor, name: str) -> Tensor:
    found: Tensor = _exchange(x, marker, name)
    return found


def _never(x: Tensor, marker: Tensor, name: str) -> Tensor:
    raise AssertionError("a collective outside of its axis")


def _fake(x: Tensor, marker: Tensor, name: str) -> Tensor:
    kind, _, size = name.partition(" ")
    if kind == "gather":
        return x.new_empty((int(size), *x.shape))
    return x.new_empty(x.shape[1:] if kind == "scatter" else x.shape)


_exchange = _private.define_op("exchange(Tensor x, Tensor marker, str name) -> Tensor", _never, _fake)


def calls_first(info: Any, dim: int | None, x: Tensor) -> Tensor:
    """The arrays of all calls, stacked along the first axis; one that is not mapped is the same in each."""
    return x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)


def _share(ctx: Any) -> tuple[Tensor, Tensor]:
    x, y, marker = ctx.saved_tensors
    has_it = (x == y).to(x.dtype)
    return has_it / apply(Linear, has_it, marker, SUM), marker


def _total(x: Tensor) -> Tensor:
    return x.sum(0, dtype=x.dtype)


def permutation(sources: tuple[int, ...]) -> Exchange:
    """Call i gets the array of the call ``sources[i]``."""
    back = tuple(sorted(range(len(sources)), key=sources.__getitem__))

    def run(x: Tensor) -> Tensor:
        return torch.stack([x[source] for source in sources])

    return Exchange(f"permutation {sources}", run, False, lambda: permutation(back))


def gather(size: int) -> Exchange:
    """Each call gets the arrays of all calls, of which there are so many."""
    return Exchange(f"gather {size}", lambda x: x, True, lambda: scatter(size))


def scatter(size: int) -> Exchange:
    """Call i gets the sum of the i-th entries of all arrays."""
    return Exchange("scatter", _total, False, lambda: gather(size))


SUM: Exchange = Exchange("sum", _total, True, lambda: SUM)
SWAP: Exchange = Exchange("swap", lambda x: x.transpose(0, 1), False, lambda: SWAP)
"""For arrays of each call whose own first axis has the length of the mapped one; so is ``scatter``."""
