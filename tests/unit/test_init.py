"""First values: determinism, keys by path, sizes from example inputs, the ambient stream."""

from __future__ import annotations

import collections
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import unimod as um
from unimod.errors import NotInitializedError


def numbers(tree) -> list[Any]:
    return [um.to_backend(leaf, "numpy").tolist() for leaf in um.tree.leaves(tree)]


def by_path(tree) -> dict[str, Any]:
    return dict(zip(um.tree.paths_of(tree), numbers(tree), strict=True))


def ones(*shape):
    return um.numpy.ones(shape)


def drawn():
    return um.Initializer(lambda key: um.random.normal(key, (2,)))


class Net(um.Module):
    def __init__(self, has_extra=False):
        self.a = um.nn.Linear(2, 3)
        if has_extra:
            self.extra = um.nn.Linear(2, 3)
        self.layers = [um.nn.Linear(3, 3), um.nn.Dropout(0.5)]
        self.w = drawn()


@pytest.fixture(autouse=True)
def _no_ambient_stream():
    um.seed(None)
    yield
    um.seed(None)


# Keys -----------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_values(any_backend):
    assert numbers(Net().init(3)) == numbers(Net().init(3))
    assert numbers(Net().init(3)) != numbers(Net().init(4))
    assert numbers(Net().init(um.random.key(3))) == numbers(Net().init(3))


def test_a_new_layer_leaves_the_weights_of_the_others(any_backend):
    plain, more = by_path(Net().init(0)), by_path(Net(has_extra=True).init(0))
    assert {name: more[name] for name in plain} == plain


def test_every_leaf_has_a_key_of_its_own(any_backend):
    class Two(um.Module):
        def __init__(self):
            self.a, self.b = drawn(), drawn()
            self.c = [drawn(), {"d": drawn()}]

    values = numbers(Two().init(0))
    assert len({str(value) for value in values}) == 4


def test_the_key_depends_on_the_path_only(any_backend):
    layer = um.nn.Linear(2, 3)
    assert numbers(um.nn.Sequential(layer).init(0)) != numbers(layer.init(0))
    key = um.random.fold_in(um.random.key(0), um.random.stable_hash("layers.0.kernel"))
    expected = um.nn.initializers.lecun_normal()(key, (2, 3))
    got = um.nn.Sequential(layer).init(0)[0].kernel
    assert um.to_backend(got, "numpy").tolist() == um.to_backend(expected, "numpy").tolist()


@pytest.mark.needs("jax", "torch", "numpy")
def test_the_engines_draw_the_same_weights():
    def build():
        return um.nn.Sequential(
            um.nn.Linear(16, 16), um.nn.Conv(2, 4, (3, 3)), um.nn.Embed(8, 8), um.nn.BatchNorm(4), um.nn.LayerNorm(4),
            um.nn.Dropout(0.1),
        )  # fmt: skip

    expected = build().init(7, backend="numpy")
    for name in ("jax", "torch"):
        model = build().init(7, backend=name)
        assert um.tree.structure(model) is um.tree.structure(expected)
        for got, want in zip(um.tree.leaves(um.to_backend(model, "numpy")), um.tree.leaves(expected), strict=True):
            # Normal numbers go through erfinv, whose last steps the engines round differently.
            assert got.dtype == want.dtype
            np.testing.assert_array_max_ulp(got, want, 4 if got.dtype.kind == "f" else 0)


def test_values_are_native(any_backend):
    for leaf in um.tree.leaves(Net().init(0)):
        assert um.engine_of(leaf).name == any_backend


def test_init_leaves_the_module_as_it_was(any_backend):
    net = Net()
    new = net.init(0)
    assert not net.initialized
    assert new.initialized
    assert net.init(0, inplace=True) is net
    assert net.initialized


def test_initialized_leaves_are_kept(any_backend):
    backbone = um.nn.Linear(2, 3).init(0)
    net = um.nn.Sequential(backbone, um.nn.Linear(3, 1)).init(42)
    assert net[0].kernel is backbone.kernel


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("name", ["jax", "torch"])
def test_new_leaves_join_the_engine_of_those_that_are_there(name):
    backbone = um.nn.Linear(2, 3).init(0, backend=name)
    net = um.nn.Sequential(backbone, um.nn.Linear(3, 1)).init(42)
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves(net)} == {name}


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("name", ["jax", "torch"])
def test_new_leaves_join_the_engine_of_the_inputs(name):
    net = um.nn.Linear(None, 3).init(0, um.numpy.ones((1, 2), backend=name))
    assert um.engine_of(net.kernel).name == name


def test_host_inputs_do_not_choose_the_engine(backend):
    assert um.engine_of(um.nn.Linear(None, 3).init(0, np.ones((1, 2), np.float32)).kernel).name == backend


# Initializers ---------------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    one: Any
    two: Any


