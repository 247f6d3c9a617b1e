"""Networks: how many parameters they have and what those are called, features, generation, draws, sizes, refusals."""

from __future__ import annotations

import doctest
import inspect
import pathlib
import re

import numpy as np
import pytest

import unimod as um
from unimod import errors
from unimod.backends import _registry
from unimod.backends._capabilities import JIT
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)

unp, nets = um.numpy, um.nets
QUICK = pytest.mark.parametrize("any_backend", ["torch", "numpy"])
"""For what the front alone decides: JAX compiles each operator of an eager call."""


def jitted(backend, fn):
    """The function, jitted where the engine can: on JAX that takes less time than compiling each operator."""
    can = JIT in _registry.load(backend).facts.CAPABILITIES
    return um.jit(fn, compiler="graph") if can else fn


def on(x, dtype="float32"):
    return unp.asarray(np.asarray(x), dtype=dtype)


def numbers(seed, *shape):
    return on(np.random.default_rng(seed).normal(size=shape))


def host(x, backend, shape, dtype="float32"):
    """A result as a numpy array, after the checks that it is the engine's own and has the shape and dtype."""
    assert_native(x, backend)
    assert tuple(x.shape) == shape
    assert um.dtype_of(x) == dtype
    return np.asarray(unp.to_numpy(unp.astype(x, "float32" if "float" in dtype else dtype)))


def close(actual, expected):
    # Different orders of the same sums, a few layers deep, of numbers near 1.
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-5)


def names(model):
    return list(model.state_dict())


# Counts and names -----------------------------------------------------------------------------------------------------

COUNTS = {
    "ResNet18": (lambda: nets.ResNet18(3, 1000), 11_689_512),
    "ResNet34": (lambda: nets.ResNet34(3, 1000), 21_797_672),
    "ResNet50": (lambda: nets.ResNet50(3, 1000), 25_557_032),
    "ResNet101": (lambda: nets.ResNet101(3, 1000), 44_549_160),
    "ResNet152": (lambda: nets.ResNet152(3, 1000), 60_192_808),
    "ResNet200": (lambda: nets.ResNet200(3, 1000), 64_673_832),
    "Wide ResNet 50-2": (lambda: nets.ResNet50(3, width=2), 68_883_240),
    "ResNeXt 50 32x4d": (lambda: nets.ResNet50(3, width=2, groups=32), 25_028_904),
    "Wide ResNet 28-10": (
        lambda: nets.ResNet(3, 10, stage_sizes=(4, 4, 4), channels=(16, 32, 64), width=10, stem="cifar", version=2),
        36_479_194,
    ),
    "ResNet18 without a head": (lambda: nets.ResNet18(3, None), 11_689_512 - 513 * 1000),
    "GPT-2": (lambda: nets.GPT(), 124_439_808),
    "GPT-2 with a table for scores": (lambda: nets.GPT(is_tied=False), 124_439_808 + 50257 * 768),
    "BERT": (lambda: nets.BERT(), 109_482_240),
    "BERT for masked language": (lambda: nets.BERT(use_pooler=False, use_language_head=True), 109_514_298),
}


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_counted_without_making_them(name):
    make, expected = COUNTS[name]
    model = make()
    assert nets.count_parameters(model) == expected
    assert not model.initialized


DOCS = pathlib.Path(__file__).parents[2] / "docs" / "nets.md"


def test_the_table_of_the_docs_is_true():
    rows = re.findall(r"^\| .* \| `(um\.nets\..*)` \| ([\d,]+) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert {call: nets.count_parameters(eval(call, {"um": um})) for call, _ in rows} == {
        call: int(count.replace(",", "")) for call, count in rows
    }
    assert {re.match(r"um\.nets\.(\w+)", call)[1] for call, _ in rows} == {
        name for name in nets.__all__ if inspect.isclass(getattr(nets, name)) and not name.endswith("Output")
    }


@QUICK
def test_the_examples_of_the_docs_print_what_they_show(any_backend):
    done = doctest.testfile(str(DOCS), module_relative=False)
    assert done.attempted > 20
    assert done.failed == 0


@QUICK
def test_the_count_does_not_change_with_the_values(any_backend):
    model = nets.ResNet(3, 5, stage_sizes=(1,), channels=(2,))
    assert nets.count_parameters(model) == nets.count_parameters(model.init(0)) == nets.count_parameters(model.freeze())
    with pytest.raises(errors.NotInitializedError):
        nets.count_parameters(nets.ResNet18(None))


