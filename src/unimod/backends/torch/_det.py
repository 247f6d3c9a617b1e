"""PyTorch: the determinant with a derivative that is right for singular matrices too.

torch's own is ``det(x) * inv(x)^T``, which it takes for 0 where the determinant is 0; the cofactors of a matrix of rank
n - 1 are not all 0.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unimod.backends.torch import _private


class _Det(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        found: Tensor = torch.linalg.det(x)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient[..., None, None] * _cofactors(x).conj()

    @staticmethod
    @_private.differentiable_rule
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        (x,) = _private.primals(ctx)
        return (_cofactors(x) * tangent).sum((-2, -1))


def differentiable_det(x: Tensor) -> Tensor:
    """The determinants of square matrices."""
    found: Tensor = _Det.apply(x)  # type: ignore[no-untyped-call]
    return found


def _cofactors(x: Tensor) -> Tensor:
    """The derivative of the determinant by each element, itself differentiable."""
    size = x.shape[-1]
    if size < 2:
        return torch.ones_like(x)
    if size == 2:
        (a, b), (c, d) = (row.unbind(-1) for row in x.unbind(-2))
        return torch.stack([torch.stack([d, -c], -1), torch.stack([-b, a], -1)], -2)
    if size == 3:
        first, second, third = x.unbind(-2)
        rows = [_cross(second, third), _cross(third, first), _cross(first, second)]
        return torch.stack(rows, -2)
    return _bordered_cofactors(x)


def _cross(x: Tensor, y: Tensor) -> Tensor:
    (a, b, c), (d, e, f) = x.unbind(-1), y.unbind(-1)
    return torch.stack([b * f - c * e, c * d - a * f, a * e - b * d], -1)


def _bordered_cofactors(x: Tensor) -> Tensor:
    """Cofactors by a matrix with one row and one column more, which is regular where ``x`` has rank n - 1 at least.

    With ``M = [[x, u], [v, 0]]`` and ``M^-1 = [[X, y], [z, w]]`` it is ``det(x) = det(M) w`` for any fixed ``u`` and
    ``v``, so the derivative is ``det(M) (w X - y z)^T``. The borders are the singular vectors of the least singular
    value. Of lower rank all cofactors are 0.
    """
    bordered, is_low = _bordered(x)
    inverse = torch.linalg.inv_ex(bordered)[0]
    core, column = inverse[..., :-1, :-1], inverse[..., :-1, -1:]
    row, corner = inverse[..., -1:, :-1], inverse[..., -1:, -1:]
    found = torch.linalg.det(bordered)[..., None, None] * (corner * core - column * row).mT
    return torch.where(is_low, 0, found)


def _bordered(x: Tensor) -> tuple[Tensor, Tensor]:
    is_finite = torch.isfinite(x).all(-1).all(-1)[..., None, None]
    left, values, right = torch.linalg.svd(torch.where(is_finite, x, 0).detach())
    greatest, last_but_one = values[..., :1, None], values[..., -2:-1, None]
    is_low = is_finite & (last_but_one <= x.shape[-1] * torch.finfo(x.dtype).eps * greatest)
    top = torch.cat([x, greatest * left[..., -1:]], -1)
    bottom = torch.cat([greatest * right[..., -1:, :], torch.zeros_like(x[..., :1, :1])], -1)
    bordered = torch.cat([top, bottom], -2)
    unit = torch.eye(x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    return torch.where(is_low, unit, bordered), is_low
