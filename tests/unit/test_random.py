"""Keys as objects, the errors of the random functions, and the ambient stream."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import unimod as um
from unimod import random


def words(key):
    return um.numpy.to_numpy(random.key_data(key)).tolist()


@pytest.fixture(autouse=True)
def _no_stream():
    random.seed(None)
    yield
    random.seed(None)


def test_a_seed_has_64_bits(any_backend):
    assert words(random.key(0)) == [0, 0]
    assert words(random.key(2**32 - 1)) == [0, 2**32 - 1]
    assert words(random.key(2**40 + 17)) == [256, 17]
    assert words(random.key(2**64 - 1)) == [2**32 - 1, 2**32 - 1]
    assert words(random.key(np.uint64(2**63))) == [2**31, 0]
    assert words(random.key(np.int8(5))) == [0, 5]


@pytest.mark.parametrize("seed", [-1, 2**64, np.int32(-5)])
def test_a_seed_out_of_range(any_backend, seed):
    with pytest.raises(um.OptionError, match="64 bits") as caught:
        random.key(seed)
    assert isinstance(caught.value, ValueError)
    assert f"seed = {int(seed)}" in str(caught.value)


@pytest.mark.parametrize("seed", [1.0, "1", None])
def test_a_seed_is_an_integer(any_backend, seed):
    with pytest.raises(um.DTypeError, match="seed is an integer"):
        random.key(seed)


def test_the_backend_of_a_key(any_backend):
    assert repr(random.key(0)) == f"Key on {any_backend}"
    assert repr(random.key(0, backend="numpy")) == "Key on numpy"
    assert repr(random.key(0, backend=any_backend, device="cpu")) == f"Key on {any_backend}"


def test_a_key_is_a_sequence_of_keys(any_backend):
    one, table = random.key(3), random.split(random.key(3), (2, 3))
    assert one.shape == ()
    assert table.shape == (2, 3)
    assert len(table) == 2
    assert repr(table) == f"Key[2, 3] on {any_backend}"
    assert [row.shape for row in table] == [(3,), (3,)]
    assert words(table[1]) == words(table)[1]
    assert words(table[1, 2]) == words(table)[1][2]
    assert words(table[..., 2]) == [row[2] for row in words(table)]
    assert words(table[:, 1:]) == [row[1:] for row in words(table)]
    assert table[None].shape == (1, 2, 3)
    assert random.Key.impl == "threefry2x32"
    first, second = random.split(one)
    assert words(first) != words(second)


def test_a_single_key_is_no_sequence(any_backend):
    key = random.key(0)
    for act in (len, list):
        with pytest.raises(TypeError, match="no length"):
            act(key)
    with pytest.raises(um.ShapeError, match="Too many indices"):
        key[0]
    with pytest.raises(um.ShapeError, match="Too many indices"):
        random.split(key)[0, 1]
    assert key


def test_a_key_is_not_a_number(any_backend):
    key = random.key(0)
    for act in (lambda: key + 1, lambda: 1 * key, lambda: -key, lambda: key @ key, lambda: key < key):
        with pytest.raises(TypeError):
            act()
    assert key == key
    assert key != random.key(0)
    assert hash(key) == hash(key)


def test_a_key_does_not_change(any_backend):
    key = random.key(0)
    with pytest.raises(AttributeError):
        key.data = key.data
    with pytest.raises(AttributeError):
        del key.data
    with pytest.raises(AttributeError):
        key.other = 1


def test_copies(any_backend):
    keys = random.split(random.key(7), 3)
    for other in (copy.copy(keys), copy.deepcopy(keys), pickle.loads(pickle.dumps(keys))):
        assert type(other) is random.Key
        assert repr(other) == f"Key[3] on {any_backend}"
        assert words(other) == words(keys)
    assert copy.deepcopy(keys).data is not keys.data


def test_a_key_holds_anything():
    """Tree functions put placeholders, paths and gradients in the place of the data."""
    for data in (None, "layers.0.key", 3, object()):
        key = random.Key(data)
        assert key.data is data
        assert repr(key) == f"Key({data!r})"
        assert copy.copy(key).data is data
    assert pickle.loads(pickle.dumps(random.Key("a"))).data == "a"


def test_data_there_and_back(any_backend):
    keys = random.split(random.key(0), 3)
    data = random.key_data(keys)
    assert um.dtype_of(data) == "uint32"
    assert words(random.wrap_key_data(data)) == words(keys)
    with pytest.raises(um.ShapeError, match="two words"):
        random.wrap_key_data(random.bits(keys[0], (3,)))
    with pytest.raises(um.DTypeError, match="uint32"):
        random.wrap_key_data(um.numpy.zeros((2,), dtype="int32"))
    with pytest.raises(um.DTypeError, match="uint32"):
        random.wrap_key_data([0, 1])


SAMPLERS = {
    "bits": lambda key: random.bits(key),
    "uniform": lambda key: random.uniform(key),
    "normal": lambda key: random.normal(key),
    "truncated_normal": lambda key: random.truncated_normal(key),
    "bernoulli": lambda key: random.bernoulli(key),
    "randint": lambda key: random.randint(key, (), 0, 2),
    "permutation": lambda key: random.permutation(key, 3),
    "categorical": lambda key: random.categorical(key, [0.0, 1.0]),
    "choice": lambda key: random.choice(key, 3),
    "gumbel": lambda key: random.gumbel(key),
    "exponential": lambda key: random.exponential(key),
    "split": lambda key: random.split(key),
    "fold_in": lambda key: random.fold_in(key, 1),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_seed_is_not_a_key(any_backend, name):
    with pytest.raises(um.DTypeError, match=rf"`{name}` needs a key") as caught:
        SAMPLERS[name](42)
    assert "um.random.key(42)" in caught.value.fix
    with pytest.raises(um.DTypeError, match="wrap_key_data"):
        SAMPLERS[name](random.key(0).data)
    with pytest.raises(um.DTypeError, match="needs a key"):
        SAMPLERS[name](random.Key(None))


@pytest.mark.parametrize("name", SAMPLERS)
def test_many_keys_are_for_vmap(any_backend, name):
    with pytest.raises(um.ShapeError, match="vmap") as caught:
        SAMPLERS[name](random.split(random.key(0), 3))
    assert f"Key[3] on {any_backend}" in caught.value.got


ERRORS = {
    "shape": (um.ShapeError, lambda k: random.normal(k, (2, -1))),
    "shape_float": (um.ShapeError, lambda k: random.normal(k, 2.0)),
    "shape_of_floats": (um.ShapeError, lambda k: random.normal(k, (2.0,))),
    "split_negative": (um.ShapeError, lambda k: random.split(k, -1)),
    "dtype": (um.DTypeError, lambda k: random.normal(k, (2,), dtype="int32")),
    "dtype_complex": (um.DTypeError, lambda k: random.uniform(k, (2,), dtype="complex64")),
    "dtype_unknown": (um.DTypeError, lambda k: random.uniform(k, (2,), dtype="float7")),
    "dtype_of_integers": (um.DTypeError, lambda k: random.randint(k, (2,), 0, 3, dtype="float32")),
    "bounds": (um.DTypeError, lambda k: random.randint(k, (2,), 0.0, 3)),
    "bounds_array": (um.DTypeError, lambda k: random.randint(k, (2,), 0, um.numpy.asarray([1.0, 2.0]))),
    "bounds_shape": (um.ShapeError, lambda k: random.uniform(k, (2,), maxval=um.numpy.asarray([1.0, 2.0, 3.0]))),
    "bounds_larger": (um.ShapeError, lambda k: random.uniform(k, (), maxval=um.numpy.asarray([1.0, 2.0]))),
    "width": (um.OptionError, lambda k: random.bits(k, width=31)),
    "p": (um.OptionError, lambda k: random.bernoulli(k, 1.5)),
    "p_nan": (um.OptionError, lambda k: random.bernoulli(k, float("nan"))),
    "p_integers": (um.DTypeError, lambda k: random.bernoulli(k, um.numpy.asarray([0, 1]))),
    "logits": (um.DTypeError, lambda k: random.categorical(k, [1, 2])),
    "logits_axis": (um.ShapeError, lambda k: random.categorical(k, [1.0, 2.0], axis=1)),
    "logits_shape": (um.ShapeError, lambda k: random.categorical(k, um.numpy.zeros((3, 2)), shape=(4,))),
    "permutation_axis": (um.ShapeError, lambda k: random.permutation(k, [1, 2], axis=2)),
    "permutation_scalar": (um.DTypeError, lambda k: random.permutation(k, um.numpy.asarray(1.0))),
    "choice_more": (um.OptionError, lambda k: random.choice(k, 3, 4, replace=False)),
    "choice_none": (um.OptionError, lambda k: random.choice(k, 0, 1)),
    "choice_p": (um.ShapeError, lambda k: random.choice(k, 3, 1, p=[0.5, 0.5])),
    "fold_in_float": (um.DTypeError, lambda k: random.fold_in(k, 1.0)),
    "fold_in_float_array": (um.DTypeError, lambda k: random.fold_in(k, um.numpy.asarray(1.0))),
    "fold_in_many": (um.ShapeError, lambda k: random.fold_in(k, um.numpy.asarray([1, 2]))),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(any_backend, name):
    kind, act = ERRORS[name]
    with pytest.raises(kind):
        act(random.key(0))


@pytest.mark.needs("jax", "torch")
def test_engines_do_not_mix():
    key, array = random.key(0, backend="torch"), um.numpy.asarray([0.0, 1.0], backend="jax")
    for act in (
        lambda: random.uniform(key, (2,), maxval=array),
        lambda: random.categorical(key, array),
        lambda: random.permutation(key, array),
        lambda: random.choice(random.key(0, backend="numpy"), array),
    ):
        with pytest.raises(um.MixedBackendError):
            act()


def test_host_data_follow_the_key(any_backend):
    key = random.key(0)
    for out in (
        random.uniform(key, (2,), maxval=np.array([1.0, 2.0], np.float32)),
        random.permutation(key, np.arange(3)),
        random.choice(key, [1.0, 2.0]),
        random.fold_in(key, np.asarray(3)).data,
    ):
        assert um.engine_of(out).name == any_backend


def test_stable_hash():
    # blake2s of the text in UTF-8, four bytes, the lowest first
    assert random.stable_hash("") == 1188227382
    assert random.stable_hash("layers.0.kernel") == 1691274400
    assert random.stable_hash("é") != random.stable_hash("e")


def test_no_stream(any_backend):
    assert not random.is_seeded()
    with pytest.raises(um.NotInitializedError, match=r"um\.seed\(0\)"):
        random.next_key()


def test_the_stream_of_a_seed(any_backend):
    random.seed(5)
    assert random.is_seeded()
    drawn = [random.next_key() for _ in range(3)]
    assert [words(key) for key in drawn] == [words(random.fold_in(random.key(5), i)) for i in range(3)]
    assert all(um.engine_of(key.data).name == any_backend for key in drawn)
    random.seed(5)
    assert words(random.next_key()) == words(drawn[0])
    with pytest.raises(um.OptionError):
        random.seed(-1)
    assert words(random.next_key()) == words(drawn[1])


def test_the_engine_is_chosen_at_each_key(any_backend):
    random.seed(5)
    assert repr(random.next_key(backend="numpy")) == "Key on numpy"
    with um.use_backend("numpy"):
        assert repr(random.next_key()) == "Key on numpy"
    assert repr(random.next_key()) == f"Key on {any_backend}"


def test_the_stream_of_a_key(any_backend):
    random.seed(1)
    outer, inner = random.split(random.key(0))
    with random.rng(outer):
        first = random.next_key()
        with random.rng(inner):
            assert words(random.next_key()) == words(random.fold_in(inner, 0))
        second = random.next_key()
    assert [words(first), words(second)] == [words(random.fold_in(outer, i)) for i in range(2)]
    assert words(random.next_key()) == words(random.fold_in(random.key(1), 0))


def test_a_stream_ends_with_its_block(any_backend):
    def fail():
        with random.rng(random.key(0)):
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        fail()
    assert not random.is_seeded()
    for wrong in (0, random.split(random.key(0))):
        with pytest.raises(um.UnimodError), random.rng(wrong):
            pass
        assert not random.is_seeded()


def in_thread(act):
    out = []
    thread = threading.Thread(target=lambda: out.append(act()))
    thread.start()
    thread.join()
    return out[0]


def test_threads_have_streams_of_their_own(any_backend):
    def draw():
        return [words(random.next_key()) for _ in range(3)]

    random.seed(9)
    drawn = [draw(), in_thread(draw), in_thread(draw)]
    assert len({str(key) for keys in drawn for key in keys}) == 9
    random.seed(9)
    assert [draw(), in_thread(draw), in_thread(draw)] == drawn


def test_a_block_is_of_one_thread(any_backend):
    with random.rng(random.key(0)):
        assert in_thread(random.is_seeded) is False
    random.seed(0)
    with random.rng(random.key(1)):
        inside = in_thread(lambda: words(random.next_key()))
    assert inside != words(random.fold_in(random.key(1), 0))


def test_keys_on_the_ambient_engine_under_jit(backend):
    """A stream of a traced key lives inside the trace."""

    def draw(key):
        with random.rng(key):
            return random.next_key(), random.uniform(random.next_key(), (2,))

    key, value = um.jit(draw)(random.key(3))
    assert words(key) == words(random.fold_in(random.key(3), 0))
    expected = random.uniform(random.fold_in(random.key(3), 1), (2,))
    np.testing.assert_array_equal(um.numpy.to_numpy(value), um.numpy.to_numpy(expected))
