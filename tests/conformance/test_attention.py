"""Attention: what may not be seen, caches, derivatives of derivatives, and what is refused."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod import errors
from unimod.backends import _registry
from unimod.nn import functional as F

pytestmark = pytest.mark.thin(3)

unp = um.numpy
attention = F.scaled_dot_product_attention
jit = functools.partial(um.jit, compiler="graph")
EPS = float(np.finfo(np.float32).eps)


def normal(seed, *shape, dtype="float32"):
    return unp.asarray(np.random.default_rng(seed).normal(size=shape), dtype=dtype)


def host(backend, x, shape, dtype="float32"):
    """A result as a numpy array, after the checks that it is the engine's own and has the shape and dtype."""
    engine = _registry.of_type(type(x))
    assert engine is not None
    assert engine.name == backend
    assert tuple(x.shape) == shape
    assert um.dtype_of(x) == dtype
    return np.asarray(unp.to_numpy(unp.astype(x, "float32")), np.float64)


def close(actual, expected, bound=64):
    assert actual.shape == expected.shape
    # Two sums of products and a softmax between them, of normal numbers.
    assert np.max(np.abs(actual - expected), initial=0.0) <= bound * EPS


def heads(seed=0, queries=3, keys=5):
    return normal(seed, 2, queries, 2, 4), normal(seed + 1, 2, keys, 2, 4), normal(seed + 2, 2, keys, 2, 4)


def written_out(q, k, v, allowed):
    """The formula, a query at a time, in float64."""
    q, k, v = (np.asarray(unp.to_numpy(x), np.float64) for x in (q, k, v))
    out = np.zeros((*q.shape[:-1], v.shape[-1]))
    for b, t, h in np.ndindex(q.shape[:-1]):
        seen = [s for s in range(k.shape[1]) if allowed(b, t, s)]
        scores = np.exp([q[b, t, h] @ k[b, s, h] / np.sqrt(q.shape[-1]) for s in seen])
        out[b, t, h] = sum((w / scores.sum() * v[b, s, h] for w, s in zip(scores, seen, strict=True)), 0.0)
    return out


SEEN = {
    "everything": ({}, lambda b, t, s: True),
    "causal": ({"is_causal": True}, lambda b, t, s: s <= t),
    "window": ({"window": 1}, lambda b, t, s: abs(s - t) <= 1),
    "uneven window": ({"window": (0, 2)}, lambda b, t, s: t <= s <= t + 2),
    "causal window": ({"window": (1, 2), "is_causal": True}, lambda b, t, s: t - 1 <= s <= t),
    "lengths": ({"key_lengths": [2, 0]}, lambda b, t, s: s < (2, 0)[b]),
    "mask": ({"mask": [[True, False, True, False, True]]}, lambda b, t, s: s % 2 == 0),
    "bias": ({"bias": [0.0, -np.inf, 0.0, -np.inf, -np.inf]}, lambda b, t, s: s in (0, 2)),
}


