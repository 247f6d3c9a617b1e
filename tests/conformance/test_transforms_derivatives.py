"""vjp, jvp, linearize, Jacobians, rules by hand, recomputation, shapes: nesting, modules, errors."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.errors import CapabilityError, CapturedModuleError, DTypeError, OptionError, ShapeError, TreeError

jit = functools.partial(um.jit, compiler="graph")
NOTHING = um.Nothing


def array(values, dtype="float32"):
    return unp.asarray(values, dtype=dtype)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


def near(x, expected, backend, rtol=1e-5):
    assert um.engine_of(x).name == backend
    assert um.dtype_of(x) == "float32"
    assert not getattr(x, "requires_grad", False)
    found = um.to_backend(x, "numpy")
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-6)


class Net(um.Module):
    def __init__(self):
        self.w, self.calls = um.Parameter(array([1.0, 2.0])), um.State(array(3, "int32"))
        self.fixed = Frozen().freeze()
        self.again = self.fixed

    def __call__(self, x):
        self.calls = self.calls + 1
        return unp.sum(self.w * self.w * x) * self.fixed.scale


class Frozen(um.Module):
    def __init__(self):
        self.scale = um.Parameter(array(2.0))


# Nesting --------------------------------------------------------------------------------------------------------------

FIRST = {
    "grad": lambda f: um.grad(f),
    "jacfwd": lambda f: um.jacfwd(f),
    "jacrev": lambda f: um.jacrev(f),
    "jvp": lambda f: lambda x: um.jvp(f, (x,), (1.0,))[1],
    "vjp": lambda f: lambda x: um.vjp(f, x)[1](1.0)[0],
    "linearize": lambda f: lambda x: um.linearize(f, x)[1](1.0),
}


@pytest.mark.parametrize("inner", FIRST)
@pytest.mark.parametrize("middle", FIRST)
@pytest.mark.parametrize("outer", ["grad", "jvp"])
@pytest.mark.thin(4)
def test_third_derivatives_in_any_order(outer, middle, inner, backend):
    third = FIRST[outer](FIRST[middle](FIRST[inner](lambda x: x**4)))
    near(third(array(2.0)), 48.0, backend)


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.thin(2)
def test_between_vmap_and_jit(name, backend):
    x, f = array([1.0, 2.0]), lambda x: unp.sin(x) * x
    expected = np.cos([1.0, 2.0]) * [1.0, 2.0] + np.sin([1.0, 2.0])
    near(um.vmap(FIRST[name](jit(f)))(x), expected, backend)
    near(jit(um.vmap(FIRST[name](f)))(x), expected, backend)
    near(um.vmap(jit(FIRST[name](f)))(x), expected, backend)


def test_a_pull_may_be_called_again_mapped_and_differentiated(backend):
    _, pull = um.vjp(unp.sin, array([0.5, 1.0]))
    slopes = np.cos([0.5, 1.0])
    for _ in range(2):
        near(pull(array([1.0, 2.0]))[0], slopes * [1.0, 2.0], backend)
    near(um.vmap(lambda c: pull(c)[0])(array(np.eye(2))), np.diag(slopes), backend)
    near(um.grad(lambda c: unp.sum(pull(c)[0] * c))(array([1.0, 2.0])), 2 * slopes * [1.0, 2.0], backend)


def test_forward_and_reverse_mode_are_adjoint(backend):
    rng = np.random.default_rng(0)
    z, t, c = (array(rng.normal(size=3) + 1j * rng.normal(size=3), "complex64") for _ in range(3))
    f = lambda z: unp.conj(z) * z * z + unp.sin(z)  # noqa: E731
    moved, pulled = um.jvp(f, (z,), (t,))[1], um.vjp(f, z)[1](c)[0]
    assert um.dtype_of(pulled) == "complex64"
    left, right = um.tree.vdot(c, moved), um.tree.vdot(pulled, t)
    np.testing.assert_allclose(float(unp.real(left)), float(unp.real(right)), rtol=1e-4)


def test_holomorphic_derivatives(backend):
    z = array(1 + 2j, "complex64")
    for derivative in (um.grad, um.jacfwd, um.jacrev):
        found = derivative(lambda z: z**3, holomorphic=True)(z)
        np.testing.assert_allclose(complex(found), 3 * (1 + 2j) ** 2, rtol=1e-5)
    with pytest.raises(DTypeError, match="needs a real loss"):
        um.grad(lambda z: z**3)(z)
    with pytest.raises(DTypeError, match="needs complex arguments"):
        um.grad(lambda z: z**3, holomorphic=True)(2.0)


def test_the_hessian_of_a_network_is_symmetric_and_gives_products(backend):
    net, x = um.nn.MLP([2, 3, 1]).init(0), array([[0.3, -0.7]])
    loss = lambda net: unp.sum(um.nn.tanh(net(x)) ** 2)  # noqa: E731
    second = um.hessian(loss)(net)
    one = second.layers[0].kernel.layers[1].kernel
    other = second.layers[1].kernel.layers[0].kernel
    assert tuple(one.shape) == (2, 3, 3, 1)
    turned = unp.permute_dims(other, (2, 3, 0, 1))
    np.testing.assert_allclose(numbers(one), numbers(turned), rtol=1e-4, atol=1e-6)
    _, (product,) = um.hvp(loss, (net,), (net.parameters(),))
    rows = [
        unp.sum(part * leaf)
        for part, leaf in zip(um.tree.leaves(second.layers[1].bias), um.tree.leaves(net), strict=True)
    ]
    np.testing.assert_allclose(float(sum(rows)), float(product.layers[1].bias[0]), rtol=1e-3, atol=1e-6)


# Modules --------------------------------------------------------------------------------------------------------------


def test_cotangents_of_a_module_are_those_of_its_parameters(backend):
    net = Net()
    (value, new), pull = um.vjp(lambda net, x: (net(x), net), net, array([1.0, 1.0]))
    assert (float(value), int(new.calls), int(net.calls)) == (10.0, 4, 3)
    found, slope = pull((1.0, NOTHING))
    assert found.calls is NOTHING
    assert found.fixed.scale is NOTHING
    near(found.w, [4.0, 8.0], backend)
    near(slope, [2.0, 8.0], backend)


def test_gradients_are_tangents(backend):
    net, x = Net(), array([1.0, 1.0])
    grads, _ = um.grad(lambda net: (net(x), net), has_aux=True)(net)
    value, slope, new = um.jvp(lambda net: (net(x), net), (net,), (grads,), has_aux=True)
    near(slope, 4.0 * 4 + 8 * 8, backend)
    assert (float(value), int(new.calls)) == (10.0, 4)


def test_bound_methods_write_back(backend):
    net = Net()
    um.vjp(net, array([1.0, 1.0]))
    um.jvp(net, (array([1.0, 1.0]),), (NOTHING,))
    um.linearize(net, array([1.0, 1.0]))
    um.jacrev(net)(array([1.0, 1.0]))
    um.remat(net)(array([1.0, 1.0]))
    assert int(net.calls) == 8
    assert um.engine_of(net.calls).name == backend


def test_a_captured_module_cannot_be_changed(backend):
    net = Net()
    for run in (lambda f, x: um.vjp(f, x), lambda f, x: um.jvp(f, (x,), (x,)), lambda f, x: um.remat(f)(x)):
        with pytest.raises(CapturedModuleError):
            run(lambda x: net(x), array([1.0, 1.0]))
    assert int(net.calls) == 3


def test_what_is_not_used_gets_zeros(backend):
    _, pull = um.vjp(lambda x, y: x * 2, array([1.0]), array([[1.0, 2.0]]))
    near(pull(array([1.0]))[1], [[0.0, 0.0]], backend)
    near(um.jacfwd(lambda x, y: x * 2, argnums=1)(array([1.0]), array([1.0, 2.0])), [[0.0, 0.0]], backend)
    near(um.jvp(lambda x: 3.0, (1.0,), (1.0,))[1], 0.0, backend)


def test_gradients_of_each_example(backend):
    net, xs = um.nn.Linear(2, 1).init(0), array([[1.0, 2.0], [3.0, 4.0]])
    found = um.vmap(um.grad(lambda net, x: unp.sum(net(x))), in_axes=(None, 0))(net, xs)
    near(found.kernel, [[[1.0], [2.0]], [[3.0], [4.0]]], backend)


# Rules by hand --------------------------------------------------------------------------------------------------------


def ruled(kind):
    """``sin`` with ten times its derivative."""
    function = getattr(um, kind)(lambda x: unp.sin(x))
    if kind == "custom_vjp":
        function.defvjp(lambda x: (function(x), unp.cos(x)), lambda kept, slope: (10 * kept * slope,))
    else:
        function.defjvp(lambda p, t: (function(*p), 10 * unp.cos(p[0]) * t[0]))
    return function


def squared(kind):
    function = ruled(kind)
    return lambda x: function(x) ** 2


S, C = np.sin(1.0), np.cos(1.0)


@pytest.mark.parametrize("kind", ["custom_vjp", "custom_jvp"])
def test_derivatives_around_a_rule_see_what_it_did(kind, backend):
    f = squared(kind)
    near(um.grad(f)(1.0), 20 * S * C, backend)
    near(um.grad(um.grad(f))(1.0), 200 * C * C - 20 * S * S, backend)
    near(um.grad(um.grad(um.grad(f)))(1.0), -600 * S * C - 20 * S * C, backend)
    near(um.vmap(um.grad(um.grad(f)))(array([1.0])), [200 * C * C - 20 * S * S], backend)
    near(jit(um.jacrev(um.jacrev(f)))(1.0), 200 * C * C - 20 * S * S, backend)
    near(um.grad(lambda x: um.grad(lambda z: f(x) * z)(1.0))(1.0), 20 * S * C, backend)


@pytest.mark.parametrize("nested", [um.jacfwd, um.jacrev])
def test_a_jvp_rule_in_both_modes(nested, backend):
    f = squared("custom_jvp")
    near(um.jacfwd(nested(f))(1.0), 200 * C * C - 20 * S * S, backend)
    near(nested(um.jacfwd(um.jacfwd(f)))(1.0), -620 * S * C, backend)
    near(um.jvp(um.vmap(f), (array([1.0]),), (array([2.0]),))[1], [40 * S * C], backend)
    near(um.linearize(f, 1.0)[1](1.0), 20 * S * C, backend)


@pytest.mark.parametrize(
    "forward",
    [lambda f: um.jvp(f, (1.0,), (1.0,)), lambda f: um.jacfwd(f)(1.0), lambda f: um.linearize(f, 1.0)[1](1.0)],
)
def test_a_vjp_rule_has_no_forward_mode(forward, backend):
    with pytest.raises(CapabilityError, match="no derivative in forward mode"):
        forward(ruled("custom_vjp"))


def test_trees_modules_and_static_arguments(backend):
    @functools.partial(um.custom_vjp, nondiff_argnums=(0,))
    def apply(name, net, x):
        return {"y": net.w * x, "n": array(3, "int32"), "name": name}

    def backward(name, kept, slope):
        net, x = kept
        assert slope["n"] is NOTHING
        return um.filter(net, um.Parameter).replace(w=slope["y"] * x * len(name)), None

    apply.defvjp(lambda name, net, x: (apply(name, net, x), (net, x)), backward)
    out = apply("abc", Net(), array([1.0, 2.0]))
    assert out["name"] == "abc"
    grads = um.grad(lambda net: unp.sum(apply("abc", net, x=array([1.0, 2.0]))["y"]))(Net())
    near(grads.w, [3.0, 6.0], backend)


def test_rules_that_return_something_else(backend):
    cases = [
        (lambda x: x, lambda kept, slope: (slope,), "was to return a pair"),
        (lambda x: (x, None), lambda kept, slope: slope, "was to return a tuple"),
        (lambda x: (x, None), lambda kept, slope: ({"a": slope},), "does not have the structure"),
        (lambda x: (x, None), lambda kept, slope: (unp.ones((3,)),), "does not have the shape"),
    ]
    for forward, backward, text in cases:
        function = um.custom_vjp(lambda x: x)
        function.defvjp(forward, backward)
        with pytest.raises((DTypeError, TreeError, ShapeError), match=text):
            um.grad(function)(1.0)
    with pytest.raises(OptionError, match="has no rule"):
        um.custom_jvp(lambda x: x)(1.0)


# Recomputation, shapes, names -----------------------------------------------------------------------------------------

POLICIES = [None, "everything_saveable", "nothing_saveable", "dots_saveable", "dots_with_no_batch_dims_saveable"]


@pytest.mark.parametrize("policy", [*POLICIES, um.checkpoint_policies.save_only_these_names("a")])
def test_recomputation_changes_no_derivative(policy, backend):
    w = array([[1.0, 2.0], [3.0, 4.0]])
    plain = lambda x: unp.sum(unp.sin(um.checkpoint_name(unp.matmul(w, unp.sin(x)), "a")))  # noqa: E731
    block, x = um.remat(plain, policy=policy), array([0.1, 0.2])
    for derivative in (um.grad, lambda f: jit(um.grad(f)), lambda f: um.jacrev(um.grad(f))):
        near(derivative(block)(x), numbers(derivative(plain)(x)), backend)
    near(um.jvp(block, (x,), (x,))[1], numbers(um.jvp(plain, (x,), (x,))[1]), backend)
    near(um.vmap(um.grad(block))(unp.stack([x, x]))[0], numbers(um.grad(plain)(x)), backend)


@pytest.mark.needs("torch")
def test_torch_runs_the_function_again_and_keeps_less():
    calls, torch = [], pytest.importorskip("torch")
    kept = []

    def block(x):
        calls.append(1)
        for _ in range(4):
            x = unp.sin(x)
        return unp.sum(x)

    with um.use_backend("torch"), torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        um.grad(block)(array([1.0]))
        alone = len(kept)
        um.grad(um.remat(block))(array([1.0]))
    assert alone >= 4
    assert len(calls) == 3


def test_what_a_recomputed_function_captured_is_differentiated(backend):
    near(um.grad(lambda w: um.remat(lambda x: unp.sin(w * x))(2.0))(1.0), 2 * np.cos(2.0), backend)


def test_shapes_of_modules_and_transforms(backend):
    net, x = um.nn.Linear(2, 3).init(0), um.ShapeDtypeStruct((4, 2), "float32")
    assert um.eval_shape(lambda net, x: (net(x), "text"), net, x) == (um.ShapeDtypeStruct((4, 3), um.float32), "text")
    grads = um.eval_shape(jit(um.grad(lambda net, x: unp.sum(net(x)))), net, x)
    assert grads.kernel == um.ShapeDtypeStruct((2, 3), "float32")
    assert um.eval_shape(um.vmap(um.hessian(unp.sum)), x).shape == (4, 2, 2)


def test_unknown_policies(any_backend):
    with pytest.raises(OptionError, match="no such policy"):
        um.remat(lambda x: x, policy="some")


# Errors ---------------------------------------------------------------------------------------------------------------


def test_cotangents_that_do_not_fit(backend):
    _, pull = um.vjp(lambda x: {"a": x, "b": [x * 2, array(1, "int32")]}, array([1.0, 2.0]))
    ones = array([1.0, 1.0])
    with pytest.raises(TreeError, match="does not have the structure") as caught:
        pull({"a": ones, "b": (ones, NOTHING)})
    assert caught.value.where == "cotangent.b"
    with pytest.raises(ShapeError) as caught:
        pull({"a": ones, "b": [array([1.0]), NOTHING]})
    assert (caught.value.where, caught.value.got, caught.value.expected) == ("cotangent.b[0]", "f32[1]", "f32[2]")
    with pytest.raises(DTypeError, match="does not have the dtype"):
        pull({"a": unp.astype(ones, "float16"), "b": [ones, NOTHING]})
    with pytest.raises(DTypeError, match="not floating-point") as caught:
        pull({"a": ones, "b": [ones, array(1, "int32")]})
    assert caught.value.where == "cotangent.b[1]"


def test_tangents_that_do_not_fit(backend):
    f, x = lambda x: x["a"] * 2, {"a": array([1.0, 2.0]), "n": array(1, "int32")}
    with pytest.raises(TreeError) as caught:
        um.jvp(f, (x,), ({"a": array([1.0, 2.0])},))
    assert caught.value.where == "tangents[0]"
    with pytest.raises(DTypeError, match="not floating-point"):
        um.jvp(f, (x,), ({"a": NOTHING, "n": array(1, "int32")},))
    with pytest.raises(ShapeError):
        um.jvp(f, (x,), ({"a": array([1.0]), "n": NOTHING},))
    with pytest.raises(OptionError, match="one tangent for each"):
        um.jvp(f, (x,), ())
    with pytest.raises(OptionError, match="to be a tuple"):
        um.jvp(f, x, x)


def test_results_that_are_not_floating_point(backend):
    integer = lambda x: unp.astype(x, "int32")  # noqa: E731
    for run in (lambda: um.vjp(integer, 1.0), lambda: um.jvp(integer, (1.0,), (1.0,)), lambda: um.jacrev(integer)(1.0)):
        with pytest.raises(DTypeError, match="needs floating-point results"):
            run()
    with pytest.raises(DTypeError, match="all of them"):
        um.jacfwd(lambda x: (x, array(1, "int32")))(1.0)
    with pytest.raises(DTypeError, match="no argument number"):
        um.jacrev(lambda x: x, argnums=2)(1.0)
    with pytest.raises(DTypeError, match="has_aux"):
        um.vjp(lambda x: x, 1.0, has_aux=True)


def test_an_engine_without_derivatives_says_so():
    with um.use_backend("numpy"):
        x = np.ones(2, np.float32)
        for run in (lambda: um.vjp(np.sin, x), lambda: um.jvp(unp.sin, (x,), (x,)), lambda: um.jacfwd(unp.sin)(x)):
            with pytest.raises(CapabilityError, match="no derivatives"):
                run()


def test_indices_from_outside_are_looked_at(backend):
    layer, ids = um.nn.Embed(5, 3).init(0), array([0, 2, 2], "int32")
    run = lambda layer: um.jvp(lambda layer: layer(ids), (layer,), (layer.parameters(),))[1]  # noqa: E731
    for found in (run(layer), jit(run)(layer), um.vmap(lambda _: run(layer))(array([1.0]))[0]):
        near(found, numbers(layer(ids)), backend)
    assert um.eval_shape(lambda layer: layer(ids), layer) == um.ShapeDtypeStruct((3, 3), "float32")