@pytest.mark.parametrize(
    "make",
    [
        lambda: [drawn(), drawn()], lambda: (drawn(), [drawn()]), lambda: {"a": drawn(), "b": drawn()},
        lambda: Pair(drawn(), drawn()), lambda: collections.OrderedDict(b=drawn(), a=drawn()),
        lambda: collections.defaultdict(list, a=drawn(), b=drawn()),
    ],
)  # fmt: skip
def test_initializers_in_containers_are_filled(any_backend, make):
    class Holder(um.Module):
        def __init__(self):
            self.ws = make()

    new = Holder().init(0)
    assert new.initialized
    assert type(new.ws) is type(make())
    assert len(set(map(str, numbers(new)))) == 2


def test_an_initializer_is_trained_before_and_after_init(any_backend):
    class Holder(um.Module):
        def __init__(self):
            self.w, self.ws = drawn(), [drawn()]

    assert um.tree.paths_of(Holder().parameters()) == ["w", "ws.0"]
    assert um.tree.paths_of(Holder().init(0).parameters()) == ["w", "ws.0"]


def test_modules_in_namedtuples_have_the_path_of_the_state_dict(any_backend):
    class Holder(um.Module):
        def __init__(self, parts):
            self.parts = parts

    named = Holder(Pair(um.nn.Linear(2, 2), None)).init(0)
    by_name = Holder({"one": um.nn.Linear(2, 2)}).init(0)
    assert list(named.state_dict()) == ["parts.one.kernel", "parts.one.bias"]
    assert numbers(named) == numbers(by_name)


def test_rng_init_comes_after_the_initializers(any_backend):
    class Derived(um.Module):
        def __init__(self):
            self.a = um.Parameter(drawn())
            self.b = um.Nothing

        def rng_init(self, key):
            self.b = 10 * self.a
            self.noise = um.random.uniform(key, (1,))

    new = Derived().init(0)
    np.testing.assert_allclose(*(um.to_backend(x, "numpy") for x in (new.b, 10 * new.a)))
    assert by_path(new) == by_path(Derived().init(0))


def test_children_are_filled_before_rng_init_of_the_parent(any_backend):
    class Parent(um.Module):
        def __init__(self):
            self.child = um.nn.Linear(2, 2)

        def rng_init(self, key):
            self.copied = self.child.kernel

    new = Parent().init(0)
    assert new.copied is new.child.kernel


class Tied(um.Module):
    def __init__(self, size=3):
        self.a, self.b = um.nn.Linear(size, 3), um.nn.Linear(size, 3)
        self.b.kernel = self.a.share("kernel")

    def __call__(self, x):
        return self.b(self.a(x))


@pytest.mark.parametrize("size", [3, None])
def test_tied_leaves_are_drawn_once(any_backend, size):
    new = Tied(size).init(0, ones(1, 3))
    assert new.a.kernel is new.b.kernel
    assert list(new.state_dict()) == ["a.kernel", "a.bias", "b.bias"]
    key = um.random.fold_in(um.random.key(0), um.random.stable_hash("a.kernel"))
    expected = um.nn.initializers.lecun_normal()(key, (3, 3))
    assert numbers(new.a)[0] == um.to_backend(expected, "numpy").tolist()


def test_shared_modules_are_filled_once(any_backend):
    class Shared(um.Module):
        def __init__(self):
            self.a = um.nn.Linear(2, 2)
            self.b = [self.a]

    new = Shared().init(0)
    assert new.b[0] is new.a


# Sizes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "shape", "expected"),
    [
        (lambda: um.nn.Linear(None, 4), (2, 3), {"kernel": (3, 4), "bias": (4,)}),
        (lambda: um.nn.Conv(None, 4, (3, 3)), (1, 5, 5, 2), {"kernel": (3, 3, 2, 4), "bias": (4,)}),
        (
            lambda: um.nn.BatchNorm(None),
            (4, 3),
            {"scale": (3,), "bias": (3,), "mean": (3,), "var": (3,)},
        ),
        (lambda: um.nn.LayerNorm(None), (4, 3), {"scale": (3,), "bias": (3,)}),
        (
            lambda: um.nn.MLP([None, 5, 1]),
            (2, 3),
            {"layers.0.kernel": (3, 5), "layers.0.bias": (5,), "layers.1.kernel": (5, 1), "layers.1.bias": (1,)},
        ),
        (
            lambda: um.nn.Sequential(um.nn.Sequential(um.nn.Linear(None, 4), um.nn.relu), um.nn.Linear(None, 2)),
            (1, 3),
            {
                "layers.0.layers.0.kernel": (3, 4),
                "layers.0.layers.0.bias": (4,),
                "layers.1.kernel": (4, 2),
                "layers.1.bias": (2,),
            },
        ),
    ],
)
def test_sizes_come_from_the_example_input(any_backend, build, shape, expected):
    model = build().init(0, ones(*shape))
    assert {name: tuple(leaf.shape) for name, leaf in model.state_dict().items()} == expected
    assert model.initialized


