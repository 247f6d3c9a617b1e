"""``um.jit``: traces, state, static arguments, and what is refused, the same on both engines."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest

import unimod as um
from unimod.errors import (
    CapabilityError,
    CapturedModuleError,
    DTypeError,
    MixedBackendError,
    NotInitializedError,
    OptionError,
    RetraceWarning,
    TreeError,
    UnreturnedStateWarning,
)

jit = functools.partial(um.jit, compiler="graph")


def array(values, dtype="float32"):
    return um.numpy.asarray(values, dtype=dtype)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


class Counter(um.Module):
    """A parameter, a state, and a child with a state of its own."""

    def __init__(self, is_leaf: bool = False) -> None:
        self.w = um.Parameter(array([1.0, 2.0]))
        self.n = array(0, "int32")
        self.child = None if is_leaf else Counter(True)

    def __call__(self, x):
        self.n = self.n + 1
        if self.child is not None:
            self.child(x)
        return self.w * x

    def look(self, x):
        return self.w * x

    def fail(self, x):
        self.n = self.n + 1
        raise KeyError("on purpose")

    @jit
    def jitted(self, x):
        return self(x)


def count(module: Counter) -> tuple[int, int]:
    return int(module.n), int(module.child.n)


# Values and traces ----------------------------------------------------------------------------------------------------


def test_results_are_native_and_equal_to_the_eager_ones(backend):
    model = um.nn.MLP([3, 4, 2]).init(0)
    x = um.random.normal(um.random.key(1), (5, 3))
    y = jit(lambda model, x: model(x))(model, x)
    assert um.engine_of(y).name == backend
    assert um.dtype_of(y) == "float32"
    # One matmul of length 4 after one of length 3: a few roundings each.
    np.testing.assert_allclose(numbers(y), numbers(model(x)), rtol=1e-6, atol=1e-6)


def test_traced_once_for_each_structure_shape_and_dtype(backend):
    f = jit(lambda tree: um.tree.map(lambda x: x + 1, tree))
    for _ in range(3):
        f({"a": array([1.0])})
    assert f.trace_count == 1
    f({"a": array([1.0, 2.0])})
    assert f.trace_count == 2
    f({"a": array([1], "int32")})
    assert f.trace_count == 3
    f({"a": array([1.0]), "b": array([1.0])})
    assert f.trace_count == 4
    f({"a": array([5.0])})
    assert f.trace_count == 4


def test_a_training_loop_traces_once(backend):
    @jit
    def step(model, opt, x):
        grads = um.grad(lambda model: um.numpy.mean(model(x) ** 2))(model)
        return um.apply_gradients(model, opt, grads)

    model = um.nn.MLP([2, 3, 1]).init(0)
    opt = um.optim.adam(1e-2).init(model.parameters())
    for _ in range(4):
        model, opt = step(model, opt, array([[1.0, 2.0]]))
    assert step.trace_count == 1
    assert int(opt[0].count) == 4


def test_modes_are_part_of_the_structure(backend):
    f = jit(lambda model, x: model(x) if model.training else x)
    model = um.nn.Linear(2, 2).init(0)
    x = array([[1.0, 2.0]])
    f(model, x)
    assert numbers(f(model.eval(), x)) == numbers(x)
    f(model.eval().train(), x)
    assert f.trace_count == 2


@pytest.mark.parametrize("kind", [float, int, bool])
def test_python_numbers_are_arguments_not_constants(backend, kind):
    f = jit(lambda x, s: x * s)
    assert [numbers(f(array([1.0]), kind(s))) for s in (1, 0)] == [[1.0], [0.0]]
    assert f.trace_count == 1


def test_a_python_number_does_not_widen(backend):
    y = jit(lambda x, s: x * s)(array([1.0], "float16"), 2.0)
    assert um.dtype_of(y) == "float16"


def test_host_arrays_follow_the_engine_beside_them(backend):
    y = jit(lambda a, b: a + b)(array([1.0]), np.asarray([2.0], np.float32))
    assert um.engine_of(y).name == backend
    assert numbers(y) == [3.0]


def test_host_arrays_alone_stay_on_the_host(backend):
    assert type(jit(lambda x: x + 1)(np.ones(2, np.float32))) is np.ndarray


def test_a_call_without_arrays_uses_the_chosen_engine(backend):
    assert um.engine_of(jit(lambda: um.numpy.ones((2,)))()).name == backend
    assert um.engine_of(jit(lambda: um.numpy.ones((2,)), backend=backend)()).name == backend


def test_outputs_may_be_anything(backend):
    def f(x):
        return {"x": x, "text": "abc", "none": None, "nothing": um.Nothing, "fn": len, "n": 3, "pair": (x, [])}

    out = jit(f)(array([1.0]))
    assert (out["text"], out["none"], out["nothing"], out["fn"]) == ("abc", None, um.Nothing, len)
    assert int(out["n"]) == 3
    assert out["pair"][1] == []
    again = jit(f)(array([1.0]))
    assert numbers(again["x"]) == [1.0]


def test_keyword_arguments(backend):
    f = jit(lambda x, *, scale, shift=0.0: x * scale + shift)
    assert numbers(f(array([2.0]), scale=3.0)) == [6.0]
    assert numbers(f(array([2.0]), shift=array([1.0]), scale=3.0)) == [7.0]


def test_nested_jit(backend):
    inner = jit(lambda model, x: (model, model(x)))

    @jit
    def outer(model, x):
        model, y = inner(model, x)
        return inner(model, y)

    model, y = outer(Counter(), array([1.0, 1.0]))
    assert numbers(y) == [1.0, 4.0]
    assert count(model) == (2, 2)


def test_a_random_key_is_an_argument(backend):
    f = jit(lambda key: um.random.normal(key, (3,)))
    one, two = um.random.split(um.random.key(0))
    assert numbers(f(one)) != numbers(f(two))
    assert numbers(f(one)) == numbers(um.random.normal(one, (3,)))
    assert f.trace_count == 1


def test_donated_arguments_give_the_same_result(backend):
    f = jit(lambda model, x: um.tree.map(lambda p: p + um.numpy.sum(x), model), donate_argnums=0)
    model = f(um.nn.Linear(2, 2).init(0), array([1.0]))
    assert numbers(model.bias) == [1.0, 1.0]


@pytest.mark.parametrize("argument", [0, (0,)])
def test_static_argnums(backend, argument):
    f = jit(lambda n, x: x[:n], static_argnums=argument)
    assert [numbers(f(n, array([1.0, 2.0, 3.0]))) for n in (1, 2, 1)] == [[1.0], [1.0, 2.0], [1.0]]
    assert f.trace_count == 2
    assert numbers(f(n=2, x=array([1.0, 2.0]))) == [1.0, 2.0]


@pytest.mark.parametrize("argument", ["mode", ("mode",)])
def test_static_argnames(backend, argument):
    f = jit(lambda x, mode="up": x + 1 if mode == "up" else x - 1, static_argnames=argument)
    assert numbers(f(array([1.0]))) == [2.0]
    assert numbers(f(array([1.0]), mode="down")) == [0.0]
    assert numbers(f(array([1.0]), "down")) == [0.0]


def test_negative_static_argnums(backend):
    assert numbers(jit(lambda x, n: x[:n], static_argnums=-1)(array([1.0, 2.0]), 1)) == [1.0]


def test_static_values_are_compared_with_their_types(backend):
    f = jit(lambda x, n: x + (1 if n is True else 2), static_argnums=1)
    assert [numbers(f(array([0.0]), n)) for n in (True, 1, 1.0, True)] == [[1.0], [2.0], [2.0], [1.0]]
    assert f.trace_count == 3


def test_a_static_list_is_compared_by_content(backend):
    f = jit(lambda x, axes: um.numpy.sum(x, axis=tuple(axes)), static_argnums=1)
    f(array([[1.0]]), [0])
    f(array([[1.0]]), [0])
    assert f.trace_count == 1


def test_an_unknown_static_name_is_an_error(backend):
    with pytest.raises(OptionError, match="no argument 'mode'"):
        jit(lambda x: x, static_argnames="mode")


@pytest.mark.parametrize("make", [lambda: array([1.0]), lambda: Counter(), lambda: [Counter()], lambda: Counter().look])
def test_a_static_argument_must_not_hide_leaves(backend, make):
    with pytest.raises(TreeError, match="hidden in a static place"):
        jit(lambda x, n: x, static_argnums=1)(array([1.0]), make())


def test_static_arguments_of_a_bound_method(backend):
    class Power(um.Module):
        def __init__(self):
            self.w = um.Parameter(array(2.0))

        def __call__(self, x, n):
            return self.w * x**n

    assert float(jit(Power().__call__, static_argnums=1)(array(3.0), 2)) == 18.0
    assert float(jit(Power(), static_argnames="n")(array(3.0), n=2)) == 18.0


# Modules as values ----------------------------------------------------------------------------------------------------


def test_a_module_argument_is_a_value(backend):
    model = Counter()
    new, _ = jit(lambda model, x: (model, model(x)))(model, array([1.0, 1.0]))
    assert count(model) == (0, 0)
    assert count(new) == (1, 1)
    assert type(new) is Counter


def test_a_lost_state_is_told_once_with_its_path(backend):
    f = jit(lambda model, x: model(x))
    with pytest.warns(UnreturnedStateWarning, match=r"Counter\.n, Counter\.child\.n") as caught:
        _ = [f(Counter(), x) for x in (array([1.0, 1.0]), array([1.0]))]
    assert len([w for w in caught if issubclass(w.category, UnreturnedStateWarning)]) == 1


def test_no_warning_where_nothing_is_lost(backend):
    jit(lambda model, x: model.look(x))(Counter(), array([1.0, 1.0]))
    jit(lambda model, x: (model(x), model))(Counter(), array([1.0, 1.0]))
    jit(lambda model, x: (model(x), model.states()))(Counter(), array([1.0, 1.0]))


def test_a_captured_module_can_be_read(backend):
    model = Counter()
    assert numbers(jit(lambda x: model.look(x))(array([1.0, 1.0]))) == [1.0, 2.0]


@pytest.mark.parametrize("change", ["n", "new", "w"])
def test_a_captured_module_cannot_be_changed(backend, change):
    model = Counter()
    before = dict(vars(model))

    def f(x):
        setattr(model, change, x)
        return x

    with pytest.raises(CapturedModuleError, match=rf"Counter\.{change} was changed from inside"):
        jit(f)(array([1.0]))
    assert vars(model) == before
    model.n = 3


def test_deleting_from_a_captured_module_is_refused(backend):
    model = Counter()

    def f(x):
        del model.n
        return x

    with pytest.raises(CapturedModuleError):
        jit(f)(array([1.0]))
    assert int(model.n) == 0


def test_a_module_that_leaked_out_cannot_be_changed(backend):
    leaked = []

    def f(model):
        leaked.append(model)
        return model.n

    jit(f)(Counter())
    with pytest.raises(CapturedModuleError, match="had ended"):
        leaked[0].n = 1


def test_a_module_made_inside_belongs_to_the_caller_when_it_is_returned(backend):
    model = jit(lambda x: um.nn.Linear(2, 2).init(0))(array([1.0]))
    model.bias = array([1.0, 1.0])
    assert numbers(model.bias) == [1.0, 1.0]


# Modules as objects ---------------------------------------------------------------------------------------------------


def test_a_bound_method_writes_back_to_the_very_objects(backend):
    model = Counter()
    child = model.child
    f = jit(model.__call__)
    y = [numbers(f(array([1.0, 1.0]))) for _ in range(3)]
    assert y == [[1.0, 2.0]] * 3
    assert f.trace_count == 1
    assert model.child is child
    assert (int(model.n), int(child.n)) == (3, 3)


def test_a_jitted_module_is_its_call(backend):
    model = Counter()
    jit(model)(array([1.0, 1.0]))
    assert count(model) == (1, 1)


@pytest.mark.parametrize("box", [lambda c: [c], lambda c: (c,), lambda c: {"c": c}, lambda c: {"a": [(c, 1)]}])
def test_children_in_containers_are_kept_as_the_objects(backend, box):
    class Holder(um.Module):
        def __init__(self, child):
            self.child = child
            self.parts = box(child)

        def __call__(self, x):
            return self.child(x)

    child = Counter()
    holder = Holder(child)
    jit(holder)(array([1.0, 1.0]))
    assert count(child) == (1, 1)
    assert holder.child is child
    found = holder.parts
    while not isinstance(found, Counter):
        found = found[0] if isinstance(found, (list, tuple)) else next(iter(found.values()))
    assert found is child


def test_a_lazy_child_is_kept_as_the_object(backend):
    model = Counter()
    child = model.child = um.tree.map(lambda x: x, model.child)
    jit(model)(array([1.0, 1.0]))
    assert model.child is child
    assert int(child.n) == 1


def test_new_attributes_and_layers_are_written_back(backend):
    class Growing(um.Module):
        def __init__(self):
            self.layers = [Counter(True)]

        def __call__(self, x):
            self.last = x
            self.layers.append(Counter(True))
            return x

    model = Growing()
    first = model.layers[0]
    jit(model)(array([1.0]))
    assert numbers(model.last) == [1.0]
    assert len(model.layers) == 2
    assert model.layers[0] is first


def test_ties_survive_the_write_back(backend):
    class Tied(um.Module):
        def __init__(self):
            self.a, self.b = Counter(True), Counter(True)
            self.b.w = self.a.share("w")

        def __call__(self, x):
            self.a.w = self.a.w + x
            return self.b.w

    model = Tied()
    assert numbers(jit(model)(array([1.0, 1.0]))) == [2.0, 3.0]
    assert model.a.w is model.b.w
    model.b.w = array([0.0, 0.0])
    assert numbers(model.a.w) == [0.0, 0.0]


def test_sharing_that_ends_inside_is_written_back(backend):
    class Split(um.Module):
        def __init__(self):
            self.a = self.b = Counter(True)

        def __call__(self, x):
            self.b = Counter(True)
            self.b.w = x
            return x

    model = Split()
    jit(model)(array([5.0]))
    assert numbers(model.a.w) == [1.0, 2.0]
    assert numbers(model.b.w) == [5.0]


def test_sharing_that_begins_inside_is_written_back(backend):
    class Join(um.Module):
        def __init__(self):
            self.a, self.b = Counter(True), Counter(True)

        def __call__(self, x):
            self.b = self.a
            return x

    model = Join()
    jit(model)(array([5.0]))
    assert model.a is model.b


def test_nothing_is_changed_after_an_exception(backend):
    model = Counter()
    before = dict(vars(model))
    with pytest.raises(KeyError, match="on purpose"):
        jit(model.fail)(array([1.0]))
    assert vars(model) == before
    model.n = model.n + 1
    assert count(model) == (1, 0)


def test_a_decorated_method(backend):
    model = Counter()
    model.jitted(array([1.0, 1.0]))
    assert count(model) == (1, 1)
    assert model.jitted.trace_count == Counter.jitted.trace_count >= 1


def test_a_decorated_call(backend):
    class Model(um.Module):
        def __init__(self):
            self.n = array(0, "int32")

        @jit
        def __call__(self, x):
            self.n = self.n + 1
            return x + 1

    model = Model()
    assert numbers(model(array([1.0]))) == [2.0]
    assert int(model.n) == 1
    assert numbers(um.nn.Sequential(model)(array([1.0]))) == [2.0]


def test_decorated_methods_share_traces_between_instances(backend):
    class Model(um.Module):
        def __init__(self):
            self.w = um.Parameter(array(2.0))

        @jit
        def double(self, x):
            return self.w * x

    for _ in range(2):
        Model().double(array(1.0))
    assert Model.double.trace_count == 1


def test_a_jitted_method_of_a_captured_module_can_be_called(backend):
    model = Counter()
    look = jit(model.look)
    assert numbers(jit(lambda x: look(x) + 1)(array([1.0, 1.0]))) == [2.0, 3.0]


def test_a_jitted_method_of_a_captured_module_cannot_change_it(backend):
    model = Counter()
    with pytest.raises(CapturedModuleError):
        jit(lambda x: model.jitted(x))(array([1.0, 1.0]))
    assert count(model) == (0, 0)


def test_a_jitted_method_inside_a_traced_method(backend):
    class Outer(um.Module):
        def __init__(self):
            self.inner = Counter()

        def __call__(self, x):
            return self.inner.jitted(x)

    model = Outer()
    inner = model.inner
    jit(model)(array([1.0, 1.0]))
    assert count(inner) == (1, 1)


def test_inplace_writes_every_module_argument_back(backend):
    def f(models, x, extra):
        for model in (*models.values(), extra):
            model(x)
        return x

    b, a, extra = Counter(), Counter(), Counter()
    b.tag, a.tag = "b", "a"
    jit(f, inplace=True)({"b": b, "a": a}, array([1.0, 1.0]), extra=extra)
    assert [count(model) for model in (a, b, extra)] == [(1, 1)] * 3
    assert (a.tag, b.tag) == ("a", "b")


def test_inplace_changes_nothing_after_an_exception(backend):
    def f(one, two):
        one.n = one.n + 1
        two.fail(one.n)

    one, two = Counter(), Counter()
    with pytest.raises(KeyError):
        jit(f, inplace=True)(one, two)
    assert count(one) == count(two) == (0, 0)


# Errors and warnings --------------------------------------------------------------------------------------------------


def test_text_must_be_static(backend):
    with pytest.raises(DTypeError, match="neither array nor number") as caught:
        jit(lambda x, mode: x)(array([1.0]), mode={"a": ["fast"]})
    assert caught.value.where == "kwargs.mode.a[0]"
    assert "static_argnames" in caught.value.fix


def test_a_module_without_values_is_named(backend):
    with pytest.raises(NotInitializedError) as caught:
        jit(lambda x, model: model(x))(array([[1.0]]), um.nn.Sequential(um.nn.Linear(1, 1)))
    assert caught.value.where == "args[1].layers[0].kernel"


@pytest.mark.needs("jax", "torch")
def test_arrays_of_two_engines_are_refused():
    with pytest.raises(MixedBackendError):
        jit(lambda a, b: a)(um.numpy.ones((1,), backend="jax"), um.numpy.ones((1,), backend="torch"))


def test_python_cannot_ask_for_a_traced_value(backend):
    with pytest.raises(CapabilityError, match="Python needs the value"):
        jit(lambda x: 1 if x > 0 else 2)(array(1.0))


def test_the_engine_is_part_of_the_key(tested_engines):
    f = jit(lambda x: x + 1)
    for _ in range(2):
        for name in tested_engines:
            assert um.engine_of(f(um.numpy.ones((1,), backend=name))).name == name


def test_explain_names_what_changed(backend):
    f = jit(lambda tree, n=0.0: tree["a"] + n)
    assert f.explain() == "It has not been traced."
    f({"a": array([1.0])})
    assert f.explain() == "It has been traced once."
    f({"a": array([1.0, 2.0])})
    assert f.explain() == "The leaf args[0].a changed from float32[1] to float32[2]."
    f({"a": array([1.0, 2.0]), "b": 1.0})
    assert f.explain().startswith("The structure of the arguments changed at args[0].b: ")
    f({"a": array([1.0, 2.0]), "b": 1.0}, n=1.0)
    assert f.explain().startswith("The structure of the arguments changed at kwargs.n: ")


def test_endless_retracing_is_told(backend):
    f = jit(lambda x: x + 1)
    with pytest.warns(RetraceWarning, match="has been traced 16 times.*changed from float32"):
        _ = [f(um.numpy.ones((size,))) for size in range(1, 18)]


def test_a_static_counter_that_retraces_is_told_by_its_path(backend):
    class Model(um.Module):
        def __init__(self):
            self.steps, self.w = 0, array(1.0)

        def __call__(self, x):
            self.steps += 1
            return x

    model = Model()
    f = jit(model)
    with pytest.warns(RetraceWarning, match=r"args\[0\]\.steps"):
        _ = [f(array(1.0)) for _ in range(16)]
    assert model.steps == 16


def test_it_is_a_decorator_with_the_text_of_the_function(backend):
    @um.jit(compiler="graph", static_argnames="n")
    def grow(x, n):
        """Add n."""
        return x + n

    assert (grow.__name__, grow.__doc__) == ("grow", "Add n.")
    assert numbers(grow(array([1.0]), n=2)) == [3.0]


def test_a_failed_trace_can_be_repeated(backend):
    is_bad = [True]

    def f(x):
        if is_bad:
            raise ValueError("bad")
        return x + 1

    g = jit(f)
    with pytest.raises(ValueError, match="bad"):
        g(array([1.0]))
    is_bad.clear()
    assert numbers(g(array([1.0]))) == [2.0]


@pytest.mark.inductor
@pytest.mark.needs("torch")
def test_the_compiler_of_torch_gives_the_same_step():
    model = um.nn.MLP([2, 3, 1]).init(0, backend="torch")
    x = um.numpy.ones((2, 2), backend="torch")
    step = um.jit(lambda model, x: um.value_and_grad(lambda m: um.numpy.mean(m(x) ** 2))(model), compiler="inductor")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        value, grads = step(model, x)
    expected, wanted = um.value_and_grad(lambda m: um.numpy.mean(m(x) ** 2))(model)
    np.testing.assert_allclose(float(value), float(expected), rtol=1e-6)
    for got, want in zip(um.tree.leaves(grads), um.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(numbers(got), numbers(want), rtol=1e-5, atol=1e-6)
