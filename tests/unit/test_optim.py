"""Optimizers as modules: state, structure, hyperparameters. Their numbers are compared in the conformance tests."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapabilityError, DTypeError, NotInitializedError, TreeError


def array(values, dtype="float32"):
    return um.numpy.asarray(values, dtype=dtype)


def numbers(tree):
    return [um.to_backend(leaf, "numpy").tolist() for leaf in um.tree.leaves(tree)]


PARAMS = {"w": [1.0, 2.0], "b": 3.0}


def params():
    return {name: array(value) for name, value in PARAMS.items()}


def test_the_state_can_be_read_by_name(any_backend):
    opt = um.optim.adam(0.1, b1=0.8).init(params())
    _, opt = opt.step(params(), params())
    assert um.dtype_of(opt[0].count) == "int32"
    assert int(opt[0].count) == 1
    assert sorted(opt[0].mu) == ["b", "w"]
    np.testing.assert_allclose(um.to_backend(opt[0].mu["w"], "numpy"), [0.2, 0.4], rtol=1e-6)
    assert opt[0].b1 == 0.8
    assert opt[-1].learning_rate == 0.1
    with pytest.raises(AttributeError, match="scale_by_adam has no 'rho'"):
        _ = opt[0].rho


def test_the_state_has_its_kind(any_backend):
    opt = um.optim.adam(0.1).init(params())
    assert len(um.tree.leaves(opt.opt_states())) == len(um.tree.leaves(opt)) == 5
    assert um.tree.leaves(opt.parameters()) == []
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves(opt)} == {any_backend}


def test_a_step_leaves_the_old_optimizer_and_parameters(any_backend):
    old, opt = params(), um.optim.adam(0.1).init(params())
    before = numbers([old, opt])
    opt.step(old, params())
    assert numbers([old, opt]) == before


def test_updates_are_added(any_backend):
    opt = um.optim.sgd(0.5).init(params())
    updates, opt = opt.update(params())
    assert numbers(updates) == [-1.5, [-0.5, -1.0]]
    new, _ = opt.step(params(), params())
    assert numbers(new) == [1.5, [0.5, 1.0]]


def test_the_trainable_parameters_of_a_module_are_changed(any_backend):
    model = um.nn.Sequential(um.nn.Linear(1, 1), um.nn.BatchNorm(1), um.nn.Linear(1, 1)).init(0)
    model[0].freeze(inplace=True)
    opt = um.optim.sgd(1.0).init(model)
    grads = um.tree.map(lambda x: x * 0 + 1, model.parameters())
    new, _ = opt.step(model, grads)
    assert new[0].kernel is model[0].kernel
    assert new[1].mean is model[1].mean
    assert numbers(new[2].bias) == [[-1.0]]
    assert um.tree.structure(new) is um.tree.structure(model)


def test_parameters_alone_can_be_stepped(any_backend):
    model = um.nn.Linear(1, 1).init(0)
    opt = um.optim.sgd(1.0).init(model.parameters())
    chosen, opt = opt.step(model.parameters(), model.parameters())
    assert numbers(chosen) == [[[0.0]], [0.0]]


def test_a_schedule_counts_from_zero(any_backend):
    opt = um.optim.sgd(lambda count: 0.1 * (count + 1)).init(params())
    x = params()
    for rate in (0.1, 0.2, 0.3):
        np.testing.assert_allclose(float(opt[-1].learning_rate), rate, rtol=1e-6)
        before = um.to_backend(x["b"], "numpy")
        x, opt = opt.step(x, {"w": array([0.0, 0.0]), "b": array(1.0)})
        np.testing.assert_allclose(before - um.to_backend(x["b"], "numpy"), rate, rtol=1e-5)


def test_hyperparameters_for_one_step(any_backend):
    opt = um.optim.adamw(0.1).init(params())
    zero = um.tree.map(lambda x: x * 0, params())
    new, opt = opt.step(params(), zero, learning_rate=1.0, weight_decay=0.5)
    assert numbers(new) == [1.5, [0.5, 1.0]]
    assert opt[-1].learning_rate == 0.1


def test_an_unknown_hyperparameter_lists_the_known_ones(any_backend):
    opt = um.optim.adam(0.1).init(params())
    with pytest.raises(DTypeError, match="no hyperparameter 'momentum'") as caught:
        opt.step(params(), params(), momentum=0.9)
    assert caught.value.expected == "b1, b2, eps, eps_root, learning_rate"


@pytest.mark.parametrize("build", [lambda: um.optim.adam(0.1), lambda: um.optim.sgd(lambda n: 0.1)])
def test_an_optimizer_without_state_says_so(any_backend, build):
    with pytest.raises(NotInitializedError, match="yet"):
        build().step(params(), params())


def test_gradients_of_another_structure_are_named(any_backend):
    model = um.nn.Sequential(um.nn.Linear(2, 1), um.nn.Linear(1, 1)).init(0)
    opt = um.optim.adam(0.1).init(model)
    wrong = model.replace(layers=[model[0], um.nn.Linear(1, 1, use_bias=False).init(0)])
    for call in (lambda: opt.step(model, wrong.parameters()), lambda: opt.update(wrong.parameters())):
        with pytest.raises(TreeError) as caught:
            call()
        assert caught.value.where == "tree.layers[1].use_bias"


def test_parameters_of_another_structure_are_named(any_backend):
    opt = um.optim.adam(0.1).init(params())
    with pytest.raises(TreeError) as caught:
        opt.step({"w": array(1.0)}, {"w": array(1.0)})
    assert caught.value.where == "tree.b"


def test_an_optimizer_of_nothing(any_backend):
    opt = um.optim.adam(0.1).init({})
    new, opt = opt.step({}, {})
    assert new == {}
    assert int(opt[0].count) == 1


def test_chain_takes_transformations_only():
    with pytest.raises(DTypeError, match="chain takes transformations"):
        um.optim.chain(um.optim.scale(1.0), 3)


def test_a_chain_is_a_sequence():
    opt = um.optim.chain(um.optim.scale_by_adam(), um.optim.scale(-0.1))
    assert len(opt) == 2
    assert list(opt)[1] is opt[1]
    assert opt[-1].step_size == -0.1


def test_a_chain_in_a_chain(any_backend):
    flat = um.optim.adam(0.1).init(params())
    nested = um.optim.chain(um.optim.chain(um.optim.scale_by_adam()), um.optim.chain(um.optim.scale(-0.1)))
    nested = nested.init(params())
    assert numbers(nested.step(params(), params())[0]) == numbers(flat.step(params(), params())[0])


def test_a_transformation_must_say_how_it_updates():
    class Silent(um.optim.Transformation):
        pass

    with pytest.raises(CapabilityError, match="does not say how"):
        Silent().init({"a": np.ones(1, np.float32)}).update({"a": np.ones(1, np.float32)})


def test_a_transformation_of_ones_own(any_backend):
    class Sign(um.optim.Transformation):
        def __init__(self):
            self.seen = um.OptState(0)

        def init_flat(self, engine, leaves, structure):
            new = Sign()
            new.seen = engine.arrays.zeros((), "int32")
            return new

        def update_flat(self, engine, grads, params, structure, hyper):
            self.seen = self.seen + 1
            return [engine.math.sign(g) for g in grads]

    opt = um.optim.chain(Sign(), um.optim.scale(-0.5)).init(params())
    new, opt = opt.step(params(), params())
    assert numbers(new) == [2.5, [0.5, 1.5]]
    assert int(opt[0].seen) == 1


# apply_gradients ------------------------------------------------------------------------------------------------------


class Both(um.Module):
    def __init__(self):
        self.w, self.n = um.Parameter(array([1.0])), array(3, "int32")
        self.key = um.Rng(um.random.key(0))
        self.rate: float = 0.5


@pytest.mark.parametrize("is_finite", [True, False])
def test_apply_gradients_can_hold_still(any_backend, is_finite):
    model = Both()
    opt = um.optim.adam(0.1).init(model)
    grads = model.parameters()
    new, after = um.apply_gradients(model, opt, grads, all_finite=um.numpy.asarray(is_finite))
    expected = opt.step(model, grads) if is_finite else (model, opt)
    assert numbers([new, after]) == numbers(list(expected))
    assert um.tree.structure(new) is um.tree.structure(model)
    assert um.dtype_of(new.n) == "int32"


def test_apply_gradients_holds_still_under_jit(backend):
    model = Both()
    opt = um.optim.adam(0.1).init(model)
    step = um.jit(lambda m, o, g, ok: um.apply_gradients(m, o, g, all_finite=ok), compiler="graph")
    for is_finite in (True, False):
        new, after = step(model, opt, model.parameters(), um.numpy.asarray(is_finite))
        assert int(after[0].count) == int(is_finite)
        assert (numbers(new.w) == numbers(model.w)) is not is_finite
    assert step.trace_count == 1


def test_not_a_number_does_not_get_through(any_backend):
    model = Both()
    opt = um.optim.sgd(0.1).init(model)
    grads = model.parameters().map(lambda x: x * float("nan"))
    new, _ = um.apply_gradients(model, opt, grads, all_finite=um.numpy.asarray(False))
    assert numbers(new.w) == [[1.0]]


def test_apply_gradients_passes_hyperparameters_on(any_backend):
    model = Both()
    opt = um.optim.sgd(0.1).init(model)
    new, _ = um.apply_gradients(model, opt, model.parameters(), learning_rate=1.0)
    assert numbers(new.w) == [[0.0]]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kernel_of_torch_is_the_formula(dtype, monkeypatch):
    import torch

    from unimod.backends.torch import _fused

    def run():
        x = [
            torch.linspace(-1, 1, 6).reshape(2, 3).to(getattr(torch, dtype)),
            torch.tensor(2.0).to(getattr(torch, dtype)),
        ]
        opt = um.optim.adam(0.1, b1=0.8, b2=0.9, eps=1e-3).init(x)
        for scale in (1.0, -0.5, 3.0):
            grads = [scale * leaf for leaf in x]
            before = [leaf.clone() for leaf in (*x, *grads, *opt[0].mu, *opt[0].nu)]
            held = (*x, *grads, *opt[0].mu, *opt[0].nu)
            x, opt = opt.step(x, grads)
            assert all(torch.equal(one, other) for one, other in zip(before, held, strict=True))
        return [*x, *opt[0].mu, *opt[0].nu], opt[0].count

    calls = []
    kernel = _fused._adam
    assert kernel is not None
    monkeypatch.setattr(_fused, "_adam", lambda *args, **options: calls.append(1) or kernel(*args, **options))
    found, count = run()
    assert len(calls) == 3
    monkeypatch.setattr(_fused, "_adam", None)
    expected, other = run()
    assert int(count) == int(other) == 3
    for one, two in zip(found, expected, strict=True):
        assert one.dtype == two.dtype
        torch.testing.assert_close(one, two, rtol=1e-6 if dtype == "float32" else 1e-14, atol=0)


@pytest.mark.needs("torch")
def test_what_is_differentiated_or_traced_does_not_go_through_the_kernel(monkeypatch):
    import torch

    from unimod.backends.torch import _fused

    monkeypatch.setattr(_fused, "_adam", lambda *args, **options: pytest.fail("the kernel has no derivatives"))
    x = {"a": torch.ones(3), "b": torch.ones(())}
    opt = um.optim.adam(0.1).init(x)

    def after(x):
        new, _ = opt.step(x, x)
        return um.numpy.sum(new["a"]) + new["b"]

    slopes = um.grad(after)(x)
    assert slopes["a"].shape == (3,)
    um.jit(lambda opt, x: opt.step(x, x), compiler="graph")(opt, x)
    um.vmap(lambda x: opt.step(x, x)[0], in_axes=0)({"a": torch.ones(2, 3), "b": torch.ones(2)})
