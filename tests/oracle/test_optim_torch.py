"""The optimizers with the definitions of ``torch.optim``, against ``torch.optim`` over fifty steps, on every engine."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um

pytestmark = pytest.mark.thin(6)

STEPS = 50


def float64(count):
    """A number of steps without rounding."""
    return um.numpy.astype(count, "float64") if um.is_array(count) else float(count)


CASES = {
    "SGD dampening": (
        lambda t, p: t.SGD(p, lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.1),
        lambda o: o.sgd(0.1, 0.9, dampening=0.5, weight_decay=0.1),
    ),
    "SGD nesterov": (
        lambda t, p: t.SGD(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1, maximize=True),
        lambda o: o.sgd(0.01, 0.9, nesterov=True, weight_decay=0.1, maximize=True),
    ),
    "Adam": (
        lambda t, p: t.Adam(p, lr=1e-2, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1, maximize=True),
        lambda o: o.adam(1e-2, b1=0.8, b2=0.99, eps=1e-3, weight_decay=0.1, maximize=True),
    ),
    "Adam amsgrad": (
        lambda t, p: t.Adam(p, lr=1e-2, betas=(0.9, 0.9), amsgrad=True),
        lambda o: o.adam(1e-2, b2=0.9, amsgrad=True),
    ),
    "amsgrad": (
        lambda t, p: t.Adam(p, lr=1e-2, betas=(0.9, 0.9), weight_decay=0.1, amsgrad=True),
        lambda o: o.amsgrad(1e-2, b2=0.9, weight_decay=0.1, definition="torch"),
    ),
    "AdamW": (lambda t, p: t.AdamW(p, lr=1e-2), lambda o: o.adamw(1e-2, definition="torch")),
    "AdamW amsgrad": (
        lambda t, p: t.AdamW(p, lr=1e-2, betas=(0.9, 0.9), weight_decay=0.1, amsgrad=True, maximize=True),
        lambda o: o.adamw(1e-2, b2=0.9, weight_decay=0.1, amsgrad=True, maximize=True),
    ),
    "NAdam": (
        lambda t, p: t.NAdam(p, lr=1e-2, weight_decay=0.1, momentum_decay=0.02),
        lambda o: o.nadam(1e-2, weight_decay=0.1, momentum_decay=0.02, definition="torch"),
    ),
    "NAdam decoupled": (
        lambda t, p: t.NAdam(p, lr=1e-2, weight_decay=0.1, decoupled_weight_decay=True, maximize=True),
        lambda o: o.nadamw(1e-2, weight_decay=0.1, maximize=True, definition="torch"),
    ),
    "RAdam": (
        lambda t, p: t.RAdam(p, lr=1e-2, eps=1e-3, weight_decay=0.1),
        lambda o: o.radam(1e-2, eps=1e-3, weight_decay=0.1, definition="torch"),
    ),
    "RAdam, a short memory": (
        lambda t, p: t.RAdam(p, lr=1e-2, betas=(0.9, 0.9), maximize=True),
        lambda o: o.radam(1e-2, b2=0.9, maximize=True, definition="torch"),
    ),
    "Adamax": (
        lambda t, p: t.Adamax(p, lr=1e-2, betas=(0.9, 0.9), weight_decay=0.1, maximize=True),
        lambda o: o.adamax(1e-2, b2=0.9, weight_decay=0.1, maximize=True),
    ),
    "Adagrad": (lambda t, p: t.Adagrad(p, lr=0.1), lambda o: o.adagrad(0.1, definition="torch")),
    "Adagrad options": (
        lambda t, p: t.Adagrad(p, lr=0.1, initial_accumulator_value=0.3, eps=1e-2, weight_decay=0.1, maximize=True),
        lambda o: o.adagrad(
            0.1, initial_accumulator_value=0.3, eps=1e-2, weight_decay=0.1, maximize=True, definition="torch"
        ),
    ),
    "Adagrad lr_decay": (
        lambda t, p: t.Adagrad(p, lr=0.1, lr_decay=0.05),
        lambda o: o.adagrad(o.inverse_time_decay(0.1, 1, 0.05), definition="torch"),
    ),
    "Adafactor": (
        lambda t, p: t.Adafactor(p, lr=0.05),
        lambda o: o.adafactor(0.05, min_dim_size_to_factor=1),
    ),
    "Adafactor options": (
        lambda t, p: t.Adafactor(p, lr=0.1, beta2_decay=-0.6, d=1.5, weight_decay=0.1),
        lambda o: o.adafactor(
            0.1, min_dim_size_to_factor=1, decay_rate=0.6, clipping_threshold=1.5, weight_decay_rate=0.01
        ),
    ),
    "ASGD": (lambda t, p: t.ASGD(p), lambda o: o.asgd()),
    "ASGD options": (
        lambda t, p: t.ASGD(p, lr=0.1, lambd=0.01, alpha=0.5, t0=10, weight_decay=0.1, maximize=True),
        lambda o: o.asgd(0.1, lambd=0.01, alpha=0.5, t0=10.0, weight_decay=0.1, maximize=True),
    ),
    "ASGD of parts": (
        lambda t, p: t.ASGD(p, lr=0.1, lambd=0.01, alpha=0.75),
        lambda o: o.chain(
            o.add_decayed_weights(0.01),
            o.scale_by_learning_rate(lambda count: 0.1 / (1.0 + 0.001 * float64(count)) ** 0.75),
        ),
    ),
    "SGD": (lambda t, p: t.SGD(p, lr=0.1), lambda o: o.sgd(0.1)),
    "SGD momentum": (lambda t, p: t.SGD(p, lr=0.1, momentum=0.9), lambda o: o.sgd(0.1, momentum=0.9)),
    "Adadelta": (
        lambda t, p: t.Adadelta(p, weight_decay=0.1, maximize=True),
        lambda o: o.adadelta(weight_decay=0.1, maximize=True),
    ),
    "RMSprop": (
        lambda t, p: t.RMSprop(p, lr=1e-2, weight_decay=0.1),
        lambda o: o.rmsprop(1e-2, weight_decay=0.1, definition="torch"),
    ),
    "RMSprop options": (
        lambda t, p: t.RMSprop(p, lr=1e-2, alpha=0.9, eps=1e-3, momentum=0.9, centered=True, maximize=True),
        lambda o: o.rmsprop(1e-2, decay=0.9, eps=1e-3, momentum=0.9, centered=True, maximize=True, definition="torch"),
    ),
    "Rprop": (
        lambda t, p: t.Rprop(p, lr=1e-2, etas=(0.4, 1.3), step_sizes=(1e-3, 0.05), maximize=True),
        lambda o: o.rprop(
            1e-2,
            eta_minus=0.4,
            eta_plus=1.3,
            min_step_size=1e-3,
            max_step_size=0.05,
            maximize=True,
            definition="torch",
        ),
    ),
}


def start() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=(3,)), "s": rng.normal(size=())}


def gradients() -> list[dict[str, np.ndarray]]:
    """Random, of sizes that differ; some numbers are 0."""
    rng = np.random.default_rng(1)
    return [
        {
            name: rng.normal(size=x.shape) * 10.0 ** rng.integers(-3, 2) * (rng.random(x.shape) > 0.1)
            for name, x in start().items()
        }
        for _ in range(STEPS)
    ]


def native(case: str, state: str | None = None) -> dict[str, np.ndarray]:
    """The parameters after the steps, or a state of them by its name."""
    import torch

    # The product of the momenta in the state of NAdam has the default dtype.
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        x = {name: torch.tensor(value, requires_grad=True) for name, value in start().items()}
        opt = CASES[case][0](torch.optim, list(x.values()))
        for grads in gradients():
            for name, leaf in x.items():
                leaf.grad = torch.tensor(grads[name])
            opt.step()
    finally:
        torch.set_default_dtype(before)
    return {name: (opt.state[leaf][state] if state else leaf).detach().numpy() for name, leaf in x.items()}


def ours(case: str, backend: str, dtype: str, state: str | None = None) -> dict[str, np.ndarray]:
    cast = lambda tree: {k: um.numpy.asarray(v, dtype=dtype, backend=backend) for k, v in tree.items()}  # noqa: E731
    x = cast(start())
    opt = CASES[case][1](um.optim).init(x)
    step = um.jit(lambda opt, x, grads: opt.step(x, grads)) if backend == "jax" else None
    for grads in gradients():
        x, opt = opt.step(x, cast(grads)) if step is None else step(opt, x, cast(grads))
    assert {um.dtype_of(leaf) for leaf in x.values()} == {dtype}
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves((x, opt))} == {backend}
    return {name: um.to_backend(leaf, "numpy") for name, leaf in (getattr(opt[-1], state) if state else x).items()}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", CASES)
def test_float64(backend, case):
    with um.use_x64():
        found = ours(case, backend, "float64")
    for name, x in native(case).items():
        # The same sums and products, some in another order.
        np.testing.assert_allclose(found[name], x, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", ["ASGD", "ASGD options"])
def test_averaged_parameters(backend, case):
    with um.use_x64():
        found = ours(case, backend, "float64", "ax")
    for name, x in native(case, "ax").items():
        np.testing.assert_allclose(found[name], x, rtol=1e-12, atol=1e-12, err_msg=name)


# Gradients of 1e-3 are squared beside those of 10: their sums round to 1e-7 of the large ones, and fifty steps of some
# 0.01 add what that does to the quotients.
ATOL32 = 5e-5


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", ["Adam amsgrad", "NAdam", "RAdam", "Adagrad", "RMSprop options", "Rprop"])
def test_float32_is_near_float64(backend, case):
    found = ours(case, backend, "float32")
    for name, x in native(case).items():
        np.testing.assert_allclose(found[name], x, rtol=ATOL32, atol=ATOL32, err_msg=name)


OTHERS = {
    "LBFGS": "many steps in one call, and another line search: it finds the same minimum, below",
    "Muon": "its matrices are made orthogonal in bfloat16: near, below",
    "SparseAdam": "of sparse gradients",
    "Optimizer": "the base class",
}


@pytest.mark.needs("torch")
def test_every_optimizer_of_torch_is_met():
    import torch

    classes = {name for name, x in vars(torch.optim).items() if isinstance(x, type)}
    assert classes == {case.split()[0].rstrip(",") for case in CASES if case[0].isupper()} | set(OTHERS)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5)])
def test_muon_is_near(backend, shape):
    import torch

    rng, rate = np.random.default_rng(2), 0.02
    first, grads = rng.normal(size=shape), [rng.normal(size=shape) for _ in range(10)]
    p = torch.tensor(first, dtype=torch.float32, requires_grad=True)
    theirs = torch.optim.Muon([p], lr=rate, weight_decay=0.1, nesterov=False)
    x = um.numpy.asarray(first, dtype="float32", backend=backend)
    # Its steps are longer for tall matrices, those of optax for wide ones; its decay has the rate as it is.
    longer = max(1.0, shape[0] / shape[1]) ** 0.5
    direction = um.optim.scale_by_muon(beta=0.95, eps=1e-7, nesterov=False)
    opt = um.optim.chain(
        direction, um.optim.scale(longer), um.optim.add_decayed_weights(0.1), um.optim.scale(-rate)
    ).init(x)
    for number, grad in enumerate(grads, 1):
        p.grad = torch.tensor(grad, dtype=torch.float32)
        theirs.step()
        x, opt = opt.step(x, um.numpy.asarray(grad, dtype="float32", backend=backend))
        # Fifteen products of matrices in bfloat16, of eight bits: found to change a step, whose singular values are
        # near 1, by 0.021.
        off = np.linalg.norm(np.asarray(um.to_backend(x, "numpy")) - p.detach().numpy(), ord=2)
        assert 0 < off <= 0.04 * number * rate * longer, number


@pytest.mark.needs("torch")
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_same_minimum(backend, search):
    import torch

    rng = np.random.default_rng(3)
    half, b = rng.normal(size=(5, 5)), rng.normal(size=5)
    a = half @ half.T + np.eye(5)
    p, matrix, vector = torch.zeros(5, dtype=torch.float64, requires_grad=True), torch.tensor(a), torch.tensor(b)
    theirs = torch.optim.LBFGS([p], lr=1.0 if search else 0.1, max_iter=500, max_eval=2000, line_search_fn=search)
    theirs.param_groups[0].update(tolerance_grad=1e-13, tolerance_change=0.0)

    def closure():
        theirs.zero_grad()
        value = 0.5 * p @ matrix @ p - vector @ p
        value.backward()
        return value

    theirs.step(closure)
    with um.use_x64():
        own_a, own_b = (um.numpy.asarray(z, dtype="float64", backend=backend) for z in (a, b))
        x = um.numpy.zeros_like(own_b)
        value_fn = lambda x: um.numpy.sum(x * (um.numpy.matmul(own_a, x) * 0.5 - own_b))  # noqa: E731
        opt = (um.optim.lbfgs() if search else um.optim.lbfgs(0.1, linesearch=None)).init(x)
        given = (lambda x: {"value": value_fn(x), "value_fn": value_fn}) if search else (lambda x: {})
        step = um.jit(lambda x, opt: opt.step(x, um.numpy.matmul(own_a, x) - own_b, **given(x)), compiler="graph")
        for _ in range(40 if search else 400):
            x, opt = step(x, opt)
        found = um.to_backend(x, "numpy")
    # Where a slope of some 1e-12 is left, a search of the best value finds no better place.
    best = np.linalg.solve(a, b)
    np.testing.assert_allclose(p.detach().numpy(), best, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found, best, rtol=1e-7, atol=1e-7)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_clipping(any_backend, scale):
    import torch

    grads = {name: scale * x for name, x in gradients()[0].items()}
    with um.use_x64():
        for clip, native in (
            (um.optim.clip_by_global_norm(2.0), lambda x: torch.nn.utils.clip_grad_norm_(x, 2.0)),
            (um.optim.clip(0.5), lambda x: torch.nn.utils.clip_grad_value_(x, 0.5)),
        ):
            leaves = [torch.tensor(x) for x in grads.values()]
            theirs = [torch.zeros_like(x, requires_grad=True) for x in leaves]
            for leaf, grad in zip(theirs, leaves, strict=True):
                leaf.grad = grad
            native(theirs)
            ours = {name: um.numpy.asarray(x, dtype="float64") for name, x in grads.items()}
            found, _ = clip.init(ours).update(ours)
            for name, leaf in zip(grads, theirs, strict=True):
                # torch adds 1e-6 to the norm, which is some 2 or more where it is clipped.
                np.testing.assert_allclose(um.to_backend(found[name], "numpy"), leaf.grad.numpy(), rtol=5e-7)
