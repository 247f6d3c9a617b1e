"""The MLP of the torch workloads, as a unimod module and as a torch module with the same weights."""

from __future__ import annotations

import torch
from torch import nn

import unimod as um

LAYERS, WIDTH, BATCH = 6, 128, 64


def module():
    parts = [
        part for _ in range(LAYERS - 1) for part in (um.nn.Linear(WIDTH, WIDTH), um.nn.LayerNorm(WIDTH), um.nn.relu)
    ]
    return um.nn.Sequential(*parts, um.nn.Linear(WIDTH, WIDTH)).init(0, backend="torch")


class Native(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(LAYERS - 1))

    def forward(self, x):
        for linear, norm in zip(self.linears, self.norms):  # noqa: B905 - as one writes it
            x = torch.relu(norm(linear(x)))
        return self.linears[-1](x)


def native_with_weights_of(model) -> Native:
    native = Native()
    kernels = [part.kernel for part in model if isinstance(part, um.nn.Linear)]
    with torch.no_grad():
        for linear, kernel in zip(native.linears, kernels, strict=True):
            linear.weight.copy_(kernel.T)
            linear.bias.zero_()
    return native


def data():
    torch.manual_seed(0)
    return torch.randn(BATCH, WIDTH), torch.randn(BATCH, WIDTH)
