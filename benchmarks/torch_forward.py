"""The eager forward pass of a 6-layer MLP with LayerNorm, width 128, batch 64."""

from __future__ import annotations

import torch

from benchmarks import _mlp
from benchmarks._measure import Row, compare, repeat


def under(mode, fn):
    """``fn`` in a loop under a grad mode that is entered once."""
    loop = repeat(fn)

    def run(n: int) -> None:
        with mode():
            loop(n)

    return run


def run() -> list[Row]:
    torch.set_num_threads(1)
    model, (x, _) = _mlp.module(), _mlp.data()
    native = _mlp.native_with_weights_of(model)
    torch.testing.assert_close(model(x), native(x).detach())
    no_grad = under(torch.no_grad, lambda: model(x)), under(torch.no_grad, lambda: native(x))
    tracked = x.clone().requires_grad_()
    frozen = _mlp.native_with_weights_of(model).requires_grad_(False)
    followed = repeat(lambda: model(tracked)), repeat(lambda: frozen(tracked))
    return [
        compare("forward, no grad", *no_grad, baseline="torch.nn, eager", target="<= 1.30"),
        compare("forward, input followed", *followed, baseline="torch.nn, eager", target="<= 1.30"),
    ]
