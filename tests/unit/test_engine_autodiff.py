"""Derivatives and batching of flat functions, on the engines that have them and on the one that has not."""

from __future__ import annotations

import numpy as np
import pytest

from unimod.backends import _registry
from unimod.errors import CapabilityError

# Float32: a handful of operations on numbers of order one.
RTOL, ATOL = 1e-5, 1e-6


class Tag:
    """Something opaque, which has to come back as the same object."""


def array(engine, values, dtype="float32"):
    return engine.arrays.asarray(np.asarray(values, dtype), dtype)


def check(engine, got, expected, dtype="float32", rtol=RTOL, atol=ATOL):
    assert engine.facts.owns(type(got))
    assert engine.arrays.dtype_name(got) == dtype
    assert tuple(got.shape) == np.shape(expected)
    np.testing.assert_allclose(engine.arrays.to_numpy(got), np.asarray(expected), rtol=rtol, atol=atol)


@pytest.fixture
def engine(backend):
    return _registry.load(backend)


def grad_of(engine, f):
    """The derivative of a scalar function of one array."""

    def derivative(x):
        _, _, (grad,) = engine.autodiff.value_and_grad(lambda leaves: ([f(*leaves)], None), [x], [0])
        return grad

    return derivative


def difference_quotients(f, x, step=1e-6):
    """Central differences of a scalar function, in float64."""
    grad = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        delta = np.zeros_like(x)
        delta[index] = step
        grad[index] = (f(x + delta) - f(x - delta)) / (2 * step)
    return grad


def test_value_grads_aux_and_extra_of_a_polynomial(engine):
    a, x, n = array(engine, 3.0), array(engine, [1.0, -2.0]), array(engine, [4, 5], "int32")
    tag = Tag()

    def fn(leaves):
        a, x, n = leaves
        return [(a * x * x).sum(), n + 1, x * 2], tag

    outputs, extra, grads = engine.autodiff.value_and_grad(fn, [a, x, n], [1, 0])
    assert extra is tag
    check(engine, outputs[0], 15.0)
    check(engine, outputs[1], [5, 6], "int32")
    check(engine, outputs[2], [2.0, -4.0])
    check(engine, grads[0], [6.0, -12.0])
    check(engine, grads[1], 5.0)


def test_gradients_agree_with_difference_quotients_in_float64(engine):
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(3, 4)), rng.normal(size=(5, 3))

    def loss(w, x):
        hidden = x @ w
        return ((hidden * hidden + 1.0) ** 0.5 / (1.0 + (hidden * 0.5) ** 2)).sum()

    _, _, grads = engine.autodiff.value_and_grad(
        lambda leaves: ([loss(*leaves)], None), [array(engine, w), array(engine, x)], [0, 1]
    )
    # The quotient is good to 1e-9, the float32 sums of 20 terms to 1e-5.
    check(engine, grads[0], difference_quotients(lambda w: loss(w, x), w), rtol=1e-5, atol=1e-5)
    check(engine, grads[1], difference_quotients(lambda x: loss(w, x), x), rtol=1e-5, atol=1e-5)


def test_leaves_without_influence_get_zeros(engine):
    x, y = array(engine, [1.0, 2.0]), array(engine, np.ones((2, 3)), "float16")
    _, _, grads = engine.autodiff.value_and_grad(lambda leaves: ([leaves[0].sum()], None), [x, y], [0, 1])
    check(engine, grads[0], [1.0, 1.0])
    check(engine, grads[1], np.zeros((2, 3)), "float16")


@pytest.mark.parametrize("constant", ["number", "captured", "stopped"])
def test_a_loss_that_depends_on_no_leaf_has_zero_gradients(engine, constant):
    x, captured = array(engine, [1.0, 2.0]), array(engine, 7.0)

    def fn(leaves):
        stopped = engine.autodiff.stop_gradient(leaves[0]).sum() + 4.0
        return [{"number": 7.0, "captured": captured, "stopped": stopped}[constant]], None

    outputs, _, grads = engine.autodiff.value_and_grad(fn, [x], [0])
    check(engine, outputs[0], 7.0)
    check(engine, grads[0], [0.0, 0.0])