@pytest.mark.parametrize("queries", [3, 7])
@pytest.mark.parametrize("name", SEEN)
def test_what_a_query_sees(any_backend, name, queries):
    options, allowed = SEEN[name]
    options = {n: unp.asarray(x) if isinstance(x, list) else x for n, x in options.items()}
    q, k, v = heads(queries=queries)
    expected = written_out(q, k, v, allowed)
    close(host(any_backend, attention(q, k, v, **options), (2, queries, 2, 4)), expected)
    out, weights = attention(q, k, v, return_weights=True, **options)
    close(host(any_backend, out, (2, queries, 2, 4)), expected)
    weights = host(any_backend, weights, (2, 2, queries, 5))
    is_seen = np.array([[[allowed(b, t, s) for s in range(5)] for t in range(queries)] for b in range(2)])
    assert np.all((weights > 0) == is_seen[:, None])
    close(weights.sum(-1), np.broadcast_to(is_seen.any(-1)[:, None], (2, 2, queries)).astype(float))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_query_that_sees_nothing_gives_zero_and_no_derivatives(backend, dtype):
    q, k, v = (unp.astype(x, dtype) for x in heads())
    mask = np.ones((3, 5), bool)
    mask[1] = False
    bias = unp.asarray(np.where(mask, 0.0, -np.inf), dtype="float32")
    mask = unp.asarray(mask)
    for options in ({"mask": mask}, {"bias": bias}, {"mask": mask, "bias": bias}):
        call = functools.partial(attention, q, k, v, **options)
        assert np.all(host(backend, call(), (2, 3, 2, 4), dtype)[:, 1] == 0)
        loss = lambda q, k, v, o=options: unp.sum(unp.astype(attention(q, k, v, **o), "float32") ** 2)  # noqa: E731
        by_q, by_k, by_v = um.grad(loss, argnums=(0, 1, 2))(q, k, v)
        assert np.all(host(backend, by_q, (2, 3, 2, 4), dtype)[:, 1] == 0)
        assert all(np.isfinite(host(backend, g, (2, 5, 2, 4), dtype)).all() for g in (by_k, by_v))
    none = {"mask": unp.zeros((3, 5), dtype="bool")}
    loss = lambda v: unp.sum(unp.astype(attention(q, k, v, **none), "float32") + 1)  # noqa: E731
    assert np.all(host(backend, um.grad(loss)(v), (2, 5, 2, 4), dtype) == 0)


def test_grouped_heads_are_repeated_heads(any_backend):
    q, k, v = normal(0, 2, 3, 6, 4), normal(1, 2, 5, 2, 4), normal(2, 2, 5, 2, 3)
    expected = attention(q, unp.repeat(k, 3, axis=2), unp.repeat(v, 3, axis=2))
    found = attention(q, k, v)
    close(host(any_backend, found, (2, 3, 6, 3)), host(any_backend, expected, (2, 3, 6, 3)))


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_any_number_of_leading_axes(any_backend, lead):
    q, k, v = normal(0, *lead, 3, 2, 4), normal(1, *lead, 5, 2, 4), normal(2, *lead, 5, 2, 4)
    mask = unp.greater(normal(3, *lead[-1:], 1, 3, 5), -0.5)
    found = host(any_backend, attention(q, k, v, mask=mask), (*lead, 3, 2, 4))
    out, _ = attention(q, k, v, mask=mask, return_weights=True)
    close(found, host(any_backend, out, (*lead, 3, 2, 4)))


def test_half_precision_is_computed_in_float32(any_backend):
    q, k, v = (unp.astype(x * 4, "float16") for x in heads(keys=64))
    wide = [unp.astype(x, "float32") for x in (q, k, v)]
    found = host(any_backend, attention(q, k, v), (2, 3, 2, 4), "float16")
    expected = host(any_backend, attention(*wide), (2, 3, 2, 4))
    # The weights are rounded to float16 before the last product, and so is the result.
    assert np.max(np.abs(found - expected)) <= 2 * 2**-10 * np.max(np.abs(expected))


def test_dropout_needs_a_key_and_drops_the_same_on_every_engine(tested_engines):
    found = []
    for name in tested_engines:
        with um.use_backend(name):
            _, weights = attention(*heads(), dropout_rate=0.5, dropout_key=um.random.key(2), return_weights=True)
        found.append(host(name, weights, (2, 2, 3, 5)) == 0)
        assert 10 < found[-1].sum() < 50
        assert np.array_equal(found[-1], found[0])


# Derivatives of derivatives, and transforms ---------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"window": 1}], ids=str)
def test_second_derivatives(backend, options):
    q, k, v = heads()
    move = normal(9, 2, 3, 2, 4)

    def slope(q):
        return unp.sum(um.grad(lambda q: unp.sum(unp.sin(attention(q, k, v, **options))))(q) * move)

    found = host(backend, um.grad(slope)(q), (2, 3, 2, 4))
    step = 1e-3
    shifted = [um.grad(lambda q: unp.sum(unp.sin(attention(q, k, v, **options))))(q + s * move) for s in (step, -step)]
    expected = (host(backend, shifted[0], (2, 3, 2, 4)) - host(backend, shifted[1], (2, 3, 2, 4))) / (2 * step)
    # A difference of float32 numbers, over the step.
    np.testing.assert_allclose(found, expected, atol=4 * EPS / step, rtol=1e-3)


