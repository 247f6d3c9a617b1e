"""The networks by hand: dicts of arrays and plain functions."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.nets import on_jax, sizes

NAMES = tuple(sizes.OPTIMIZERS)


def dense(params, x):
    return x @ params["kernel"] + params["bias"]


def dense_params(before, after):
    return {"kernel": jnp.zeros((before, after)), "bias": jnp.zeros(after)}


def scaled(params, x):
    return jax.nn.standardize(x, epsilon=1e-5) * params["scale"] + params["bias"]


def scaled_params(width):
    return {"scale": jnp.ones(width), "bias": jnp.zeros(width)}


def conv(x, kernel, stride=1, padding=0):
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (stride,) * 2, [(padding,) * 2] * 2, dimension_numbers=numbers)


# Each network: its parameters and statistics, and its function --------------------------------------------------------


def dispatch_params():
    return [dense_params(sizes.TINY_WIDTH, sizes.TINY_WIDTH) for _ in range(2)], {}


def dispatch(params, statistics, x, is_training):
    return dense(params[1], jax.nn.relu(dense(params[0], x))), statistics


def deep_params():
    width = sizes.DEEP_WIDTH
    return [{"linear": dense_params(width, width), "norm": scaled_params(width)} for _ in range(sizes.BLOCKS)], {}


def deep(params, statistics, x, is_training):
    for block in params:
        x = x + jax.nn.relu(dense(block["linear"], scaled(block["norm"], x)))
    return x, statistics


def cnn_params():
    convs = [{"kernel": jnp.zeros((5, 5, a, b)), "bias": jnp.zeros(b)} for a, b in ((3, 6), (6, 16))]
    return {"convs": convs, "denses": [dense_params(*pair) for pair in itertools.pairwise((400, 120, 84, 10))]}, {}


def cnn(params, statistics, x, is_training):
    for layer in params["convs"]:
        x = jax.nn.relu(conv(x, layer["kernel"]) + layer["bias"])
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = x.reshape(len(x), -1)
    *hidden, last = params["denses"]
    for layer in hidden:
        x = jax.nn.relu(dense(layer, x))
    return dense(last, x), statistics


def resnet_params():
    sides = {"stem": (3, 3, sizes.CHANNELS[0])}
    for i, (a, b) in enumerate(zip((sizes.CHANNELS[0], *sizes.CHANNELS), sizes.CHANNELS, strict=False)):
        sides |= {f"first{i}": (3, a, b), f"second{i}": (3, b, b)} | ({f"short{i}": (1, a, b)} if i else {})
    params = {name: {"kernel": jnp.zeros((k, k, a, b)), "norm": scaled_params(b)} for name, (k, a, b) in sides.items()}
    statistics = {name: {"mean": jnp.zeros(b), "var": jnp.ones(b)} for name, (_, _, b) in sides.items()}
    return {**params, "head": dense_params(sizes.CHANNELS[-1], 10)}, statistics


def resnet(params, statistics, x, is_training):
    changed = {}

    def normed(name, x, stride=1, padding=1):
        x, old = conv(x, params[name]["kernel"], stride, padding), statistics[name]
        if is_training:
            new = {"mean": x.mean((0, 1, 2)), "var": x.var((0, 1, 2))}
            changed[name] = {key: 0.9 * old[key] + 0.1 * new[key] for key in old}
        else:
            changed[name] = new = old
        norm = params[name]["norm"]
        return (x - new["mean"]) * lax.rsqrt(new["var"] + 1e-5) * norm["scale"] + norm["bias"]

    x = jax.nn.relu(normed("stem", x))
    for i in range(len(sizes.CHANNELS)):
        stride = 1 + (i > 0)
        y = normed(f"second{i}", jax.nn.relu(normed(f"first{i}", x, stride)))
        x = jax.nn.relu(y + (normed(f"short{i}", x, stride, 0) if i else x))
    return dense(params["head"], x.mean((1, 2))), changed


def lstm_params():
    width, embedding = sizes.LSTM_WIDTH, jnp.zeros((sizes.TOKENS, sizes.LSTM_WIDTH))
    cell = {"kernel": jnp.zeros((width, 4 * width)), "recurrent": jnp.zeros((width, 4 * width))}
    cell["bias"] = jnp.zeros(4 * width)
    return {"embedding": embedding, "cell": cell, "head": dense_params(width, sizes.TOKENS)}, {}


def lstm(params, statistics, tokens, is_training):
    cell = params["cell"]
    gates = jnp.swapaxes(dense(cell, params["embedding"][tokens]), 0, 1)

    def step(carry, gates):
        h, c = carry
        i, f, g, o = jnp.split(gates + h @ cell["recurrent"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((len(tokens), sizes.LSTM_WIDTH))
    hidden = lax.scan(step, (zeros, zeros), gates)[1]
    return dense(params["head"], jnp.swapaxes(hidden, 0, 1)), statistics


def gpt_params():
    width = sizes.GPT_WIDTH

    def layer():
        shapes = {
            "qkv": (width, 3 * width),
            "out": (width, width),
            "up": (width, 4 * width),
            "down": (4 * width, width),
        }
        denses = {name: dense_params(*shape) for name, shape in shapes.items()}
        return {**denses, "norm1": scaled_params(width), "norm2": scaled_params(width)}

    tables = {"embedding": (sizes.TOKENS, width), "positions": (sizes.GPT_LENGTH, width), "head": (width, sizes.TOKENS)}
    layers = [layer() for _ in range(sizes.GPT_LAYERS)]
    return {"layers": layers, "norm": scaled_params(width)} | {name: jnp.zeros(s) for name, s in tables.items()}, {}


def gpt(params, statistics, tokens, is_training):
    batch, length = tokens.shape
    x = params["embedding"][tokens] + params["positions"][:length]
    for layer in params["layers"]:
        qkv = dense(layer["qkv"], scaled(layer["norm1"], x)).reshape(batch, length, 3, sizes.GPT_HEADS, -1)
        y = jax.nn.dot_product_attention(*(qkv[:, :, i] for i in range(3)), is_causal=True)
        x = x + dense(layer["out"], y.reshape(x.shape))
        x = x + dense(layer["down"], jax.nn.gelu(dense(layer["up"], scaled(layer["norm2"], x))))
    return scaled(params["norm"], x) @ params["head"], statistics


PARAMS = {
    "dispatch": dispatch_params,
    "deep": deep_params,
    "cnn": cnn_params,
    "resnet": resnet_params,
    "lstm": lstm_params,
    "gpt": gpt_params,
}


def way(name: str):
    return on_jax.functional(name, globals()[name], *PARAMS[name]())