def test_nothing_to_differentiate_by(engine):
    outputs, _, grads = engine.autodiff.value_and_grad(lambda leaves: ([leaves[0] * 2], None), [array(engine, 3.0)], [])
    check(engine, outputs[0], 6.0)
    assert list(grads) == []


def test_a_python_number_is_a_leaf_of_float32(engine):
    outputs, _, grads = engine.autodiff.value_and_grad(lambda leaves: ([leaves[0] ** 2, 5], None), [3.0], [0])
    check(engine, outputs[0], 9.0)
    check(engine, outputs[1], 5, "int32")
    check(engine, grads[0], 6.0)


def test_third_derivative_of_a_cube(engine):
    f = grad_of(engine, grad_of(engine, grad_of(engine, lambda x: x**3 / 6)))
    check(engine, f(array(engine, 3.0)), 1.0)


def test_mixed_derivative_through_a_captured_variable(engine):
    x = array(engine, 2.0)
    mixed = grad_of(engine, lambda y: grad_of(engine, lambda x: x**2 * y**3)(x))
    check(engine, mixed(array(engine, 3.0)), 2 * 2 * 3 * 9.0)


def test_the_inner_derivative_does_not_count_the_captured_use_of_its_own_argument(engine):
    # d/dx [x * d/dz (z * x) at z = x] = d/dx [x * x].
    f = grad_of(engine, lambda x: x * grad_of(engine, lambda z: z * x)(x))
    check(engine, f(array(engine, 5.0)), 10.0)


def test_learning_the_learning_rate(engine):
    # Two steps of gradient descent on (w - 1)^2 from w = 3: w - 1 = 2 (1 - 2 lr)^2, so the loss is 4 (1 - 2 lr)^4.
    def after_training(lr):
        w = array(engine, 3.0)
        for _ in range(2):
            w = w - lr * grad_of(engine, lambda w: (w - 1.0) ** 2)(w)
        return (w - 1.0) ** 2

    check(engine, grad_of(engine, after_training)(array(engine, 0.1)), -32 * 0.8**3)


def test_hessian_by_vmap_of_a_derivative_of_a_derivative(engine):
    matrix = np.asarray([[2.0, 1.0], [-1.0, 3.0]])
    a, x = array(engine, matrix), array(engine, [0.3, -0.7])

    def product(v):
        return grad_of(engine, lambda x: (grad_of(engine, lambda x: x @ a @ x)(x) * v).sum())(x)

    (rows,), _ = engine.parallel.vmap(lambda leaves: ([product(*leaves)], None), [array(engine, np.eye(2))], [0], 2)
    check(engine, rows, matrix + matrix.T)


def test_the_gradient_by_a_complex_leaf_points_uphill(engine):
    z = array(engine, 1 + 2j, "complex64")

    def fn(leaves):
        (z,) = leaves
        return [(z.real**2 + z.imag**2).sum()], None

    outputs, _, grads = engine.autodiff.value_and_grad(fn, [z], [0])
    check(engine, outputs[0], 5.0)
    check(engine, grads[0], 2 + 4j, "complex64")


def test_stop_gradient_keeps_the_value_and_hides_it_from_derivatives(engine):
    stop = engine.autodiff.stop_gradient
    x = array(engine, [1.0, 2.0])
    check(engine, stop(x), [1.0, 2.0])
    check(engine, grad_of(engine, lambda x: (x * stop(x)).sum())(x), [1.0, 2.0])
    check(engine, grad_of(engine, grad_of(engine, lambda x: stop(x) ** 3 * x))(array(engine, 2.0)), 0.0)


def test_an_error_in_the_function_comes_out_and_leaves_nothing_behind(engine):
    def fails(leaves):
        raise KeyError("mine")

    x = array(engine, 2.0)
    with pytest.raises(KeyError, match="mine"):
        engine.autodiff.value_and_grad(fails, [x], [0])
    assert not engine.compile.is_tracing()
    check(engine, grad_of(engine, lambda x: x * x)(x), 4.0)


