"""Networks against the same ones written with torch.nn.functional, and against Haiku's, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um

pytestmark = pytest.mark.thin(3)

CLOSE = {"rtol": 1e-4, "atol": 1e-4}
"""A few layers of sums in float32, each normalised."""


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def moved(model, seed=0):
    """The model with every float away from its first zeros and ones, all variances positive."""
    random = np.random.default_rng(seed)

    def move(leaf):
        if leaf.dtype != np.float32:
            return leaf
        least = -0.3 if leaf.ndim > 1 else 0.05
        return (leaf + random.uniform(least, 0.3, leaf.shape)).astype(np.float32)

    return um.to_backend(model, "numpy").map(move)


# ResNet ---------------------------------------------------------------------------------------------------------------


class Plain:
    """A ResNet as a plain torch program: it reads the leaves of ours by name, and changes its own running values."""

    def __init__(self, leaves, version, training):
        self.leaves = {name: leaf.clone() for name, leaf in leaves.items()}
        self.version, self.training = version, training
        self.parameters = {n: x.requires_grad_() for n, x in self.leaves.items() if not n.endswith(("mean", "var"))}

    def conv(self, name, x, stride=1, groups=1):
        import torch

        kernel = self.leaves[f"{name}.kernel"].permute(3, 2, 0, 1)
        return torch.nn.functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2, groups=groups)

    def norm(self, name, x):
        import torch

        mean, var, scale, bias = (self.leaves[f"{name}.{leaf}"] for leaf in ("mean", "var", "scale", "bias"))
        return torch.nn.functional.batch_norm(x, mean, var, scale, bias, self.training, 0.1, 1e-5)

    def block(self, name, x, sizes, stride, groups):
        strides = [stride if size == 3 and sizes.index(3) == i else 1 for i, size in enumerate(sizes)]
        many = [groups if size == 3 else 1 for size in sizes]
        y = straight = x
        for i in range(len(sizes)):
            if self.version == 2:
                y = self.norm(f"{name}.norms.{i}", y).relu()
                if i == 0 and f"{name}.shortcut.kernel" in self.leaves:
                    straight = self.conv(f"{name}.shortcut", y, stride)
                y = self.conv(f"{name}.convs.{i}", y, strides[i], many[i])
            else:
                y = self.norm(f"{name}.norms.{i}", self.conv(f"{name}.convs.{i}", y, strides[i], many[i]))
                y = y.relu() if i < len(sizes) - 1 else y
        if self.version == 2:
            return y + straight
        if f"{name}.shortcut.kernel" in self.leaves:
            straight = self.norm(f"{name}.shortcut_norm", self.conv(f"{name}.shortcut", x, stride))
        return (y + straight).relu()

    def __call__(self, x, sizes, stages, is_large, groups):
        import torch

        x = self.conv("stem", x, 2 if is_large else 1)
        x = self.norm("stem_norm", x).relu() if self.version == 1 else x
        x = torch.nn.functional.max_pool2d(x, 3, 2, 1) if is_large else x
        for stage, count in enumerate(stages):
            for place in range(count):
                x = self.block(f"stages.{stage}.{place}", x, sizes, 2 if stage and not place else 1, groups)
        x = self.norm("norm", x).relu() if self.version == 2 else x
        return x.mean((2, 3)) @ self.leaves["head.kernel"] + self.leaves["head.bias"]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("block", "stem", "groups"), [("basic", "imagenet", 1), ("bottleneck", "cifar", 2)])
def test_resnet_is_a_plain_torch_program(block, stem, groups, version, training):
    import torch

    model = um.nets.ResNet(
        3, 5, stage_sizes=(2, 1), channels=(4, 8), block=block, stem=stem, groups=groups, version=version, unbiased=True
    )
    model = um.to_backend(moved(model.init(0, backend="numpy")), "torch").train(training)
    plain = Plain(model.state_dict(), version, training)
    # An even size, where one-sided and two-sided padding differ.
    x = torch.as_tensor(normal(1, 3, 16, 14, 3))
    sizes = (3, 3) if block == "basic" else (1, 3, 1)
    expected = plain(x.permute(0, 3, 1, 2), sizes, (2, 1), stem == "imagenet", groups)
    weights = torch.as_tensor(normal(2, 3, 5))
    loss = lambda model: (((y := model(x)) * weights).sum(), (y, model))  # noqa: E731
    grads, (found, after) = um.grad(loss, has_aux=True)(model)
    torch.testing.assert_close(found.detach(), expected.detach(), **CLOSE)
    slopes = torch.autograd.grad((expected * weights).sum(), list(plain.parameters.values()))
    ours = grads.parameters().state_dict()
    for name, slope in zip(plain.parameters, slopes, strict=True):
        torch.testing.assert_close(ours[name], slope, rtol=1e-3, atol=1e-3)
    for name, leaf in after.batch_stats().state_dict().items():
        torch.testing.assert_close(leaf, plain.leaves[name].detach(), **CLOSE)


HAIKU = {
    "convs": "conv_{}",
    "norms": "batchnorm_{}",
    "shortcut": "shortcut_conv",
    "shortcut_norm": "shortcut_batchnorm",
}
LEAVES = {"kernel": "w", "scale": "scale", "bias": "offset"}


def haiku_place(name):
    """The name of a module and of its leaf in Haiku, of the name of a parameter of ours."""
    *parts, leaf = name.split(".")
    if parts == ["head"]:
        return "res_net/~/logits", {"kernel": "w", "bias": "b"}[leaf]
    if parts[0] != "stages":
        return "res_net/~/" + {"stem": "initial_conv", "stem_norm": "initial_batchnorm", "norm": "final_batchnorm"}[
            parts[0]
        ], LEAVES[leaf]
    _, stage, block, kind, *place = parts
    return f"res_net/~/block_group_{stage}/~/block_{block}/~/" + HAIKU[kind].format(*place), LEAVES[leaf]


@pytest.mark.needs("jax")
@pytest.mark.parametrize(("version", "block"), [(1, "basic"), (2, "bottleneck")])
def test_resnet_is_that_of_haiku_for_odd_sizes(version, block):
    import haiku as hk
    import jax

    is_wide = block == "bottleneck"
    channels = (2, 2, 4, 4)

    def forward(x):
        return hk.nets.ResNet(
            (1, 1, 1, 1),
            5,
            {"decay_rate": 0.9},
            resnet_v2=version == 2,
            bottleneck=is_wide,
            channels_per_group=[4 * n for n in channels] if is_wide else channels,
            use_projection=(is_wide, True, True, True),
            initial_conv_config={"output_channels": 2},
        )(x, is_training=True)

    net = hk.transform_with_state(forward)
    x = jax.numpy.asarray(normal(2, 3, 33, 33, 3))
    shapes, state = jax.eval_shape(net.init, jax.random.key(0), x)
    state = jax.tree.map(lambda leaf: jax.numpy.zeros(leaf.shape, leaf.dtype), state)
    model = um.nets.ResNet(3, 5, stage_sizes=(1, 1, 1, 1), channels=channels, version=version, block=block)
    model = um.to_backend(moved(model.init(0, backend="numpy")), "jax")
    ours, params = model.parameters().state_dict(), {module: {} for module in shapes}
    for name, values in ours.items():
        module, leaf = haiku_place(name)
        params[module][leaf] = values.reshape(shapes[module][leaf].shape)
    assert jax.tree.structure(params) == jax.tree.structure(shapes)
    expected, _ = jax.jit(net.apply)(params, state, None, x)
    found = jax.jit(lambda model, x: model(x))(model, x)
    assert found.shape == expected.shape == (3, 5)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


# Transformers ---------------------------------------------------------------------------------------------------------


class Text:
    """Transformers as plain torch programs, which read the leaves of ours by name."""

    def __init__(self, leaves):
        self.leaves = {name: leaf.detach().clone().requires_grad_() for name, leaf in leaves.items()}

    def linear(self, name, x):
        y = x @ self.leaves[f"{name}.kernel"]
        return y + self.leaves[f"{name}.bias"] if f"{name}.bias" in self.leaves else y

    def norm(self, name, x):
        import torch

        scale, bias = self.leaves[f"{name}.scale"], self.leaves.get(f"{name}.bias")
        if bias is None:
            return torch.nn.functional.rms_norm(x, x.shape[-1:], scale, 1e-6)
        return torch.nn.functional.layer_norm(x, x.shape[-1:], scale, bias, 1e-5)

    def attention(self, name, x, heads, kv_heads, is_causal, is_rotary):
        import torch

        q, k, v = (
            self.linear(f"{name}.{part}", x).unflatten(-1, (n, -1)).transpose(1, 2)
            for part, n in (("query", heads), ("key", kv_heads), ("value", kv_heads))
        )
        if is_rotary:
            q, k = rotated(q), rotated(k)
        out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=is_causal, enable_gqa=True)
        return self.linear(f"{name}.out", out.transpose(1, 2).flatten(2))


def rotated(x):
    """LLaMA's rotation: of the two halves of each head."""
    import torch

    half = x.shape[-1] // 2
    angles = torch.arange(x.shape[-2])[:, None] * 10000.0 ** (-torch.arange(half) / half)
    first, second = x.split(half, -1)
    return torch.cat([first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos()], -1)


