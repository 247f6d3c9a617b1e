"""``um.remat``: its arguments, in loops, with keys and modules; and that a traced step computes again."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import unimod as um
from unimod.errors import OptionError

jit = functools.partial(um.jit, compiler="graph")
unp = um.numpy


def array(values):
    return unp.asarray(values, dtype="float32")


def near(found, wanted, backend):
    assert um.engine_of(found).name == backend
    assert tuple(found.shape) == np.shape(um.to_backend(wanted, "numpy"))
    np.testing.assert_allclose(um.to_backend(found, "numpy"), um.to_backend(wanted, "numpy"), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("wrap", [lambda f: f, jit], ids=["as it runs", "jitted"])
def test_static_arguments(backend, wrap):
    def power(x, count, kind="sin"):
        assert type(count) is int
        return functools.reduce(lambda y, _: getattr(unp, kind)(y), range(count), x)

    x = array([0.5, 1.5])
    for places, args in ((1, (x, 3)), ((1, -1), (x, 3, "cos"))):
        block = um.remat(power, static_argnums=places, prevent_cse=False)
        found = wrap(um.grad(lambda x, args=args, block=block: unp.sum(block(x, *args[1:]))))(x)
        near(found, um.grad(lambda x, args=args: unp.sum(power(x, *args[1:])))(x), backend)
    with pytest.raises(OptionError, match="static_argnums"):
        um.remat(power, static_argnums=2)(x, 3)


def test_static_arguments_of_a_method(backend):
    class Layer(um.Module):
        def __init__(self):
            self.w, self.calls = um.Parameter(array(2.0)), array(0.0)

        def __call__(self, kind, x):
            self.calls = self.calls + 1.0
            return getattr(unp, kind)(self.w * x)

    layer = Layer()
    near(um.remat(layer, static_argnums=0)("sin", array(0.5)), np.sin(np.float32(1.0)), backend)
    assert float(layer.calls) == 1.0


@pytest.mark.parametrize("wrap", [lambda f: f, jit], ids=["as it runs", "jitted"])
def test_in_a_loop_and_of_a_loop(backend, wrap):
    def step(c, x):
        return unp.tanh(unp.sin(c) * x), c

    def loss(around, body):
        return lambda c, xs: unp.sum(around(lambda c, xs: um.scan(body(step), c, xs)[0])(c, xs))

    plain, args = loss(lambda f: f, lambda f: f), (array([0.5, 1.0]), array([[1.0, 2.0], [0.5, -1.0], [1.5, 0.3]]))
    wanted = um.grad(plain, argnums=(0, 1))(*args)
    for ways in ((um.remat, lambda f: f), (lambda f: f, um.remat), (um.remat, um.remat)):
        found = wrap(um.grad(loss(*ways), argnums=(0, 1)))(*args)
        for x, y in zip(found, wanted, strict=True):
            near(x, y, backend)


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: lambda x: um.jvp(f, (x,), (unp.ones_like(x),))[1],
        lambda f: um.vmap(um.grad(f)),
        lambda f: um.grad(lambda x: unp.sum(um.vmap(f)(x))),
        lambda f: lambda x: unp.sum(um.hessian(lambda x: unp.sum(um.vmap(f)(x)))(x), axis=0),
    ],
    ids=["tangents", "gradient inside", "gradient outside", "hessian"],
)
def test_under_other_transforms(backend, transform):
    plain = lambda x: unp.sin(unp.exp(unp.sin(x)))  # noqa: E731
    x = array([0.3, 0.8, 1.4])
    near(transform(um.remat(plain, policy="dots_saveable"))(x), transform(plain)(x), backend)


def test_random_numbers_are_drawn_once(backend):
    def noisy(key, x):
        return unp.sum(unp.sin(x * um.random.normal(key, (3,))))

    key, x = um.random.key(0), array([0.3, 0.8, 1.4])
    near(um.grad(um.remat(noisy), argnums=1)(key, x), um.grad(noisy, argnums=1)(key, x), backend)


def test_a_module_that_draws_does_so_once(backend):
    def loss(x, dropout, around):
        run = around(dropout)
        return unp.sum(run(x * x)), dropout

    x = array([0.3, 0.8, 1.4, 2.0])
    found = [um.grad(loss, has_aux=True)(x, um.nn.Dropout(0.5).init(0), around) for around in (lambda f: f, um.remat)]
    near(found[1][0], found[0][0], backend)
    states = [um.random.key_data(dropout.key) for _, dropout in found]
    assert states[0].tolist() == states[1].tolist()


def counted(fn, *args):
    """How many sines the traced graph of a function computes."""
    from unimod.backends.torch import _lower, _trace

    flat = lambda leaves: (um.tree.leaves(fn(*leaves)), None)  # noqa: E731
    traced = _trace.trace(flat, list(args), compiler=_lower.choose("graph"))
    return str(traced.graph.code).count("aten.sin.default")


@pytest.mark.needs("torch")
def test_a_traced_step_computes_again():
    def chain(x):
        return functools.reduce(lambda y, _: unp.sin(y), range(4), x)

    with um.use_backend("torch"):
        x = array([0.3])
        gradient = lambda f: um.grad(lambda x: unp.sum(f(x)))  # noqa: E731
        assert counted(gradient(chain), x) == 4
        # The last one is not asked for its value.
        assert counted(gradient(um.remat(chain)), x) == 7
        assert counted(gradient(um.remat(chain, policy="everything_saveable")), x) == 4
