"""The networks in Keras, with the training loops that its guides show for JAX and for PyTorch."""

from __future__ import annotations

import keras
from keras import layers, ops

from benchmarks.nets import sizes, weights
from benchmarks.nets.way import Way

NAMES = ("dispatch", "cnn", "resnet", "lstm", "gpt")
ENGINE = keras.backend.backend()

if ENGINE == "torch":
    keras.config.set_image_data_format("channels_first")


def dispatch(x):
    return layers.Dense(sizes.TINY_WIDTH)(layers.Dense(sizes.TINY_WIDTH, "relu")(x))


def cnn(x):
    for channels in (6, 16):
        x = layers.MaxPooling2D()(layers.Conv2D(channels, 5, activation="relu")(x))
    x = layers.Flatten()(x)
    for width in (120, 84):
        x = layers.Dense(width, "relu")(x)
    return layers.Dense(10)(x)


def resnet(x):
    def normed(x, channels, size, stride=1):
        x = layers.ZeroPadding2D(1)(x) if size == 3 else x
        x = layers.Conv2D(channels, size, stride, use_bias=False)(x)
        return layers.BatchNormalization(1 if ENGINE == "torch" else -1, momentum=0.9, epsilon=1e-5)(x)

    x = layers.ReLU()(normed(x, sizes.CHANNELS[0], 3))
    for place, channels in enumerate(sizes.CHANNELS):
        stride = 1 + (place > 0)
        y = normed(layers.ReLU()(normed(x, channels, 3, stride)), channels, 3)
        x = layers.ReLU()(y + (normed(x, channels, 1, stride) if place else x))
    return layers.Dense(10)(layers.GlobalAveragePooling2D()(x))


def lstm(tokens):
    x = layers.Embedding(sizes.TOKENS, sizes.LSTM_WIDTH)(tokens)
    x = layers.LSTM(sizes.LSTM_WIDTH, return_sequences=True, unit_forget_bias=False)(x)
    return layers.Dense(sizes.TOKENS)(x)


class Positions(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.table = layers.Embedding(sizes.GPT_LENGTH, sizes.GPT_WIDTH)

    def call(self, x):
        return x + self.table(ops.arange(sizes.GPT_LENGTH))


def gpt(tokens):
    width, heads, length = sizes.GPT_WIDTH, sizes.GPT_HEADS, sizes.GPT_LENGTH
    x = Positions()(layers.Embedding(sizes.TOKENS, width)(tokens))

    def norm(x):
        return layers.LayerNormalization(epsilon=1e-5)(x)

    for _ in range(sizes.GPT_LAYERS):
        qkv = layers.Reshape((length, 3, heads, width // heads))(layers.Dense(3 * width)(norm(x)))
        y = ops.dot_product_attention(*(qkv[:, :, i] for i in range(3)), is_causal=True)
        x = x + layers.Dense(width)(layers.Reshape((length, width))(y))
        hidden = layers.Dense(4 * width)(norm(x))
        x = x + layers.Dense(width)(ops.gelu(hidden, approximate=True))
    return layers.Dense(sizes.TOKENS, use_bias=False)(norm(x))


def made(name: str) -> keras.Model:
    x, _ = sizes.data(name)
    shape = (3, 32, 32) if x.ndim == 4 and ENGINE == "torch" else x.shape[1:]
    given = keras.Input(shape, dtype="int32" if x.dtype.kind == "i" else "float32")
    model = keras.Model(given, globals()[name](given))
    for variable in model.trainable_variables:
        found = weights.like(variable.path, tuple(variable.shape))
        if found is not None:
            variable.assign(found)
    return model


def optimizer(name: str):
    kind, rate = sizes.OPTIMIZERS[name]
    if kind == "momentum":
        return keras.optimizers.SGD(rate, momentum=0.9)
    options = {"epsilon": 1e-8}
    if kind == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=1e-2, **options)
    return keras.optimizers.Adam(rate, **options)


def way(name: str) -> Way:
    return (_on_torch if ENGINE == "torch" else _on_jax)(name)


def _on_jax(name: str) -> Way:
    import jax

    from benchmarks.nets import on_jax

    model, rule, (x, y) = made(name), optimizer(name), on_jax.data(name)
    rule.build(model.trainable_variables)

    def loss(trained, others):
        out, others = model.stateless_call(trained, others, x, training=True)
        return on_jax.loss_of(name, out, y), others

    @jax.jit
    def whole(trained, others, moments):
        (value, others), grads = jax.value_and_grad(loss, has_aux=True)(trained, others)
        return *rule.stateless_apply(moments, grads, trained), others, value

    lists = model.trainable_variables, model.non_trainable_variables, rule.variables
    state = [[variable.value for variable in variables] for variables in lists]
    start = list(state[:2])

    def step():
        trained, moments, others, value = whole(*state)
        state[:] = trained, others, moments
        return value

    infer = jax.jit(lambda trained, others, x: model.stateless_call(trained, others, x, training=False)[0])
    return Way(step, lambda: infer(*start, x), on_jax.size(start[0]))


def _on_torch(name: str) -> Way:
    import torch

    from benchmarks.nets import on_torch

    model, still, rule, (x, y) = made(name), made(name), optimizer(name), on_torch.data(name)
    rule.build(model.trainable_variables)

    def step():
        model.zero_grad()
        value = on_torch.loss_of(name, model(x, training=True), y)
        value.backward()
        with torch.no_grad():
            rule.apply([variable.value.grad for variable in model.trainable_weights], model.trainable_weights)
        return value

    def infer():
        with torch.no_grad():
            return still(x, training=False)

    return Way(step, infer, model.count_params() - sum(v.value.numel() for v in model.non_trainable_variables))
