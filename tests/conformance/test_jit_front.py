"""The front of ``um.jit``: programs of methods and static arguments, what leaks, options, reasons for a trace."""

from __future__ import annotations

import contextlib
import functools
import importlib

import numpy as np
import pytest

import unimod as um
from unimod.errors import (
    CapabilityError,
    CapturedModuleError,
    LeakedTracerError,
    OptionError,
    ShapeError,
    TreeError,
)

jit = functools.partial(um.jit, compiler="graph")


def array(values, dtype="float32"):
    return um.numpy.asarray(values, dtype=dtype)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


class Tally(um.Module):
    """A parameter, and a count of its calls."""

    def __init__(self) -> None:
        self.w = um.Parameter(array([2.0, 3.0]))
        self.n = array(0, "int32")

    def __call__(self, x, power=1):
        self.n = self.n + 1
        return self.w * x**power

    def look(self, x, power=1):
        return self.w * x**power

    @jit
    def jitted(self, x):
        return self(x)


def check_native(x, backend, shape, dtype="float32"):
    assert um.engine_of(x).name == backend
    assert (tuple(x.shape), str(um.dtype_of(x))) == (shape, dtype)


# Programs ahead of time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [lambda m: jit(m), lambda m: jit(m.__call__), lambda m: m.jitted])
def test_the_program_of_a_method_writes_back(backend, of):
    model = Tally()
    program = of(model).lower(array([1.0, 2.0])).compile()
    assert int(model.n) == 0
    for count in (1, 2):
        y = program(array([1.0, 2.0]))
        check_native(y, backend, (2,))
        assert numbers(y) == [2.0, 6.0]
        check_native(model.n, backend, (), "int32")
        assert int(model.n) == count


def test_the_program_of_a_method_takes_the_module_as_it_is_then(backend):
    model = Tally()
    program = jit(model.look).lower(array([1.0, 1.0])).compile()
    model.w = array([5.0, 6.0])
    assert numbers(program(array([1.0, 1.0]))) == [5.0, 6.0]
    model.w = array([5.0])
    with pytest.raises(ShapeError, match="compiled for another shape") as caught:
        program(array([1.0, 1.0]))
    assert caught.value.where == "args[0].w"


def test_inplace_programs_write_back(backend):
    model = Tally()
    program = jit(lambda model, x: model(x), inplace=True).lower(model, array([1.0, 1.0])).compile()
    assert (numbers(program(model, array([1.0, 1.0]))), int(model.n)) == ([2.0, 3.0], 1)


def test_static_arguments_are_left_out_of_the_call(backend):
    f = jit(lambda n, x, mode="up": x[:n] + (1 if mode == "up" else -1), static_argnums=0, static_argnames="mode")
    x = array([1.0, 2.0, 3.0])
    program = f.lower(2, x, mode="down").compile()
    check_native(program(x), backend, (2,))
    assert numbers(program(x)) == numbers(f(2, x, mode="down")) == [0.0, 1.0]
    assert numbers(f.lower(1, x).compile()(x)) == [2.0]
    with pytest.raises(TreeError, match="arguments of another structure"):
        program(2, x)


def test_static_arguments_of_a_method_are_left_out(backend):
    model, x = Tally(), array([2.0, 1.0])
    by_place = jit(model, static_argnums=1).lower(x, 2).compile()
    by_name = jit(model, static_argnames="power").lower(x, power=3).compile()
    assert [numbers(by_place(x)), numbers(by_name(x))] == [[8.0, 3.0], [16.0, 3.0]]
    assert int(model.n) == 2


def test_a_method_and_static_arguments_are_saved(backend, tmp_path):
    model, x = Tally(), array([2.0, 1.0])
    for fn, args, expected in (
        (model.look, (x,), [4.0, 3.0]),
        (jit(model.look, static_argnums=1), (x, 2), [8.0, 3.0]),
        (jit(lambda n, x: x[:n], static_argnums=0), (1, x), [2.0]),
    ):
        um.save_function(tmp_path / "f.um", fn, *args)
        loaded = um.load_function(tmp_path / "f.um", compiler="graph")
        check_native(loaded(x), backend, (len(expected),))
        assert numbers(loaded(x)) == expected


