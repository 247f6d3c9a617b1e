"""``um.jit(dynamic=...)``: one trace for several sizes, and always the result of the function as it is."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapabilityError, OptionError, ShapeError

unp = um.numpy
jit = functools.partial(um.jit, compiler="graph")


def normal(*shape: int) -> Any:
    return unp.asarray(np.random.default_rng(sum(shape)).standard_normal(shape), dtype="float32")


def integers(high: int, *shape: int) -> Any:
    return unp.asarray(np.random.default_rng(sum(shape)).integers(0, high, shape), dtype="int32")


def assert_equal(got: Any, want: Any, backend: str) -> None:
    """The same tree, shapes and dtypes; values up to the roundings of sums in another order."""
    assert um.tree.structure(got) == um.tree.structure(want)
    for a, b in zip(um.tree.leaves(got), um.tree.leaves(want), strict=True):
        b = b if um.config.is_array(b) else unp.asarray(b)
        assert um.engine_of(a).name == backend
        assert (tuple(a.shape), um.dtype_of(a)) == (tuple(b.shape), um.dtype_of(b))
        assert all(type(n) is int for n in a.shape)
        np.testing.assert_allclose(um.to_backend(a, "numpy"), um.to_backend(b, "numpy"), rtol=2e-5, atol=2e-6)


# Networks and functions -----------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A function, its arguments for a size, the sizes, and how many traces serve them on torch."""

    fn: Callable[..., Any]
    make: Callable[[int], tuple[Any, ...]]
    sizes: tuple[int, ...] = (8, 9, 5, 3)
    traces: int = 1


def train(model: Any, opt: Any, x: Any, y: Any) -> Any:
    def loss(model: Any) -> Any:
        return unp.mean(unp.square(model(x) - y)), model

    (value, model), grads = um.value_and_grad(loss, has_aux=True)(model)
    return *um.apply_gradients(model, opt, grads), value


def classify(model: Any, x: Any, y: Any) -> Any:
    return um.value_and_grad(lambda model: um.losses.cross_entropy(model(x), y))(model)


def apply(model: Any, x: Any) -> Any:
    return model(x), model


@functools.cache
def layer(name: str, backend: str) -> Any:
    nn, relu = um.nn, um.nn.relu
    built = {
        "mlp": lambda: nn.MLP([3, 4, 2]),
        "cnn": lambda: nn.Sequential(nn.Conv(2, 3, 3), relu, nn.MaxPool((2, 2)), nn.Flatten(), nn.Linear(12, 5)),
        "norm": lambda: nn.Sequential(nn.BatchNorm(3), nn.Linear(3, 2)),
        "gpt": lambda: um.nets.GPT(7, 8, num_layers=1, num_heads=2, max_length=16),
        "lstm": lambda: nn.LSTM(3, 4),
        "dropout": lambda: nn.Dropout(0.5),
    }
    return built[name]().init(0, backend=backend)


def of(name: str) -> Any:
    return layer(name, um.config.default_engine(None).name)


def adam(name: str) -> Any:
    return um.optim.adam(1e-2).init(of(name).parameters())


def statistics(x: Any) -> Any:
    return um.nn.softmax(x, axis=0), unp.mean(x, axis=0), unp.var(x, axis=0), unp.max(x, axis=0), unp.sum(x)


def by_size(x: Any) -> Any:
    n = x.shape[0]
    return x / n, unp.multiply(n, x), unp.add(x, n / 2), x * n**-0.5, unp.maximum(x, n), unp.asarray(n)


def made(x: Any) -> Any:
    n = x.shape[0]
    return unp.arange(n), unp.zeros(x.shape), unp.full((n, 2), 3.0), unp.tril(x @ unp.permute_dims(x, (1, 0)))


def attend(q: Any, k: Any) -> Any:
    return um.nn.functional.scaled_dot_product_attention(q, k, k)


def turned(x: Any) -> Any:
    return unp.reshape(x, (x.shape[0] * 3,)), unp.flip(x, axis=0), unp.concat([x, x[:1]], axis=0), x[-1]