def test_names_of_leaves():
    first = nets.ResNet(1, 2, stage_sizes=(1, 1), channels=(2, 4))
    assert [name for name in names(first) if name.endswith("kernel")] == [
        "stem.kernel",
        "stages.0.0.convs.0.kernel",
        "stages.0.0.convs.1.kernel",
        "stages.1.0.convs.0.kernel",
        "stages.1.0.convs.1.kernel",
        "stages.1.0.shortcut.kernel",
        "head.kernel",
    ]
    assert {"stem_norm.mean", "stages.1.0.shortcut_norm.scale", "stages.0.0.norms.1.var"} <= set(names(first))
    second = nets.ResNet(1, None, stage_sizes=(1,), channels=(2,), version=2)
    kept = {re.sub(r"\.(scale|bias|mean|var|kernel)$", "", name) for name in names(second)}
    assert kept == {"stem", "norm", *(f"stages.0.0.{part}.{i}" for part in ("convs", "norms") for i in (0, 1))}
    tied, untied = (nets.GPT(5, 4, num_layers=1, num_heads=1, is_tied=is_tied) for is_tied in (True, False))
    assert set(names(untied)) - set(names(tied)) == {"head.embedding"}
    assert "blocks.layers.0.attention.query.kernel" in names(tied)


@QUICK
def test_all_leaves_are_filled_from_an_ambient_stream(any_backend):
    with um.rng(um.random.key(0)):
        models = [
            nets.GPT(5, 4, num_layers=1, num_heads=1, max_length=4, dropout_rate=0.1),
            nets.BERT(5, 4, num_layers=1, num_heads=1, max_length=4, use_language_head=True),
            nets.ResNet(1, 2, stage_sizes=(1,), channels=(2,)),
            nets.UNet(1, 1, channels=(2,), num_groups=1, time_features=2),
            nets.VAE(2, 1, hidden_features=(2,)),
        ]
    assert all(model.initialized for model in models)


# ResNet ---------------------------------------------------------------------------------------------------------------


def tiny(**options):
    return nets.ResNet(options.pop("in_channels", 3), 5, stage_sizes=(1, 1), channels=(2, 4), **options)


@QUICK
def test_features_of_images(any_backend):
    x = numbers(0, 2, 9, 8, 3)
    model = tiny(data_format="NCHW").init(0).eval()
    scores = host(model(unp.permute_dims(x, (0, 3, 1, 2))), any_backend, (2, 5))
    last = tiny().init(0).eval()
    close(host(last(x), any_backend, (2, 5)), scores)
    pooled = host(last.replace(head=None)(x), any_backend, (2, 4))
    close(pooled @ unp.to_numpy(last.head.kernel) + unp.to_numpy(last.head.bias), scores)
    images = host(last.replace(pool_and_classify=False)(x), any_backend, (2, 2, 1, 4))
    close(images.mean((1, 2)), pooled)
    first = model.replace(pool_and_classify=False)(unp.permute_dims(x, (0, 3, 1, 2)))
    close(host(first, any_backend, (2, 4, 2, 1)), images.transpose(0, 3, 1, 2))


@QUICK
def test_a_network_built_for_features_has_no_head(any_backend):
    x = numbers(0, 1, 8, 8, 3)
    for options, shape in (({"num_classes": None}, (1, 64)), ({"pool_and_classify": False}, (1, 4, 4, 64))):
        model = nets.ResNet(3, stage_sizes=(1, 1), channels=(8, 16), block="bottleneck", stem="cifar", **options)
        model = model.init(0).eval()
        assert model.head is None
        host(model(x), any_backend, shape)


@QUICK
def test_channels_are_inferred(any_backend):
    for data_format, shape in ((None, (2, 8, 8, 3)), ("NCHW", (2, 3, 8, 8))):
        model = tiny(in_channels=None, data_format=data_format).init(0, unp.ones(shape))
        assert tuple(model.stem.kernel.shape) == (7, 7, 3, 2)
        assert tuple(model.eval()(unp.ones(shape)).shape) == (2, 5)
        with pytest.raises(errors.ShapeError, match="ResNet got 4 features"):
            model(unp.ones((1, 8, 8, 4) if data_format is None else (1, 4, 8, 8)))