def test_inferred_and_given_sizes_give_the_same_weights(any_backend):
    given = um.nn.Sequential(um.nn.Linear(3, 4), um.nn.BatchNorm(4), um.nn.Linear(4, 2)).init(0)
    found = um.nn.Sequential(um.nn.Linear(None, 4), um.nn.BatchNorm(None), um.nn.Linear(None, 2)).init(0, ones(2, 3))
    assert by_path(found) == by_path(given)
    assert um.tree.structure(found) is um.tree.structure(given)


def test_the_example_run_changes_no_state(any_backend):
    class Counting(um.Module):
        def __init__(self):
            self.linear, self.norm, self.drop = um.nn.Linear(None, 4), um.nn.BatchNorm(None), um.nn.Dropout(0.5)
            self.n = um.numpy.zeros((), dtype="int32")

        def __call__(self, x):
            self.n = self.n + 1
            return self.drop(self.norm(self.linear(x)))

    model = Counting().init(0, um.numpy.asarray([[1.0, 2.0], [3.0, 9.0]]))
    assert int(model.n) == 0
    values = by_path(model)
    assert values["norm.mean"] == [0.0] * 4
    assert values["norm.var"] == [1.0] * 4
    again = Counting()
    again.linear, again.norm = um.nn.Linear(2, 4), um.nn.BatchNorm(4)
    assert by_path(again.init(0))["drop.key"] == values["drop.key"]


def test_example_keyword_arguments(any_backend):
    class Named(um.Module):
        def __init__(self):
            self.linear = um.nn.Linear(None, 2)

        def __call__(self, *, x):
            return self.linear(x)

    assert tuple(Named().init(0, x=ones(1, 3)).linear.kernel.shape) == (3, 2)


def test_a_missing_size_without_input_is_named(any_backend):
    with pytest.raises(NotInitializedError, match="Linear was built without the size of its input") as caught:
        um.nn.Sequential(um.nn.Linear(2, 2), um.nn.Sequential(um.nn.Linear(None, 2))).init(0)
    assert caught.value.where == "model.layers[1].layers[0]"
    assert "model.init(seed, x)" in caught.value.fix


def test_a_failed_init_leaves_nothing_behind(any_backend):
    class Failing(um.Module):
        def __init__(self):
            self.linear = um.nn.Linear(None, 2)

        def __call__(self, x):
            raise KeyError("on purpose")

    net = Failing()
    with pytest.raises(KeyError):
        net.init(0, ones(1, 2), inplace=True)
    assert not net.initialized
    layer = um.nn.BatchNorm(2).init(0)
    layer(um.numpy.asarray([[1.0, 2.0], [3.0, 4.0]]))
    assert by_path(layer)["mean"] != [0.0, 0.0]


# The ambient stream ---------------------------------------------------------------------------------------------------


def test_seeded_layers_are_filled_when_they_are_built(any_backend):
    um.seed(0)
    net = Net()
    assert net.initialized
    assert len({str(value) for value in numbers(net.parameters()) if any(map(np.any, value))}) == 3
    um.seed(0)
    assert numbers(Net()) == numbers(net)


def test_a_key_fills_the_layers_of_a_block(any_backend):
    with um.rng(um.random.key(0)):
        net = um.nn.Linear(2, 2)
        other = um.nn.Linear(2, 2)
    assert net.initialized
    assert not um.nn.Linear(2, 2).initialized
    assert numbers(net) != numbers(other)


def test_a_seeded_layer_without_size_waits(any_backend):
    um.seed(0)
    net = um.nn.Linear(None, 2)
    assert not net.initialized
    assert net.init(0, ones(1, 3)).initialized


def test_rng_init_is_called_under_a_seed_too(any_backend):
    class Drawn(um.Module):
        def rng_init(self, key):
            self.w = um.Parameter(um.random.normal(key, (2,)))

    um.seed(0)
    assert um.tree.paths_of(Drawn().parameters()) == ["w"]


def test_threads_have_streams_of_their_own(any_backend):
    um.seed(0)
    found = [numbers(um.nn.Linear(2, 2))]
    thread = threading.Thread(target=lambda: found.append(numbers(um.nn.Linear(2, 2, use_bias=True))))
    with um.use_backend(any_backend):
        thread.start()
        thread.join()
    assert found[0] != found[1]


def test_the_ambient_stream_reaches_modules_that_get_their_sizes_late():
    with um.rng(um.random.key(0)):
        assert um.nn.Linear(2, 3).initialized
        assert not um.nn.MultiHeadAttention(2).initialized
        attention = um.nn.MultiHeadAttention(2, 8)
        block = um.nn.TransformerEncoderLayer(2, 8)
    assert attention.initialized
    assert block.initialized
    with um.rng(um.random.key(0)):
        um.nn.Linear(2, 3)
        again = um.nn.MultiHeadAttention(2, 8)
    assert um.numpy.to_numpy(again.query.kernel).tolist() == um.numpy.to_numpy(attention.query.kernel).tolist()
