"""The ways to train the networks of PyTorch: eagerly, and with what ``torch.compile`` is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from benchmarks.nets import in_torch, sizes, weights
from benchmarks.nets.way import Way

Step = Callable[[], object]


def data(name: str):
    """Inputs and targets; images have the channels first."""
    x, y = map(torch.from_numpy, sizes.data(name))
    if name in sizes.REGRESSIONS:
        return x, y
    return (x if x.ndim == 2 else x.permute(0, 3, 1, 2).contiguous()), y.long()


def loss_of(name: str, out, y):
    if name in sizes.REGRESSIONS:
        return functional.mse_loss(out, y)
    return functional.cross_entropy(out.flatten(0, -2), y.flatten())


def optimizer(name: str, parameters):
    kind, rate = sizes.OPTIMIZERS[name]
    if kind == "momentum":
        return torch.optim.SGD(parameters, lr=rate, momentum=0.9)
    return (torch.optim.AdamW if kind == "adamw" else torch.optim.Adam)(parameters, lr=rate)


def made(name: str) -> nn.Module:
    model = getattr(in_torch, name)()
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            found = weights.like(path, tuple(parameter.shape))
            if found is not None:
                parameter.copy_(torch.from_numpy(found))
    return model


def peak(step: Step, held: Callable[[], list[torch.Tensor]]) -> float:
    """Bytes that are held between the steps, and as many as one step has more than before it at any time.

    Counted by the allocator of torch; what libraries of kernels allocate for themselves is not in it.
    """
    before = sum(array.untyped_storage().nbytes() for array in held())
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        step()
    events = [event for event in found.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return float(before + most)


def tensors(state) -> list[torch.Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(state) if isinstance(leaf, torch.Tensor)]


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def inference(name: str, compiled: Callable = lambda model: model) -> Step:
    x, _ = data(name)
    forward = compiled(made(name).eval())

    def infer():
        with torch.no_grad():
            return forward(x)

    return infer


def stateful(name: str, compiled: Callable = lambda model: model, with_optimizer: Callable = lambda step: step) -> Way:
    """The usual loop."""
    model, (x, y) = made(name), data(name)
    forward, rule = compiled(model), optimizer(name, model.parameters())
    update = with_optimizer(lambda: rule.step())

    def step():
        rule.zero_grad()
        value = loss_of(name, forward(x), y)
        value.backward()
        update()
        return value.detach()

    def held():
        moments = [m for state in rule.state.values() for m in state.values() if isinstance(m, torch.Tensor)]
        return [*model.parameters(), *model.buffers(), *moments]

    return Way(step, inference(name, compiled), size(model), lambda: peak(step, held))


def eager(name: str) -> Way:
    return stateful(name)


def compiled_model(name: str) -> Way:
    return stateful(name, torch.compile)


def compiled_both(name: str) -> Way:
    made = stateful(name, torch.compile, torch.compile)
    return dataclasses.replace(made, infer=None)


def whole(name: str) -> Way:
    """The whole step, as a function of parameters and moments, compiled in one piece."""
    model, (x, y) = made(name), data(name)
    params = {key: value.detach().clone() for key, value in model.named_parameters()}
    buffers = {key: value.clone() for key, value in model.named_buffers()}
    kind, rate = sizes.OPTIMIZERS[name]
    update = _momentum if kind == "momentum" else _adam(1e-2 if kind == "adamw" else 0.0)
    zeros = [torch.zeros_like(value) for value in params.values()]
    state = [params, buffers, zeros, list(map(torch.clone, zeros)), torch.zeros(())]

    def loss(params, buffers, x, y):
        return loss_of(name, torch.func.functional_call(model, (params, buffers), (x,)), y)

    @torch.compile(fullgraph=True)
    def step(params, buffers, first, second, count, x, y):
        buffers = {key: value.clone() for key, value in buffers.items()}
        grads, value = torch.func.grad_and_value(loss)(params, buffers, x, y)
        moved, *moments = update(list(params.values()), list(grads.values()), first, second, count + 1, rate)
        return dict(zip(params, moved, strict=True)), buffers, *moments, count + 1, value

    def train():
        with torch.no_grad():
            *state[:], value = step(*state, x, y)
        return value

    return Way(train, None, size(model), lambda: peak(train, lambda: tensors(state)))


def _momentum(params, grads, first, second, count, rate):
    first = torch._foreach_add(torch._foreach_mul(first, 0.9), grads)
    return torch._foreach_add(params, first, alpha=-rate), first, second


def _adam(decay: float):
    def update(params, grads, first, second, count, rate):
        first = torch._foreach_lerp(first, grads, 0.1)
        second = torch._foreach_mul(second, 0.999)
        second = torch._foreach_addcmul(second, grads, grads, 0.001)
        sizes = torch._foreach_sqrt(torch._foreach_div(second, 1 - 0.999**count))
        moves = torch._foreach_div(torch._foreach_div(first, 1 - 0.9**count), torch._foreach_add(sizes, 1e-8))
        params = torch._foreach_mul(params, 1 - rate * decay) if decay else params
        return torch._foreach_add(params, moves, alpha=-rate), first, second

    return update