def plain_gpt(leaves, tokens, is_llama):
    import torch

    text = Text(leaves)
    embed, act = text.leaves["embed.embedding"], torch.nn.functional
    x = embed[tokens]
    x = x if is_llama else x + text.leaves["positions.embedding"][: tokens.shape[1]]
    for layer in range(2):
        name = f"blocks.layers.{layer}"
        y = text.norm(f"{name}.attention_norm", x)
        x = x + text.attention(f"{name}.attention", y, 4, 2 if is_llama else 4, True, is_llama)
        y = text.norm(f"{name}.feed_forward_norm", x)
        up = text.linear(f"{name}.feed_forward.up", y)
        if is_llama:
            up = act.silu(text.linear(f"{name}.feed_forward.gate", y)) * up
        else:
            up = act.gelu(up, approximate="tanh")
        x = x + text.linear(f"{name}.feed_forward.down", up)
    x = text.norm("blocks.norm", x)
    return x @ text.leaves["head.embedding" if is_llama else "embed.embedding"].T, text.leaves


def compare(model, found, expected, leaves, loss):
    import torch

    torch.testing.assert_close(found.detach(), expected.detach(), **CLOSE)
    ours = um.grad(loss)(model).parameters().state_dict()
    assert list(ours) == list(leaves)
    slopes = torch.autograd.grad(expected.sin().sum(), list(leaves.values()))
    for name, slope in zip(leaves, slopes, strict=True):
        torch.testing.assert_close(ours[name], slope, rtol=1e-3, atol=1e-3)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("is_llama", [False, True])
