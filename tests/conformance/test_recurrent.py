"""Recurrent layers: states, padding, options, derivatives of derivatives, engines without loops, and errors."""

from __future__ import annotations

import dataclasses
import types

import numpy as np
import pytest

import unimod as um
from unimod import errors
from unimod.backends import _registry
from unimod.nn import functional

pytestmark = pytest.mark.thin(3)

BATCH, TIME, IN, HIDDEN = 3, 5, 4, 2
KINDS = {"rnn": (1, 1), "gru": (3, 1), "lstm": (4, 2)}
LAYERS = {"rnn": um.nn.VanillaRNN, "gru": um.nn.GRU, "lstm": um.nn.LSTM}
CELLS = {"rnn": um.nn.VanillaRNNCell, "gru": um.nn.GRUCell, "lstm": um.nn.LSTMCell}
BOUND = {"rtol": 2e-5, "atol": 2e-6}
"""Sums of six products of normal numbers in float32, through five steps."""


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def native(x, dtype="float32"):
    return um.numpy.asarray(x, dtype=dtype)


def host(x):
    wide = um.numpy.astype(x, "float32") if um.dtype_of(x) == "bfloat16" else x
    return np.asarray(um.to_backend(wide, "numpy"), np.float64)


def weights(kind, dtype="float32"):
    width = KINDS[kind][0] * HIDDEN
    found = [normal(IN, width, seed=1), normal(HIDDEN, width, seed=2), normal(width, seed=3)]
    return [native(w, dtype) for w in found]


def parts(state):
    return list(state) if isinstance(state, tuple) else [state]


def run(kind, x, *weights, **options):
    """The outputs and the parts of the last state, in one list."""
    ys, state = getattr(functional, kind)(x, *weights, **options)
    return [ys, *parts(state)]


def alike(found, expected, **bound):
    for one, other in zip(found, expected, strict=True):
        assert tuple(one.shape) == tuple(other.shape)
        assert um.engine_of(one) is um.engine_of(other)
        assert um.dtype_of(one) == um.dtype_of(other)
        np.testing.assert_allclose(host(one), host(other), **(bound or BOUND))


# What runs over time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_its_cell_step_by_step(any_backend, kind, reverse):
    x = native(normal(BATCH, TIME, IN))
    cell = CELLS[kind](IN, HIDDEN).init(0)
    state, ys = cell.initial_state(BATCH), []
    for t in reversed(range(TIME)) if reverse else range(TIME):
        state, y = cell(state, x[:, t])
        ys.append(y)
    expected = [um.numpy.stack(ys[::-1] if reverse else ys, axis=1), *parts(state)]
    found, last = um.nn.RNN(cell, reverse=reverse, return_state=True)(x)
    alike([found, *parts(last)], expected)
    only_last = um.nn.RNN(cell, reverse=reverse, return_sequences=False)(x)
    alike([only_last], expected[1:2])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(any_backend, kind, reverse):
    x, lengths = native(normal(BATCH, TIME, IN)), [TIME, 0, 2]
    found = run(kind, x, *weights(kind), lengths=native(lengths, "int32"), reverse=reverse)
    for row, length in enumerate(lengths):
        assert not host(found[0])[row, length:].any()
        alone = run(kind, x[row : row + 1, :length], *weights(kind), reverse=reverse)
        alike([found[0][row : row + 1, :length], *(part[row : row + 1] for part in found[1:])], alone)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_with_holes_holds_the_state(any_backend, kind):
    x, mask = native(normal(1, TIME, IN)), [[True, False, True, True, False]]
    found = run(kind, x, *weights(kind), mask=native(mask, "bool"))
    dense = run(kind, um.numpy.stack([x[:, 0], x[:, 2], x[:, 3]], axis=1), *weights(kind))
    alike([found[0][:, 0], found[0][:, 2], found[0][:, 3]], [dense[0][:, t] for t in range(3)])
    alike(found[1:], dense[1:])
    assert not host(found[0])[:, [1, 4]].any()


