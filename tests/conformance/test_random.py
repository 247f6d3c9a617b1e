"""Random numbers of each engine against values that ``jax.random`` 0.10.2 gave on a CPU. No JAX is needed."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

import unimod as um
from unimod import random
from unimod.backends import _registry

pytestmark = pytest.mark.thin(3)

SEED = (256 << 32) + 17
LONG = 100_003  # several chunks, and a last one that is not full
WEIGHTS = [0.1, 0.2, 0.3, 0.4]
LOGITS = np.log(np.array(WEIGHTS, np.float32))
TABLE = np.arange(12, dtype=np.int32).reshape(3, 4)


def key():
    return random.key(SEED)


def table():
    return um.numpy.asarray(TABLE, dtype="int32")


def native(x, dtype, shape):
    """The values of ``x``, which must be an array of the engine under test, of exactly this dtype and shape."""
    engine = _registry.of_type(type(x))
    assert engine is um.config.default_engine()
    assert engine.name != "numpy" or type(x) is np.ndarray
    assert engine.arrays.dtype_name(x) == dtype
    assert tuple(x.shape) == tuple(shape)
    return np.asarray(engine.arrays.to_numpy(x))


def digest(values):
    return hashlib.blake2s(np.ascontiguousarray(values).tobytes(), digest_size=8).hexdigest()


KEYS = {
    "split": (lambda: random.split(key()), [[3809450265, 1108412797], [3417383460, 2776478190]]),
    "split_shape": (
        lambda: random.split(key(), (2, 2)),
        [
            [[3809450265, 1108412797], [3417383460, 2776478190]],
            [[3241490160, 2036465702], [2665657308, 1221090017]],
        ],
    ),
    "fold_in": (lambda: random.fold_in(key(), 7), [1578505560, 3742769637]),
    "fold_in_largest": (lambda: random.fold_in(key(), 2**32 - 1), [2738106221, 2300586305]),
    "fold_in_negative": (lambda: random.fold_in(key(), -1), [2738106221, 2300586305]),
    "fold_in_wrapped": (lambda: random.fold_in(key(), 2**32 + 7), [1578505560, 3742769637]),
    "fold_in_numpy": (lambda: random.fold_in(key(), np.int64(7)), [1578505560, 3742769637]),
    "fold_in_array": (lambda: random.fold_in(key(), um.numpy.asarray(7)), [1578505560, 3742769637]),
    "fold_in_negative_array": (lambda: random.fold_in(key(), um.numpy.asarray(-1)), [2738106221, 2300586305]),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys(any_backend, name):
    made, expected = KEYS[name]
    out = made()
    assert isinstance(out, random.Key)
    assert out.shape == np.shape(expected)[:-1]
    assert native(random.key_data(out), "uint32", np.shape(expected)).tolist() == expected


EXACT = {
    # name: (what, dtype, values)
    "bits8": (lambda: random.bits(key(), (2, 2), width=8), "uint8", [[100, 202], [214, 61]]),
    "bits16": (lambda: random.bits(key(), (2, 2), width=16), "uint16", [[36964, 37834], [14038, 59709]]),
    "bits32": (
        lambda: random.bits(key(), (2, 2)),
        "uint32",
        [[2703134820, 1858900938], [3092723414, 3593136445]],
    ),
    "uniform": (
        lambda: random.uniform(key(), 3),
        "float32",
        [0.6293725967407227, 0.4328089952468872, 0.7200807332992554],
    ),
    "uniform_range": (
        lambda: random.uniform(key(), (3,), minval=-0.1, maxval=0.1),
        "float32",
        [0.02587451972067356, -0.013438201509416103, 0.04401614889502525],
    ),
    "uniform_f16": (
        lambda: random.uniform(key(), (3,), dtype="float16"),
        "float16",
        [0.5634765625, 0.5771484375, 0.2138671875],
    ),
    "uniform_range_f16": (
        lambda: random.uniform(key(), (3,), dtype="float16", minval=-0.1, maxval=0.1),
        "float16",
        [0.0126953125, 0.01544189453125, -0.057220458984375],
    ),
    "uniform_bf16": (
        lambda: random.uniform(key(), (3,), dtype="bfloat16"),
        "bfloat16",
        [0.390625, 0.7890625, 0.8359375],
    ),
    "uniform_range_bf16": (
        lambda: random.uniform(key(), (3,), dtype="bfloat16", minval=-0.1, maxval=0.1),
        "bfloat16",
        [-0.02197265625, 0.05810546875, 0.06689453125],
    ),
    "normal_f16": (
        lambda: random.normal(key(), (3,), dtype="float16"),
        "float16",
        [0.160400390625, 0.1951904296875, -0.7919921875],
    ),
    "normal_bf16": (
        lambda: random.normal(key(), (3,), dtype="bfloat16"),
        "bfloat16",
        [-0.271484375, 0.8125, 0.984375],
    ),
    "truncated_normal_f16": (
        lambda: random.truncated_normal(key(), shape=(3,), dtype="float16"),
        "float16",
        [0.1529541015625, 0.1851806640625, -0.7490234375],
    ),
    "truncated_normal_bf16": (
        lambda: random.truncated_normal(key(), -2, 2, (3,), dtype="bfloat16"),
        "bfloat16",
        [-0.26171875, 0.76171875, 0.91796875],
    ),
    "bernoulli": (
        lambda: random.bernoulli(key(), 0.3, (8,)),
        "bool",
        [False, False, False, False, False, True, False, False],
    ),
    "randint": (lambda: random.randint(key(), (4,), 0, 10), "int32", [0, 7, 5, 4]),
    "randint_i8": (lambda: random.randint(key(), (4,), -5, 5, dtype="int8"), "int8", [-5, 2, 0, -1]),
    "randint_u8_all": (lambda: random.randint(key(), (4,), 0, 256, dtype="uint8"), "uint8", [206, 23, 169, 214]),
    "randint_wide": (lambda: random.randint(key(), (4,), 0, 100_000), "int32", [59566, 16183, 51113, 56886]),
    "randint_i32_most": (
        lambda: random.randint(key(), (4,), -(2**31), 2**31 - 1),
        "int32",
        [-126124082, 1718432535, -1418632535, 1837473238],
    ),
    "randint_u32_most": (
        lambda: random.randint(key(), (4,), 0, 2**32 - 1, dtype="uint32"),
        "uint32",
        [2021359566, 3865916183, 728851113, 3984956886],
    ),
    "randint_empty_range": (lambda: random.randint(key(), (3,), 4, 4), "int32", [4, 4, 4]),
    "randint_reversed_range": (lambda: random.randint(key(), (3,), 4, -9), "int32", [4, 4, 4]),
    "randint_clipped": (lambda: random.randint(key(), (3,), 300, 400, dtype="uint8"), "uint8", [255, 255, 255]),
    "permutation": (lambda: random.permutation(key(), 10), "int32", [2, 7, 9, 0, 8, 6, 4, 1, 3, 5]),
    "permutation_axis": (
        lambda: random.permutation(key(), table(), axis=1),
        "int32",
        [[2, 0, 1, 3], [6, 4, 5, 7], [10, 8, 9, 11]],
    ),
    "permutation_independent": (
        lambda: random.permutation(key(), table(), axis=-1, independent=True),
        "int32",
        [[2, 0, 1, 3], [7, 6, 4, 5], [9, 8, 10, 11]],
    ),
    "permutation_of_one": (lambda: random.permutation(key(), 1), "int32", [0]),
    "permutation_of_none": (lambda: random.permutation(key(), 0), "int32", []),
    "categorical": (lambda: random.categorical(key(), LOGITS, shape=(8,)), "int32", [3, 2, 2, 2, 0, 3, 1, 2]),
    "choice": (lambda: random.choice(key(), 5, (6,)), "int32", [0, 2, 0, 4, 0, 0]),
    "choice_without_replacement": (lambda: random.choice(key(), 5, (4,), replace=False), "int32", [2, 0, 4, 1]),
    "choice_p": (lambda: random.choice(key(), 4, (6,), p=WEIGHTS), "int32", [2, 2, 1, 1, 1, 3]),
    "choice_p_without_replacement": (
        lambda: random.choice(key(), 4, (3,), p=WEIGHTS, replace=False),
        "int32",
        [3, 2, 1],
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact(any_backend, name):
    drawn, dtype, expected = EXACT[name]
    assert native(drawn(), dtype, np.shape(expected)).tolist() == expected


DIGESTS = {
    "bits8": (lambda: random.bits(key(), LONG, width=8), "uint8", "ba122325bb36630e"),
    "bits16": (lambda: random.bits(key(), LONG, width=16), "uint16", "e35c87476e76498a"),
    "bits32": (lambda: random.bits(key(), LONG), "uint32", "d628a4eb8d700e66"),
    "uniform": (lambda: random.uniform(key(), LONG), "float32", "7dc3891c3894e2de"),
    "uniform_range": (lambda: random.uniform(key(), LONG, minval=-0.1, maxval=0.1), "float32", "64721f267bffff64"),
    "uniform_f16": (lambda: random.uniform(key(), LONG, dtype="float16"), "float16", "1e9ffef065ce7701"),
    "uniform_range_f16": (
        lambda: random.uniform(key(), LONG, dtype="float16", minval=-0.1, maxval=0.1),
        "float16",
        "147cce3f4d12c54a",
    ),
    "uniform_bf16": (lambda: random.uniform(key(), LONG, dtype="bfloat16"), "bfloat16", "9dfa1fdb9c5d44f4"),
    "uniform_range_bf16": (
        lambda: random.uniform(key(), LONG, dtype="bfloat16", minval=-0.1, maxval=0.1),
        "bfloat16",
        "bd5608f616e45f01",
    ),
    "normal_bf16": (lambda: random.normal(key(), LONG, dtype="bfloat16"), "bfloat16", "6b3670c66f9c8dd2"),
    "normal_f16": (lambda: random.normal(key(), LONG, dtype="float16"), "float16", "a3d5748c345a54e2"),
    "bernoulli": (lambda: random.bernoulli(key(), 0.3, LONG), "bool", "df67c6e633327978"),
    "randint": (lambda: random.randint(key(), LONG, 0, 1000), "int32", "4caa5b0b9f042482"),
    "permutation": (lambda: random.permutation(key(), 5000), "int32", "33c9fa70fb9d0071"),
    "split": (lambda: random.key_data(random.split(key(), 40_000)), "uint32", "1076291833eb2aef"),
}


@pytest.mark.parametrize("name", DIGESTS)
def test_long_streams(any_backend, name):
    drawn, dtype, expected = DIGESTS[name]
    out = drawn()
    assert digest(native(out, dtype, out.shape)) == expected


CLOSE = {
    # Giles' polynomial is the same on every engine; log1p and fused additions are not.
    "normal": (
        lambda: random.normal(key(), (3,)),
        [0.3301922380924225, -0.16922704875469208, 0.5830814242362976],
        4 * 2.0**-23,
    ),
    "truncated_normal": (
        lambda: random.truncated_normal(key(), -2.0, 2.0, (3,)),
        [0.3146495521068573, -0.1614583432674408, 0.5535805225372314],
        4 * 2.0**-23,
    ),
    "gumbel": (
        lambda: random.gumbel(key(), (3,)),
        [0.7699594497680664, 0.1773832142353058, 1.113547444343567],
        1e-6,
    ),
    "exponential": (
        lambda: random.exponential(key(), (3,)),
        [0.9925580024719238, 0.5670591592788696, 1.2732540369033813],
        1e-6,
    ),
}


@pytest.mark.parametrize("name", CLOSE)
def test_close(any_backend, name):
    drawn, expected, bound = CLOSE[name]
    np.testing.assert_allclose(native(drawn(), "float32", (3,)), expected, rtol=bound, atol=0 if bound < 1e-6 else 1e-6)


WIDE = {
    # On JAX these need x64, which the comparison with jax.random turns on.
    "bits64": (
        lambda: random.bits(key(), 2, width=64),
        "uint64",
        [16361464305021946237, 14677550201367802350],
    ),
    "uniform": (
        lambda: random.uniform(key(), 3, dtype="float64"),
        "float64",
        [0.8869567572274413, 0.7956715907544012, 0.7547182404608819],
    ),
    "randint": (
        lambda: random.randint(key(), 3, 0, 10**12, dtype="int64"),
        "int64",
        [597018085596, 839689356668, 841705392151],
    ),
    "randint_most": (
        lambda: random.randint(key(), 3, -(2**63), 2**63 - 1, dtype="int64"),
        "int64",
        [-3599916439836690212, -93073197165419140, -2789880195149383657],
    ),
    "randint_u64": (
        lambda: random.randint(key(), 3, 5, 2**64 - 1, dtype="uint64"),
        "uint64",
        [5623455597018085601, 9130298839689356673, 6433491841705392156],
    ),
}
WITH_64_BITS = pytest.mark.parametrize("any_backend", ["torch", "numpy"])


@WITH_64_BITS
@pytest.mark.parametrize("name", WIDE)
def test_64_bits(any_backend, name):
    drawn, dtype, expected = WIDE[name]
    assert native(drawn(), dtype, np.shape(expected)).tolist() == expected


@WITH_64_BITS
def test_long_64_bits(any_backend):
    assert digest(native(random.bits(key(), LONG, width=64), "uint64", (LONG,))) == "e03d95c4a607d001"
    drawn = random.randint(key(), LONG, 0, 10**12, dtype="int64")
    assert digest(native(drawn, "int64", (LONG,))) == "bb7bc28ecdb4bf61"
    drawn = random.randint(key(), LONG, 5, 2**64 - 1, dtype="uint64")
    assert digest(native(drawn, "uint64", (LONG,))) == "0591302d2a44a35b"


@WITH_64_BITS
@pytest.mark.parametrize(
    "span", [2**32 + 1, 2**40, 3 * 2**61, 2**63 - 1, 2**63, 2**63 + 1, 3 * 2**62, 2**64 - 1, 2**64]
)
def test_wide_spans_of_64_bits(any_backend, span):
    """Above 2**32 only the lower word counts: its remainder, in Python ints."""
    out = native(random.randint(key(), 500, 0, span, dtype="uint64"), "uint64", (500,))
    lower = native(random.bits(random.split(key())[1], 500, width=64), "uint64", (500,))
    assert out.tolist() == [word % span for word in lower.tolist()]


@WITH_64_BITS
@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (
            lambda: random.normal(key(), 3, dtype="float64"),
            [1.2105015782042752, 0.8262596479699449, 0.6894128184467294],
        ),
        (
            lambda: random.truncated_normal(key(), shape=3, dtype="float64"),
            [1.1233243762633696, 0.7797074557530964, 0.653020576311463],
        ),
    ],
)
def test_normal_float64(any_backend, drawn, expected):
    # The polynomial is good to 1e-15; the error function of the bounds is each framework's own.
    np.testing.assert_allclose(native(drawn(), "float64", (3,)), expected, rtol=1e-14)


@WITH_64_BITS
def test_normal_float64_inverts_the_error_function(any_backend):
    """Against the error function of the C library."""
    unit = native(random.uniform(key(), LONG, dtype="float64"), "float64", (LONG,))
    values = native(random.normal(key(), LONG, dtype="float64"), "float64", (LONG,))
    recovered = np.array([math.erf(x / math.sqrt(2)) for x in values])
    np.testing.assert_allclose(recovered, 2 * unit - 1, rtol=0, atol=1e-15)


@pytest.mark.parametrize("any_backend", ["jax"])
@pytest.mark.parametrize("name", WIDE)
def test_64_bits_without_x64(any_backend, name):
    """JAX would silently give values of 32 bits."""
    with pytest.raises(um.CapabilityError, match="64"):
        WIDE[name][0]()


SAMPLERS = {
    "uniform": random.uniform,
    "uniform_range": lambda k, shape, dtype: random.uniform(k, shape, dtype=dtype, minval=-3, maxval=0.5),
    "normal": random.normal,
    "truncated_normal": lambda k, shape, dtype: random.truncated_normal(k, -1.5, 3.0, shape, dtype=dtype),
    "gumbel": random.gumbel,
    "exponential": random.exponential,
}
SHAPES = [(), (1,), (0,), (3, 0, 2), (2, 3), (4, 1, 2, 3), (4097,)]
FLOATS = ["float16", "bfloat16", "float32"]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_shape_cuts_the_same_stream(any_backend, name, shape, dtype):
    """Whatever the shape, the values in C order are those of the vector of the same length."""
    out = native(SAMPLERS[name](key(), shape, dtype=dtype), dtype, shape)
    size = math.prod(shape)
    whole = native(SAMPLERS[name](key(), (5000,), dtype=dtype), dtype, (5000,))
    np.testing.assert_array_equal(out.reshape(-1).astype(np.float64), whole[:size].astype(np.float64))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_cuts_the_same_stream_of_integers(any_backend, shape):
    size = math.prod(shape)
    for dtype, bounds in {"int8": (-100, 100), "int32": (0, 10), "uint32": (0, 2**32)}.items():
        out = native(random.randint(key(), shape, *bounds, dtype=dtype), dtype, shape)
        whole = native(random.randint(key(), 5000, *bounds, dtype=dtype), dtype, (5000,))
        np.testing.assert_array_equal(out.reshape(-1), whole[:size])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32"])
def test_all_integers_of_a_dtype(any_backend, dtype):
    info = np.iinfo(dtype)
    out = native(random.randint(key(), 2000, info.min, int(info.max) + 1, dtype=dtype), dtype, (2000,))
    assert out.min() < info.min + (int(info.max) - info.min) * 0.01
    assert out.max() > info.max - (int(info.max) - info.min) * 0.01
    only = native(random.randint(key(), 5, info.max, int(info.max) + 1, dtype=dtype), dtype, (5,))
    assert set(only.tolist()) == {info.max}


def test_bounds_as_arrays(any_backend):
    low, high = um.numpy.asarray([0, 10, -5]), um.numpy.asarray([[3], [20]])
    out = native(random.randint(key(), (2, 3), low, high), "int32", (2, 3))
    ints = [random.randint(key(), (2, 3), a, b) for b in (3, 20) for a in (0, 10, -5)]
    at = [native(x, "int32", (2, 3)).reshape(-1)[i] for i, x in enumerate(ints)]
    assert out.reshape(-1).tolist() == at
    low, high = um.numpy.asarray([0.0, 10.0, -5.0]), um.numpy.asarray([[30.0], [20.0]])
    out = native(random.uniform(key(), (2, 3), minval=low, maxval=high), "float32", (2, 3))
    floats = [random.uniform(key(), (2, 3), minval=a, maxval=b) for b in (30.0, 20.0) for a in (0.0, 10.0, -5.0)]
    assert out.reshape(-1).tolist() == [
        native(x, "float32", (2, 3)).reshape(-1)[i].item() for i, x in enumerate(floats)
    ]


def test_truncated_normals_stay_inside(any_backend):
    for low, high in ((-2.0, 2.0), (1.0, 1.5), (-math.inf, -1.0), (3.0, math.inf)):
        out = native(random.truncated_normal(key(), low, high, 20_000), "float32", (20_000,))
        assert low < out.min() <= out.max() < high
    bounds = um.numpy.asarray([-1.0, 0.0, 1.0])
    out = native(random.truncated_normal(key(), bounds, um.numpy.add(bounds, 0.5)), "float32", (3,))
    assert (out > [-1.0, 0.0, 1.0]).all()
    assert (out < [-0.5, 0.5, 1.5]).all()


def test_probabilities_as_arrays(any_backend):
    p = um.numpy.asarray([0.0, 0.25, 1.0])
    out = native(random.bernoulli(key(), p), "bool", (3,))
    assert out[0] == np.False_
    assert out[2] == np.True_
    many = native(random.bernoulli(key(), p, (4000, 3)), "bool", (4000, 3)).mean(0)
    assert many[0] == 0
    assert many[2] == 1
    assert abs(many[1] - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 4000)


def test_categories_follow_the_logits(any_backend):
    logits = um.numpy.asarray(np.stack([LOGITS, LOGITS[::-1]]))
    out = native(random.categorical(key(), logits, axis=1, shape=(8000, 2)), "int32", (8000, 2))
    for column, weights in ((0, WEIGHTS), (1, WEIGHTS[::-1])):
        frequencies = np.bincount(out[:, column], minlength=4) / 8000
        np.testing.assert_allclose(frequencies, weights, atol=5 * math.sqrt(0.25 / 8000))
    assert native(random.categorical(key(), logits, axis=0), "int32", (4,)).max() <= 1


def test_choice_of_slices(any_backend):
    out = native(random.choice(key(), table(), (2, 5), axis=1), "int32", (3, 2, 5))
    assert (out - out[:1] == TABLE[:, :1, None]).all()
    kept = native(random.choice(key(), table(), (3,), axis=-1, replace=False), "int32", (3, 3))
    assert len(set(kept[0].tolist())) == 3
    assert native(random.choice(key(), table(), (0,), axis=1), "int32", (3, 0)).size == 0


def test_a_permutation_keeps_every_element(any_backend):
    x = um.numpy.asarray(np.linspace(0, 1, 3000, dtype=np.float32).reshape(30, 100))
    out = native(random.permutation(key(), x, axis=1, independent=True), "float32", (30, 100))
    np.testing.assert_array_equal(np.sort(out, axis=1), um.numpy.to_numpy(x))


def test_vmap_over_keys(backend):
    keys = random.split(key(), 5)
    for sampler in (
        lambda k: random.normal(k, (2, 3)),
        lambda k: random.uniform(k, (2, 3), dtype="bfloat16", minval=-1),
        lambda k: random.randint(k, (3,), 0, 10),
        lambda k: random.permutation(k, 6),
        lambda k: random.categorical(k, um.numpy.asarray(LOGITS), shape=(4,)),
        lambda k: random.bits(k, (), width=8),
    ):
        mapped = um.vmap(sampler)(keys)
        for i in range(5):
            one = sampler(keys[i])
            assert um.dtype_of(mapped) == um.dtype_of(one)
            np.testing.assert_array_equal(
                um.numpy.to_numpy(mapped)[i].astype(np.float64), um.numpy.to_numpy(one).astype(np.float64)
            )


def test_vmap_over_making_keys(backend):
    keys = random.split(key(), 5)
    halves = um.vmap(lambda k: random.split(k, 3))(keys)
    assert halves.shape == (5, 3)
    assert words(halves[2]) == words(random.split(keys[2], 3))
    folded = um.vmap(random.fold_in, in_axes=(None, 0))(keys[0], um.numpy.arange(4))
    assert words(folded) == [words(random.fold_in(keys[0], i)) for i in range(4)]
    both = um.vmap(random.fold_in)(keys, um.numpy.arange(5))
    assert words(both) == [words(random.fold_in(keys[i], i)) for i in range(5)]
    nested = um.vmap(lambda k: um.vmap(lambda i: random.fold_in(k, i))(um.numpy.arange(2)))(keys)
    assert words(nested) == [[words(random.fold_in(k, i)) for i in range(2)] for k in keys]


def words(keys):
    return um.numpy.to_numpy(random.key_data(keys)).tolist()


@pytest.mark.parametrize("dtype", FLOATS)
def test_jit_draws_the_same(backend, dtype):
    """Keys are inputs and outputs of compiled functions; half precision is rounded as it is outside."""

    def draw(k, step):
        k, noise = random.split(random.fold_in(k, step))
        return k, random.uniform(noise, (4, 5), dtype=dtype, minval=-0.3), random.normal(noise, (7,), dtype=dtype)

    step = um.numpy.asarray(3)
    k, u, x = um.jit(draw)(key(), step)
    expected = draw(key(), step)
    assert words(k) == words(expected[0])
    np.testing.assert_array_equal(native(u, dtype, (4, 5)), native(expected[1], dtype, (4, 5)))
    bound = 4 * 2.0**-23 if dtype == "float32" else 0
    np.testing.assert_allclose(
        native(x, dtype, (7,)).astype(np.float64), native(expected[2], dtype, (7,)).astype(np.float64), rtol=bound
    )


def test_gradients(backend):
    scale = um.numpy.asarray(2.0)
    noise = um.numpy.to_numpy(random.normal(key(), (50,)))
    by_scale = um.grad(lambda s: um.numpy.sum(um.numpy.multiply(random.normal(key(), (50,)), s)))(scale)
    np.testing.assert_allclose(um.numpy.to_numpy(by_scale), noise.sum(), rtol=1e-5)
    unit = um.numpy.to_numpy(random.uniform(key(), (50,)))
    by_bound = um.grad(lambda high: um.numpy.sum(random.uniform(key(), (50,), minval=-1.0, maxval=high)))(scale)
    np.testing.assert_allclose(um.numpy.to_numpy(by_bound), unit.sum(), rtol=1e-5)


def test_gradient_of_a_truncated_normal_by_its_bound(backend):
    def total(upper):
        return um.numpy.sum(random.truncated_normal(key(), -1.0, upper, (50,)))

    slope = um.numpy.to_numpy(um.grad(total)(um.numpy.asarray(1.25)))
    step = 2.0**-6
    above, below = (um.numpy.to_numpy(total(um.numpy.asarray(1.25 + d))) for d in (step, -step))
    np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=2e-3)


def test_vmap_of_a_gradient_draws_for_each_key(backend):
    keys = random.split(key(), 3)
    slopes = um.vmap(um.grad(lambda s, k: um.numpy.multiply(random.normal(k), s)), in_axes=(None, 0))(
        um.numpy.asarray(1.0), keys
    )
    assert um.numpy.to_numpy(slopes).tolist() == [um.numpy.to_numpy(random.normal(k)).item() for k in keys]