def test_one_array_in_three_places(backend):
    x = normal(0, 2, 3, 2, 4)
    found = um.grad(lambda x: unp.sum(unp.sin(attention(x, x, x))))(x)
    parts = um.grad(lambda q, k, v: unp.sum(unp.sin(attention(q, k, v))), argnums=(0, 1, 2))(x, x, x)
    expected = sum(host(backend, part, (2, 3, 2, 4)) for part in parts)
    close(host(backend, found, (2, 3, 2, 4)), expected)
    twice = um.grad(lambda x: unp.sum(um.grad(lambda x: unp.sum(unp.sin(attention(x, x, x))))(x) ** 2))(x)
    direction, step = normal(3, 2, 3, 2, 4), 1e-3
    norm = lambda x: float(unp.sum(um.grad(lambda x: unp.sum(unp.sin(attention(x, x, x))))(x) ** 2))  # noqa: E731
    quotient = (norm(x + step * direction) - norm(x - step * direction)) / (2 * step)
    np.testing.assert_allclose(float(unp.sum(twice * direction)), quotient, rtol=5e-3, atol=2e-2)


def test_mapped_derivatives_are_those_of_the_batch(backend):
    q, k, v = heads()
    loss = lambda q, k, v: unp.sum(unp.sin(attention(q, k, v, is_causal=True)))  # noqa: E731
    mapped = um.vmap(um.grad(loss, argnums=(0, 1, 2)))(q, k, v)
    for one, other in zip(mapped, um.grad(loss, argnums=(0, 1, 2))(q, k, v), strict=True):
        close(host(backend, one, tuple(other.shape)), host(backend, other, tuple(other.shape)))


@pytest.mark.needs("torch")
def test_forward_derivatives_and_native_ones_on_torch():
    import torch

    with um.use_backend("torch"):
        q, k, v = heads()
    move = torch.ones_like(q)
    _, found = torch.func.jvp(lambda q: attention(q, k, v), (q,), (move,))
    expected = (attention(q + 1e-3 * move, k, v) - attention(q - 1e-3 * move, k, v)) / 2e-3
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    q.requires_grad_()
    out = attention(q, k, v)
    first = torch.autograd.grad(out.sum(), q, retain_graph=True)
    again = torch.autograd.grad(out.sum(), q)
    assert torch.equal(first[0], again[0])
    (slope,) = torch.autograd.grad(attention(q, k, v).square().sum(), q, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), q)
    assert second.isfinite().all()


# The layer ------------------------------------------------------------------------------------------------------------


def test_the_leaves_of_the_layer(any_backend):
    model = um.nn.MultiHeadAttention(4, 8, num_kv_heads=2, key_features=5, out_features=3, use_bias=False).init(0)
    shapes = {name: tuple(x.shape) for name, x in model.parameters().state_dict().items()}
    assert shapes == {"query.kernel": (8, 8), "key.kernel": (5, 4), "value.kernel": (5, 4), "out.kernel": (8, 3)}
    inferred = um.nn.MultiHeadAttention(4, num_kv_heads=2, use_bias=False, out_features=3)
    inferred = inferred.init(0, unp.ones((1, 2, 8)), unp.ones((1, 3, 5)))
    assert {name: tuple(x.shape) for name, x in inferred.parameters().state_dict().items()} == shapes
    assert all(
        np.array_equal(unp.to_numpy(a), unp.to_numpy(b))
        for a, b in zip(um.tree.leaves(model), um.tree.leaves(inferred), strict=True)
    )
    with pytest.raises(errors.NotInitializedError):
        um.nn.MultiHeadAttention(2)(unp.ones((1, 2, 8)))


