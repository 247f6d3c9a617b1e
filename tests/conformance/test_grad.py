"""``um.grad`` and ``um.value_and_grad``: what is differentiated, what comes back, what is refused."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapabilityError, CapturedModuleError, DTypeError, NotInitializedError, ShapeError

jit = functools.partial(um.jit, compiler="graph")


def array(values, dtype="float32"):
    return um.numpy.asarray(values, dtype=dtype)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


def mean_square(model, x):
    return um.numpy.mean(um.numpy.square(model(x)))


class Counter(um.Module):
    def __init__(self):
        self.register_parameter("bias", array(0.5))
        self.register_state("counter", array(3, "int32"))

    def __call__(self, x):
        self.counter = self.counter + 1
        return x * self.counter + self.bias

    def loss(self, x):
        return um.numpy.sum(self(x))

    def pure_loss(self, x):
        return um.numpy.sum(x * self.bias)


class Tied(um.Module):
    def __init__(self):
        self.a, self.b = um.nn.Linear(2, 2, use_bias=False), um.nn.Linear(2, 2, use_bias=False)
        self.b.kernel = self.a.share("kernel")

    def __call__(self, x):
        return self.b(self.a(x))


class Twice(um.Module):
    def __init__(self):
        self.a = um.nn.Linear(2, 2, use_bias=False)
        self.again = [self.a]

    def __call__(self, x):
        return self.again[0](self.a(x))


# Arrays, numbers and trees --------------------------------------------------------------------------------------------


def test_of_a_python_number(backend):
    slope = um.grad(lambda x: x**2)(2.0)
    assert um.engine_of(slope).name == backend
    assert um.dtype_of(slope) == "float32"
    assert tuple(slope.shape) == ()
    assert float(slope) == 4.0


def test_of_a_dict(backend):
    value, grads = um.value_and_grad(lambda x: x["a"] * x["b"])({"a": 2.0, "b": -1.5})
    assert float(value) == -3.0
    assert {name: float(v) for name, v in grads.items()} == {"a": -1.5, "b": 2.0}


def test_of_several_arguments(backend):
    f = lambda x, y, z: x * y + z  # noqa: E731
    grads = um.grad(f, argnums=(2, 0))(2.0, 3.0, 4.0)
    assert [float(g) for g in grads] == [1.0, 3.0]
    assert float(um.grad(f, argnums=-1)(2.0, 3.0, 4.0)) == 1.0
    assert float(um.grad(f, wrt=1)(2.0, 3.0, 4.0)) == 2.0
    assert [float(g) for g in um.grad(f, wrt=(0, 1))(2.0, 3.0, 4.0)] == [3.0, 2.0]


def test_the_shape_and_dtype_are_those_of_the_argument(backend):
    x = array(np.ones((2, 3)), "float16")
    g = um.grad(lambda x: um.numpy.sum(x * x))(x)
    assert (tuple(g.shape), um.dtype_of(g)) == ((2, 3), "float16")


def test_an_argument_that_is_not_used_gets_zeros(backend):
    grads = um.grad(lambda t: um.numpy.sum(t["a"]))({"a": array([1.0]), "b": array([[1.0, 2.0]])})
    assert numbers(grads["b"]) == [[0.0, 0.0]]
    assert um.engine_of(grads["b"]).name == backend


def test_a_constant_loss_has_the_gradient_zero(backend):
    assert numbers(um.grad(lambda x: 3.0)(array([1.0, 2.0]))) == [0.0, 0.0]


def test_aux_output_may_be_anything(backend):
    def f(x):
        return x**2, {"x": x, "name": "abc", "n": 3, "none": None}

    (value, aux), g = um.value_and_grad(f, has_aux=True)(3.0)
    assert (float(value), float(g), float(aux["x"])) == (9.0, 6.0, 3.0)
    assert (aux["name"], aux["n"], aux["none"]) == ("abc", 3, None)
    g, aux = um.grad(f, has_aux=True)(3.0)
    assert (float(g), aux["name"]) == (6.0, "abc")


def test_results_carry_no_trace_of_the_derivative(backend):
    def f(x):
        return um.numpy.sum(x * x), x * 2

    (value, aux), g = um.value_and_grad(f, has_aux=True)(array([1.0, 2.0]))
    for x in (value, aux, g):
        assert um.engine_of(x).arrays.is_concrete(x)
        assert not getattr(x, "requires_grad", False)


def test_other_arguments_stay_what_they_are(backend):
    def f(x, n, flag, text, pair, fn):
        assert (type(n), type(flag), text, pair, fn) == (int, bool, "relu", (1, 2.5), len)
        return um.numpy.sum(x**n)

    assert numbers(um.grad(f)(array([2.0]), 3, True, "relu", (1, 2.5), len)) == [12.0]


def test_keyword_arguments_are_passed(backend):
    f = lambda x, *, scale, name="a": x * scale  # noqa: E731
    assert float(um.grad(f)(1.0, scale=4.0, name="b")) == 4.0


def test_host_arrays_follow_the_engine_beside_them(backend):
    g = um.grad(lambda x, y: um.numpy.sum(x * y))(array([1.0]), np.asarray([3.0], np.float32))
    assert um.engine_of(g).name == backend
    assert numbers(g) == [3.0]


def test_the_reference_engine_says_that_it_has_no_derivatives():
    with pytest.raises(CapabilityError, match="no derivatives"):
        um.grad(lambda x: um.numpy.sum(x))(np.ones(2, np.float32))


# Higher order ---------------------------------------------------------------------------------------------------------


def test_grad_of_grad(backend):
    assert float(um.grad(um.grad(lambda x: x**3 / 6))(3.0)) == 3.0
    assert float(um.grad(um.grad(um.grad(lambda x: x**3 / 6)))(3.0)) == 1.0


def test_grad_of_the_norm_of_a_gradient(backend):
    model = um.nn.Linear(2, 1, use_bias=False).init(0)
    x = array([[1.0, 2.0]])

    def penalty(model):
        return um.tree.norm_sq(um.grad(mean_square)(model, x))

    # loss = (w.x)^2, gradient 2 (w.x) x, its squared norm 4 (w.x)^2 |x|^2, and the gradient of that 8 (w.x) |x|^2 x
    w = np.asarray(numbers(model.kernel), np.float64)[:, 0]
    expected = 8 * (w @ [1, 2]) * 5 * np.asarray([1, 2])
    got = um.grad(penalty)(model)
    np.testing.assert_allclose(np.asarray(numbers(got.kernel))[:, 0], expected, rtol=1e-5)


def test_learning_the_learning_rate(backend):
    def f(x):
        return x**2 + 1

    def sgd(x, lr):
        for _ in range(20):
            x = x - lr * um.grad(f)(x)
        return x

    # x_20 = (1 - 2 lr)^20, and the derivative of x_20^2 + 1 by lr is -80 (1 - 2 lr)^39
    slope = um.grad(lambda lr: f(sgd(1.0, lr)))(0.1)
    np.testing.assert_allclose(float(slope), -80 * 0.8**39, rtol=1e-5)


def test_a_differentiable_optimizer_step(backend):
    params = {"x": array([2.0])}

    def after(lr):
        opt = um.optim.sgd(0.1).init(params)
        new, _ = opt.step(params, um.grad(lambda p: um.numpy.sum(p["x"] ** 2))(params), learning_rate=lr)
        return um.numpy.sum(new["x"] ** 2)

    # x = 2 (1 - 2 lr), and the derivative of its square by lr is -16 (1 - 2 lr)
    np.testing.assert_allclose(float(um.grad(after)(array(0.1))), -16 * 0.8, rtol=1e-6)


def test_under_jit_and_vmap(backend):
    slope = um.grad(lambda x: um.numpy.sum(x**3))
    np.testing.assert_allclose(numbers(jit(slope)(array([2.0]))), [12.0])
    np.testing.assert_allclose(numbers(um.vmap(slope)(array([[1.0], [2.0]]))), [[3.0], [12.0]])
    np.testing.assert_allclose(numbers(jit(um.vmap(um.grad(slope_sum)))(array([[1.0], [2.0]]))), [[6.0], [12.0]])


def slope_sum(x):
    return um.numpy.sum(um.grad(lambda x: um.numpy.sum(x**3))(x))


def test_of_a_jitted_function(backend):
    inner = jit(lambda x: um.numpy.sum(x**3))
    assert numbers(um.grad(inner)(array([2.0]))) == [12.0]
    assert numbers(jit(um.grad(inner))(array([2.0]))) == [12.0]


def test_stop_gradient(backend):
    assert float(um.grad(lambda x: x * um.stop_gradient(x))(3.0)) == 3.0
    tree = um.stop_gradient({"a": array([1.0]), "n": 3})
    assert tree["n"] == 3


# Modules --------------------------------------------------------------------------------------------------------------


def test_the_parameters_of_a_module_are_differentiated(backend):
    model = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3), um.nn.Dropout(0.5)).init(0)
    grads = um.grad(lambda m, x: (mean_square(m, x), m), has_aux=True)(model, array([[1.0, 2.0], [3.0, 5.0]]))[0]
    assert isinstance(grads, um.nn.Sequential)
    assert um.tree.paths_of(grads) == ["layers.0.kernel", "layers.0.bias", "layers.1.scale", "layers.1.bias"]
    assert grads.layers[1].mean is um.Nothing
    assert um.tree.structure(grads) is um.tree.structure(model.parameters())


def test_the_counter_of_the_first_example(backend):
    def loss_fn(model, x):
        y = model(x)
        loss = um.numpy.mean(um.numpy.square(x - y))
        return loss, (loss, model)

    net, x = Counter(), array(10.0)
    grads, (loss, new) = um.grad(loss_fn, has_aux=True, allow_int=True)(net, x)
    # y = 4 x + 0.5, and the derivative of (x - y)^2 by the bias is 2 (y - x)
    assert float(loss) == 30.5**2
    assert float(grads.bias) == 61.0
    assert grads.counter is um.Nothing
    assert (int(new.counter), int(net.counter)) == (4, 3)


def test_frozen_modules_get_no_gradient(backend):
    net = um.nn.Sequential(um.nn.Linear(2, 2), um.nn.Linear(2, 2)).init(0).freeze()
    net[-1] = um.nn.Linear(2, 2)
    net = net.init(1)
    grads = um.grad(mean_square)(net, array([[1.0, 2.0]]))
    assert um.tree.paths_of(grads) == ["layers.1.kernel", "layers.1.bias"]


@pytest.mark.parametrize("wrt", ["a", "a.kernel"])
def test_wrt_a_path(backend, wrt):
    class Two(um.Module):
        def __init__(self):
            self.a, self.b = um.nn.Linear(2, 2, use_bias=False), um.nn.Linear(2, 2)

        def __call__(self, x):
            return self.b(self.a(x))

    grads = um.grad(mean_square, wrt=wrt)(Two().init(0), array([[1.0, 2.0]]))
    assert um.tree.paths_of(grads) == ["a.kernel"]


def test_wrt_a_kind_a_module_and_a_predicate(backend):
    net = um.nn.Sequential(um.nn.Linear(2, 2), um.nn.BatchNorm(2)).init(0).eval()
    x = array([[1.0, 2.0]])

    def paths(wrt):
        return um.tree.paths_of(um.grad(mean_square, wrt=wrt)(net, x))

    assert paths(um.BatchStat) == ["layers.1.mean", "layers.1.var"]
    assert paths(net[0]) == ["layers.0.kernel", "layers.0.bias"]
    assert paths(um.nn.BatchNorm) == ["layers.1.scale", "layers.1.bias", "layers.1.mean", "layers.1.var"]
    assert paths(lambda f: f.name == "kernel") == ["layers.0.kernel"]
    assert paths((um.Parameter, um.nn.BatchNorm, lambda f: f.name == "bias")) == ["layers.1.bias"]


def test_gradients_of_a_shared_module_add_up(backend):
    model, x = Twice().init(0), array([[1.0, 2.0]])
    grads = um.grad(lambda m: um.numpy.sum(m(x)))(model)
    assert um.tree.paths_of(grads) == ["a.kernel"]
    w = np.asarray(numbers(model.a.kernel), np.float64)
    row = np.asarray([[1.0, 2.0]])
    expected = row.T @ np.ones((1, 2)) @ w.T + (row @ w).T @ np.ones((1, 2))
    np.testing.assert_allclose(numbers(grads.a.kernel), expected, rtol=1e-5, atol=1e-6)
    assert grads.again[0] is grads.a


def test_gradients_of_tied_leaves_add_up(backend):
    x = array([[1.0, 2.0]])
    tied, twice = Tied().init(0), Twice().init(0)
    twice.a.kernel = tied.a.kernel
    got = um.grad(lambda m: um.numpy.sum(m(x)))(tied)
    want = um.grad(lambda m: um.numpy.sum(m(x)))(twice)
    assert um.tree.paths_of(got) == ["a.kernel"]
    np.testing.assert_allclose(numbers(got.a.kernel), numbers(want.a.kernel), rtol=1e-6)
    assert got.b.kernel is got.a.kernel


def test_integer_parameters_with_allow_int(backend):
    class Table(um.Module):
        def __init__(self):
            self.w, self.n = um.Parameter(array([1.0])), um.Parameter(array([2], "int32"))

    grads = um.grad(lambda m: um.numpy.sum(m.w), allow_int=True)(Table())
    assert grads.n is um.Nothing
    assert numbers(grads.w) == [1.0]
    assert um.grad(lambda x, y: x * 2.0, argnums=(0, 1), allow_int=True)(1.0, array(2, "int32"))[1] is um.Nothing


def test_the_module_is_not_changed(backend):
    net = Counter()
    before = dict(vars(net))
    with pytest.warns(um.UnreturnedStateWarning, match=r"Counter\.counter"):
        um.grad(lambda net, x: um.numpy.sum(net(x)))(net, array(1.0))
    assert vars(net) == before


def test_inplace_writes_the_state_back(backend):
    net = Counter()
    um.grad(lambda net, x: um.numpy.sum(net(x)), inplace=True)(net, array(1.0))
    assert int(net.counter) == 4
    assert not getattr(net.bias, "requires_grad", False)


def test_a_captured_module_cannot_be_changed(backend):
    net = Counter()
    with pytest.raises(CapturedModuleError, match="captured"):
        um.grad(lambda x: net(x))(array(1.0))
    assert int(net.counter) == 3


# Bound methods --------------------------------------------------------------------------------------------------------


def test_a_bound_method_differentiates_by_its_arguments(backend):
    net = Counter()
    g = um.grad(net.loss)(array(2.0))
    assert float(g) == 4.0
    assert int(net.counter) == 4


def test_a_bound_method_differentiates_by_its_module(backend):
    net = Counter()
    value, grads = um.value_and_grad(net.loss, wrt=um.Parameter)(array(2.0))
    assert float(value) == 8.5
    assert float(grads.bias) == 1.0
    assert int(net.counter) == 4


def test_a_bound_method_leaves_native_arrays_in_its_module(backend):
    net = Counter()
    um.grad(net.loss)(array(2.0))
    for leaf in um.tree.leaves(net):
        assert um.engine_of(leaf).arrays.is_concrete(leaf)
        assert not getattr(leaf, "requires_grad", False)


def test_a_bound_method_changes_nothing_after_an_exception(backend):
    class Bad(Counter):
        def loss(self, x):
            self(x)
            return x

    net = Bad()
    with pytest.raises(ShapeError):
        um.grad(net.loss)(array([2.0, 3.0]))
    assert int(net.counter) == 3


def test_the_gradient_of_a_bound_method_can_be_jitted(backend):
    net = Counter()
    f = jit(um.value_and_grad(net.loss, wrt=um.Parameter))
    for n in (4, 5):
        value, grads = f(array(1.0))
        assert float(value) == n + 0.5
        assert float(grads.bias) == 1.0
        assert int(net.counter) == n
    assert f.trace_count == 1
    net.bias = array(10.0)
    assert float(f(array(1.0))[0]) == 16.0


def test_the_gradient_of_a_jitted_bound_method(backend):
    net = Counter()
    assert float(um.grad(jit(net.loss))(array(2.0))) == 4.0
    assert int(net.counter) == 4


def test_a_pure_method_of_a_captured_module_may_be_differentiated_inside(backend):
    net = Counter()
    assert float(jit(lambda x: um.grad(net.pure_loss)(x))(array(2.0))) == 0.5


def test_a_module_is_its_call(backend):
    layer = um.nn.Linear(2, 1, use_bias=False).init(0)
    g = um.grad(lambda x: um.numpy.sum(layer(x)))(array([1.0, 2.0]))
    np.testing.assert_allclose(numbers(g), np.asarray(numbers(layer.kernel))[:, 0])

    class Square(um.Module):
        def __call__(self, x):
            return x * x

    assert float(um.grad(Square())(3.0)) == 6.0


# Errors ---------------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_scalar(backend):
    with pytest.raises(ShapeError, match="needs a scalar loss") as caught:
        um.grad(lambda x: x * 2)(array([1.0, 2.0]))
    assert caught.value.got == "loss = f32[2]"


@pytest.mark.parametrize(
    ("fn", "got"),
    [
        (lambda x: um.numpy.sum(um.numpy.astype(x, "int32")), "loss = i32[]"),
        (lambda x: (x, x), "a tuple"),
        (lambda x: None, "a NoneType"),
        (lambda x: "x", "a str"),
    ],
)
def test_a_loss_of_another_type(backend, fn, got):
    with pytest.raises(DTypeError) as caught:
        um.grad(fn)(array(1.0))
    assert caught.value.got == got


@pytest.mark.parametrize("fn", [lambda x: x, lambda x: (x,), lambda x: (x, x, x)])
def test_has_aux_needs_a_pair(backend, fn):
    with pytest.raises(DTypeError, match="has_aux"):
        um.grad(fn, has_aux=True)(1.0)


@pytest.mark.parametrize("make", [lambda: array([1], "int32"), lambda: 3, lambda: True, lambda: array([True], "bool")])
def test_integers_cannot_be_differentiated(backend, make):
    with pytest.raises(DTypeError, match="cannot differentiate") as caught:
        um.grad(lambda t, s: um.numpy.sum(t["a"][0]) * 1.0, argnums=1)({"a": [1.0]}, {"b": make()})
    assert caught.value.where == "args[1].b"


def test_text_cannot_be_differentiated(backend):
    with pytest.raises(DTypeError, match="cannot differentiate"):
        um.grad(lambda x: 1.0)({"a": "abc"})


@pytest.mark.parametrize("argnums", [3, -4, (0, 3)])
def test_an_argument_that_is_not_there(backend, argnums):
    with pytest.raises(DTypeError, match="no argument number"):
        um.grad(lambda x, y, z: x, argnums=argnums)(1.0, 2.0, 3.0)


def test_a_module_without_values_is_named(backend):
    with pytest.raises(NotInitializedError) as caught:
        um.grad(mean_square)(um.nn.Sequential(um.nn.Linear(2, 2)), array([[1.0, 2.0]]))
    assert caught.value.where == "args[0].layers[0].kernel"


def test_what_is_no_function(backend):
    with pytest.raises(DTypeError, match="needs a function"):
        um.grad(3)


def test_an_exception_leaves_the_grad_mode_and_the_scope(backend):
    def bad(x):
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        um.grad(bad)(1.0)
    net = Counter()
    net.counter = net.counter + 1
    assert float(um.grad(lambda x: x**2)(2.0)) == 4.0
    assert not getattr(net.bias * 2, "requires_grad", False)
