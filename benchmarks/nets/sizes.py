"""How large the workloads are, their data, and the optimizer of each."""

from __future__ import annotations

import numpy as np

TINY_WIDTH, TINY_BATCH = 8, 4
DEEP_WIDTH, DEEP_BATCH, BLOCKS = 32, 16, 100
IMAGES, CHANNELS, RESNET_IMAGES = 128, (16, 32, 64), 32
TOKENS = 96
LSTM_WIDTH, LSTM_BATCH, LSTM_STEPS = 128, 32, 64
GPT_WIDTH, GPT_LAYERS, GPT_HEADS, GPT_BATCH, GPT_LENGTH = 128, 4, 4, 8, 64

OPTIMIZERS = {
    "dispatch": ("adam", 1e-3),
    "deep": ("adam", 1e-3),
    "cnn": ("momentum", 1e-3),
    "resnet": ("momentum", 1e-3),
    "lstm": ("adam", 1e-3),
    "gpt": ("adamw", 3e-4),
}
REGRESSIONS = ("dispatch", "deep")


def data(name: str):
    """Inputs and targets; images have the channels last."""
    random = np.random.default_rng(0)
    if name in REGRESSIONS:
        shape = (TINY_BATCH, TINY_WIDTH) if name == "dispatch" else (DEEP_BATCH, DEEP_WIDTH)
        x, y = random.standard_normal((2, *shape)).astype("float32")
        return x, y
    if name in ("cnn", "resnet"):
        count = IMAGES if name == "cnn" else RESNET_IMAGES
        images = random.standard_normal((count, 32, 32, 3)).astype("float32")
        return images, random.integers(0, 10, count).astype("int32")
    shape = (LSTM_BATCH, LSTM_STEPS + 1) if name == "lstm" else (GPT_BATCH, GPT_LENGTH + 1)
    text = random.integers(0, TOKENS, shape).astype("int32")
    return np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])