@QUICK
@pytest.mark.parametrize("version", [1, 2])
def test_zeros_in_the_last_layer_make_a_block_its_shortcut(any_backend, version):
    model = nets.ResNet(2, stage_sizes=(1,), channels=(2,), stem="cifar", version=version, zero_init_residual=True)
    block = model.init(0).stages[0][0]
    x = unp.abs(numbers(1, 2, 4, 4, 2))
    assert host(block(x), any_backend, (2, 4, 4, 2)).tolist() == unp.to_numpy(x).tolist()


@QUICK
def test_running_statistics_change_in_training_only(any_backend):
    model = nets.ResNet(1, 2, stage_sizes=(1,), channels=(2,), stem="cifar").init(0)
    x = numbers(0, 2, 3, 3, 1)
    before = {n: unp.to_numpy(v) for n, v in model.state_dict().items()}
    for mode in ("eval", "freeze"):
        quiet = getattr(model, mode)()
        quiet(x)
        assert all(np.array_equal(unp.to_numpy(v), before[n]) for n, v in quiet.state_dict().items())
    model(x)
    changed = {n for n, v in model.state_dict().items() if not np.array_equal(unp.to_numpy(v), before[n])}
    assert changed == {n for n in before if n.endswith(("mean", "var"))}


# GPT ------------------------------------------------------------------------------------------------------------------


def gpt(seed=0, **options):
    """A model whose scores are far apart."""
    options = {"num_layers": 2, "num_heads": 2, "max_length": 8, **options}
    model = nets.GPT(9, 4, **options).init(seed, backend="numpy")
    model = model.map(lambda x: 30 * x if len(x.shape) > 1 else x, um.Parameter)
    return um.to_backend(model, um.backend_info().name)


TEXT = [[1, 2], [4, 3]]


@QUICK
@pytest.mark.parametrize("positions", ["learned", "rotary", "sinusoidal", "alibi"])
def test_generation_takes_the_likeliest_tokens(any_backend, positions):
    model, text = gpt(positions=positions, num_kv_heads=1, num_layers=1), on(TEXT, "int32")
    found = host(model.generate(text, 3, temperature=0.0), any_backend, (2, 5), "int32")
    assert found[:, :2].tolist() == TEXT
    # One call with the whole text, without a cache, must find the same token at each place.
    scores = unp.to_numpy(model(on(found[:, :-1], "int32")))
    assert scores[:, 1:].argmax(-1).tolist() == found[:, 2:].tolist()


@QUICK
@pytest.mark.parametrize("positions", ["learned", "rotary", "sinusoidal", "alibi"])
def test_generation_without_a_cache_is_the_same(any_backend, positions):
    model, text = gpt(positions=positions, dropout_rate=0.5), on(TEXT, "uint8")
    options = {"temperature": 2.0, "top_k": 4, "key": um.random.key(1)}
    before = {n: unp.to_numpy(v) for n, v in model.state_dict().items()}
    found, slow = (model.generate(text, 5, use_cache=use_cache, **options) for use_cache in (True, False))
    assert host(found, any_backend, (2, 7), "uint8").tolist() == unp.to_numpy(slow).tolist()
    assert model.training
    assert {n: v.tolist() for n, v in before.items()} == {n: v.tolist() for n, v in model.state_dict().items()}
    other = model.generate(text, 5, temperature=2.0, top_k=4, key=um.random.key(2))
    assert unp.to_numpy(other).tolist() != unp.to_numpy(found).tolist()


@QUICK
def test_draws_are_among_the_likeliest(any_backend):
    model, text = gpt(), on(TEXT * 8, "int32")
    greedy = unp.to_numpy(model.generate(text, 4, temperature=0.0))
    key = um.random.key(3)
    assert unp.to_numpy(model.generate(text, 4, top_k=1, key=key)).tolist() == greedy.tolist()
    assert unp.to_numpy(model.generate(text, 4, temperature=1e-4, key=key)).tolist() == greedy.tolist()
    drawn = unp.to_numpy(model.generate(text, 1, temperature=50.0, top_k=3, key=key))[:, 2]
    allowed = np.argsort(-unp.to_numpy(model(text))[:, -1])[:, :3]
    assert all(token in row for token, row in zip(drawn, allowed, strict=True))
    assert len(set(drawn[::2].tolist())) > 1
    assert unp.to_numpy(model.generate(text[0], 2, temperature=0.0)).tolist() == greedy[0, :4].tolist()
    assert unp.to_numpy(model.generate(text, 0, key=key)).tolist() == TEXT * 8


