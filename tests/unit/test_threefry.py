"""The generator itself: the block function, the paths through it, and the error function and its inverse."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from unimod.backends import _draws, _erf, _samplers, _threefry

KEYS = np.array([[0, 0], [256, 17], [2**32 - 1, 2**31], [1, 2**32 - 1]], np.uint32)


@pytest.mark.parametrize(
    ("key", "count", "expected"),
    [
        # the known answers that the authors of Random123 publish
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((2**32 - 1, 2**32 - 1), (2**32 - 1, 2**32 - 1), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers(key, count, expected):
    assert _threefry.block(*key, *count) == expected


def by_blocks(key, size):
    return np.array([_threefry.block(*key.tolist(), 0, i) for i in range(size)], np.uint32).reshape(size, 2)


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 1000, _threefry.CHUNK + 3])
def test_every_path_gives_the_same_blocks(size):
    expected = [by_blocks(key, size) for key in KEYS[:2]]
    for batch in ((0,), (0, 1)):
        out = _threefry.split(KEYS[list(batch)], (size,))
        assert out.dtype == np.uint32
        assert out.shape == (len(batch), size, 2)
        for i in batch:
            np.testing.assert_array_equal(out[i], expected[i])


def test_many_keys():
    keys = _threefry.split(KEYS[1], (9000,))
    out = _draws.draw(keys, (7,), "uint32")
    for i in (0, 4680, 4681, 8999):
        x = by_blocks(keys[i], 7)
        np.testing.assert_array_equal(out[i], x[:, 0] ^ x[:, 1])
    tall = _draws.draw(keys[:3].reshape(3, 1, 2), (5000,), "uint32")
    assert tall.shape == (3, 1, 5000)
    np.testing.assert_array_equal(tall[2, 0], _draws.draw(keys[2], (5000,), "uint32"))


@pytest.mark.parametrize("first", [_threefry.CHUNK, 2**32 - _threefry.CHUNK, 5 * 2**32])
def test_counters_of_64_bits(first):
    """The counters are moved up, in the place of drawing so many values."""
    key0, key1 = KEYS[3].tolist()
    out = np.empty(_threefry.CHUNK + 3, np.uint64)
    _threefry._fill_long(key0, key1, out, _draws._bits64, first)
    for i in (0, 1, _threefry.CHUNK - 1, _threefry.CHUNK, _threefry.CHUNK + 2):
        x0, x1 = _threefry.block(key0, key1, *divmod(first + i, 2**32))
        assert out[i] == x0 << 32 | x1


def test_fold_in_broadcasts():
    data = np.array([[0], [7], [2**32 - 1]], np.uint32)
    out = _threefry.fold_in(KEYS, data)
    assert out.shape == (3, 4, 2)
    for i, j in itertools.product(range(3), range(4)):
        expected = _threefry.block(*KEYS[j].tolist(), 0, int(data[i, 0]))
        assert tuple(out[i, j].tolist()) == expected
        assert tuple(_threefry.fold_in(KEYS[j], data[i, 0]).tolist()) == expected


def test_the_bits_are_balanced():
    """A sanity check of the mean of every bit, within five standard deviations."""
    bits = _draws.draw(KEYS[1], (200_000,), "uint32")
    ones = (bits[:, None] >> np.arange(32, dtype=np.uint32) & 1).mean(0)
    np.testing.assert_allclose(ones, 0.5, atol=5 * 0.5 / math.sqrt(200_000))


@pytest.mark.parametrize(("name", "bound"), [("float32", 6e-7), ("float64", 2e-15)])
def test_the_inverse_error_function_inverts(name, bound):
    """All branches: the last one of float64 starts at 1 - 1.1e-7."""
    u = np.array([0.0, 1e-9, 0.1, 0.5, 0.9, 0.99, 0.999, 0.99999, 1 - 2.0**-23, 1 - 2.0**-24], name)
    u = np.concatenate([-u, u])
    if name == "float64":
        u = np.append(u, [1 - 1e-9, 1 - 1e-12])
    x = _erf.erfinv(u, np, name)
    assert x.dtype == name
    recovered = np.array([math.erf(value) for value in x.tolist()])
    np.testing.assert_allclose(recovered, u.astype(np.float64), rtol=bound)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert _erf.erfinv(np.array([1, -1], name), np, name).tolist() == [math.inf, -math.inf]


def test_the_error_function():
    x = np.linspace(-5, 5, 2001, dtype=np.float32)
    expected = [math.erf(value) for value in x.tolist()]
    np.testing.assert_allclose(_erf.erf32(x, np, _samplers.HOST.cast), expected, rtol=8e-7)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 256, 257, 5000])
def test_prefix_sums(size):
    x = np.random.default_rng(0).random(size).astype(np.float32)
    out = _samplers.cumsum(_samplers.HOST, x)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, np.cumsum(x.astype(np.float64)), rtol=1e-6)