@pytest.mark.parametrize("of", [lambda m: m, lambda m: jit(m), lambda m: m.jitted])
def test_a_method_that_changes_its_module_is_not_saved(backend, tmp_path, of):
    model = Tally()
    with pytest.raises(CapturedModuleError, match=r"Tally\.n was changed"):
        um.save_function(tmp_path / "f.um", of(model), array([1.0, 1.0]))
    assert int(model.n) == 0
    assert not (tmp_path / "f.um").exists()


# Leaks ----------------------------------------------------------------------------------------------------------------


def leak(fails=False):
    """A value from inside of a traced function."""
    kept = []

    def f(x):
        kept.append(x * 2)
        if fails:
            raise KeyError("on purpose")
        return x

    with contextlib.suppress(KeyError):
        jit(f)(array([1.0, 2.0]))
    return kept[0]


def leaked_error(backend):
    # What is done with JAX's own operators is told by JAX, in its words.
    if backend != "jax":
        return LeakedTracerError
    return importlib.import_module("jax").errors.UnexpectedTracerError


USES = {
    "operator": lambda x: x + 1,
    "function": lambda x: um.numpy.add(x, 1.0),
    "sum": um.numpy.sum,
    "float": lambda x: float(x[0]),
    "grad": um.grad(lambda x: um.numpy.sum(x * x)),
    "vmap": um.vmap(lambda x: x + 1),
    "module": lambda x: um.nn.Linear(2, 1).init(0)(x),
}


@pytest.mark.parametrize("use", USES)
def test_a_leaked_value_cannot_be_used(backend, use):
    with pytest.raises(leaked_error(backend)):
        USES[use](leak())


@pytest.mark.parametrize(
    "use",
    [
        lambda x: jit(lambda x: x + 1)(x),
        lambda x: jit(lambda y: y + x)(array([1.0, 2.0])),
        lambda x: jit(lambda tree: um.tree.map(lambda x: x * 2, tree))({"a": array([1.0]), "b": x}),
    ],
)
def test_a_leaked_value_is_refused_by_a_jitted_function(backend, use):
    with pytest.raises(LeakedTracerError, match="after the function has ended"):
        use(leak())


def test_a_value_leaked_by_a_failed_trace_cannot_be_used(backend):
    with pytest.raises(LeakedTracerError):
        jit(lambda x: x + 1)(leak(fails=True))


def test_a_value_leaked_into_a_module_is_refused(backend):
    class Keeping(um.Module):
        def __init__(self):
            self.items = [array([1.0, 2.0])]

    model = Keeping()

    def f(x):
        model.items.append(x * 2)
        return x

    jit(f)(array([1.0, 2.0]))
    with pytest.raises(LeakedTracerError):
        jit(lambda model: [x + 1 for x in model.items])(model)


def test_a_leak_does_no_harm_to_the_function(backend):
    kept = []

    def f(x):
        kept.append(x)
        return x * 2

    g = jit(f)
    assert [numbers(g(array([value]))) for value in (1.0, 2.0)] == [[2.0], [4.0]]
    assert (g.trace_count, len(kept)) == (1, 1)
    assert g.lower(array([1.0])).compile().cost_analysis() is not None