ROWS = {
    "mlp": Row(apply, lambda n: (of("mlp"), normal(n, 3)), (8, 5, 1, 0, 4), 3),
    "train step": Row(train, lambda n: (of("mlp"), adam("mlp"), normal(n, 3), normal(n, 2)), (8, 9, 3, 1), 2),
    "convolutions": Row(classify, lambda n: (of("cnn"), normal(n, 4, 4, 2), integers(5, n))),
    "batch norm": Row(train, lambda n: (of("norm"), adam("norm"), normal(n, 3), normal(n, 2))),
    "length": Row(classify, lambda n: (of("gpt"), integers(7, 2, n), integers(7, 2, n))),
    "batch and length": Row(apply, lambda n: (of("gpt"), integers(7, n // 2 + 2, n))),
    "recurrent": Row(apply, lambda n: (of("lstm"), normal(n, 4, 3))),
    "attention": Row(attend, lambda n: (normal(2, n, 2, 4), normal(2, n + 1, 2, 4))),
    "keys": Row(apply, lambda n: (of("dropout"), normal(n, 3))),
    "key as argument": Row(lambda k, x: um.random.normal(k, x.shape), lambda n: (um.random.key(1), normal(n, 3))),
    "statistics": Row(statistics, lambda n: (normal(n, 3),), (8, 9, 3, 1), 2),
    "size as number": Row(by_size, lambda n: (normal(n, 3),), (8, 9, 3, 1), 2),
    "size as result": Row(lambda x: (x, x.shape[0], x.shape[0] / 2), lambda n: (normal(n, 3),), (8, 9, 1, 0), 3),
    "made of a size": Row(made, lambda n: (normal(n, 3),)),
    "moved": Row(turned, lambda n: (normal(n, 3),)),
    "square root": Row(lambda x: x / math.sqrt(x.shape[0]), lambda n: (normal(n, 3),), (8, 9, 8, 9), 2),
    "branch": Row(lambda x: x * 2 if x.shape[0] > 4 else x - 1, lambda n: (normal(n, 3),), (8, 5, 4, 9, 3), 2),
    "equal by chance": Row(lambda x, y: unp.concat([x, y], axis=0), lambda n: (normal(8, 3), normal(n, 3))),
    "broadcast": Row(lambda x, y: x + y, lambda n: (normal(8, 3), normal(n, 3)), (8, 1), 2),
    "one first": Row(lambda x, y: unp.sum(x + y), lambda n: (normal(n, 3), normal(n, 1)), (1, 8, 0, 9), 3),
    "square": Row(lambda x: x @ unp.permute_dims(x, (1, 0)), lambda n: (normal(n, 3),), (3, 8, 9)),
    "mapped": Row(lambda x: um.vmap(um.grad(lambda r: unp.sum(r * r * r)))(x), lambda n: (normal(n, 3),)),
    "forward": Row(lambda x: um.jvp(lambda x: unp.mean(unp.sin(x), axis=0), (x,), (x,)), lambda n: (normal(n, 3),)),
    "recomputed": Row(um.grad(um.remat(lambda x: unp.sum(unp.sin(x) ** 2))), lambda n: (normal(n, 3),)),
    "steps": Row(lambda x: um.scan(lambda c, r: (c + r, c * r), x[0] * 0, x), lambda n: (normal(n, 3),), (8, 9, 8), 2),
    "rows of steps": Row(lambda x: um.scan(lambda c, r: (c + r, c), x[0], x), lambda n: (normal(4, n),), (8, 9, 8), 2),
    "chosen": Row(
        lambda x: um.cond(unp.sum(x) > 0, lambda x: x * 2 if x.shape[0] > 8 else x, lambda x: x - 1, x),
        lambda n: (normal(n, 3),),
        (9, 8, 9),
        2,
    ),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", ROWS)
def test_equal_to_the_function_as_it_is(name):
    row = ROWS[name]
    f = jit(row.fn, dynamic=True)
    with warnings.catch_warnings(), um.use_backend("torch"):
        warnings.simplefilter("error", RuntimeWarning)
        for n in (*row.sizes, *row.sizes):
            args = row.make(n)
            assert_equal(f(*args), row.fn(*args), "torch")
    assert f.trace_count == row.traces


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", ["size as result", "branch", "broadcast", "square root"])
def test_jax_has_a_trace_for_each_size(name):
    row = ROWS[name]
    f = jit(row.fn, dynamic=True)
    with um.use_backend("jax"):
        for n in row.sizes:
            args = row.make(n)
            assert_equal(f(*args), row.fn(*args), "jax")
    assert f.trace_count == len(set(row.sizes))


@pytest.mark.needs("torch")
def test_the_state_of_a_dropout_goes_on():
    f = jit(apply, dynamic=True)
    with um.use_backend("torch"):
        ours = theirs = of("dropout")
        for n in (4, 6, 5):
            (a, ours), (b, theirs) = f(ours, normal(n, 3)), apply(theirs, normal(n, 3))
            assert_equal(a, b, "torch")
        assert_equal(ours, theirs, "torch")


# What cannot be left open ---------------------------------------------------------------------------------------------


class Remembering(um.Module):
    """Keeps the size of what it saw, in its structure."""

    def __init__(self) -> None:
        self.w, self.size = um.Parameter(unp.ones((3,))), 0

    def __call__(self, x):
        self.size = x.shape[0]
        return self.w * x


FIXED = {
    "structure": Row(lambda m, x: (m(x), m, unp.asarray(m.size)), lambda n: (Remembering(), normal(n, 3))),
    "dict": Row(lambda x: {8: 1.0, 9: 2.0}.get(x.shape[0], 3.0) * x, lambda n: (normal(n, 3),)),
    "numpy": Row(lambda x: float(np.sqrt(x.shape[0])) * x, lambda n: (normal(n, 3),)),
}


@pytest.mark.parametrize("name", FIXED)
def test_a_size_that_python_must_know_gives_a_trace_for_each(name, backend):
    row = FIXED[name]
    f = jit(row.fn, dynamic=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in (8, 9, 5, 8):
            args = row.make(n)
            assert_equal(f(*args), row.fn(*row.make(n)), backend)
    found = [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]
    assert len(found) == (backend == "torch")
    assert all("cannot be traced for sizes that are open" in text for text in found)
    assert f.trace_count == (4 if backend == "torch" else 3)


def test_an_error_of_the_function_is_the_users(backend):
    f = jit(unp.matmul, dynamic=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ShapeError, match="matmul"):
            f(normal(4, 3), normal(4, 3))
    assert_equal(f(normal(4, 3), normal(3, 2)), unp.matmul(normal(4, 3), normal(3, 2)), backend)


# Which axes -----------------------------------------------------------------------------------------------------------


def total(x, y, *, scale=None):
    return unp.sum(x) + unp.sum(y) + (0.0 if scale is None else unp.sum(scale))


@pytest.mark.parametrize(
    ("dynamic", "is_shared"),
    [
        ({"x": 0}, True),
        ({0: 0}, True),
        ({"x": -2}, True),
        ({"x": (0, 1)}, True),
        ({"x": True}, True),
        (True, True),
        ({"x": 1}, False),
        ({"y": 0}, False),
        ({"x": False}, False),
        ({}, False),
        (False, False),
        (None, False),
    ],
)
def test_the_axes_are_named(dynamic, is_shared, backend):
    f = jit(total, dynamic=dynamic)
    for n in (4, 5):
        args = normal(n, 3), normal(2)
        assert_equal(f(*args), total(*args), backend)
    assert f.trace_count == (1 if is_shared and backend == "torch" else 2)


@pytest.mark.parametrize("dynamic", [{"scale": 0}, True])
def test_an_argument_by_name(dynamic, backend):
    f = jit(total, dynamic=dynamic)
    for n in (4, 5):
        assert_equal(f(normal(2), normal(2), scale=normal(n)), total(normal(2), normal(2), scale=normal(n)), backend)
    assert f.trace_count == (1 if backend == "torch" else 2)


def test_a_place_and_a_name_are_the_same_argument(backend):
    f = jit(total, dynamic={"y": 0})
    for n in (4, 5):
        assert_equal(f(normal(2), y=normal(n)), total(normal(2), normal(n)), backend)
        assert_equal(f(normal(2), normal(n)), total(normal(2), normal(n)), backend)
    assert f.trace_count == (2 if backend == "torch" else 4)


def test_all_arrays_of_an_argument_that_have_the_axis(backend):
    f = jit(lambda batch: unp.sum(batch["x"]) * batch["scale"], dynamic={"batch": (0, 1)})
    for shape in ((4, 2), (5, 2), (5, 3)):
        batch = {"x": normal(*shape), "scale": normal(), "y": normal(shape[0])}
        assert_equal(f(batch), unp.sum(batch["x"]) * batch["scale"], backend)
    assert f.trace_count == (1 if backend == "torch" else 3)


def test_modules_keep_their_sizes(backend):
    f = jit(apply, dynamic=True)
    for features in (3, 4):
        model = um.nn.Linear(features, 2).init(0)
        for n in (4, 5):
            assert_equal(f(model, normal(n, features)), apply(model, normal(n, features)), backend)
    assert f.trace_count == (2 if backend == "torch" else 4)


class Counting(um.Module):
    """Counts its calls."""

    def __init__(self) -> None:
        self.n = unp.asarray(0)

    @um.jit(compiler="graph", dynamic={"x": 0}, static_argnames="power")
    def step(self, x, power):
        self.n = self.n + 1
        return unp.mean(x**power)

    def count(self, x):
        self.n = self.n + 1
        return unp.mean(x)


def test_a_method_with_a_static_argument(backend):
    model, traces = Counting(), Counting.step.trace_count
    for n in (4, 5, 6):
        assert_equal(model.step(normal(n, 2), 2), unp.mean(normal(n, 2) ** 2), backend)
    assert int(model.n) == 3
    assert Counting.step.trace_count - traces == (1 if backend == "torch" else 3)


def test_a_bound_method(backend):
    model = Counting()
    step = jit(model.count, dynamic={0: 0})
    for n in (4, 5):
        assert_equal(step(normal(n, 2)), unp.mean(normal(n, 2)), backend)
    assert int(model.n) == 2
    assert step.trace_count == (1 if backend == "torch" else 2)


@pytest.mark.parametrize("dynamic", [3, "x", ("x",), {"x": "0"}, {"x": 0.5}, {"x": ()}, {-1: 0}, {True: 0}, {1.5: 0}])
def test_what_names_no_axes_is_refused(dynamic, any_backend):
    with pytest.raises(OptionError, match="cannot tell which sizes are dynamic"):
        um.jit(total, dynamic=dynamic)


def test_an_unknown_argument_is_refused(any_backend):
    with pytest.raises(OptionError, match="no argument 'z'"):
        um.jit(total, dynamic={"z": 0})


def test_an_engine_without_traces_takes_the_option():
    x = np.ones((2, 3), np.float32)
    assert um.jit(lambda x: x + 1, dynamic=True)(x).tolist() == (x + 1).tolist()


def test_it_says_that_sizes_are_why_it_was_traced_again(backend):
    f = jit(lambda x: x * 2 if x.shape[0] > 4 else x, dynamic=True)
    f(normal(8)), f(normal(3))
    assert "changed" in f.explain()


# The engine -----------------------------------------------------------------------------------------------------------


def test_donated_arrays(backend):
    f = jit(lambda x, y: (x + unp.mean(y), y * x.shape[0]), dynamic=True, donate_argnums=0)
    for n in (4, 5, 6, 4):
        x, y = normal(n, 3), normal(n, 2)
        want = x + unp.mean(y), y * n
        assert_equal(f(x, y), want, backend)
        with pytest.raises(CapabilityError, match="donated"):
            f(x, y)
    assert f.trace_count == (1 if backend == "torch" else 3)


@pytest.mark.inductor
@pytest.mark.needs("torch")
def test_the_compiler_of_torch_serves_several_sizes():
    def step(w, x, y):
        def loss(w):
            out = um.nn.softmax(x @ w, axis=0) * (2.0 if x.shape[0] > 4 else 1.0)
            return unp.mean(unp.square(out - y)) + x.shape[0]

        value, grad = um.value_and_grad(loss)(w)
        return w - 0.1 * grad, value

    with um.use_backend("torch"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        f = um.jit(step, dynamic={"x": 0, "y": 0}, compiler="inductor", donate_argnums=0)
        for n in (8, 9, 20, 3, 4):
            args = normal(3, 2), normal(n, 3), normal(n, 2)
            want = step(*args)
            assert_equal(f(*args), want, "torch")
    assert f.trace_count == 2
