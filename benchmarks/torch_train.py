"""The train step (gradient and Adam) of a 6-layer MLP with LayerNorm, width 128, batch 64."""

from __future__ import annotations

import torch

import unimod as um
from benchmarks import _mlp
from benchmarks._measure import Row, chain, compare, repeat

RATE = 1e-3


def module_step(model, opt, x, y):
    loss, grads = um.value_and_grad(lambda model: um.numpy.mean(um.numpy.square(model(x) - y)))(model)
    return *um.apply_gradients(model, opt, grads), loss


def native_step(model, forward, x, y):
    opt = torch.optim.Adam(model.parameters(), lr=RATE)

    def step():
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(forward(x), y)
        loss.backward()
        opt.step()
        return loss

    return step


def run() -> list[Row]:
    torch.set_num_threads(1)
    model, (x, y) = _mlp.module(), _mlp.data()
    eager, compiled = _mlp.native_with_weights_of(model), _mlp.native_with_weights_of(model)
    step, with_eager = um.jit(module_step), native_step(eager, eager, x, y)
    with_compile = native_step(compiled, torch.compile(compiled), x, y)
    opt = um.optim.adam(RATE).init(model.parameters())
    check_same_work(step, with_eager, (model, opt), x, y)
    loops = chain(lambda s: step(s[0], s[1], x, y), (model, opt)), repeat(with_eager), repeat(with_compile)
    alone = chain(lambda s: module_step(s[0], s[1], x, y), (model, opt))
    return [
        compare("um.jit, train step", loops[0], loops[1], baseline="eager, torch.optim.Adam", target="<= 0.60"),
        compare("um.jit, train step", loops[0], loops[2], baseline="torch.compile(model)", target="< 1.00"),
        compare("um eager, train step", alone, loops[1], baseline="eager, torch.optim.Adam"),
    ]


def check_same_work(step, native, state, x, y) -> None:
    """Both train the same model: the losses of the first steps agree."""
    for _ in range(3):
        *state, loss = step(*state, x, y)
        torch.testing.assert_close(loss, native().detach(), rtol=1e-4, atol=1e-6)
