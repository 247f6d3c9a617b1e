"""Random numbers of each engine against ``jax.random`` itself, with the bounds that the documentation promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

import unimod as um
from unimod import random
from unimod.backends import _registry

pytestmark = [pytest.mark.needs("jax"), pytest.mark.thin(3)]

COUNT = 100_000
WORDS = [123456789, 987654321]
LOGITS = np.random.default_rng(0).normal(size=(2000, 50)).astype(np.float32)
WEIGHTS = np.random.default_rng(1).random(1000).astype(np.float32)


def ours():
    return random.key((WORDS[0] << 32) + WORDS[1])


def theirs():
    import jax

    return jax.random.wrap_key_data(np.array(WORDS, np.uint32), impl="threefry2x32")


def array(values):
    engine = um.config.default_engine()
    return engine.arrays.asarray(values, values.dtype.name)


def pair(name, draw, draw_of_jax):
    """What unimod and jax.random drew, which must agree in shape and dtype."""
    import jax.random

    out, expected = draw(ours()), np.asarray(draw_of_jax(jax.random, theirs()))
    engine = _registry.of_type(type(out))
    assert engine is um.config.default_engine()
    assert engine.arrays.dtype_name(out) == expected.dtype.name
    assert tuple(out.shape) == expected.shape
    return np.asarray(engine.arrays.to_numpy(out)), expected


EQUAL = {
    **{
        f"bits{width}": (
            lambda k, width=width: random.bits(k, (7, 11), width=width),
            lambda r, k, width=width: r.bits(k, (7, 11), f"uint{width}"),
        )
        for width in (8, 16, 32)
    },
    **{
        f"uniform {dtype} {low} {high}": (
            lambda k, a=(dtype, low, high): random.uniform(k, COUNT, dtype=a[0], minval=a[1], maxval=a[2]),
            lambda r, k, a=(dtype, low, high): r.uniform(k, (COUNT,), *a),
        )
        for dtype in ("float16", "bfloat16", "float32")
        for low, high in ((0.0, 1.0), (-0.1, 0.1), (0.3, 17.3), (-1e-3, 1e3))
    },
    **{
        f"normal {dtype}": (
            lambda k, dtype=dtype: random.normal(k, COUNT, dtype=dtype),
            lambda r, k, dtype=dtype: r.normal(k, (COUNT,), dtype),
        )
        for dtype in ("float16", "bfloat16")
    },
    **{
        f"bernoulli {p}": (
            lambda k, p=p: random.bernoulli(k, p, COUNT),
            lambda r, k, p=p: r.bernoulli(k, p, (COUNT,)),
        )
        for p in (0.0, 0.1, 0.5, 0.9999999, 1.0)
    },
    **{
        f"randint {dtype} {low} {high}": (
            lambda k, a=(low, high, dtype): random.randint(k, 5000, a[0], a[1], dtype=a[2]),
            lambda r, k, a=(low, high, dtype): r.randint(k, (5000,), *bounds(*a), a[2]),
        )
        for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32")
        for low, high in ((0, 10), (5, 5), (9, 3), (0, 65536), (0, 65537), (3, 100_000), (-5, 5), (0, 2**31 - 1))
    },
    **{
        f"permutation {size}": (
            lambda k, size=size: random.permutation(k, size),
            lambda r, k, size=size: r.permutation(k, size),
        )
        for size in (0, 1, 2, 1625, 1626, 1627, 70_000)
    },
    **{
        f"permutation axis {axis} {independent}": (
            lambda k, a=(axis, independent): random.permutation(k, array(LOGITS[:30]), axis=a[0], independent=a[1]),
            lambda r, k, a=(axis, independent): r.permutation(k, LOGITS[:30], *a),
        )
        for axis in (0, 1)
        for independent in (False, True)
    },
    "choice": (lambda k: random.choice(k, 1000, COUNT), lambda r, k: r.choice(k, 1000, (COUNT,))),
    "choice of slices": (
        lambda k: random.choice(k, array(LOGITS[:30]), (4, 5), axis=1),
        lambda r, k: r.choice(k, LOGITS[:30], (4, 5), axis=1),
    ),
    "choice without replacement": (
        lambda k: random.choice(k, array(LOGITS[:30]), (4, 5), axis=1, replace=False),
        lambda r, k: r.choice(k, LOGITS[:30], (4, 5), axis=1, replace=False),
    ),
    "choice p without replacement": (
        lambda k: random.choice(k, 1000, 500, p=array(WEIGHTS), replace=False),
        lambda r, k: r.choice(k, 1000, (500,), p=WEIGHTS, replace=False),
    ),
}


def bounds(low, high, dtype):
    """Bounds as arrays that jax.random takes without x64."""
    wide = "uint32" if dtype == "uint32" else "int32"
    return (np.asarray(np.clip(bound, np.iinfo(wide).min, np.iinfo(wide).max), wide) for bound in (low, high))


@pytest.mark.parametrize("name", EQUAL)
def test_equal(any_backend, name):
    out, expected = pair(name, *EQUAL[name])
    assert (out == expected).all()


def test_keys(any_backend):
    import jax

    for shape in ((), (3,), (2, 5), (0,), (70_000,)):
        expected = np.asarray(jax.random.key_data(jax.random.split(theirs(), shape)))
        np.testing.assert_array_equal(um.numpy.to_numpy(random.key_data(random.split(ours(), shape))), expected)
    for data in (0, 1, 2**31, 2**32 - 1):
        expected = np.asarray(jax.random.key_data(jax.random.fold_in(theirs(), np.uint32(data))))
        np.testing.assert_array_equal(um.numpy.to_numpy(random.key_data(random.fold_in(ours(), data))), expected)
    for seed in (0, 1, 2**31 - 1):
        expected = np.asarray(jax.random.key_data(jax.random.key(seed, impl="threefry2x32")))
        np.testing.assert_array_equal(um.numpy.to_numpy(random.key_data(random.key(seed))), expected)


NORMAL = {
    "normal": (lambda k: random.normal(k, COUNT), lambda r, k: r.normal(k, (COUNT,), "float32")),
    **{
        f"truncated_normal {low} {high}": (
            lambda k, a=(low, high): random.truncated_normal(k, *a, COUNT),
            lambda r, k, a=(low, high): r.truncated_normal(k, *a, (COUNT,), "float32"),
        )
        for low, high in ((-2.0, 2.0), (-1.0, 3.0), (2.0, 5.0), (0.1, 0.2), (4.0, 6.0), (-math.inf, 1.0))
    },
    "truncated_normal arrays": (
        lambda k: random.truncated_normal(k, array(WEIGHTS - 2), array(WEIGHTS), (100, 1000)),
        lambda r, k: r.truncated_normal(k, WEIGHTS - 2, WEIGHTS, (100, 1000), "float32"),
    ),
}


@pytest.mark.parametrize("name", NORMAL)
def test_normal_within_4_ulp(any_backend, name):
    """The same polynomial; XLA fuses its steps, and has a log1p of its own."""
    out, expected = pair(name, *NORMAL[name])
    assert np.max(np.abs(out - expected) / np.spacing(np.abs(expected))) <= 4
    assert np.mean(out == expected) > 0.5


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", ["gumbel", "exponential"])
def test_logarithms(any_backend, name, dtype):
    out, expected = pair(
        name,
        lambda k: getattr(random, name)(k, COUNT, dtype=dtype),
        lambda r, k: getattr(r, name)(k, (COUNT,), dtype),
    )
    # In half precision a difference of the last float32 bit could turn a rounding; it does not here.
    bound = {"float32": 1e-6, "bfloat16": 0, "float16": 0}[dtype]
    np.testing.assert_allclose(out.astype(np.float64), expected.astype(np.float64), rtol=bound, atol=bound)


def few_differ(out, expected):
    assert np.sum(out != expected) <= 1e-5 * out.size


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_categorical(any_backend, dtype):
    import jax.numpy as jnp

    logits = np.asarray(jnp.asarray(LOGITS, dtype))
    few_differ(
        *pair(
            "categorical",
            lambda k: random.categorical(k, array(logits), shape=(50, 2000)),
            lambda r, k: r.categorical(k, logits, shape=(50, 2000)),
        )
    )


@pytest.mark.parametrize("size", [1, 2, 16, 17, 256, 257, 1000])
def test_choice_p(any_backend, size):
    weights = WEIGHTS[:size] / WEIGHTS[:size].sum()
    few_differ(
        *pair(
            "choice",
            lambda k: random.choice(k, size, COUNT, p=array(weights)),
            lambda r, k: r.choice(k, size, (COUNT,), p=weights),
        )
    )


@pytest.mark.parametrize("any_backend", ["jax"])
def test_nothing_depends_on_x64(any_backend):
    import jax

    draws = [
        lambda: random.key_data(random.split(random.fold_in(ours(), 3), 4)),
        lambda: random.fold_in(ours(), um.numpy.asarray(-7)).data,
        lambda: random.bits(ours(), 9),
        lambda: random.uniform(ours(), 9, minval=-1.0),
        lambda: random.normal(ours(), 9),
        lambda: random.truncated_normal(ours(), shape=9),
        lambda: random.bernoulli(ours(), 0.3, 9),
        lambda: random.bernoulli(ours(), 1, 9),
        lambda: random.randint(ours(), 9, 0, 10),
        lambda: random.randint(ours(), 9, 0, 2**32, dtype="uint32"),
        lambda: random.randint(ours(), 9, -5, 5, dtype="int8"),
        lambda: random.permutation(ours(), 9),
        lambda: random.categorical(ours(), array(LOGITS[:9])),
        lambda: random.choice(ours(), 9, 20),
        lambda: random.choice(ours(), 9, 9, replace=False),
        lambda: random.choice(ours(), 9, 20, p=array(WEIGHTS[:9])),
        lambda: random.gumbel(ours(), 9),
        lambda: random.exponential(ours(), 9),
    ]
    for draw in draws:
        narrow = draw()
        with jax.enable_x64(True):
            wide = draw()
        assert narrow.dtype == wide.dtype
        np.testing.assert_array_equal(np.asarray(narrow), np.asarray(wide))


@pytest.mark.parametrize("any_backend", ["jax"])
def test_64_bits_under_x64(any_backend):
    import jax

    with jax.enable_x64(True):
        for name, draw, expected in (
            ("uint64", lambda: random.bits(ours(), 9, width=64), jax.random.bits(theirs(), (9,), "uint64")),
            (
                "float64",
                lambda: random.normal(ours(), 9, dtype="float64"),
                jax.random.normal(theirs(), (9,), "float64"),
            ),
            (
                "int64",
                lambda: random.randint(ours(), 9, 0, 10**12, dtype="int64"),
                jax.random.randint(theirs(), (9,), 0, 10**12, "int64"),
            ),
        ):
            out = draw()
            assert out.dtype.name == name
            np.testing.assert_array_equal(np.asarray(out), np.asarray(expected))


@pytest.mark.parametrize("any_backend", ["jax"])
def test_the_old_layout_is_refused(any_backend):
    import jax

    before = random.split(ours())
    with jax.threefry_partitionable(False):
        for draw in (random.split, lambda k: random.fold_in(k, 1), random.normal, lambda k: random.permutation(k, 3)):
            with pytest.raises(um.UnimodError, match="jax_threefry_partitionable"):
                draw(ours())
    np.testing.assert_array_equal(np.asarray(before.data), np.asarray(random.split(ours()).data))


@pytest.mark.parametrize("any_backend", ["jax"])
def test_other_settings_change_nothing(any_backend):
    """Neither the default generator nor the wider Gumbel distribution."""
    import jax

    def draws():
        return np.asarray(random.normal(ours(), 9)), np.asarray(random.categorical(ours(), array(LOGITS[:50])))

    before = draws()
    with jax.default_prng_impl("rbg"):
        after = draws()
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    key = random.wrap_key_data(jax.random.key_data(theirs()))
    assert (np.asarray(random.normal(key, 9)) == before[0]).all()
