"""Modules go through the frameworks' own functions of trees, untouched."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um


class Tied(um.Module):
    def __init__(self):
        self.a, self.b = um.nn.Linear(2, 2, use_bias=False), um.nn.Linear(2, 2, use_bias=False)
        self.b.kernel = self.a.share("kernel")
        self.again = [self.a]
        self.steps = um.numpy.zeros((), dtype="float32")

    def __call__(self, x):
        self.steps = self.steps + 1
        return self.b(self.a(x))


def loss(model, x):
    return um.numpy.sum(model(x) ** 2)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


def expected(model, x):
    """The gradient of sum((x W W)^2) by W, in float64."""
    w, row = (np.asarray(numbers(v), np.float64) for v in (model.a.kernel, x))
    d = 2 * row @ w @ w
    return row.T @ d @ w.T + (row @ w).T @ d


@pytest.mark.needs("jax")
class TestJax:
    @pytest.fixture(autouse=True)
    def _engine(self, monkeypatch):
        monkeypatch.setenv("UNIMOD_BACKEND", "jax")
        self.model = Tied().init(0)
        self.x = um.numpy.asarray([[1.0, 2.0]])

    def test_map(self):
        import jax

        new = jax.tree.map(lambda x: x + 1, self.model)
        assert isinstance(new, Tied)
        assert new.b.kernel is new.a.kernel
        assert new.again[0] is new.a
        assert jax.tree.structure(new) == jax.tree.structure(self.model)
        assert jax.tree.leaves(self.model) == um.tree.leaves(self.model)

    def test_map_over_two_modules(self):
        import jax

        new = jax.tree.map(lambda a, b: a - b, self.model, self.model)
        assert numbers(new.a.kernel) == [[0.0, 0.0], [0.0, 0.0]]

    def test_jit_takes_and_returns_modules(self):
        import jax

        traces = []

        @jax.jit
        def step(model, x):
            traces.append(1)
            model(x)
            return model

        model = self.model
        for _ in range(3):
            model = step(model, self.x)
        assert len(traces) == 1
        assert float(model.steps) == 3.0
        assert model.b.kernel is model.a.kernel
        step(model.eval(), self.x)
        assert len(traces) == 2

    def test_grad(self):
        import jax

        grads = jax.grad(loss)(self.model, self.x)
        assert isinstance(grads, Tied)
        np.testing.assert_allclose(numbers(grads.a.kernel), expected(self.model, self.x), rtol=1e-5)
        assert float(grads.steps) == 0.0

    def test_vmap(self):
        import jax

        y = jax.vmap(lambda model, x: model(x), in_axes=(None, 0))(self.model, self.x)
        np.testing.assert_allclose(numbers(y), numbers(self.model(self.x)), rtol=1e-6)
        models = jax.vmap(lambda key: Tied().init(um.random.wrap_key_data(key)))(
            um.random.key_data(um.random.split(um.random.key(0), 3))
        )
        assert tuple(models.a.kernel.shape) == (3, 2, 2)

    def test_a_step_of_gradient_descent(self):
        import jax

        grads = jax.grad(loss)(self.model, self.x)
        new = jax.tree.map(lambda p, g: p - 0.1 * g, self.model, grads)
        assert jax.tree.structure(new) == jax.tree.structure(self.model)
        assert jax.tree.structure(grads) == jax.tree.structure(self.model)

    def test_a_lazy_module_has_the_structure_of_a_built_one(self):
        import jax

        lazy = um.tree.map(lambda x: x, self.model)
        assert jax.tree.structure(lazy) == jax.tree.structure(self.model)
        jax.tree.map(lambda a, b: a, self.model, lazy)
        jax.tree.map(lambda a, b: a, um.tree.map(lambda x: x, self.model), self.model)

    def test_scan_without_a_change(self):
        import jax

        model, _ = jax.lax.scan(lambda m, x: (um.tree.map(lambda v: v, m), x), self.model, self.x)
        assert isinstance(model, Tied)

    def test_scan(self):
        import jax

        model, _ = jax.lax.scan(lambda m, x: (m, m(x)), self.model, self.x[None])
        assert float(model.steps) == 1.0

    def test_keys_and_optimizers(self):
        import jax

        key = um.random.key(0)
        assert isinstance(jax.tree.map(lambda x: x, key), um.random.Key)
        opt = um.optim.adam(0.1).init(self.model.parameters())
        assert um.tree.structure(jax.tree.map(lambda x: x, opt)) is um.tree.structure(opt)

    def test_a_module_defined_later_is_known_too(self):
        import jax

        class Late(um.Module):
            def __init__(self):
                self.w = um.numpy.ones((2,))

        assert jax.tree.leaves(Late())[0].shape == (2,)


@pytest.mark.needs("torch")
class TestTorch:
    @pytest.fixture(autouse=True)
    def _engine(self, monkeypatch):
        monkeypatch.setenv("UNIMOD_BACKEND", "torch")
        self.model = Tied().init(0)
        self.x = um.numpy.asarray([[1.0, 2.0]])

    def test_map(self):
        import torch.utils._pytree as pytree

        new = pytree.tree_map(lambda x: x + 1, self.model)
        assert isinstance(new, Tied)
        assert new.b.kernel is new.a.kernel
        assert new.again[0] is new.a
        leaves, spec = pytree.tree_flatten(self.model)
        assert all(a is b for a, b in zip(leaves, um.tree.leaves(self.model), strict=True))
        assert spec == pytree.tree_flatten(new)[1]
        assert spec != pytree.tree_flatten(new.eval())[1]

    def test_grad(self):
        import torch

        grads = torch.func.grad(loss)(self.model, self.x)
        assert isinstance(grads, Tied)
        np.testing.assert_allclose(numbers(grads.a.kernel), expected(self.model, self.x), rtol=1e-5)
        assert float(grads.steps) == 0.0

    def test_vmap(self):
        import torch

        y = torch.func.vmap(lambda model, x: model(x), in_dims=(None, 0))(self.model, self.x)
        np.testing.assert_allclose(numbers(y), numbers(self.model(self.x)), rtol=1e-6)

    def test_a_step_of_gradient_descent(self):
        import torch
        import torch.utils._pytree as pytree

        grads = torch.func.grad(loss)(self.model, self.x)
        new = pytree.tree_map(lambda p, g: p - 0.1 * g, self.model, grads)
        assert pytree.tree_structure(new) == pytree.tree_structure(self.model)

    def test_vmap_over_modules(self):
        import torch

        models = um.tree.map(lambda *leaves: torch.stack(leaves), self.model, self.model)
        y = torch.func.vmap(lambda model, x: model(x), in_dims=(0, None))(models, self.x)
        assert tuple(y.shape) == (2, 1, 2)

    def test_a_module_defined_later_is_known_too(self):
        import torch.utils._pytree as pytree

        class Late(um.Module):
            def __init__(self):
                self.w = um.numpy.ones((2,))

        assert pytree.tree_leaves(Late())[0].shape == (2,)