def test_vmap_maps_the_axes_that_it_is_given(engine):
    tag = Tag()
    x, y, z = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(4, 3), np.asarray([1.0, 2.0, 3.0, 4.0])

    def fn(leaves):
        x, y, z = leaves
        return [x * y.sum(), z, x + z.sum()], tag

    outputs, extra = engine.parallel.vmap(fn, [array(engine, v) for v in (x, y, z)], [1, -1, None], 3)
    assert extra is tag
    check(engine, outputs[0], [x[:, i] * y[:, i].sum() for i in range(3)])
    check(engine, outputs[1], np.stack([z] * 3))
    check(engine, outputs[2], [x[:, i] + z.sum() for i in range(3)])


def test_vmap_stacks_numbers_and_what_does_not_depend_on_the_mapped_leaf(engine):
    captured = array(engine, [1.0, 2.0])
    outputs, _ = engine.parallel.vmap(lambda leaves: ([3.0, captured], None), [array(engine, np.ones(4))], [0], 4)
    check(engine, outputs[0], [3.0] * 4)
    check(engine, outputs[1], [[1.0, 2.0]] * 4)


def test_vmap_of_nothing_mapped_repeats_the_result(engine):
    outputs, _ = engine.parallel.vmap(lambda leaves: ([leaves[0] * 2], None), [array(engine, [1.0, 2.0])], [None], 3)
    check(engine, outputs[0], [[2.0, 4.0]] * 3)


def test_vmap_over_an_empty_axis(engine):
    outputs, _ = engine.parallel.vmap(lambda leaves: ([leaves[0] * 2], None), [array(engine, np.ones((0, 3)))], [0], 0)
    check(engine, outputs[0], np.ones((0, 3)))


def test_vmap_within_vmap(engine):
    x, y = np.arange(3.0), np.arange(4.0) + 1

    def inner(x, y):
        return engine.parallel.vmap(lambda leaves: ([leaves[0] * leaves[1]], None), [x, y], [None, 0], 4)

    outputs, _ = engine.parallel.vmap(lambda leaves: inner(*leaves), [array(engine, x), array(engine, y)], [0, None], 3)
    check(engine, outputs[0], np.outer(x, y))


def test_vmap_of_a_derivative_gives_the_derivative_of_each(engine):
    rng = np.random.default_rng(1)
    w, x = rng.normal(size=3), rng.normal(size=(5, 3))

    def per_example(leaves):
        outputs, extra, grads = engine.autodiff.value_and_grad(
            lambda leaves: ([(leaves[0] * leaves[1]).sum() ** 2, leaves[1] + 1], None), leaves, [0]
        )
        return [*outputs, *grads], extra

    outputs, _ = engine.parallel.vmap(per_example, [array(engine, w), array(engine, x)], [None, 0], 5)
    check(engine, outputs[0], (x @ w) ** 2)
    check(engine, outputs[1], x + 1)
    check(engine, outputs[2], 2 * (x @ w)[:, None] * x)


def test_derivative_of_a_vmap_and_of_a_vmap_of_a_derivative(engine):
    x = np.asarray([0.5, -1.0, 2.0])

    def mapped(f):
        return lambda x: engine.parallel.vmap(lambda leaves: ([f(*leaves)], None), [x], [0], 3)[0][0].sum()

    check(engine, grad_of(engine, mapped(lambda x: x**3))(array(engine, x)), 3 * x**2)
    check(engine, grad_of(engine, mapped(grad_of(engine, lambda x: x**3)))(array(engine, x)), 6 * x)


def test_vmap_of_code_that_needs_values_says_so(engine):
    def fn(leaves):
        return [leaves[0] if leaves[0] > 0 else -leaves[0]], None

    with pytest.raises(CapabilityError, match="needs the value of an array") as caught:
        engine.parallel.vmap(fn, [array(engine, [1.0, -1.0])], [0], 2)
    assert "test_engine_autodiff.py" in caught.value.where
    assert not engine.compile.is_tracing()