def test_dropout_of_the_layer(any_backend):
    model, x = um.nn.MultiHeadAttention(2, 4, dropout_rate=0.5).init(0), normal(0, 2, 3, 4)
    assert not np.array_equal(unp.to_numpy(model(x)), unp.to_numpy(model(x)))
    key = unp.to_numpy(unp.asarray(model.dropout.key)) if um.is_array(model.dropout.key) else None
    for quiet in (model.eval(), model.freeze()):
        assert np.array_equal(unp.to_numpy(quiet(x)), unp.to_numpy(quiet(x)))
    assert key is None or np.array_equal(key, unp.to_numpy(model.dropout.key))


def test_weights_of_the_layer(any_backend):
    model, x = um.nn.MultiHeadAttention(2, 4, is_causal=True).init(0), normal(0, 2, 3, 4)
    out, weights = model(x, return_weights=True)
    close(host(any_backend, out, (2, 3, 4)), host(any_backend, model(x), (2, 3, 4)))
    weights = host(any_backend, weights, (2, 2, 3, 3))
    assert np.all(np.triu(weights, 1) == 0)
    close(weights.sum(-1), np.ones((2, 2, 3)))


# The cache ------------------------------------------------------------------------------------------------------------

DECODERS = {
    "plain": {},
    "grouped": {"num_kv_heads": 1, "num_heads": 2},
    "rotary": {"rotary": True},
    "alibi": {"alibi": True},
    "window": {"window": 2},
}


def causal(name):
    options = {"num_heads": 2, **DECODERS[name]}
    return um.nn.MultiHeadAttention(options.pop("num_heads"), 8, is_causal=True, **options).init(0).eval()


@pytest.mark.parametrize("name", DECODERS)
def test_chunks_give_what_one_call_gives(any_backend, name):
    model, x = causal(name), normal(0, 2, 6, 8)
    expected = host(any_backend, model(x), (2, 6, 8))
    decoder, parts, start = model.init_cache(2, 9), [], 0
    for length in (2, 1, 3):
        parts.append(decoder(x[:, start : start + length], decode=True))
        start += length
        assert int(decoder.cache_index) == start
    close(host(any_backend, unp.concat(parts, axis=1), (2, 6, 8)), expected)


def test_steps_at_a_traced_place_are_traced_once(backend):
    model, x = causal("rotary"), normal(0, 2, 6, 8)
    step = jit(lambda model, x: (model(x, decode=True), model))
    decoder, parts = model.init_cache(2, 6), []
    for t in range(6):
        out, decoder = step(decoder, x[:, t : t + 1])
        parts.append(out)
    assert step.trace_count == 1
    close(host(backend, unp.concat(parts, axis=1), (2, 6, 8)), host(backend, model(x), (2, 6, 8)))


def test_the_cache_is_of_its_kind_and_can_be_emptied(any_backend):
    model, x = causal("grouped"), normal(0, 2, 3, 8)
    assert model.cached_key is None
    decoder = model.init_cache(2, 5)
    caches = {name: tuple(leaf.shape) for name, leaf in decoder.filter(um.Cache).state_dict().items()}
    assert caches == {"cached_key": (2, 5, 1, 4), "cached_value": (2, 5, 1, 4), "cache_index": ()}
    assert list(decoder.parameters().state_dict()) == list(model.parameters().state_dict())
    expected = unp.to_numpy(decoder(x, decode=True))
    assert np.any(unp.to_numpy(decoder.cached_key))
    empty = decoder.reset_cache()
    assert (int(decoder.cache_index), int(empty.cache_index)) == (3, 0)
    assert not np.any(unp.to_numpy(empty.cached_key))
    assert np.array_equal(unp.to_numpy(empty(x, decode=True)), expected)