@pytest.mark.parametrize("kind", KINDS)
def test_time_may_come_first(any_backend, kind):
    x, mask = normal(BATCH, TIME, IN), normal(BATCH, TIME, seed=4) > 0
    one = run(kind, native(x), *weights(kind), mask=native(mask, "bool"))
    two = run(kind, native(x.swapaxes(0, 1)), *weights(kind), mask=native(mask.T, "bool"), time_major=True, unroll=2)
    alike([um.numpy.permute_dims(two[0], (1, 0, 2)), *two[1:]], one)


@pytest.mark.parametrize("shape", [(BATCH, 0, IN), (0, TIME, IN)])
@pytest.mark.parametrize("kind", KINDS)
def test_no_steps_and_no_sequences(any_backend, kind, shape):
    state = [native(normal(shape[0], HIDDEN, seed=i)) for i in range(KINDS[kind][1])]
    found = run(kind, native(normal(*shape)), *weights(kind), state=tuple(state) if len(state) == 2 else state[0])
    assert tuple(found[0].shape) == (*shape[:2], HIDDEN)
    if not shape[1]:
        alike(found[1:], state)


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_computed_in_float32(any_backend, kind):
    x, wide = native(normal(BATCH, TIME, IN), "bfloat16"), weights(kind, "bfloat16")
    found = run(kind, x, *wide)
    assert {um.dtype_of(part) for part in found} == {"bfloat16"}
    expected = run(kind, um.numpy.astype(x, "float32"), *(um.numpy.astype(w, "float32") for w in wide))
    alike(found, [um.numpy.astype(part, "bfloat16") for part in expected], rtol=0, atol=0)


# Derivatives ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives(backend, kind, padded):
    move = native(normal(BATCH, TIME, IN, seed=5), "float32")
    lengths = native([TIME, 2, 3], "int32") if padded else None

    def along(s, engine_move):
        x = um.numpy.add(native(normal(BATCH, TIME, IN)), um.numpy.multiply(s, engine_move))
        return um.numpy.sum(um.numpy.sin(run(kind, x, *weights(kind), lengths=lengths)[0]))

    second = um.grad(um.grad(along))(native(0.0), move)

    def reference(s):
        arrays = [w.astype(np.float64) for w in map(host, weights(kind))]
        x = normal(BATCH, TIME, IN).astype(np.float32).astype(np.float64) + s * host(move)
        return np.sin(run(kind, x, *arrays, lengths=[TIME, 2, 3] if padded else None)[0]).sum()

    expected = (reference(1e-4) - 2 * reference(0.0) + reference(-1e-4)) / 1e-8
    # The quotient is good to 1e-6; sums of 30 terms in float32.
    assert abs(float(second) - expected) <= 1e-4 * max(1.0, abs(expected))


@pytest.mark.parametrize("kind", KINDS)
def test_an_ensemble_of_layers_by_vmap(backend, kind):
    x = native(normal(BATCH, TIME, IN))
    stacks = [um.numpy.stack([w, um.numpy.multiply(w, 0.5)]) for w in weights(kind)]
    fn = lambda *ws: run(kind, x, *ws)[0]  # noqa: E731
    found = um.vmap(fn)(*stacks)
    alike([found[i] for i in range(2)], [fn(*(stack[i] for stack in stacks)) for i in range(2)])


@pytest.mark.needs("jax")
@pytest.mark.parametrize("kind", KINDS)
def test_forward_mode_on_jax(kind):
    import jax

    with um.use_backend("jax"):
        x, move, ws = native(normal(BATCH, TIME, IN)), native(normal(BATCH, TIME, IN, seed=5)), weights(kind)
        mask = native(normal(BATCH, TIME, seed=4) > -1, "bool")
    fn = lambda *args: run(kind, *args, mask=mask)[0].sum()  # noqa: E731
    moves = (move, *(0.5 * w for w in ws))
    slope = jax.jvp(fn, (x, *ws), moves)[1]
    expected = sum((g * m).sum() for g, m in zip(jax.grad(fn, (0, 1, 2, 3))(x, *ws), moves, strict=True))
    np.testing.assert_allclose(slope, expected, rtol=1e-4)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("kind", KINDS)