@pytest.mark.parametrize("positions", ["learned", "rotary"])
def test_every_engine_writes_the_same(tested_engines, positions):
    found = []
    for backend in tested_engines:
        with um.use_backend(backend):
            model = um.to_backend(gpt(positions=positions, num_layers=1, num_kv_heads=1), backend)
            text = jitted(backend, lambda model, text, key: model.generate(text, 3, top_k=5, key=key))(
                model, on(TEXT, "int32"), um.random.key(5)
            )
            found.append(host(text, backend, (2, 5), "int32").tolist())
    assert all(text == found[0] for text in found)


@QUICK
def test_one_table_gets_both_derivatives(any_backend):
    if any_backend == "numpy":
        return
    text = on(TEXT, "int32")
    tied = gpt(num_layers=1)
    untied = gpt(num_layers=1, is_tied=False)
    values = tied.state_dict()
    untied = untied.load_state_dict({**values, "head.embedding": values["embed.embedding"]})
    loss = lambda model: unp.sum(unp.tanh(model(text)))  # noqa: E731
    whole, parts = um.grad(loss)(tied), um.grad(loss)(untied)
    close(unp.to_numpy(whole.embed.embedding), unp.to_numpy(unp.add(parts.embed.embedding, parts.head.embedding)))


# BERT -----------------------------------------------------------------------------------------------------------------


@QUICK
def test_what_is_behind_the_end_of_a_text_is_not_seen(any_backend):
    model = nets.BERT(9, 4, num_layers=2, num_heads=2, max_length=6, use_language_head=True).init(0)
    lengths = on([3, 1], "int32")
    one, other = on([[1, 2, 3, 0], [4, 0, 0, 0]], "int32"), on([[1, 2, 3, 5], [4, 6, 7, 8]], "int32")
    found, expected = (model(text, key_lengths=lengths) for text in (one, other))
    close(host(found.pooled, any_backend, (2, 4)), unp.to_numpy(expected.pooled))
    close(host(found.hidden, any_backend, (2, 4, 4))[0, :3], unp.to_numpy(expected.hidden)[0, :3])
    close(host(found.scores, any_backend, (2, 4, 9))[0, :3], unp.to_numpy(expected.scores)[0, :3])
    alone = model(on([[4]], "int32"))
    close(unp.to_numpy(alone.pooled)[0], unp.to_numpy(found.pooled)[1])


@QUICK
def test_parts_of_bert(any_backend):
    plain = nets.BERT(
        9,
        4,
        num_layers=1,
        num_heads=2,
        max_length=6,
        num_segments=0,
        use_pooler=False,
        norm_first=True,
        dropout_rate=0.1,
    ).init(0)
    text = on(TEXT, "int32")
    out = plain(text, on([[0, 1], [1, 1]], "int32"))
    assert out.pooled is None
    assert out.scores is None
    host(out.hidden, any_backend, (2, 2, 4))
    with_segments = nets.BERT(9, 4, num_layers=1, num_heads=2, max_length=6).init(0)
    same, zeros = with_segments(text), with_segments(text, unp.zeros_like(text))
    assert unp.to_numpy(same.hidden).tolist() == unp.to_numpy(zeros.hidden).tolist()
    ones = with_segments(text, unp.ones_like(text))
    assert np.abs(unp.to_numpy(ones.hidden) - unp.to_numpy(zeros.hidden)).max() > 1e-3


# U-Net ----------------------------------------------------------------------------------------------------------------


@QUICK
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (8, 6)])
@pytest.mark.parametrize("up", ["nearest", "linear", "transpose", "shuffle"])
def test_any_size_comes_back(any_backend, up, size):
    for down in ("max", "avg", "conv"):
        model = nets.UNet(2, 3, channels=(2, 4, 4), num_groups=1, down=down, up=up, num_blocks=2).init(0)
        host(model(numbers(0, 2, *size, 2)), any_backend, (2, *size, 3))