def test_caches_of_a_whole_model(any_backend):
    layer = um.nn.TransformerDecoderLayer(2, 8, 12, norm_first=True)
    model = um.nn.TransformerDecoder([layer], norm=um.nn.LayerNorm(8)).init(0).eval()
    x, memory = normal(0, 2, 3, 8), normal(1, 2, 3, 8)
    decoder = model.init_cache(2, 3)
    assert sum("cache" in name for name in decoder.state_dict()) == 3
    parts = [decoder(x[:, t : t + 1], memory, decode=True) for t in range(3)]
    found = host(any_backend, unp.concat(parts, axis=1), (2, 3, 8))
    close(found, host(any_backend, model(x, memory), (2, 3, 8)), bound=256)


def test_positions_of_steps(any_backend):
    x = normal(0, 2, 6, 4)
    for layer in (um.nn.SinusoidalPositions(), um.nn.LearnedPositions(6, 4).init(0)):
        whole = host(any_backend, layer(x), (2, 6, 4))
        for offset in (2, unp.asarray(2)):
            close(host(any_backend, layer(x[:, 2:], offset=offset), (2, 4, 4)), whole[:, 2:], bound=4)


def test_rotations_depend_on_distances_only(any_backend):
    q, k = normal(0, 1, 1, 1, 8), normal(1, 1, 1, 1, 8)
    for interleaved in (False, True):
        turn = functools.partial(F.rotary, interleaved=interleaved)
        products = [float(unp.sum(turn(q, offset=p + 3) * turn(k, offset=p))) for p in (0, 5, 40)]
        # Angles of up to 43 are rounded to float32.
        np.testing.assert_allclose(products, products[0], atol=2e-5)
        assert abs(products[0] - float(unp.sum(q * k))) > 1e-3


def test_transformers_train(backend):
    model = um.nn.TransformerEncoderLayer(2, 8, 16, dropout_rate=0.1, norm_first=True).init(0)
    x, y = normal(0, 4, 5, 8), normal(1, 4, 5, 8)
    lengths = unp.asarray([5, 3, 0, 1])

    def loss(model):
        return unp.mean((model(x, key_lengths=lengths) - y) ** 2), model

    opt, values = um.optim.adam(1e-2).init(model.parameters()), []
    step = jit(lambda model, opt: train(model, opt, loss))
    for _ in range(15):
        model, opt, value = step(model, opt)
        values.append(float(value))
    assert step.trace_count == 1
    assert np.isfinite(values).all()
    assert values[-1] < 0.7 * values[0]


def train(model, opt, loss):
    (value, model), grads = um.value_and_grad(loss, has_aux=True)(model)
    return *um.apply_gradients(model, opt, grads), value


# What is refused ------------------------------------------------------------------------------------------------------


def full(model, *shape):
    decoder = model.init_cache(2, 3)
    decoder(unp.ones((2, 2, 8)), decode=True)
    return decoder(unp.ones(shape), decode=True)