def test_forward_mode_on_torch(kind):
    import torch

    with um.use_backend("torch"):
        x, move, ws = native(normal(BATCH, TIME, IN)), native(normal(BATCH, TIME, IN, seed=5)), weights(kind)
    fn = lambda x: run(kind, x, *ws)[0].sum()  # noqa: E731
    slope = torch.func.jvp(fn, (x,), (move,))[1]
    follow = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(fn(follow), follow)
    np.testing.assert_allclose(slope, (expected * move).sum(), rtol=1e-4)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("kind", KINDS)
def test_a_traced_step_does_not_grow_with_the_number_of_steps(kind):
    from torch.fx.experimental.proxy_tensor import make_fx

    def nodes(steps):
        with um.use_backend("torch"):
            x, ws = native(normal(BATCH, steps, IN)), weights(kind)
        slopes = lambda x: um.grad(lambda x: um.numpy.sum(run(kind, x, *ws)[0]))(x)  # noqa: E731
        return len(make_fx(slopes)(x).graph.nodes)

    assert nodes(40) == nodes(4)


# Options of the layers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_goes_on_where_it_ended(any_backend, kind):
    layer = LAYERS[kind](IN, HIDDEN, num_layers=2, return_state=True).init(0)
    x = native(normal(BATCH, TIME, IN))
    whole, last = layer(x)
    first, state = layer(x[:, :2])
    second, state = layer(x[:, 2:], state)
    alike([um.numpy.concat([first, second], axis=1), *parts(state)], [whole, *parts(last)])
    assert {tuple(part.shape) for part in parts(state)} == {(2, BATCH, HIDDEN)}
    alike([layer(x, layer.initial_state(BATCH))[0]], [whole])


@pytest.mark.parametrize("kind", KINDS)
def test_both_directions(any_backend, kind):
    layer = LAYERS[kind](IN, HIDDEN, bidirectional=True).init(0)
    x, lengths = native(normal(BATCH, TIME, IN)), native([5, 1, 3], "int32")
    both = layer(x, lengths=lengths)
    alike([both], [um.nn.Bidirectional(*layer.cells)(x, lengths=lengths)])
    for place, cell in enumerate(layer.cells):
        alone = um.nn.RNN(cell, reverse=place == 1)(x, lengths=lengths)
        alike([both[..., place * HIDDEN : (place + 1) * HIDDEN]], [alone])
    last = layer.replace(return_sequences=False)(x, lengths=lengths)
    rows = host(both)
    expected = [np.concatenate([rows[i, n - 1, :HIDDEN], rows[i, 0, HIDDEN:]]) for i, n in enumerate([5, 1, 3])]
    np.testing.assert_allclose(host(last), expected, **BOUND)


def test_dropout_stands_between_the_layers_in_training_only(any_backend):
    layer = um.nn.GRU(IN, HIDDEN, num_layers=2, dropout=1.0).init(0)
    x = native(normal(BATCH, TIME, IN))
    dropped = um.nn.RNN(layer.cells[1])(um.numpy.zeros((BATCH, TIME, HIDDEN)))
    alike([layer(x)], [dropped])
    kept = um.nn.RNN(layer.cells[1])(um.nn.RNN(layer.cells[0])(x))
    alike([layer.eval()(x), layer.freeze()(x)], [kept, kept])
    assert um.nn.GRU(IN, HIDDEN, dropout=0.5).dropout is None


