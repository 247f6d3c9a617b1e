"""Schedules against those of optax and of torch.optim.lr_scheduler."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import unimod as um

pytestmark = pytest.mark.thin(3)

COUNT = 201
CYCLE = {"init_value": 0.1, "peak_value": 1.0, "warmup_steps": 5, "decay_steps": 40, "end_value": 0.05}

OPTAX = {
    "constant_schedule": ((0.3,), {}),
    "polynomial_schedule": ((1.0, 0.01, 2.5, 100, 10), {}),
    "polynomial_schedule 0": ((1.0, 0.01, 2, 0), {}),
    "linear_schedule": ((0.01, 1.0, 70), {"transition_begin": 20}),
    "piecewise_constant_schedule": ((1.0, {20: 0.1, 90: 3.0, 150: 0.0}), {}),
    "piecewise_constant_schedule none": ((1.0,), {}),
    "piecewise_interpolate_schedule": (("linear", 1.0, {20: 0.1, 90: 3.0}), {}),
    "piecewise_interpolate_schedule cosine": (("cosine", 1.0, {20: 0.1, 90: 3.0}), {}),
    "piecewise_interpolate_schedule at 0": (("linear", 1.0, {0: 0.5, 90: 3.0}), {}),
    "piecewise_interpolate_schedule none": (("linear", 0.7), {}),
    "exponential_decay": ((1.0, 40, 0.3, 10), {}),
    "exponential_decay 0": ((1.0, 0, 0.3), {}),
    "exponential_decay staircase": ((1.0, 40, 0.3), {"staircase": True}),
    "exponential_decay end": ((1.0, 40, 0.3), {"end_value": 0.05}),
    "exponential_decay growing": ((1.0, 40, 1.5, 5), {"end_value": 3.0, "staircase": True}),
    "cosine_decay_schedule": ((1.0, 130), {}),
    "cosine_decay_schedule options": ((0.5, 130), {"alpha": 0.1, "exponent": 1.7}),
    "warmup_constant_schedule": ((0.1, 1.0, 30), {}),
    "warmup_cosine_decay_schedule": ((0.1, 1.0, 30, 150), {"end_value": 0.01, "exponent": 1.5}),
    "warmup_cosine_decay_schedule 0": ((0.1, 1.0, 0, 150), {}),
    "warmup_cosine_decay_schedule to nothing": ((0.1, 0.0, 10, 150), {"end_value": 0.5}),
    "warmup_exponential_decay_schedule": ((0.1, 1.0, 30, 20, 0.5, 10), {"staircase": True, "end_value": 0.1}),
    "cosine_onecycle_schedule": ((170, 1.0), {}),
    "cosine_onecycle_schedule options": ((170, 1.0, 0.1, 5.0, 100.0), {}),
    "linear_onecycle_schedule": ((170, 1.0), {}),
    "linear_onecycle_schedule options": ((170, 1.0, 0.1, 0.7, 5.0, 100.0), {}),
    "sgdr_schedule": (([CYCLE, {**CYCLE, "decay_steps": 80}, CYCLE],), {}),
}


def ours(case):
    args, options = OPTAX[case]
    return getattr(um.optim, case.split()[0])(*args, **options)


def of_optax(case):
    import jax
    import jax.numpy as jnp
    import optax

    args, options = OPTAX[case]
    schedule = getattr(optax, case.split()[0])(*args, **options)
    # Not one by one: the indicators of optax's interpolation are vectors.
    return np.asarray(jax.vmap(lambda step: jnp.asarray(schedule(step), float))(jnp.arange(COUNT)))


def counters():
    return um.numpy.arange(COUNT, dtype="int32")


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", OPTAX)
def test_optax_in_float64(any_backend, case):
    import jax

    with jax.enable_x64(True):
        expected, got = of_optax(case), ours(case)(counters())
        assert um.dtype_of(got) == "float64"
        assert um.engine_of(got).name == any_backend
        np.testing.assert_allclose(um.to_backend(got, "numpy"), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", OPTAX)
def test_optax_in_float32(case):
    # A few roundings: of XLA's powers and sines, and near the end of a cosine that of the 1 + cos(x) of optax.
    got = ours(case)(um.numpy.arange(COUNT, dtype="int32", backend="jax"))
    assert um.dtype_of(got) == "float32"
    np.testing.assert_allclose(um.to_backend(got, "numpy"), of_optax(case), rtol=4e-7, atol=2e-7)


@pytest.mark.parametrize("case", OPTAX)
def test_a_number_gives_the_float_that_an_array_gives(any_backend, case):
    schedule = ours(case)
    alone = [schedule(step) for step in (0, 1, 40, 89, 200)]
    assert {type(value) for value in alone} == {float}
    together = um.to_backend(schedule(counters()), "numpy")[[0, 1, 40, 89, 200]]
    np.testing.assert_allclose(together, alone, rtol=3e-7, atol=1e-7)


# torch ----------------------------------------------------------------------------------------------------------------

RATE = 0.3
TORCH = {
    "StepLR": ({"step_size": 30, "gamma": 0.5}, lambda o: o.step_schedule(RATE, 30, 0.5)),
    "MultiStepLR": ({"milestones": [10, 50, 50, 80]}, lambda o: o.multistep_schedule(RATE, [10, 50, 50, 80])),
    "ConstantLR": (
        {"factor": 0.25, "total_iters": 7},
        lambda o: o.join_schedules([o.constant_schedule(0.25 * RATE), o.constant_schedule(RATE)], [7]),
    ),
    "LinearLR": (
        {"start_factor": 0.25, "end_factor": 0.9, "total_iters": 70},
        lambda o: o.linear_schedule(0.25 * RATE, 0.9 * RATE, 70),
    ),
    "ExponentialLR": ({"gamma": 0.98}, lambda o: o.exponential_decay(RATE, 1, 0.98)),
    "PolynomialLR": ({"total_iters": 90, "power": 1.5}, lambda o: o.polynomial_schedule(RATE, 0.0, 1.5, 90)),
    "CosineAnnealingLR": ({"T_max": 33, "eta_min": 0.01}, lambda o: o.cosine_annealing_schedule(RATE, 33, 0.01)),
    "CosineAnnealingWarmRestarts": (
        {"T_0": 13, "T_mult": 2, "eta_min": 0.01},
        lambda o: o.cosine_restarts_schedule(RATE, 13, 2, 0.01),
    ),
    "CosineAnnealingWarmRestarts 1": ({"T_0": 13}, lambda o: o.cosine_restarts_schedule(RATE, 13)),
    "CosineAnnealingWarmRestarts 3": (
        {"T_0": 1, "T_mult": 3},
        lambda o: o.cosine_restarts_schedule(RATE, 1, 3),
    ),
    "OneCycleLR": ({"max_lr": 2.0, "total_steps": COUNT}, lambda o: o.onecycle_schedule(COUNT, 2.0)),
    "OneCycleLR linear": (
        {"max_lr": 2.0, "total_steps": COUNT, "anneal_strategy": "linear", "pct_start": 0.13, "div_factor": 7.0},
        lambda o: o.onecycle_schedule(COUNT, 2.0, 0.13, interpolate_type="linear", div_factor=7.0),
    ),
    "OneCycleLR three_phase": (
        {"max_lr": 2.0, "total_steps": COUNT, "three_phase": True, "final_div_factor": 50.0},
        lambda o: o.onecycle_schedule(COUNT, 2.0, three_phase=True, final_div_factor=50.0),
    ),
    "CyclicLR": (
        {"base_lr": 0.1, "max_lr": 0.7, "step_size_up": 13, "step_size_down": 20},
        lambda o: o.cyclic_schedule(0.1, 0.7, 13, 20),
    ),
    "CyclicLR triangular2": (
        {"base_lr": 0.1, "max_lr": 0.7, "step_size_up": 13, "mode": "triangular2"},
        lambda o: o.cyclic_schedule(0.1, 0.7, 13, mode="triangular2"),
    ),
    "CyclicLR exp_range": (
        {"base_lr": 0.1, "max_lr": 0.7, "step_size_up": 13, "mode": "exp_range", "gamma": 0.99},
        lambda o: o.cyclic_schedule(0.1, 0.7, 13, mode="exp_range", decay_rate=0.99),
    ),
}


def of_torch(case, read=lambda group: group["lr"]):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=RATE, momentum=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = getattr(torch.optim.lr_scheduler, case.split()[0])(optimizer, **TORCH[case][0])
        values = [read(optimizer.param_groups[0])]
        for _ in range(COUNT - 1):
            scheduler.step()
            values.append(read(optimizer.param_groups[0]))
    return values


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", TORCH)
def test_torch(case):
    schedule = TORCH[case][1](um.optim)
    expected = of_torch(case)
    # torch multiplies the rate of the step before by a ratio, whose roundings add up over 200 steps.
    np.testing.assert_allclose([schedule(step) for step in range(COUNT)], expected, rtol=1e-12, atol=1e-12)
    got = schedule(um.numpy.arange(COUNT, dtype="int32", backend="torch"))
    assert um.dtype_of(got) == "float64"
    np.testing.assert_allclose(um.to_backend(got, "numpy"), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", ["OneCycleLR", "OneCycleLR linear", "OneCycleLR three_phase"])
def test_the_momentum_of_one_cycle(case):
    options = TORCH[case][0]
    schedule = um.optim.onecycle_schedule(
        COUNT,
        0.85,
        options.get("pct_start", 0.3),
        interpolate_type="linear" if "anneal_strategy" in options else "cosine",
        div_factor=0.85 / 0.95,
        final_div_factor=1.0,
        three_phase="three_phase" in options,
    )
    expected = of_torch(case, lambda group: group["momentum"])
    np.testing.assert_allclose([schedule(step) for step in range(COUNT)], expected, rtol=1e-12)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("mode", ["triangular", "triangular2"])
def test_the_momentum_of_a_cycle_goes_the_other_way(mode):
    case = "CyclicLR" if mode == "triangular" else "CyclicLR triangular2"
    down = TORCH[case][0].get("step_size_down")
    schedule = um.optim.cyclic_schedule(0.9, 0.8, 13, down, mode=mode)
    expected = of_torch(case, lambda group: group["momentum"])
    np.testing.assert_allclose([schedule(step) for step in range(COUNT)], expected, rtol=1e-12)


@pytest.mark.needs("torch")
def test_noam():
    # The formula of the paper, whose first step is 1, as torch's users write it.
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=2.0)
    formula = lambda step: 512**-0.5 * min((step + 1) ** -0.5, (step + 1) * 40**-1.5)  # noqa: E731
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, formula)
    schedule = um.optim.noam_schedule(512, 40, 2.0)
    for step in range(COUNT):
        np.testing.assert_allclose(schedule(step), optimizer.param_groups[0]["lr"], rtol=1e-13)
        optimizer.step()
        scheduler.step()


def chained(torch, optimizer):
    parts = [
        torch.optim.lr_scheduler.ConstantLR(optimizer, 0.5, total_iters=20),
        torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.97),
    ]
    return torch.optim.lr_scheduler.ChainedScheduler(parts, optimizer)


def sequential(torch, optimizer):
    parts = [
        torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=30),
        torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.97),
    ]
    return torch.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[30])


def multiplicative(torch, optimizer):
    return torch.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda step: 0.9 if step % 20 == 0 else 1.0)


COMBINED = {
    "ChainedScheduler": (
        chained,
        lambda o: o.join_schedules(
            [o.exponential_decay(0.5 * RATE, 1, 0.97), o.exponential_decay(RATE * 0.97**20, 1, 0.97)], [20]
        ),
    ),
    "SequentialLR": (
        sequential,
        lambda o: o.join_schedules([o.linear_schedule(0.1 * RATE, RATE, 30), o.exponential_decay(RATE, 1, 0.97)], [30]),
    ),
    "MultiplicativeLR": (multiplicative, lambda o: o.step_schedule(RATE, 20, 0.9)),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", COMBINED)
def test_combined_schedulers(case):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=RATE)
    schedule, expected = COMBINED[case][1](um.optim), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = COMBINED[case][0](torch, optimizer)
        for _ in range(COUNT):
            expected.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
    np.testing.assert_allclose([schedule(step) for step in range(COUNT)], expected, rtol=1e-12)


LOSSES = np.concatenate([np.linspace(2.0, 1.0, 20), np.full(25, 0.9), np.linspace(0.8, 0.5, 15), np.full(60, 0.7)])


@pytest.mark.needs("torch")
def test_reduce_on_plateau(any_backend):
    # torch reduces when more than `patience` losses were bad, optax when as many were, and torch's losses before the
    # end of a cooldown do not count.
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=4, threshold=0.01)
    x = um.numpy.asarray([1.0])
    opt = um.optim.reduce_on_plateau(factor=0.5, patience=5, rtol=0.01).init(x)
    found, expected = [], []
    for loss in LOSSES:
        updates, opt = opt.update(x, x, value=um.numpy.asarray(loss, dtype="float32"))
        found.append(float(updates[0]))
        scheduler.step(loss)
        expected.append(optimizer.param_groups[0]["lr"])
    assert expected[-1] < 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.needs("torch")
def test_every_scheduler_of_torch_is_met():
    import torch

    schedulers = torch.optim.lr_scheduler
    base = schedulers.LRScheduler
    classes = {name for name, x in vars(schedulers).items() if isinstance(x, type) and issubclass(x, base)}
    met = {case.split()[0] for case in TORCH} | set(COMBINED) | {"LambdaLR", "ReduceLROnPlateau"}
    assert classes - {"LRScheduler", "_LRScheduler"} == met