def test_is_tracing_inside_transforms_only(engine):
    seen = []

    def fn(leaves):
        seen.append(engine.compile.is_tracing())
        return [leaves[0].sum()], None

    x = array(engine, [1.0, 2.0])
    engine.autodiff.value_and_grad(fn, [x], [0])
    engine.parallel.vmap(fn, [x], [0], 2)
    assert seen == [True, True]
    assert not engine.compile.is_tracing()


@pytest.mark.needs("torch")
class TestTorch:
    """How derivatives meet autograd as PyTorch's own users know it."""

    @pytest.fixture
    def engine(self):
        return _registry.load("torch")

    def test_results_of_the_outermost_level_are_detached_and_inputs_are_left_alone(self, engine):
        x = array(engine, [1.0, 2.0])

        def fn(leaves):
            return [(leaves[0] ** 2).sum(), leaves[0], leaves[0] * 2], None

        outputs, _, grads = engine.autodiff.value_and_grad(fn, [x], [0])
        assert not any(t.requires_grad for t in (*outputs, *grads, x))
        assert x.grad is None

    def test_autograd_reaches_through_the_results_where_it_follows_a_leaf(self, engine):
        x, c = array(engine, [1.0, 2.0]).requires_grad_(), array(engine, 3.0).requires_grad_()

        def fn(leaves):
            return [(leaves[1] * leaves[0] ** 3).sum()], None

        outputs, _, (grad,) = engine.autodiff.value_and_grad(fn, [x, c], [0])
        (grad.sum() + outputs[0]).backward()
        # grad.sum() = 3 c (x0^2 + x1^2), loss = c (x0^3 + x1^3)
        check(engine, x.grad, [18.0 + 9.0, 36.0 + 36.0])
        check(engine, c.grad, 15.0 + 9.0)

    @pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
    def test_a_surrounding_mode_without_gradients_does_not_switch_ours_off(self, engine, mode):
        import torch

        with getattr(torch, mode)():
            x = array(engine, 3.0)
            check(engine, grad_of(engine, grad_of(engine, lambda x: x**3))(x), 18.0)

    def test_under_transforms_of_torch_func(self, engine):
        import torch

        x = array(engine, [1.0, 2.0])
        ours = grad_of(engine, lambda x: (x**3).sum())
        check(engine, torch.func.grad(lambda x: ours(x).sum())(x), [6.0, 12.0])
        check(engine, torch.func.vmap(ours)(x[:, None]), [[3.0], [12.0]])
        check(engine, torch.func.jvp(ours, (x,), (x,))[1], [6.0, 24.0])


@pytest.mark.needs("jax")
def test_under_transforms_of_jax():
    import jax

    engine = _registry.load("jax")
    x = array(engine, [1.0, 2.0])
    ours = grad_of(engine, lambda x: (x**3).sum())
    check(engine, jax.grad(lambda x: ours(x).sum())(x), [6.0, 12.0])
    check(engine, jax.jit(ours)(x), [3.0, 12.0])


@pytest.mark.needs("numpy")
class TestNumpy:
    """The engine without derivatives."""

    @pytest.fixture
    def engine(self):
        return _registry.load("numpy")

    def test_derivatives_are_refused_with_the_way_out(self, engine):
        with pytest.raises(CapabilityError, match="no derivatives") as caught:
            engine.autodiff.value_and_grad(lambda leaves: ([leaves[0]], None), [array(engine, 1.0)], [0])
        assert "um.to_backend" in caught.value.fix

    def test_vmap_is_a_loop(self, engine):
        x, y = np.arange(6.0, dtype="float32").reshape(2, 3), np.ones(2, "float32")
        tag = Tag()
        outputs, extra = engine.parallel.vmap(lambda leaves: ([leaves[0] * leaves[1], 2], tag), [x, y], [1, None], 3)
        assert extra is tag
        check(engine, outputs[0], x.T)
        assert outputs[1].tolist() == [2, 2, 2]

    def test_stop_gradient_is_the_identity(self, engine):
        x = array(engine, [1.0])
        assert engine.autodiff.stop_gradient(x) is x