def test_sizes_are_inferred_and_the_same_seed_gives_the_same_weights(any_backend):
    x = native(normal(BATCH, TIME, IN))
    for build in (
        lambda size: um.nn.LSTM(size, HIDDEN, num_layers=2, bidirectional=True),
        lambda size: um.nn.RNN(um.nn.GRUCell(size, HIDDEN)),
        lambda size: um.nn.Bidirectional(um.nn.VanillaRNNCell(size, HIDDEN), um.nn.GRUCell(size, HIDDEN)),
    ):
        alike(um.tree.leaves(build(None).init(0, x)), um.tree.leaves(build(IN).init(0)), rtol=0, atol=0)


def test_each_gate_is_drawn_for_itself(any_backend):
    cell = um.nn.LSTMCell(IN, HIDDEN, forget_bias=1.0).init(0)
    for gate in np.split(host(cell.recurrent_kernel), 4, axis=-1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(HIDDEN), atol=1e-5)
    assert len({gate.tobytes() for gate in np.split(host(cell.recurrent_kernel), 4, axis=-1)}) == 4
    assert host(cell.bias).tolist() == [0.0] * 2 + [1.0] * 2 + [0.0] * 4


def test_a_cell_with_a_call_of_its_own_is_called(any_backend):
    class Doubled(um.nn.GRUCell):
        def __call__(self, state, x):
            state, y = super().__call__(state, x)
            return state, 2.0 * y

    x = native(normal(BATCH, TIME, IN))
    cell = Doubled(IN, HIDDEN).init(0)
    plain = um.nn.GRUCell(IN, HIDDEN).init(0)
    alike([um.nn.RNN(cell)(x)], [2.0 * um.nn.RNN(plain)(x)])
    lengths = native([5, 2, 1], "int32")
    last = um.nn.RNN(cell, return_sequences=False)(x, lengths=lengths)
    alike([last], [2.0 * um.nn.RNN(plain, return_sequences=False)(x, lengths=lengths)])


# An engine without loops ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"reverse": True, "lengths": [5, 2, 0]}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_without_loops(any_backend, kind, options, monkeypatch):
    x = native(normal(BATCH, TIME, IN))
    options = {name: native(v, "int32") if name == "lengths" else v for name, v in options.items()}
    empty = native(normal(BATCH, 0, IN))
    expected = run(kind, x, *weights(kind), **options), run(kind, empty, *weights(kind))
    engine = _registry.load(any_backend)
    kept = {name: value for name, value in vars(engine.nn).items() if name not in ("rnn", "gru", "lstm", "loop")}
    small = dataclasses.replace(engine, nn=types.SimpleNamespace(**kept))
    monkeypatch.setitem(_registry._loaded, any_backend, small)
    _registry.forget_types()
    try:
        assert not hasattr(um.engine_of(x).nn, kind)
        found = run(kind, x, *weights(kind), **options), run(kind, empty, *weights(kind))
    finally:
        monkeypatch.undo()
        _registry.forget_types()
    for one, other in zip(found, expected, strict=True):
        alike(one, other)


# Errors ---------------------------------------------------------------------------------------------------------------


def gru(**options):
    return um.nn.GRU(IN, HIDDEN, **options).init(0)


def sequences(*shape):
    return um.numpy.ones(shape or (BATCH, TIME, IN))


def zeros(*shape):
    return um.numpy.zeros(shape)