# Options --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"donate_argnums": -1}, {"donate_argnames": "x"}, {"donate_argnames": ["x"]}])
@pytest.mark.parametrize("by_name", [False, True])
def test_arguments_are_donated_by_place_and_by_name(backend, options, by_name):
    f = jit(lambda scale, x: x * scale + 1.0, **options)
    x, scale = array([1.0, 2.0]), array([2.0, 2.0])
    assert numbers(f(scale, x=x) if by_name else f(scale, x)) == [3.0, 5.0]
    with pytest.raises(CapabilityError, match="was donated to a jitted function"):
        f(scale, x)
    assert numbers(scale) == [2.0, 2.0]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"static_argnums": 2}, "no argument 2 to be static"),
        ({"static_argnums": -3}, "no argument -3 to be static"),
        ({"static_argnames": "mode"}, "no argument 'mode' to be static"),
        ({"donate_argnums": (0, 5)}, "no argument 5 to be donated"),
        ({"donate_argnames": "mode"}, "no argument 'mode' to be donated"),
        ({"static_argnums": "x"}, "static_argnums takes a place"),
        ({"static_argnums": 1.0}, "static_argnums takes a place"),
        ({"donate_argnums": True}, "donate_argnums takes a place"),
        ({"static_argnames": 1}, "static_argnames takes a name"),
        ({"static_argnums": 1, "donate_argnums": 1}, "cannot be static and donated"),
        ({"static_argnames": "n", "donate_argnums": 1}, "cannot be static and donated"),
        ({"compiler_options": ["a"]}, "compiler_options takes a dict"),
        ({"compiler": "gcc"}, "no compiler called 'gcc'"),
    ],
)
def test_options_are_checked_when_the_function_is_made(backend, options, text):
    with pytest.raises(OptionError, match=text):
        um.jit(lambda x, n: x, **options)


def test_a_positional_argument_may_be_static(backend):
    def f(x, /, n, *, mode="up"):
        return x[:n] if mode == "up" else -x[:n]

    g = jit(f, static_argnames=("n", "mode"))
    assert numbers(g(array([1.0, 2.0]), 1)) == [1.0]
    assert numbers(g(array([1.0, 2.0]), n=1, mode="down")) == [-1.0]


def test_places_beyond_the_named_ones_are_those_of_further_arguments(backend):
    f = jit(lambda *xs: xs[0][: xs[1]], static_argnums=1)
    assert numbers(f(array([1.0, 2.0]), 1)) == [1.0]


def test_arrays_of_the_host_and_of_the_engine_share_a_trace(backend):
    f = jit(lambda x, y: x * y)
    host = np.asarray([2.0, 3.0], "float32")
    assert [numbers(f(array([1.0, 2.0]), y)) for y in (array([2.0, 3.0]), host, array([2.0, 3.0]))] == [[2.0, 6.0]] * 3
    assert f.trace_count == 1


def test_calls_with_numbers_only_follow_the_chosen_engine(tested_engines):
    f = jit(lambda x: um.numpy.add(x, 1))
    for name in (*tested_engines, *tested_engines):
        with um.use_backend(name):
            assert um.engine_of(f(1)).name == name


# Why it traced again --------------------------------------------------------------------------------------------------


def test_a_static_argument_is_named_as_the_reason_of_a_trace(backend):
    f = jit(lambda x, n, mode="up": x[:n], static_argnums=1, static_argnames="mode")
    x = array([1.0, 2.0])
    f(x, 1)
    f(x, 2)
    assert f.explain() == "The static argument args[1] changed from 1 to 2."
    f(x, 2, mode="down")
    assert f.explain() == "The static argument mode changed from absent to 'down'."


def test_a_static_argument_of_a_method_is_named_by_its_place(backend):
    f = jit(Tally().look, static_argnums=1)
    f(array([1.0, 1.0]), 1)
    f(array([1.0, 1.0]), 2)
    assert f.explain() == "The static argument args[1] changed from 1 to 2."


# Control flow that depends on data ------------------------------------------------------------------------------------


def branch(x):
    return x if x[0] > 0 else -x  # here


def loop(x):
    while um.numpy.sum(x) < 10:  # here
        x = x * 2
    return x


def number(x):
    return x * float(x[0])  # here


def count(x):
    return sum(range(int(x[0])))  # here


def host(x):
    return np.asarray(x)  # here


def selection(x):
    return x[x > 0]  # here


@pytest.mark.parametrize("fn", [branch, loop, number, count, host, selection])
def test_python_that_depends_on_data_is_named_by_its_line(backend, fn):
    with pytest.raises(CapabilityError, match="Python needs the value") as caught:
        jit(fn)(array([1.0, 2.0]))
    where = caught.value.where
    assert where.startswith(f"{__file__}:")
    assert f"in {fn.__name__}: " in where
    assert where.endswith("# here")
    assert "um.cond" in caught.value.fix