REFUSED = {
    "a mask of another shape": (
        errors.ShapeError,
        lambda: attention(*heads(), mask=unp.ones((2, 5), dtype="bool")),
        "`mask` that does not broadcast",
    ),
    "a mask of too many axes": (
        errors.ShapeError,
        lambda: attention(*heads(), mask=unp.ones((1, 1, 1, 1, 1), dtype="bool")),
        "`mask` that does not broadcast",
    ),
    "a bias of another shape": (errors.ShapeError, lambda: attention(*heads(), bias=unp.ones((4,))), "`bias` that"),
    "a mask of numbers": (errors.DTypeError, lambda: attention(*heads(), mask=unp.ones((5,))), "takes bools"),
    "a bias of bools": (
        errors.DTypeError,
        lambda: attention(*heads(), bias=unp.ones((5,), dtype="bool")),
        "adds `bias` to the scores",
    ),
    "lengths of another batch": (
        errors.ShapeError,
        lambda: attention(*heads(), key_lengths=unp.asarray([1, 2, 3])),
        "`key_lengths` of another shape",
    ),
    "lengths that are floats": (
        errors.DTypeError,
        lambda: attention(*heads(), key_lengths=unp.ones((2,))),
        "takes integers",
    ),
    "heads": (
        errors.ShapeError,
        lambda: attention(unp.ones((2, 3, 3, 4)), unp.ones((2, 5, 2, 4)), unp.ones((2, 5, 2, 4))),
        "shapes that do not belong together",
    ),
    "dtypes": (
        errors.DTypeError,
        lambda: attention(unp.ones((2, 3, 2, 4), dtype="float16"), *heads()[1:]),
        "of different dtypes",
    ),
    "window": (errors.OptionError, lambda: attention(*heads(), window=-1), "window"),
    "dropout without a key": (errors.DTypeError, lambda: attention(*heads(), dropout_rate=0.5), "needs a key"),
    "rate": (errors.OptionError, lambda: attention(*heads(), dropout_rate=1.5), "not a probability"),
    "heads of the layer": (errors.ShapeError, lambda: um.nn.MultiHeadAttention(3, 8), "cannot split 8 in_features"),
    "no heads": (errors.ShapeError, lambda: um.nn.MultiHeadAttention(0, 8), "num_heads"),
    "grouped heads": (
        errors.ShapeError,
        lambda: um.nn.MultiHeadAttention(4, 8, num_kv_heads=3),
        "cannot split 4 num_heads",
    ),
    "mask of the layer": (
        errors.ShapeError,
        lambda: causal("plain")(unp.ones((2, 6, 8)), mask=unp.ones((6, 5), dtype="bool")),
        "does not broadcast",
    ),
    "a cache that is too short": (errors.ShapeError, lambda: full(causal("plain"), 2, 2, 8), "cache is too short"),
    "a cache for another batch": (errors.ShapeError, lambda: full(causal("plain"), 1, 1, 8), "another batch"),
    "a chunk longer than the cache, jitted": (
        errors.ShapeError,
        lambda: jit(lambda m, x: m(x, decode=True))(causal("plain").init_cache(2, 3), unp.ones((2, 4, 8))),
        "cache is too short",
    ),
    "no cache": (
        errors.NotInitializedError,
        lambda: causal("plain")(unp.ones((2, 1, 8)), decode=True),
        "has no cache",
    ),
    "decoding both ways": (
        errors.OptionError,
        lambda: um.nn.MultiHeadAttention(2, 8).init(0)(unp.ones((2, 1, 8)), decode=True),
        "causal self-attention only",
    ),
    "odd rotation": (errors.OptionError, lambda: F.rotary(unp.ones((2, 1, 3))), "pairs of features"),
    "places of another length": (
        errors.ShapeError,
        lambda: F.rotary(unp.ones((2, 1, 4)), unp.asarray([0, 1, 2])),
        "positions that do not fit",
    ),
    "too long for learned positions": (
        errors.ShapeError,
        lambda: um.nn.LearnedPositions(3, 4).init(0)(unp.ones((1, 2, 4)), offset=2),
        "more positions",
    ),
    "no layers": (errors.OptionError, lambda: um.nn.TransformerEncoder([]), "at least one layer"),
    "combined masks of numbers": (
        errors.DTypeError,
        lambda: um.nn.combine_masks(unp.ones((2,))),
        "takes bools",
    ),
}


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_refused_alike(name):
    kind, call, text = REFUSED[name]
    texts = []
    for backend in ("jax", "torch"):
        with um.use_backend(backend), pytest.raises(kind) as caught:
            call()
        assert type(caught.value) is kind
        assert text in str(caught.value)
        texts.append(str(caught.value).replace(" on torch", "").replace(" on jax", ""))
    assert texts[0] == texts[1]


def test_masks_are_made_on_the_chosen_engine(any_backend):
    assert um.engine_of(um.nn.causal_mask(3)).name == any_backend
    assert um.engine_of(um.nn.causal_mask(3, backend="numpy")).name == "numpy"
    assert um.nn.combine_masks(None, None) is None
    mask = um.nn.padding_mask(unp.asarray([[1, 2]]), 3)
    assert tuple(mask.shape) == (1, 2, 1, 1, 3)
    assert um.dtype_of(mask) == "bool"
