"""The networks as one writes them in PyTorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from benchmarks.nets import sizes

NAMES = tuple(sizes.OPTIMIZERS)


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, x):
        return x + functional.relu(self.linear(self.norm(x)))


class BasicBlock(nn.Module):
    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        is_same = stride == 1 and before == channels
        conv = nn.Conv2d(before, channels, 1, stride, bias=False)
        self.shortcut = nn.Identity() if is_same else nn.Sequential(conv, nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        return functional.relu(y + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        first, *_ = channels = sizes.CHANNELS
        self.stem, self.norm = nn.Conv2d(3, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first)
        before = (first, *channels[:-1])
        blocks = [BasicBlock(a, b, 1 + (place > 0)) for place, (a, b) in enumerate(zip(before, channels, strict=True))]
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(channels[-1], 10)

    def forward(self, x):
        return self.head(self.blocks(functional.relu(self.norm(self.stem(x)))).mean((2, 3)))


class CharRNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(sizes.TOKENS, sizes.LSTM_WIDTH)
        self.lstm = nn.LSTM(sizes.LSTM_WIDTH, sizes.LSTM_WIDTH, batch_first=True)
        self.head = nn.Linear(sizes.LSTM_WIDTH, sizes.TOKENS)

    def forward(self, tokens):
        return self.head(self.lstm(self.embed(tokens))[0])


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        width = sizes.GPT_WIDTH
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, sizes.GPT_HEADS, -1).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        width = sizes.GPT_WIDTH
        self.embed, self.positions = nn.Embedding(sizes.TOKENS, width), nn.Embedding(sizes.GPT_LENGTH, width)
        self.layers, self.norm = nn.Sequential(*(Layer() for _ in range(sizes.GPT_LAYERS))), nn.LayerNorm(width)
        self.head = nn.Linear(width, sizes.TOKENS, bias=False)

    def forward(self, tokens):
        x = self.embed(tokens) + self.positions(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.layers(x)))


def dispatch():
    width = sizes.TINY_WIDTH
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))


def deep():
    return nn.Sequential(*(Residual(sizes.DEEP_WIDTH) for _ in range(sizes.BLOCKS)))


def cnn():
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


resnet, lstm, gpt = ResNet, CharRNN, GPT