def test_gpt_is_a_plain_torch_program(is_llama):
    import torch

    llama = {
        "positions": "rotary",
        "norm": um.nn.RMSNorm,
        "is_gated": True,
        "activation": um.nn.silu,
        "use_bias": False,
        "num_kv_heads": 2,
        "is_tied": False,
    }
    model = um.nets.GPT(11, 16, num_layers=2, num_heads=4, max_length=8, **(llama if is_llama else {}))
    model = um.to_backend(moved(model.init(0, backend="numpy")), "torch")
    tokens = torch.as_tensor(np.random.default_rng(0).integers(0, 11, (3, 6)))
    expected, leaves = plain_gpt(model.state_dict(), tokens, is_llama)
    compare(model, model(tokens), expected, leaves, lambda model: model(tokens).sin().sum())


@pytest.mark.needs("torch")
def test_bert_is_a_plain_torch_program():
    import torch

    model = um.nets.BERT(11, 16, num_layers=2, num_heads=4, max_length=8, use_pooler=False, use_language_head=True)
    model = um.to_backend(moved(model.init(0, backend="numpy")), "torch")
    tokens = torch.as_tensor(np.random.default_rng(0).integers(0, 11, (3, 6)))
    segments = (tokens > 5).long()
    text = Text(model.state_dict())
    gelu = torch.nn.functional.gelu
    x = text.leaves["embed.embedding"][tokens] + text.leaves["segments.embedding"][segments]
    x = text.norm("norm", x + text.leaves["positions.embedding"][:6])
    for layer in range(2):
        name = f"blocks.layers.{layer}"
        x = text.norm(f"{name}.attention_norm", x + text.attention(f"{name}.attention", x, 4, 4, False, False))
        y = text.linear(f"{name}.feed_forward.down", gelu(text.linear(f"{name}.feed_forward.up", x)))
        x = text.norm(f"{name}.feed_forward_norm", x + y)
    y = text.norm("head.norm", gelu(text.linear("head.dense", x)))
    expected = y @ text.leaves["embed.embedding"].T + text.leaves["head.bias"]
    found = model(tokens, segments)
    torch.testing.assert_close(found.hidden.detach(), x.detach(), **CLOSE)
    compare(model, found.scores, expected, text.leaves, lambda model: model(tokens, segments).scores.sin().sum())


