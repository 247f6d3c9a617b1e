"""The networks in unimod; each function of no argument gives a module without values."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import unimod as um
from benchmarks.nets import sizes, weights
from benchmarks.nets.way import Way


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


def way(name: str, engine: str, jit: Callable = um.jit) -> Way:
    """The network on an engine, jitted, or as ``jit`` says."""
    model = _same_weights(globals()[name]().init(0, backend=engine))
    x, y = (um.numpy.asarray(array, backend=engine) for array in sizes.data(name))
    loss = value_loss if name in sizes.REGRESSIONS else class_loss
    kind, rate = sizes.OPTIMIZERS[name]
    rules = {
        "momentum": lambda: um.optim.sgd(rate, momentum=0.9),
        "adam": lambda: um.optim.adam(rate),
        "adamw": lambda: um.optim.adamw(rate, weight_decay=1e-2),
    }
    opt = rules[kind]().init(model.parameters())

    def whole(model, opt, x, y):
        (value, model), grads = um.value_and_grad(lambda model: (loss(model, x, y), model), has_aux=True)(model)
        return *um.apply_gradients(model, opt, grads), value

    jitted, applied = jit(whole), jit(lambda model, x: model(x))
    state, still = [model, opt], model.eval()

    def step():
        *state[:], value = jitted(*state, x, y)
        return value

    def peak() -> float:
        if engine == "jax":
            return _peak_on_jax(jitted.lower(*state, x, y).compile().memory_analysis())
        return on_torch().peak(step, lambda: um.tree.leaves(state))

    return Way(step, lambda: applied(still, x), um.nets.count_parameters(model), peak)


def _same_weights(model):
    def replaced(path, leaf):
        found = weights.like(path, tuple(leaf.shape))
        return leaf if found is None else um.numpy.asarray(found, backend=um.engine_of(leaf).name)

    return model.update(um.tree.map_with_path(replaced, model.parameters()))


def _peak_on_jax(bytes_of: dict[str, float]) -> float:
    added = ("argument", "output", "temp")
    return sum(bytes_of[f"{name}_size_in_bytes"] for name in added) - bytes_of["alias_size_in_bytes"]


def on_torch():
    """The count of bytes of that engine; JAX's rows do not load torch."""
    return importlib.import_module("benchmarks.nets.on_torch")
