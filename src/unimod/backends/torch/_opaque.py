"""Operators of our own with derivatives: to autograd, to ``torch.func`` and to compilers.

An operator is one node of a graph. Its first derivative is an operator too; what is differentiated once more is the
same function written with plain operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private
from unimod.backends.torch._captures import resolved

Made = tuple[Tensor, ...]


def derived(
    run: Callable[..., Made], slopes: Callable[..., Made], plain: Callable[..., Made], *, wrt: Sequence[int]
) -> Callable[..., Made]:
    """A differentiable function of tensors, Nones and numbers.

    Args:
        run: ``run(*inputs)`` gives the outputs of ``plain`` and, after them, what else ``slopes`` needs.
        slopes: ``slopes(cotangents, inputs, outputs)`` gives the derivatives by the inputs in ``wrt``.
        plain: ``plain(*inputs)``, a tuple of the outputs made by operations that torch can differentiate.
        wrt: the places of the inputs to differentiate by.
    """

    def slopes_of_plain(count: int, args: Sequence[Any]) -> Callable[..., Made]:
        """The derivatives as a function of the cotangents and of the inputs that are differentiated."""
        given = list(args)

        def function(*values: Tensor) -> Made:
            cotangents, chosen = values[:count], values[count:]

            def outputs(*xs: Tensor) -> Made:
                inputs = list(given)
                for place, x in zip(wrt, xs, strict=True):
                    inputs[place] = x
                return plain(*inputs)

            pull = _private.func_vjp(outputs, *chosen)[1]
            found: Made = pull(tuple(cotangents))
            return found

        return function

    class Slopes(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(count: int, size: int, *values: Any) -> Made:
            cotangents, inputs, outputs = values[:count], values[count : count + size], values[count + size :]
            return slopes(cotangents, inputs, outputs)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            count, size, *values = inputs
            ctx.count, ctx.size, ctx.rest = count, size, len(inputs)
            _save(ctx, values[: count + size])

        @staticmethod
        def backward(ctx: Any, *seconds: Tensor) -> tuple[Any, ...]:
            values = _saved(ctx)
            cotangents, inputs = values[: ctx.count], values[ctx.count :]
            chosen = [inputs[place] for place in wrt]
            pull = _private.func_vjp(slopes_of_plain(ctx.count, inputs), *cotangents, *chosen)[1]
            found = pull(tuple(seconds))
            back: list[Any] = [None] * ctx.rest
            back[2 : 2 + ctx.count] = found[: ctx.count]
            for place, slope in zip(wrt, found[ctx.count :], strict=True):
                back[2 + ctx.count + place] = slope
            return tuple(back)

    class Function(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(count: int, *inputs: Any) -> Made:
            return run(*inputs)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Made) -> None:
            ctx.count, ctx.size = inputs[0], len(inputs) - 1
            ctx.mark_non_differentiable(*output[inputs[0] :])
            _save(ctx, [*inputs[1:], *output])

        @staticmethod
        def backward(ctx: Any, *cotangents: Tensor) -> tuple[Any, ...]:
            values = _saved(ctx)
            found = _apply(Slopes, ctx.count, ctx.size, *cotangents[: ctx.count], *values)
            back: list[Any] = [None] * (ctx.size + 1)
            for place, slope in zip(wrt, found, strict=True):
                back[1 + place] = slope
            return tuple(back)

    def call(count: int, *inputs: Any) -> Made:
        """The first ``count`` outputs, those of ``plain``."""
        found: Made = _apply(Function, count, *resolved(inputs))
        return found[:count]

    return call


def _apply(function: Any, *args: Any) -> Any:
    return function.apply(*args)


def _save(ctx: Any, values: Sequence[Any]) -> None:
    """Keep tensors where autograd can follow them, and everything else beside."""
    ctx.others = [None if isinstance(x, Tensor) else x for x in values]
    ctx.save_for_backward(*(x if isinstance(x, Tensor) else None for x in values))


def _saved(ctx: Any) -> list[Any]:
    return [other if x is None else x for x, other in zip(ctx.saved_tensors, ctx.others, strict=True)]


def folded(find: Callable[[], Any], axes: Sequence[int | None], made: Sequence[int]) -> Callable[..., Any]:
    """The rule for vmap of an operator with a batch: mapped examples are more of them.

    Args:
        find: gives the operator, which is defined after its rule.
        axes: that of the batch in each tensor argument; None where it has none. Where such an argument is mapped the
            operator runs once for each example.
        made: the axes in the results.
    """

    def rule(info: Any, dims: tuple[Any, ...], *args: Any) -> Any:
        size, op = info.batch_size, find()
        if any(axis is None and dim is not None for axis, dim in zip(axes, dims, strict=False)):
            parts = [
                _as_tuple(op(*(_example(x, dim, i) for x, dim in zip(args, dims, strict=True)))) for i in range(size)
            ]
            return _as_result([torch.stack(part) for part in zip(*parts, strict=True)], (0,) * len(made))
        places = [*axes, *(None for _ in args[len(axes) :])]
        whole = [_merged(x, dim, axis, size) for x, dim, axis in zip(args, dims, places, strict=True)]
        outputs = _as_tuple(op(*whole))
        return _as_result([y.unflatten(axis, (size, -1)) for y, axis in zip(outputs, made, strict=True)], tuple(made))

    return rule


def _example(x: Any, dim: int | None, index: int) -> Any:
    return x if dim is None else x.select(dim, index)


def _merged(x: Any, dim: int | None, axis: int | None, size: int) -> Any:
    if not isinstance(x, Tensor) or axis is None:
        return x
    if dim is None:
        x = x.unsqueeze(axis)
        return x.expand(*x.shape[:axis], size, *x.shape[axis + 1 :]).flatten(axis, axis + 1)
    return x.movedim(dim, axis).flatten(axis, axis + 1)


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def _as_result(outputs: list[Tensor], dims: tuple[int, ...]) -> Any:
    return (tuple(outputs), dims) if len(outputs) > 1 else (outputs[0], dims[0])
