"""What the stateful style refuses, in the same words on every engine; and that nothing is left behind."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Literal, Optional

import pytest

import unimod as um
import unimod.stateful as sf
from tests.conformance.stateful_runs import array, batch, numbers, zeros
from unimod.errors import (
    CapturedModuleError,
    DTypeError,
    MixedBackendError,
    NotInitializedError,
    OptionError,
    ShapeError,
    TreeError,
    UnimodError,
)
from unimod.stateful import _context

jit = functools.partial(um.jit, compiler="graph")


class Counter(sf.Module):
    def count(self):
        return self.put("n", self.get("n", zeros, (), "int32") + 1)

    def fail(self):
        self.count()
        raise KeyError("on purpose")


class Holder(sf.Module):
    def __call__(self):
        self.last = self.get("n", zeros)


def both_named_a():
    Counter(name="a").count()
    Counter(name="a").count()


def module_on_entry():
    sf.put("a", 1.0)
    Counter(name="a").count()


def entry_on_module():
    Counter(name="a").count()
    sf.get("a", zeros)


def built_twice():
    sf.get("h", um.nn.Linear, 2, 3)
    sf.get("h", um.nn.Linear, 2, 4)


def coroutine():
    async def later():
        return 1

    return later()


def put_shape():
    sf.put("w", um.numpy.ones((3,)))


def put_dtype():
    sf.put("w", um.numpy.ones((2,), dtype="int32"))


def put_structure():
    sf.put("w", {"a": um.numpy.ones((2,))})


STATE = {"w": 2}  # the length of the one entry
CASES = {
    "absent": (lambda: sf.get("v"), NotInitializedError),
    "absent with a constructor": (lambda: sf.get("v", zeros), NotInitializedError),
    "put what is absent": (lambda: sf.put("v", 1.0), NotInitializedError),
    "two modules on one path": (both_named_a, TreeError, {"create": True}),
    "a module on an entry": (module_on_entry, TreeError, {"create": True}),
    "an entry on a module": (entry_on_module, TreeError, {"create": True}),
    "a submodule built in two ways": (built_twice, OptionError, {"create": True}),
    "another shape": (put_shape, ShapeError),
    "another dtype": (put_dtype, DTypeError),
    "another structure": (put_structure, TreeError),
    "modify=False": (lambda: sf.put("w", um.numpy.ones((2,))), OptionError, {"modify": False}),
    "no seed": (sf.rng, NotInitializedError),
    "a seed that is none": (lambda: None, DTypeError, {"seed": "one"}),
    "a pattern that matches nothing": (lambda: sf.getm("v.*"), TreeError),
    "a pattern that is none": (lambda: sf.getm("(v"), OptionError),
    "an empty part": (lambda: sf.get("a//b"), OptionError),
    "a name that is none": (lambda: sf.get(3), OptionError),
    "a value that is none": (lambda: sf.put("v", "text"), DTypeError, {"create": True}),
    "a constructor that is none": (lambda: sf.get("v", 3), DTypeError, {"create": True}),
    "putm of no mapping": (lambda: sf.putm([1]), DTypeError),
    "an attribute that holds an array": (lambda: Holder(name="h")(), CapturedModuleError, {"create": True}),
    "a coroutine": (coroutine, DTypeError),
    "a flag that is an array": (lambda: None, OptionError, {"create": lambda: array(1.0)}),
    "grad by nothing": (lambda: sf.grad(zeros), OptionError),
    "grad by a key that is absent": (lambda: sf.grad(zeros, "v")(), TreeError),
    "grad by a number of an argument that is absent": (lambda: sf.grad(zeros, 0)(), DTypeError),
    "grad of no pair": (lambda: sf.grad(lambda: um.numpy.sum(sf.get("w")), "w", has_aux=True)(), DTypeError),
    "grad of no scalar": (lambda: sf.grad(lambda: sf.get("w"), "w")(), ShapeError),
    "a layer of no module": (lambda: sf.Layer(zeros, name="l"), DTypeError),
    "no name": (Counter, OptionError),
    "a name with strange characters": (lambda: Counter(name="a b"), OptionError),
    "arguments that no one takes": (lambda: Counter(3, name="a"), OptionError),
    "an optimizer with options twice": (lambda: sf.Optimizer(um.optim.sgd(0.1), 0.1, name="o"), DTypeError),
}
texts: dict[str, str] = {}


@pytest.mark.parametrize("name", CASES)
def test_errors_say_what_and_how_in_the_same_words(name, backend):
    fn, error, options = (*CASES[name], {})[:3]
    options = {key: value() if callable(value) else value for key, value in options.items()}
    state = {"w": um.numpy.ones((STATE["w"],))}
    with pytest.raises(error) as caught:
        sf.pure(fn)(state, **options)
    text = str(caught.value).replace(backend, "ENGINE")
    assert isinstance(caught.value, UnimodError)
    assert "\n  " in text
    assert texts.setdefault(name, text) == text
    assert list(state) == ["w"]
    assert numbers(state["w"]) == [1.0, 1.0]
    assert _context.running() is None
    assert _context.path() == ""


def test_a_state_that_is_none(backend):
    for state in ([], {1: array(1.0)}, None):
        with pytest.raises(DTypeError, match="takes the state first"):
            sf.pure(zeros)(state)


def test_arrays_of_two_engines():
    with um.use_backend("jax"):
        one = array(1.0)
    with um.use_backend("torch"):
        other = array(1.0)
    with pytest.raises(MixedBackendError):
        sf.pure(lambda x: sf.get("a") + x)({"a": one}, other)


test_arrays_of_two_engines = pytest.mark.needs("jax", "torch")(test_arrays_of_two_engines)


def test_a_program_does_not_keep_the_state_that_it_captured(backend):
    inner = jit(lambda x: sf.get("w") * x)
    with pytest.raises(CapturedModuleError, match="read from inside"):
        sf.pure(inner)({"w": array(2.0)}, array(1.0))
    # A state that was handed in is never stale.
    pure = jit(sf.pure(lambda x: sf.get("w") * x))
    assert [numbers(pure({"w": array(w)}, array(1.0))[1]) for w in (2.0, 3.0)] == [2.0, 3.0]


@pytest.mark.parametrize("transform", ["plain", "jit", "grad", "vmap", "scan"])
def test_nothing_is_left_after_an_error(transform, backend):
    counter = Counter(name="c")
    pure, state = sf.pure(counter.fail), {"c/n": array(0, "int32")}
    calls = {
        "plain": lambda: pure(state),
        "jit": lambda: jit(pure)(state),
        "grad": lambda: um.grad(lambda x: pure(state)[1] * x)(array(1.0)),
        "vmap": lambda: um.vmap(pure)({"c/n": array([0, 1], "int32")}),
        "scan": lambda: um.scan(lambda s, x: pure(s), state, length=2),
    }
    for _ in range(2):
        with pytest.raises(KeyError, match="on purpose"):
            calls[transform]()
        assert _context.running() is None
        assert _context.path() == ""
    assert numbers(state["c/n"]) == 0
    assert numbers(sf.pure(counter.count)(state)[0]["c/n"]) == 1


@pytest.mark.parametrize("transform", ["grad", "scan", "cond", "nested"])
def test_an_error_that_is_caught_inside_leaves_the_state_as_it_was(transform, backend):
    counter = Counter(name="c")
    runs = {
        "grad": lambda: sf.grad(lambda x: counter.fail() * x, 0)(array(1.0)),
        "scan": lambda: sf.scan(lambda carry, x: counter.fail(), array(0.0), length=2),
        "cond": lambda: sf.cond(array(True, "bool"), counter.fail, counter.fail),
        "nested": lambda: sf.pure(counter.fail)(sf.state()),
    }

    def survive():
        with pytest.raises(KeyError, match="on purpose"):
            runs[transform]()
        assert _context.path() == ""
        return counter.count()

    state, n = sf.pure(survive)({"c/n": array(0, "int32")})
    assert numbers(n) == numbers(state["c/n"]) == 1
    assert um.engine_of(state["c/n"]).name == backend


def test_several_entries_are_written_together_or_not_at_all(backend):
    def write():
        with pytest.raises(ShapeError):
            sf.putm({"a": 5.0, "b": um.numpy.ones((3,))})
        return sf.state()

    state, seen = sf.pure(write)({"a": array(1.0), "b": array(2.0)})
    assert numbers(state["a"]) == numbers(seen["a"]) == 1.0


def test_a_thread_and_a_task_have_states_of_their_own(backend):
    found = []

    def elsewhere():
        try:
            sf.get("w")
        except NotInitializedError as error:
            found.append(str(error))

    def start():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return sf.get("w")

    sf.pure(start)({"w": array(1.0)})
    assert len(found) == 1
    assert "no state here" in found[0]

    async def names():
        async def one(name):
            with sf.scope(name):
                await asyncio.sleep(0)
                return Counter(name="c").path

        return await asyncio.gather(one("a"), one("b"))

    assert asyncio.run(names()) == ["a/c", "b/c"]


def test_threads_draw_what_their_seeds_say(backend):
    """Not all the same, and not what happened to be drawn before."""
    found = {}

    def work(seed):
        with um.use_backend(backend):
            found[seed] = numbers(sf.pure(lambda: um.random.uniform(sf.rng(), (3,)))({}, seed=seed)[1])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = numbers(sf.pure(lambda: um.random.uniform(sf.rng(), (3,)))({}, seed=0)[1])
    assert found[0] == again != found[1]


def test_a_seed_is_the_same_as_an_int_an_array_and_a_key(backend):
    draw = sf.pure(lambda: um.random.key_data(sf.rng()))
    key = um.random.key(7)
    seeds = [7, array(7, "int32"), key, um.random.key_data(key)]
    assert len({str(numbers(draw({}, seed=seed)[1])) for seed in seeds}) == 1
    assert numbers(jit(draw)({}, seed=7)[1]) == numbers(draw({}, seed=7)[1])


class Fields(sf.Module):
    rate: float = 0.5
    size: Optional[int] = None  # noqa: UP045 (both spellings are fields)
    mode: Literal["a", "b"] = "a"
    names: list[str] | None = None
    steps: int


def test_fields_are_checked(backend):
    module = Fields(rate=1, size=3, mode="b", names=["x"], steps=2, name="f")
    assert (module.rate, module.size, module.mode, module.names, module.steps) == (1, 3, "b", ["x"], 2)
    for wrong in ({"rate": "1"}, {"size": 1.5}, {"mode": "c"}, {"names": "x"}, {"steps": True}):
        with pytest.raises(DTypeError, match="has another type"):
            Fields(**{"steps": 1, **wrong}, name="f")
    with pytest.raises(OptionError, match="needs a value for its field 'steps'"):
        Fields(name="f")


def test_a_number_takes_the_dtype_of_the_entry(backend):
    state, _ = sf.pure(lambda: sf.put("n", 3))({"n": array(0.0)})
    assert numbers(state["n"]) == 3.0
    assert um.dtype_of(state["n"]) == "float32"


def test_a_state_of_host_arrays_comes_to_the_engine(backend):
    host = {"w": um.to_backend(array([1.0, 2.0]), "numpy"), "n": um.to_backend(array(0, "int32"), "numpy")}
    state, out = sf.pure(lambda x: sf.get("w") * x[0, 0])(host, batch())
    assert {um.engine_of(value).name for value in (*state.values(), out)} == {backend}


def test_an_entry_of_a_loop_that_is_never_reached(backend):
    step = sf.pure(lambda: sf.fori_loop(0, 0, lambda i, x: x + sf.put("n", sf.get("n") + 1), array(0.0)))
    state, out = step({"n": array(5.0)})
    assert numbers(state["n"]) == 5.0
    assert numbers(out) == 0.0
