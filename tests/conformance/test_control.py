"""Loops and branches: values, modules, keys, and what is refused, the same on every engine."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest

import unimod as um
from unimod.errors import (
    CapabilityError,
    CapturedModuleError,
    DTypeError,
    NotInitializedError,
    OptionError,
    ShapeError,
    TreeError,
)

jit = functools.partial(um.jit, compiler="graph")
unp = um.numpy


def array(values, dtype="float32"):
    return unp.asarray(values, dtype=dtype)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


def check(x, values, dtype="float32", backend=None):
    """Exactly these values, in that dtype, on the engine."""
    assert numbers(x) == values
    assert um.dtype_of(x) == dtype
    assert backend is None or um.engine_of(x).name == backend


class Cell(um.Module):
    """A step with a parameter and a count of its calls."""

    def __init__(self, w=2.0) -> None:
        self.w = um.Parameter(array(w))
        self.calls = um.State(array(0, "int32"))

    def __call__(self, carry, x):
        self.calls = unp.add(self.calls, 1)
        return carry * self.w + x, carry

    def body(self, value):
        self.calls = unp.add(self.calls, 1)
        return value * self.w

    def goes_on(self, value):
        return unp.less(self.calls, 3)

    def train_parameter(self, carry, x):
        self.w = self.w + 1.0
        return carry, x


# Values ---------------------------------------------------------------------------------------------------------------


def test_trees_of_carries_and_results(any_backend):
    xs = {"a": array([1.0, 2.0, 3.0]), "b": [array([[1, 2], [3, 4], [5, 6]], "int32")]}

    def step(carry, x):
        total, (count,) = carry
        return (total + x["a"], (unp.add(count, x["b"][0]),)), {"t": total, "n": None}

    (total, (count,)), ys = um.scan(step, (array(0.0), (array([0, 0], "int32"),)), xs)
    check(total, 6.0, backend=any_backend)
    check(count, [9, 12], "int32", any_backend)
    check(ys["t"], [0.0, 1.0, 3.0], backend=any_backend)
    assert ys["n"] is None


def test_against_a_loop_for_random_options(any_backend):
    rng = random.Random(0)
    for _ in range(5):
        length, reverse, unroll = rng.randrange(1, 6), rng.random() < 0.5, rng.randrange(1, 4)
        xs = np.random.default_rng(length).normal(size=(length, 2)).astype(np.float32)
        last, ys = um.scan(lambda c, x: (c * 0.5 + x, c), array([1.0, -1.0]), array(xs), reverse=reverse, unroll=unroll)
        carry, found = np.asarray([1.0, -1.0], np.float32), [None] * length
        for t in reversed(range(length)) if reverse else range(length):
            found[t] = carry
            carry = carry * np.float32(0.5) + xs[t]
        np.testing.assert_allclose(numbers(last), carry, rtol=1e-6)
        np.testing.assert_allclose(numbers(ys), np.stack(found), rtol=1e-6)


def test_no_steps(any_backend):
    last, ys = um.scan(lambda c, x: (c + x, unp.stack([c, x])), 1.0, array([]))
    check(last, 1.0, backend=any_backend)
    assert tuple(ys.shape) == (0, 2)
    assert um.dtype_of(ys) == "float32"
    check(um.fori_loop(5, 2, lambda i, x: x + 1.0, array(3.0)), 3.0, backend=any_backend)
    check(um.while_loop(lambda x: x > 5.0, lambda x: x * 2.0, array(3.0)), 3.0, backend=any_backend)


@pytest.mark.parametrize(
    ("number", "dtype", "expected"),
    [(0, "float32", "float32"), (0.0, "bfloat16", "bfloat16"), (0.5, "int32", "float32"), (False, "int32", "int32")],
)
def test_numbers_are_weak(any_backend, number, dtype, expected):
    last, _ = um.scan(lambda c, x: (unp.add(c, x), None), number, unp.astype(array([1.0, 2.0]), dtype))
    assert um.dtype_of(last) == expected
    assert float(unp.astype(last, "float32")) == float(number) + 3
    assert um.dtype_of(um.fori_loop(0, 2, lambda i, c: unp.add(c, unp.astype(i, dtype)), number)) == expected


def test_a_number_that_the_body_returns_takes_the_dtype_of_the_carry(any_backend):
    check(um.scan(lambda c, x: (1, c), array(2.0), array([1.0]))[0], 1.0, backend=any_backend)
    check(um.scan(lambda c, x: (c, 3), array(2.0), array([1.0, 1.0]))[1], [3, 3], "int32", any_backend)


def test_the_second_axis(any_backend):
    x = array(np.arange(6).reshape(2, 3))
    last, ys = um.scan(lambda c, x: (c + x, c), array([0.0, 0.0]), x, time_major=False)
    check(last, [3.0, 12.0], backend=any_backend)
    check(ys, [[0.0, 0.0, 1.0], [0.0, 3.0, 7.0]], backend=any_backend)


def test_bounds_that_are_arrays(any_backend):
    f = lambda lower, upper: um.fori_loop(lower, upper, lambda i, x: unp.add(unp.multiply(x, 2), i), 1)  # noqa: E731
    for lower, upper in [(0, 4), (2, 5), (3, 1)]:
        check(f(array(lower, "int32"), array(upper, "int32")), int(f(lower, upper)), "int32", any_backend)


def test_predicates_of_all_kinds(any_backend):
    f = lambda pred: float(um.cond(pred, lambda x: x + 1.0, lambda x: x - 1.0, array(0.0)))  # noqa: E731
    trues = [True, 1, 0.5, array(True, "bool"), array(2, "int32"), array(-1.0)]
    assert [f(pred) for pred in trues] == [1.0] * 6
    assert [f(pred) for pred in [False, 0, 0.0, array(False, "bool"), array(0, "int32"), array(0.0)]] == [-1.0] * 6


def test_an_index_is_clipped(any_backend):
    branches = [lambda x: x, lambda x: x * 10.0, lambda x: x * 100.0]
    for index in (-3, 0, 1, 2, 9):
        want = 3.0 * 10.0 ** min(max(index, 0), 2)
        check(um.switch(index, branches, array(3.0)), want, backend=any_backend)
        check(um.switch(array(index, "int32"), branches, array(3.0)), want, backend=any_backend)


def test_only_the_chosen_branch_has_a_say(backend):
    """The branch that is not taken would give nan, also as the derivative."""
    f = lambda x: um.cond(x > 0.0, lambda x: unp.sqrt(x), lambda x: x * 0.0, x)  # noqa: E731
    for transform in (um.grad, lambda f: jit(um.grad(f))):
        check(transform(f)(array(-4.0)), 0.0, backend=backend)
        check(transform(f)(array(4.0)), 0.25, backend=backend)


def test_operands_without_arrays(any_backend):
    out = um.cond(
        array(True, "bool"), lambda x, name: {"y": x, "n": name}, lambda x, name: {"y": x, "n": name}, array(1.0), "a"
    )
    check(out["y"], 1.0, backend=any_backend)
    assert out["n"] == "a"


@pytest.mark.thin(3)
@pytest.mark.parametrize("length", range(1, 10))
def test_prefixes_of_all_lengths(any_backend, length):
    x = np.random.default_rng(length).normal(size=(2, length, 2, 2)).astype(np.float32)
    found = um.associative_scan(unp.matmul, array(x), axis=1)
    want = [x[:, 0]]
    for t in range(1, length):
        want.append(want[-1] @ x[:, t])
    np.testing.assert_allclose(numbers(found), np.stack(want, 1), rtol=2e-5, atol=1e-5)
    turned = um.associative_scan(lambda a, b: unp.matmul(b, a), array(x), axis=-3, reverse=True)
    want = [x[:, -1]]
    for t in range(length - 2, -1, -1):
        want.insert(0, x[:, t] @ want[0])
    np.testing.assert_allclose(numbers(turned), np.stack(want, 1), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("batch_size", [None, 1, 2, 3, 5, 8])
def test_maps_in_batches(any_backend, batch_size):
    xs = {"a": array(np.arange(5)), "b": array(np.arange(10).reshape(5, 2))}
    found = um.sequential_map(lambda x: (x["a"] * 2.0, unp.sum(x["b"])), xs, batch_size=batch_size)
    check(found[0], [0.0, 2.0, 4.0, 6.0, 8.0], backend=any_backend)
    check(found[1], [1.0, 5.0, 9.0, 13.0, 17.0], backend=any_backend)


# Modules and keys -----------------------------------------------------------------------------------------------------


def test_a_module_is_an_object(any_backend):
    cell = Cell()
    last, ys = um.scan(cell, 1.0, array([1.0, 1.0, 1.0]))
    check(last, 15.0, backend=any_backend)
    check(ys, [1.0, 3.0, 7.0], backend=any_backend)
    check(cell.calls, 3, "int32", any_backend)
    um.scan(cell.__call__, 1.0, array([1.0]))
    check(cell.calls, 4, "int32", any_backend)


def test_bound_methods_in_a_loop_with_a_condition(any_backend):
    cell = Cell()
    check(um.while_loop(cell.goes_on, cell.body, 1.0), 8.0, backend=any_backend)
    check(cell.calls, 3, "int32", any_backend)
    check(um.fori_loop(0, 2, lambda i, value: value, 1.0), 1.0)


def test_a_module_in_the_carry_is_a_value(any_backend):
    cell = Cell()

    def step(cell, x):
        cell.w = cell.w + x
        return cell, cell.w

    last, ws = um.scan(step, cell, array([1.0, 2.0]))
    check(last.w, 5.0, backend=any_backend)
    check(ws, [3.0, 5.0], backend=any_backend)
    check(cell.w, 2.0, backend=any_backend)


def test_a_stack_of_layers_is_gone_over(any_backend):
    layers = [um.nn.Linear(3, 3).init(seed) for seed in range(4)]
    stack = um.tree.map(lambda *leaves: unp.stack(leaves), *layers)
    x = array([[1.0, -1.0, 0.5]])
    found, _ = um.scan(lambda x, layer: (unp.tanh(layer(x)), None), x, stack)
    want = functools.reduce(lambda x, layer: unp.tanh(layer(x)), layers, x)
    np.testing.assert_allclose(numbers(found), numbers(want), rtol=1e-6)


class Counting(um.Module):
    """A recurrent cell of a user: with a state of its own, and a carry that is a dict."""

    def __init__(self):
        self.linear = um.nn.Linear(7, 4)
        self.calls = um.State(array(0, "int32"))

    def initial_state(self, batch_size):
        return {"h": unp.zeros((batch_size, 4))}

    def __call__(self, state, x):
        self.calls = unp.add(self.calls, 1)
        h = unp.tanh(self.linear(unp.concat([x, state["h"]], axis=-1)))
        return {"h": h}, h * 2.0


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, [3, 5, 0]])
def test_a_recurrent_layer_around_a_cell_is_one_loop_when_it_is_traced(backend, reverse, lengths):
    x = um.random.normal(um.random.key(0), (3, 5, 3))
    found = []
    for transform in (lambda f: f, jit):
        for sequences in (True, False):
            layer = um.nn.RNN(Counting(), reverse=reverse, return_sequences=sequences, return_state=True).init(0)
            run = lambda layer, x: (layer(x, lengths=lengths and array(lengths, "int32")), layer)  # noqa: E731
            (ys, state), layer = transform(run)(layer, x)
            check(layer.cell.calls, 5, "int32", backend)
            found.append([numbers(ys), numbers(state["h"])])
    for eager, jitted in zip(found[:2], found[2:], strict=True):
        for one, other in zip(eager, jitted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_captured_module_must_not_change(any_backend):
    cell = Cell()
    for call in (
        lambda: um.scan(lambda c, x: cell(c, x), 1.0, array([1.0])),
        lambda: um.while_loop(lambda v: v < 10.0, lambda v: cell.body(v), 1.0),
        lambda: um.cond(array(True, "bool"), lambda: cell.body(1.0), lambda: array(2.0)),
        lambda: um.scan(cell.train_parameter, 1.0, array([1.0])),
    ):
        with pytest.raises(CapturedModuleError):
            call()
        check(cell.calls, 0, "int32")
        check(cell.w, 2.0)


def test_keys_go_from_step_to_step(any_backend):
    def step(key, _):
        key, used = um.random.split(key, 2)
        return key, um.random.normal(used, (2,))

    last, ys = um.scan(step, um.random.key(3), None, length=3)
    key, want = um.random.key(3), []
    for _ in range(3):
        key, used = um.random.split(key, 2)
        want.append(numbers(um.random.normal(used, (2,))))
    np.testing.assert_allclose(numbers(ys), want, rtol=1e-6)
    assert numbers(um.random.key_data(last)) == numbers(um.random.key_data(key))


def test_dropout_draws_anew_at_each_step(backend):
    class Noisy(um.Module):
        def __init__(self):
            self.drop = um.nn.Dropout(0.5)

        def __call__(self, carry, x):
            return carry, self.drop(x)

    results = []
    for transform in (lambda f: f, jit):
        noisy = Noisy().init(0)
        run = lambda noisy, xs: (um.scan(noisy, 0.0, xs)[1], noisy)  # noqa: E731
        ys, noisy = transform(run)(noisy, unp.ones((4, 64)))
        results.append(numbers(ys))
        assert numbers(ys[0]) != numbers(ys[1])
    assert results[0] == results[1]


def test_ambient_keys_are_those_of_the_first_run(backend):
    def loss(x, key):
        with um.rng(key):
            step = lambda c, x: (c * x * um.random.uniform(um.random.next_key(), ()), None)  # noqa: E731
            found = um.scan(step, 1.0, x)[0]
            return found * um.random.uniform(um.random.next_key(), ())

    x, key = array([1.0, 2.0]), um.random.key(0)
    found = [transform(um.grad(loss))(x, key) for transform in (lambda f: f, jit)]
    np.testing.assert_allclose(*map(numbers, found), rtol=1e-5)
    with um.rng(key):
        first, second = (float(um.random.uniform(um.random.next_key(), ())) for _ in range(2))
    np.testing.assert_allclose(numbers(found[0]), [2 * first**2 * second, first**2 * second], rtol=1e-5)


# Errors ---------------------------------------------------------------------------------------------------------------


XS = [1.0, 2.0]


def refused(error, call, **parts):
    with pytest.raises(error) as caught:
        call()
    for name, text in parts.items():
        assert text in getattr(caught.value, name), getattr(caught.value, name)


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: lambda: jit(f)()], ids=["eager", "jit"])
def test_carries_that_change(any_backend, wrap):
    def run(step, init):
        return wrap(lambda: um.scan(step, init, array(XS))[0])

    init = {"a": array([1.0]), "b": (array(0, "int32"),)}
    refused(TreeError, run(lambda c, x: ({"a": c["a"]}, x), init), where="carry.b", got="no entry")
    refused(
        TreeError, run(lambda c, x: ({**c, "b": [c["b"][0]]}, x), init), where="carry.b", got="list", expected="tuple"
    )
    refused(ShapeError, run(lambda c, x: ({**c, "a": c["a"][None]}, x), init), where="carry.a", got="f32[1, 1]")
    refused(
        DTypeError, run(lambda c, x: ({**c, "b": (x,)}, x), init), where="carry.b[0]", got="f32[]", expected="i32[]"
    )
    refused(DTypeError, run(lambda c, x: ({**c, "a": "no"}, x), init), where="carry.a", got="'no'")
    refused(DTypeError, run(lambda c, x: ({**c, "b": (0.5,)}, x), init), where="carry.b[0]", got="f32[]")
    refused(DTypeError, run(lambda c, x: c, init), what="was to return (carry, y)")
    refused(DTypeError, run(lambda c, x: (unp.astype(x, "int32"), x), 0.5), got="i32[]", expected="f32[]")
    loop = lambda body: wrap(lambda: um.while_loop(lambda c: c["a"][0] < 3.0, body, init))  # noqa: E731
    refused(TreeError, loop(lambda c: (c,)), where="carry", got="tuple", expected="dict")
    refused(ShapeError, loop(lambda c: {**c, "a": unp.ones((2,))}), where="carry.a")
    refused(DTypeError, wrap(lambda: um.fori_loop(0, 2, lambda i, c: i, array(1.0))), where="carry", got="i32[]")


def test_what_is_gone_over(any_backend):
    step = lambda c, x: (c, x)  # noqa: E731
    two = {"a": array(XS), "b": array([[1.0]])}
    refused(ShapeError, lambda: um.scan(step, 0.0, two), where="xs.b", got="1 steps", expected="2 steps")
    refused(ShapeError, lambda: um.scan(step, 0.0, array(XS), length=3), where="xs", expected="as in length")
    refused(ShapeError, lambda: um.scan(step, 0.0, [array(1.0)]), where="xs[0]", got="f32[]")
    refused(ShapeError, lambda: um.scan(step, 0.0, array(XS), time_major=False), what="along the axis 1")
    refused(ShapeError, lambda: um.scan(lambda c, x: (c, 1.0), 0.0, array([XS]), time_major=False), what="cannot stack")
    refused(DTypeError, lambda: um.scan(step, 0.0, {"a": 1.0}), where="xs.a", got="1.0")
    refused(OptionError, lambda: um.scan(step, 0.0), fix="length")
    refused(OptionError, lambda: um.scan(step, 0.0, length=-1), got="-1")
    refused(OptionError, lambda: um.scan(step, 0.0, array(XS), unroll=0), got="unroll = 0")
    refused(DTypeError, lambda: um.scan(step, "text", array(XS)), where="carry", fix="capture")
    refused(NotInitializedError, lambda: um.scan(step, {"m": um.nn.Linear(2, 2)}, array(XS)), where="carry.m.kernel")
    refused(OptionError, lambda: um.sequential_map(lambda x: x, array(XS), batch_size=0), got="0")
    refused(DTypeError, lambda: um.scan(3, 0.0, array(XS)), what="needs a function")


def test_conditions_and_bounds(any_backend):
    body = lambda x: x  # noqa: E731
    refused(DTypeError, lambda: um.while_loop(lambda x: x, body, array(1.0)), got="f32[]", fix="x != 0")
    refused(ShapeError, lambda: um.while_loop(lambda x: x < 1.0, body, array(XS)), got="bool[2]", fix="any")
    refused(DTypeError, lambda: um.while_loop(lambda x: None, body, array(1.0)), expected="bool[]")
    for lower in (0.5, array(0.0), True, array([1], "int32"), None):
        refused(DTypeError, lambda lower=lower: um.fori_loop(lower, 2, lambda i, x: x, 1.0), got="lower = ")


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("engine", ["jax", "torch"])
def test_results_of_branches_that_differ(engine):
    with um.use_backend(engine):
        x = array(1.0)

        def run(one, other):
            return lambda: jit(lambda x: um.cond(x > 0, one, other, x))(x)

        same = lambda x: {"y": x}  # noqa: E731
        refused(TreeError, run(same, lambda x: {"z": x}), where="result.", expected="entry, as from false_fun")
        refused(TreeError, run(same, lambda x: x), where="result", got="dict of 1, from true_fun")
        refused(ShapeError, run(same, lambda x: {"y": x[None]}), where="result.y", got="f32[], from true_fun")
        refused(DTypeError, run(same, lambda x: {"y": 0}), where="result.y", expected="i32[], as from false_fun")
        mapped = um.vmap(lambda i: um.switch(i, [lambda: 1.0, lambda: (1.0,)]))
        refused(TreeError, lambda: mapped(array([0, 1], "int32")), where="result", got="branches[1]")


def test_choices(any_backend):
    both = (lambda: 1.0, lambda: 2.0)
    refused(ShapeError, lambda: um.cond(array([True], "bool"), *both), got="bool[1]", fix="vmap")
    refused(DTypeError, lambda: um.cond("yes", *both), got="'yes'")
    refused(DTypeError, lambda: um.switch(array(1.0), both), got="f32[]")
    refused(DTypeError, lambda: um.switch(0.5, both), got="0.5")
    refused(OptionError, lambda: um.switch(0, []), fix="branches")


def test_prefixes_that_do_not_fit(any_backend):
    add = lambda a, b: a + b  # noqa: E731
    refused(ShapeError, lambda: um.associative_scan(lambda a, b: a[:1], array(XS * 2)), what="changed a shape")
    refused(DTypeError, lambda: um.associative_scan(lambda a, b: unp.astype(a, "int32"), array(XS)), what="a dtype")
    refused(TreeError, lambda: um.associative_scan(lambda a, b: (a,), array(XS)), what="the structure")
    refused(ShapeError, lambda: um.associative_scan(add, array(XS), axis=1), what="without the axis 1")
    refused(ShapeError, lambda: um.associative_scan(add, [array(XS), array([1.0])]), where="elems[1]")
    refused(OptionError, lambda: um.associative_scan(add, []), expected="arrays")
    refused(DTypeError, lambda: um.associative_scan(add, [1.0]), where="elems[0]")


def test_no_reverse_mode_through_a_condition(backend):
    f = lambda x: um.while_loop(lambda v: v < 10.0, lambda v: v * 2.0, x)  # noqa: E731
    g = lambda x: um.fori_loop(0, array(3, "int32"), lambda i, v: v * 2.0, x)  # noqa: E731
    for loss in (f, g):
        for transform in (um.grad, lambda f: jit(um.grad(f)), lambda f: lambda x: um.vmap(um.grad(f))(x[None])):
            refused(CapabilityError, lambda t=transform, loss=loss: t(loss)(array(3.0)), fix="um.scan")
        check(um.grad(lambda x, loss=loss: um.stop_gradient(loss(x)) * x)(array(3.0)), float(loss(array(3.0))))


@pytest.mark.parametrize("transform", [jit, um.vmap, lambda f: jit(um.grad(f))], ids=["jit", "vmap", "jit of grad"])
def test_python_decisions_name_the_line_and_the_way_out(backend, transform):
    def decide(x):
        if unp.sum(x) > 0:  # this line
            return unp.sum(x)
        return unp.sum(-x)

    refused(CapabilityError, lambda: transform(decide)(array(XS)), where="# this line", fix="um.cond or um.while_loop")
    inner = lambda x: um.scan(lambda c, x: (decide(x), None), 0.0, unp.stack([x, x]))[0]  # noqa: E731
    refused(CapabilityError, lambda: transform(inner)(array(XS)), where="# this line")
