"""The networks in unimod; each function gives a module without values."""

from __future__ import annotations

import unimod as um
from benchmarks.nets import sizes


class Residual(um.Module):
    def __init__(self, width: int) -> None:
        self.linear, self.norm = um.nn.Linear(width, width), um.nn.LayerNorm(width)

    def __call__(self, x):
        return x + um.nn.relu(self.linear(self.norm(x)))


class CharRNN(um.Module):
    def __init__(self) -> None:
        self.embed = um.nn.Embed(sizes.TOKENS, sizes.LSTM_WIDTH)
        self.lstm = um.nn.LSTM(sizes.LSTM_WIDTH, sizes.LSTM_WIDTH)
        self.head = um.nn.Linear(sizes.LSTM_WIDTH, sizes.TOKENS)

    def __call__(self, tokens):
        return self.head(self.lstm(self.embed(tokens)))


def dispatch():
    width = sizes.TINY_WIDTH
    return um.nn.Sequential(um.nn.Linear(width, width), um.nn.relu, um.nn.Linear(width, width))


def deep():
    return um.nn.Sequential(*(Residual(sizes.DEEP_WIDTH) for _ in range(sizes.BLOCKS)))


def cnn():
    return um.nn.Sequential(
        *(um.nn.Conv(3, 6, 5, padding="VALID"), um.nn.relu, um.nn.MaxPool((2, 2))),
        *(um.nn.Conv(6, 16, 5, padding="VALID"), um.nn.relu, um.nn.MaxPool((2, 2))),
        *(um.nn.Flatten(), um.nn.Linear(400, 120), um.nn.relu, um.nn.Linear(120, 84), um.nn.relu),
        um.nn.Linear(84, 10),
    )


def resnet():
    return um.nets.ResNet(3, 10, stage_sizes=(1, 1, 1), channels=sizes.CHANNELS, stem="cifar")


def lstm():
    return CharRNN()


def gpt():
    return um.nets.GPT(
        sizes.TOKENS,
        sizes.GPT_WIDTH,
        num_layers=sizes.GPT_LAYERS,
        num_heads=sizes.GPT_HEADS,
        max_length=sizes.GPT_LENGTH,
        is_tied=False,
    )


def value_loss(model, x, y):
    return um.numpy.mean(um.numpy.square(model(x) - y))


def class_loss(model, x, y):
    return um.losses.cross_entropy(model(x), y)