ERRORS = {
    "features": (errors.ShapeError, "GRU got 3 features", lambda: gru()(sequences(BATCH, TIME, 3))),
    "features of a cell": (
        errors.ShapeError,
        "GRUCell got 3 features",
        lambda: um.nn.GRUCell(IN, HIDDEN).init(0)(None, sequences(BATCH, 3)),
    ),
    "axes": (errors.ShapeError, "GRU takes a batch of sequences", lambda: gru()(sequences(TIME, IN))),
    "dtype": (
        errors.DTypeError,
        "GRU got an array of another dtype",
        lambda: gru()(um.numpy.ones((2, 2, IN), dtype="float16")),
    ),
    "state": (
        errors.ShapeError,
        "GRU got a state of the wrong shape",
        lambda: gru()(sequences(), zeros(BATCH, HIDDEN)),
    ),
    "state of a cell": (
        errors.ShapeError,
        "gru_cell got a state of the wrong shape",
        lambda: um.nn.GRUCell(IN, HIDDEN).init(0)(zeros(BATCH, 3), sequences(BATCH, IN)),
    ),
    "state with one part": (
        errors.OptionError,
        "LSTM has a state of two parts",
        lambda: um.nn.LSTM(IN, HIDDEN).init(0)(sequences(), zeros(1, BATCH, HIDDEN)),
    ),
    "state of another dtype": (
        errors.DTypeError,
        "state of different dtypes|different dtypes",
        lambda: gru()(sequences(), um.numpy.zeros((1, BATCH, HIDDEN), dtype="float16")),
    ),
    "long": (
        errors.ShapeError,
        "lengths that do not fit",
        lambda: gru()(sequences(), lengths=um.numpy.asarray([TIME, TIME + 1, 2])),
    ),
    "negative": (
        errors.ShapeError,
        "lengths that do not fit",
        lambda: gru()(sequences(), lengths=um.numpy.asarray([-1, 2, 2])),
    ),
    "number of lengths": (
        errors.ShapeError,
        "another shape",
        lambda: gru()(sequences(), lengths=um.numpy.asarray([1, 2])),
    ),
    "fractions": (errors.DTypeError, "takes integers", lambda: gru()(sequences(), lengths=um.numpy.ones((BATCH,)))),
    "mask": (
        errors.ShapeError,
        "another shape",
        lambda: gru()(sequences(), mask=um.numpy.ones((TIME, BATCH), dtype="bool")),
    ),
    "both": (
        errors.OptionError,
        "both lengths and a mask",
        lambda: gru()(
            sequences(), lengths=um.numpy.asarray([1, 2, 3]), mask=um.numpy.ones((BATCH, TIME), dtype="bool")
        ),
    ),
    "kernel": (
        errors.ShapeError,
        "lstm got a `kernel` of another shape",
        lambda: functional.lstm(sequences(), zeros(IN, 6), zeros(HIDDEN, 8)),
    ),
    "inputs and kernel": (
        errors.ShapeError,
        "gru cannot multiply",
        lambda: functional.gru(sequences(), zeros(3, 6), zeros(HIDDEN, 6)),
    ),
    "bias": (
        errors.ShapeError,
        "`candidate_bias` of another shape",
        lambda: functional.gru(sequences(), zeros(IN, 6), zeros(HIDDEN, 6), zeros(6), zeros(6)),
    ),
    "integers": (
        errors.DTypeError,
        "floating-point",
        lambda: functional.rnn(um.numpy.ones((1, 2, 3), dtype="int32"), zeros(3, 2), zeros(2, 2)),
    ),
    "activation": (errors.OptionError, "this activation", lambda: um.nn.VanillaRNN(IN, HIDDEN, activation="gelu")),
    "layers": (errors.OptionError, "cannot be built", lambda: um.nn.GRU(IN, HIDDEN, num_layers=0)),
    "directions": (
        errors.OptionError,
        "cannot be built",
        lambda: um.nn.GRU(IN, HIDDEN, bidirectional=True, reverse=True),
    ),
}


def caught(action, backend):
    with um.use_backend(backend), pytest.raises(errors.UnimodError) as found:
        action()
    return type(found.value), str(found.value)


@pytest.mark.needs("jax", "torch")
@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_the_same_on_both_engines(name):
    expected, text, action = ERRORS[name]
    one, two = caught(action, "jax"), caught(action, "torch")
    assert one[0] is expected
    assert any(part in one[1] for part in text.split("|"))
    assert (one[0], one[1].replace("jax", "torch")) == two