@QUICK
def test_channels_of_a_unet_may_come_first(any_backend):
    x = numbers(0, 2, 5, 4, 3)
    first = nets.UNet(None, 2, channels=(2, 4), norm="batch", data_format="NCHW", attention_levels=(0,), num_heads=2)
    first = first.init(0, unp.permute_dims(x, (0, 3, 1, 2)))
    last = nets.UNet(3, 2, channels=(2, 4), norm="batch", attention_levels=(0,), num_heads=2).init(0)
    expected = host(last(x), any_backend, (2, 5, 4, 2))
    found = host(first(unp.permute_dims(x, (0, 3, 1, 2))), any_backend, (2, 2, 5, 4))
    close(found, expected.transpose(0, 3, 1, 2))


@QUICK
def test_the_time_of_each_image_counts_for_itself(any_backend):
    model = nets.UNet(1, 1, channels=(2,), num_groups=1, time_features=4).init(0)
    x = unp.broadcast_to(numbers(0, 1, 3, 3, 1), (3, 3, 3, 1))
    out = host(model(x, on([1, 900, 1], "int32")), any_backend, (3, 3, 3, 1))
    close(out[0], out[2])
    assert np.abs(out[0] - out[1]).max() > 1e-3
    real = host(model(x, on([1.0, 900.0, 1.5])), any_backend, (3, 3, 3, 1))
    close(real[:2], out[:2])


# VAE ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_every_engine_draws_the_same_codes(tested_engines, kind):
    def draws(model, x, given, fresh):
        quiet = model.eval()
        found = (*model(x), model(x).reconstruction, quiet(x, key=given).reconstruction, quiet.sample(4, fresh))
        return found, model

    x = np.random.default_rng(0).normal(size=(2, 3, 5, 1)).astype(np.float32)
    shapes = ((2, 3, 5, 1), (2, 2), (2, 2), (2, 3, 5, 1), (2, 3, 5, 1), (4, 3, 5, 1))
    results = []
    for backend in tested_engines:
        with um.use_backend(backend):
            model = nets.VAE((3, 5, 1), 2, kind=kind, hidden_features=(3, 4)).init(0, backend="numpy")
            found, _ = jitted(backend, draws)(um.to_backend(model, backend), on(x), um.random.key(1), um.random.key(2))
            results.append([host(one, backend, shape) for one, shape in zip(found, shapes, strict=True)])
    for result in results:
        assert np.abs(result[0] - result[3]).max() > 1e-3
        for one, other in zip(result, results[0], strict=True):
            close(one, other)


@QUICK
def test_a_quiet_vae_takes_the_mean(any_backend):
    x = numbers(0, 3, 4)
    model = nets.VAE(4, 2, hidden_features=()).init(0)
    mean, logvar = model.encode(x)
    key = um.random.key_data(model.key).tolist()
    for quiet in (model.eval(), model.freeze()):
        out = quiet(x)
        close(host(out.reconstruction, any_backend, (3, 4)), unp.to_numpy(model.decode(mean)))
    noise = um.random.normal(um.random.key(7), (3, 2))
    code = unp.add(mean, unp.multiply(unp.exp(logvar / 2), noise))
    close(unp.to_numpy(model(x, key=um.random.key(7)).reconstruction), unp.to_numpy(model.decode(code)))
    assert um.random.key_data(model.key).tolist() == key
    model(x)
    assert um.random.key_data(model.key).tolist() != key


# Dtypes and refusals --------------------------------------------------------------------------------------------------


@QUICK
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_results_have_the_dtype_of_the_leaves(any_backend, dtype):
    image, text = unp.ones((2, 4, 4, 1), dtype=dtype), on(TEXT, "int32")
    calls = {
        nets.ResNet(1, 2, stage_sizes=(1,), channels=(2,), dtype=dtype): (image,),
        nets.GPT(9, 4, num_layers=1, num_heads=1, max_length=2, dtype=dtype): (text,),
        nets.BERT(9, 4, num_layers=1, num_heads=1, max_length=2, use_language_head=True, dtype=dtype): (text,),
        nets.UNet(1, 2, channels=(2,), num_groups=1, time_features=2, dtype=dtype): (image, on([1, 2], "int32")),
        nets.VAE((4, 4, 1), 2, kind="conv", hidden_features=(2,), dtype=dtype): (image,),
    }
    for model, args in calls.items():
        out = model.init(0)(*args)
        assert {str(um.dtype_of(leaf)) for leaf in um.tree.leaves(out)} == {dtype}
        assert all(np.isfinite(unp.to_numpy(unp.astype(leaf, "float32"))).all() for leaf in um.tree.leaves(out))
    sample = nets.VAE(4, 2, dtype=dtype, hidden_features=()).init(0).sample(2, um.random.key(0))
    assert um.dtype_of(sample) == dtype