# U-Net ----------------------------------------------------------------------------------------------------------------


@pytest.mark.needs("torch")
@pytest.mark.parametrize("up", ["nearest", "transpose", "shuffle"])
def test_unet_is_a_plain_torch_program(up):
    import torch

    functional = torch.nn.functional
    model = um.nets.UNet(
        3, 2, channels=(4, 8), num_groups=2, up=up, time_features=6, is_residual=True, attention_levels=(1,)
    )
    model = um.to_backend(moved(model.init(0, backend="numpy")), "torch")
    leaves = model.state_dict()
    text = Text(leaves)
    leaves = text.leaves

    def conv(name, x):
        kernel = leaves[f"{name}.kernel"].permute(3, 2, 0, 1)
        return functional.conv2d(x, kernel, leaves[f"{name}.bias"], padding=kernel.shape[-1] // 2)

    def norm(name, x):
        return functional.group_norm(x, 2, leaves[f"{name}.scale"], leaves[f"{name}.bias"])

    def level(name, x, time):
        first = norm(f"{name}.convs.0.norms.0", conv(f"{name}.convs.0.convs.0", x))
        first = functional.silu(first + text.linear(f"{name}.convs.0.time", time)[:, :, None, None])
        second = norm(f"{name}.convs.0.norms.1", conv(f"{name}.convs.0.convs.1", first))
        return functional.silu(second + conv(f"{name}.convs.0.shortcut", x))

    def attended(name, x):
        y = norm(f"{name}.norm", x).flatten(2).transpose(1, 2)
        return x + text.attention(f"{name}.attention", y, 1, 1, False, False).transpose(1, 2).unflatten(2, x.shape[2:])

    def larger(x):
        if up == "transpose":
            kernel = leaves["grows.0.kernel"].permute(2, 3, 0, 1)
            return functional.conv_transpose2d(x, kernel, leaves["grows.0.bias"], stride=2)
        if up == "shuffle":
            return functional.pixel_shuffle(conv("grows.0.layers.0", x), 2)
        return conv("grows.0.layers.1", functional.interpolate(x, scale_factor=2, mode="nearest"))

    x, time = torch.as_tensor(normal(1, 2, 5, 6, 3)), torch.tensor([3, 800])
    angles = time[:, None] * 10000.0 ** (-torch.arange(3) / 3)
    waves = torch.cat([angles.sin(), angles.cos()], 1)
    vector = functional.silu(text.linear("time.down", functional.silu(text.linear("time.up", waves))))
    high = level("downs.0", x.permute(0, 3, 1, 2), vector)
    low = attended("downs.1.attentions.0", level("downs.1", functional.max_pool2d(high, 2, ceil_mode=True), vector))
    y = level("ups.0", torch.cat([high, larger(low)[:, :, :5, :6]], 1), vector)
    expected = conv("head", y).permute(0, 2, 3, 1)
    compare(model, model(x, time), expected, leaves, lambda model: model(x, time).sin().sum())
