"""Modules under a policy: what a call computes in, what it keeps, and training with it; half precision of layers."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod.errors import UnreturnedStateWarning
from unimod.nn import functional as F
from unimod.precision import policy_of
from unimod.testing.assertions import assert_native

pytestmark = pytest.mark.thin(3)

unp = um.numpy
jit = functools.partial(um.jit, compiler="graph")
MIXED = "params=float32,compute=bfloat16,output=float32"
HALF = ("float16", "bfloat16")
EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7}


def on(backend, x, dtype=None):
    x = um.to_backend(np.asarray(x, np.float32), backend)
    return x if dtype is None else unp.astype(x, dtype)


def host(x):
    return np.asarray(um.to_backend(unp.astype(x, "float32"), "numpy"), np.float64)


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def dtypes(tree):
    return [str(um.dtype_of(leaf)) for leaf in um.tree.leaves(tree)]


class Seen(um.Module):
    """Gives out what it computes with, and remembers dtypes."""

    def __init__(self):
        self.w = um.Parameter(unp.ones((3,)))
        self.steps = unp.zeros((), dtype="int32")
        self.last = unp.zeros((3,))
        self.seen = ()

    def __call__(self, x, *, n=None, more=None):
        self.seen = tuple(str(um.dtype_of(v)) for v in (self.w, x, self.last, *([] if more is None else more["a"])))
        self.steps = self.steps + 1
        self.last = self.w * x
        return {"y": self.w * x, "n": n, "seen": [self.w]}


# A call ---------------------------------------------------------------------------------------------------------------


def test_a_call_casts_what_goes_in_and_what_comes_out(any_backend):
    model = um.apply_policy(Seen(), "params=float32,compute=float16,output=bfloat16")
    x, n = on(any_backend, [1, 2, 3]), unp.ones(2, dtype="int32")
    w = model.w
    out = model(x, n=n, more={"a": [x]})
    assert model.seen == ("float16", "float16", "float32", "float16")
    assert dtypes([out["y"], out["seen"]]) == ["bfloat16", "bfloat16"]
    assert out["n"] is n
    assert_native(out, any_backend)
    assert host(out["y"]).tolist() == [1.0, 2.0, 3.0]
    # What the call changed stays in its dtype, what it did not change is the very same.
    assert model.w is w
    assert dtypes([model.steps, model.last]) == ["int32", "float32"]
    assert int(model.steps) == 1
    assert host(model.last).tolist() == [1.0, 2.0, 3.0]


def test_results_are_those_of_a_computation_in_half_precision(any_backend):
    layer = um.nn.Linear(64, 8).init(0)
    x = on(any_backend, numbers(0, 16, 64))
    by_hand = um.Policy("bf16").cast_to_param(layer)(unp.astype(x, "bfloat16"))
    found = um.apply_policy(layer, MIXED)(x)
    assert dtypes(found) == ["float32"]
    assert np.array_equal(host(found), host(by_hand))
    assert 1e-4 < np.max(np.abs(host(found) - host(layer(x)))) < 0.05


def test_modules_among_the_arguments_are_objects(any_backend):
    class Caller(um.Module):
        def __init__(self):
            self.w = um.Parameter(unp.ones((3,)))

        def __call__(self, other, x):
            return other(self.w * x)["y"]

    other, model = Seen(), um.apply_policy(Caller(), "half")
    assert dtypes(model(other, on(any_backend, [1, 2, 3]))) == ["float16"]
    assert int(other.steps) == 1
    assert other.seen[0] == "float32"


def test_a_module_that_gives_itself_out_gives_out_the_one_with_the_policy(any_backend):
    class Own(um.Module):
        def __init__(self):
            self.n = unp.zeros(())

        def __call__(self, x):
            self.n = self.n + 1
            return x, self

    model = um.apply_policy(Own(), MIXED)
    _, again = model(on(any_backend, [1]))
    assert again is model
    assert float(model.n) == 1


def test_children_keep_their_identity(any_backend):
    model = um.apply_policy(um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3)).init(0), MIXED)
    norm = model[1]
    model(on(any_backend, numbers(0, 4, 2)))
    assert model[1] is norm
    assert np.any(host(norm.mean) != 0)
    assert dtypes(norm) == ["float32"] * 4


def test_a_policy_inside_another_sees_its_own_parameters(any_backend):
    net = um.nn.Sequential(Scale(1.0009765625), Scale(1.0)).init(0)  # 1 + 2**-10: there in float16, lost in bfloat16
    inner = um.apply_policy(net, "params=float32,compute=float32,output=bfloat16", where="layers.0")
    half = um.apply_policy(inner, "params=float32,compute=bfloat16,output=float32")
    x = on(any_backend, [1024.0])
    assert host(inner[0].eval()(x) - 1024).tolist() == [0.0]
    assert host(um.apply_policy(half, "full", where="layers.0")[0](x)).tolist() == [1025.0]
    assert dtypes(half(x)) == ["float32"]
    assert half[0].seen == ("float32", "float32")
    assert half[1].seen == ("bfloat16", "bfloat16")


class Scale(um.Module):
    def __init__(self, scale):
        self.w = um.Parameter(unp.asarray(scale))
        self.seen = ()

    def __call__(self, x):
        self.seen = tuple(str(um.dtype_of(v)) for v in (self.w, x))
        return unp.multiply(x, self.w)


def test_what_is_skipped_computes_in_full_precision(any_backend):
    net = um.nn.Sequential(Scale(2.0), um.nn.Residual(Scale(3.0))).init(0)
    half = um.apply_policy(net, MIXED, skip="layers.1.layer")
    x = on(any_backend, [1.0, 2.0])
    assert host(half(x)).tolist() == [8.0, 16.0]
    assert half[0].seen == ("bfloat16", "bfloat16")
    assert half[1].layer.seen == ("float32", "float32")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_leaves_and_modules_that_are_shared_with_a_policy_inside(any_backend, order):
    class Tied(um.Module):
        def __init__(self):
            layers = [um.nn.Linear(2, 2), um.nn.Linear(2, 2), um.nn.Linear(2, 2)]
            layers[1].kernel = layers[0].share("kernel")
            self.parts = [um.nn.Sequential(layers[0], layers[2]), um.nn.Sequential(layers[1], layers[2])]

        def __call__(self, x):
            for place in order:
                x = self.parts[place](x)
            return x

    net = Tied().init(0)
    half = um.apply_policy(um.apply_policy(net, "c=f32,o=f16", where="parts.0"), "c=f16,o=f32")
    assert len(um.tree.leaves(half)) == 5
    x = on(any_backend, numbers(0, 3, 2))
    np.testing.assert_allclose(host(half(x)), host(net(x)), atol=0.02)
    assert dtypes(half(x)) == ["float32"]


def test_a_new_head_of_a_model_with_a_policy_finds_its_size(any_backend):
    half = um.apply_policy(um.nn.Sequential(um.nn.Linear(2, 3), um.nn.Linear(3, 1)).init(0), MIXED)
    inner = um.apply_policy(um.unwrap_policy(half), MIXED, where="layers.0")
    for model, dtype in ((half, "float16"), (inner, "float32")):
        model[-1] = um.nn.Linear(None, 4)
        x = on(any_backend, numbers(0, 5, 2), dtype)
        again = model.init(1, x)
        assert tuple(again[-1].kernel.shape) == (3, 4)
        assert policy_of(again) == policy_of(model)
        assert dtypes(again(x)) == ["float32"]


def test_host_arrays_are_inputs_as_ever(any_backend):
    half = um.apply_policy(um.nn.Linear(2, 3).init(0), MIXED)
    out = half(numbers(0, 4, 2))
    assert_native(out, any_backend)
    assert dtypes(out) == ["float32"]


# Transforms -----------------------------------------------------------------------------------------------------------


def network():
    return um.nn.Sequential(um.nn.Linear(4, 3), um.nn.BatchNorm(3), um.nn.Dropout(0.2), um.nn.Linear(3, 2)).init(0)


def loss_of(model, x):
    return unp.mean(unp.square(model(x))), model


@pytest.mark.parametrize("skip", [None, um.nn.BatchNorm])
def test_gradients_and_jitted_steps(backend, skip):
    model = um.apply_policy(network(), MIXED, skip=skip)
    x = on(backend, numbers(0, 8, 4))
    eager = um.value_and_grad(loss_of, has_aux=True)
    traced = jit(eager)
    (value, after), grads = eager(model, x)
    for _ in range(2):
        (again, jitted), traced_grads = traced(model, x)
    assert traced.trace_count == 1
    assert set(dtypes(grads)) == {"float32"}
    assert um.tree.structure(grads) is um.tree.structure(model.parameters())
    assert policy_of(after) == policy_of(model)
    assert um.tree.structure(jitted) is um.tree.structure(after) is um.tree.structure(model)
    assert dtypes(jitted) == dtypes(model)
    for one, other in zip(
        um.tree.leaves((value, after, grads)), um.tree.leaves((again, jitted, traced_grads)), strict=True
    ):
        np.testing.assert_allclose(host(one), host(other), atol=0.02)
    (_, _), full = um.value_and_grad(loss_of, has_aux=True)(um.unwrap_policy(model), x)
    for one, other in zip(um.tree.leaves(grads), um.tree.leaves(full), strict=True):
        np.testing.assert_allclose(host(one), host(other), atol=0.03)
    # The key moved and the statistics did; what was passed is what it was.
    assert not np.array_equal(host(after[1].mean), host(model[1].mean))
    assert not np.array_equal(host(after[2].key.data), host(model[2].key.data))


def test_vmap_and_second_derivatives(backend):
    model = um.apply_policy(network().eval(), MIXED)
    x = on(backend, numbers(0, 3, 8, 4))
    found = um.vmap(model, in_axes=0)(x)
    expected = unp.stack([model(x[i]) for i in range(3)])
    assert dtypes(found) == ["float32"]
    np.testing.assert_allclose(host(found), host(expected), atol=EPS["bfloat16"])
    cube = um.apply_policy(um.nn.Lambda(lambda v: v * v * v).init(0), MIXED)
    assert float(um.grad(um.grad(lambda v: cube(v)))(on(backend, 3.0))) == 18.0


def test_bound_methods_write_back(backend):
    class Counting(um.Module):
        def __init__(self):
            self.layer = um.apply_policy(um.nn.BatchNorm(2).init(0), MIXED)

        def run(self, x):
            return self.layer(x)

    model = Counting()
    jit(model.run)(on(backend, numbers(0, 4, 2)))
    assert np.any(host(model.layer.mean) != 0)
    assert dtypes(model) == ["float32"] * 4
    layer = um.apply_policy(um.nn.BatchNorm(2).init(0), MIXED)
    out = jit(layer)(on(backend, numbers(0, 4, 2)))
    assert dtypes(out) == ["float32"]
    assert np.any(host(layer.mean) != 0)


def test_a_state_that_is_lost_is_said(backend):
    model = um.apply_policy(network(), MIXED)
    with pytest.warns(UnreturnedStateWarning, match=r"layers\[1\]\.mean"):
        jit(lambda model, x: model(x))(model, on(backend, numbers(0, 8, 4)))


@pytest.mark.needs("jax")
def test_plain_jax_takes_it():
    import jax

    model = um.apply_policy(um.nn.Linear(2, 3).init(0, backend="jax"), MIXED)
    x = on("jax", numbers(0, 4, 2))
    found = jax.jit(lambda model, x: model(x))(model, x)
    assert np.array_equal(np.asarray(found), np.asarray(model(x)))
    grads = jax.grad(lambda model: model(x).sum())(model)
    assert policy_of(grads) == policy_of(model)


def test_it_moves_to_another_engine_and_back(any_backend):
    model = um.apply_policy(network().eval(), MIXED)
    moved = um.to_backend(model, "numpy")
    x = numbers(0, 8, 4)
    assert policy_of(moved) == policy_of(model)
    np.testing.assert_allclose(host(moved(x)), host(model(on(any_backend, x))), atol=2 * EPS["bfloat16"])


def test_a_scaled_loss_keeps_small_gradients(backend):
    """In float16 a derivative of 1e-8 is zero; a loss times 2**12 carries it."""
    model = um.apply_policy(Scale(1.0), "params=float32,compute=float16,output=float32")
    x = on(backend, [1.0])

    def slope(scale):
        return um.grad(lambda model: unp.sum(model(x)) * 1e-8 * scale)(model).w / scale

    assert float(slope(1.0)) == 0.0
    np.testing.assert_allclose(float(slope(2.0**12)), 1e-8, rtol=1e-2)


# Half precision of layers, losses and metrics -------------------------------------------------------------------------

NORMS = {
    "BatchNorm": lambda: um.nn.BatchNorm(8),
    "BatchNorm without scale": lambda: um.nn.BatchNorm(8, use_scale=False, use_bias=False),
    "LayerNorm": lambda: um.nn.LayerNorm(8),
    "RMSNorm": lambda: um.nn.RMSNorm(8),
    "GroupNorm": lambda: um.nn.GroupNorm(2, 8),
    "InstanceNorm": lambda: um.nn.InstanceNorm(8),
    "LocalResponseNorm": lambda: um.nn.LocalResponseNorm(3, alpha=0.5),
    "standardize": lambda: um.nn.Lambda(um.nn.standardize),
    "l2": lambda: um.nn.Lambda(lambda x: unp.divide(x, unp.linalg.vector_norm(x, axis=-1, keepdims=True))),
}


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", NORMS)
def test_norms_do_not_overflow_nor_lose_digits(any_backend, name, dtype):
    """Values of 3000, whose squares and sums float16 cannot hold: as of the same numbers in float32."""
    layer = NORMS[name]().init(0)
    x = on(any_backend, 3000 + 300 * numbers(1, 4, 5, 8), dtype)
    half = um.apply_policy(layer, f"params=float32,compute={dtype},output=float32")
    full = layer.copy()
    found, expected = half(x), full(unp.astype(x, "float32"))
    assert dtypes(found) == ["float32"]
    error = np.abs(host(found) - host(expected))
    assert np.all(error <= EPS[dtype] * np.maximum(1.0, np.abs(host(expected))))
    for one, other in zip(um.tree.leaves(half), um.tree.leaves(full), strict=True):
        np.testing.assert_allclose(host(one), host(other), rtol=1e-5)
    # Evaluated, by the running statistics.
    found, expected = half.eval()(x), full.eval()(unp.astype(x, "float32"))
    assert np.all(np.abs(host(found) - host(expected)) <= EPS[dtype] * np.maximum(1.0, np.abs(host(expected))))


@pytest.mark.parametrize("dtype", HALF)
def test_a_norm_that_is_skipped_sees_data_far_from_zero(any_backend, dtype):
    """A mean of 1000 with a deviation of 0.01, which half precision does not have: computed in float32, whole."""
    policy = f"params=float32,compute={dtype},output=float32"
    x = (1000 + 0.01 * numbers(0, 64, 4)).astype(np.float32)
    exact = (x - x.mean(0, dtype=np.float64)) / np.sqrt(x.var(0, dtype=np.float64) + 1e-5)
    found = um.apply_policy(um.nn.BatchNorm(4).init(0), f"compute=float32,output={dtype}")(on(any_backend, x))
    assert dtypes(found) == [dtype]
    assert np.max(np.abs(host(found) - exact)) < 0.03 + 4 * EPS[dtype]
    net = um.apply_policy(
        um.nn.Sequential(um.nn.BatchNorm(4), um.nn.Linear(4, 2)).init(0), policy, skip=um.nn.BatchNorm
    )
    assert np.isfinite(host(net(on(any_backend, x)))).all()
    assert dtypes(net[0]) == ["float32"] * 4


SUMMED = {
    "softmax": um.nn.softmax,
    "log_softmax of a loss": lambda x: um.losses.cross_entropy(x, unp.asarray([3, 1, 2, 0]), reduction="none"),
    "logsumexp": lambda x: unp.logsumexp(x, axis=-1),
    "mean": lambda x: unp.mean(x, axis=0),
    "var": lambda x: unp.var(unp.divide(x, 16.0), axis=-1),
    "mean_squared_error": lambda x: um.losses.mean_squared_error(unp.divide(x, 4.0), unp.zeros_like(x)),
    "huber": lambda x: um.losses.huber(x, unp.zeros_like(x)),
    "binary_cross_entropy": lambda x: um.losses.binary_cross_entropy(x, unp.zeros_like(x)),
    "moments": lambda x: F.moments(x)[0],
}


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", SUMMED)
def test_sums_of_many_in_half_precision(any_backend, name, dtype):
    """4096 terms: sums in half precision would stop at 2048 (float16) or 256 (bfloat16) of them."""
    x = on(any_backend, 100 + 10 * numbers(2, 4, 4096), dtype)
    found, expected = SUMMED[name](x), SUMMED[name](unp.astype(x, "float32"))
    one, other = host(found), host(expected)
    assert one.shape == other.shape
    assert np.all(np.abs(one - other) <= EPS[dtype] * np.maximum(1e-3, np.abs(other)))


@pytest.mark.parametrize("dtype", HALF)
def test_attention_with_large_scores(any_backend, dtype):
    """Scores of 40000 in sum, which the softmax subtracts: finite, and those of float32."""
    query, value = (on(any_backend, k * numbers(s, 1, 4, 2, 8), dtype) for s, k in ((3, 30.0), (4, 1.0)))
    call = F.scaled_dot_product_attention
    found = host(call(query, query, value))
    expected = host(call(*(unp.astype(x, "float32") for x in (query, query, value))))
    assert np.max(np.abs(found - expected)) <= 2 * EPS[dtype] * np.max(np.abs(expected))


@pytest.mark.parametrize("dtype", HALF)
def test_metrics_count_beyond_half_precision(any_backend, dtype):
    """3001 of 4000: neither number is one of half precision."""
    target = np.zeros(4000, np.int32)
    preds = on(any_backend, (np.arange(4000) >= 3001).astype(np.float32)[:, None] * [-1, 1] * 2.0, dtype)
    accuracy = um.metrics.Accuracy()
    accuracy.update(preds, um.to_backend(target, any_backend))
    assert abs(float(accuracy.compute()) - 0.75025) < 1e-6
    mean = um.metrics.Mean()
    mean.update(preds[:, 1])
    assert abs(float(mean.compute()) - 2.0 * 999 / 4000) < 1e-6


# Training -------------------------------------------------------------------------------------------------------------


def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    return (data.data[order] / 16).astype(np.float32), data.target[order].astype(np.int32)


def losses_of(backend, policy, steps=60, batch=64):
    with um.use_backend(backend):
        model = um.nn.Sequential(um.nn.Linear(64, 32), um.nn.BatchNorm(32), um.nn.relu, um.nn.Linear(32, 10)).init(0)
        model = model if policy is None else um.apply_policy(model, policy)
        opt = um.optim.adam(3e-3).init(model.parameters())

        def loss_fn(model, x, y):
            return um.losses.cross_entropy(model(x), y), model

        @jit
        def step(model, opt, x, y):
            (loss, model), grads = um.value_and_grad(loss_fn, has_aux=True)(model, x, y)
            return *um.apply_gradients(model, opt, grads), loss

        inputs, targets = digits()
        found = []
        for i in range(steps):
            part = slice(i * batch % 1600, i * batch % 1600 + batch)
            x, y = um.to_backend((inputs[part], targets[part]), backend)
            model, opt, loss = step(model, opt, x, y)
            found.append(float(loss))
        assert step.trace_count == 1
        assert set(dtypes(model)) == {"float32"}
        assert set(dtypes(opt)) <= {"float32", "int32"}
        return np.asarray(found)


@pytest.mark.needs("jax", "torch")
def test_training_on_digits_is_the_same_on_both_engines_and_near_full_precision():
    curves = {backend: losses_of(backend, MIXED) for backend in ("jax", "torch")}
    full = losses_of("torch", None)
    assert curves["jax"][-5:].mean() < 0.5 * curves["jax"][:5].mean()
    # Roundings to bfloat16 differ here and there, by 0.4 % of a number, and are averaged over the batch.
    np.testing.assert_allclose(curves["jax"], curves["torch"], rtol=0.01)
    np.testing.assert_allclose(curves["jax"], full, rtol=0.01)
    assert not np.array_equal(curves["torch"], full)


def test_training_goes_on_without_the_policy(backend):
    """The state of an optimizer holds modules of the classes of the model: both are unwrapped together."""
    model = um.apply_policy(um.nn.Linear(4, 1).init(0), MIXED)
    opt = um.optim.adam(1e-2).init(model.parameters())
    x = on(backend, numbers(0, 3, 4))
    slope = um.grad(lambda model: unp.sum(model(x)))
    model, opt = um.apply_gradients(model, opt, slope(model))
    plain, plain_opt = um.unwrap_policy((model, opt))
    assert um.tree.structure(plain) is um.tree.structure(um.nn.Linear(4, 1).init(0))
    again, _ = um.apply_gradients(plain, plain_opt, slope(plain))
    half, _ = um.apply_gradients(model, opt, slope(model))
    for one, other in zip(um.tree.leaves(again), um.tree.leaves(half), strict=True):
        np.testing.assert_allclose(host(one), host(other), atol=1e-4)