OPTIONS = {
    "block": lambda: nets.ResNet(3, block="wide"),
    "stem": lambda: nets.ResNet18(3, stem="mnist"),
    "version": lambda: nets.ResNet18(3, version=3),
    "stages": lambda: nets.ResNet(3, stage_sizes=(1, 1)),
    "no stages": lambda: nets.ResNet(3, stage_sizes=(), channels=()),
    "groups": lambda: nets.ResNet18(3, groups=2),
    "data_format": lambda: nets.ResNet18(3, data_format="NCW"),
    "positions": lambda: nets.GPT(positions="absolute"),
    "num_layers": lambda: nets.GPT(num_layers=0),
    "layers of BERT": lambda: nets.BERT(num_layers=0),
    "norm": lambda: nets.UNet(1, 1, norm="layer"),
    "down": lambda: nets.UNet(1, 1, down="min"),
    "up": lambda: nets.UNet(1, 1, up="cubic"),
    "attention_levels": lambda: nets.UNet(1, 1, channels=(8, 8), attention_levels=(2,)),
    "time_features": lambda: nets.UNet(1, 1, time_features=3),
    "channels": lambda: nets.UNet(1, 1, channels=(8, 0)),
    "kind": lambda: nets.VAE(4, 2, kind="linear"),
    "images": lambda: nets.VAE((4, 4), 2, kind="conv"),
    "latent": lambda: nets.VAE(4, 0),
    "no convolutions": lambda: nets.VAE((4, 4, 1), 2, kind="conv", hidden_features=()),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_wrong_options_are_refused(name):
    with pytest.raises(errors.OptionError) as caught:
        OPTIONS[name]()
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.fix


CALLS = {
    "heads": (errors.ShapeError, lambda: nets.GPT(9, 4, num_heads=3)),
    "long": (errors.ShapeError, lambda: gpt()(on([[0] * 9], "int32"))),
    "many steps": (errors.ShapeError, lambda: gpt().generate(on(TEXT, "int32"), 7, temperature=0.0)),
    "no tokens": (errors.ShapeError, lambda: gpt().generate(unp.zeros((2, 0), dtype="int32"), 1, temperature=0.0)),
    "tokens": (errors.DTypeError, lambda: gpt().generate(on(TEXT), 1, temperature=0.0)),
    "no key": (errors.OptionError, lambda: gpt().generate(on(TEXT, "int32"), 1)),
    "top_k": (errors.OptionError, lambda: gpt().generate(on(TEXT, "int32"), 1, top_k=10, key=um.random.key(0))),
    "temperature": (errors.OptionError, lambda: gpt().generate(on(TEXT, "int32"), 1, temperature=-1.0)),
    "image": (errors.ShapeError, lambda: tiny().init(0)(unp.ones((8, 3)))),
    "dtype": (errors.DTypeError, lambda: tiny().init(0)(unp.ones((2, 8, 8, 3), dtype="float16"))),
    "groups of a norm": (errors.ShapeError, lambda: nets.UNet(1, 1, channels=(6, 8))),
    "time": (
        errors.OptionError,
        lambda: nets.UNet(1, 1, channels=(8,), time_features=2).init(0)(unp.ones((1, 2, 2, 1))),
    ),
    "times": (
        errors.ShapeError,
        lambda: nets.UNet(1, 1, channels=(8,), time_features=2).init(0)(unp.ones((1, 2, 2, 1)), unp.ones((2,))),
    ),
    "needless time": (errors.OptionError, lambda: nets.UNet(1, 1, channels=(8,)).init(0)(unp.ones((1, 2, 2, 1)), 1)),
    "example": (errors.ShapeError, lambda: nets.VAE((3, 4), 2).init(0)(unp.ones((2, 4, 3)))),
    "code": (errors.ShapeError, lambda: nets.VAE(4, 2, hidden_features=()).init(0).decode(unp.ones((2, 3)))),
}


@QUICK
@pytest.mark.parametrize("name", CALLS)
def test_wrong_input_is_refused(any_backend, name):
    kind, call = CALLS[name]
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.fix
