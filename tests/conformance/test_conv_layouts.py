"""Who chooses the layouts of images in compiled functions of the torch engine."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um

unp = um.numpy
pytestmark = pytest.mark.needs("torch")
SIZE, CHANNELS = 12, 8


@pytest.fixture(autouse=True)
def _on_torch():
    with um.use_backend("torch"):
        yield


@pytest.fixture
def chosen(monkeypatch):
    """For each graph that inductor is given, whether it may choose layouts; the graphs run as they are."""
    import torch._inductor.compile_fx
    from torch._inductor import config

    found = []

    def compile_fx_inner(graph, fakes):
        found.append(config.layout_optimization)
        return lambda inputs: graph(*inputs)

    monkeypatch.setattr(torch._inductor.compile_fx, "compile_fx_inner", compile_fx_inner)
    return found


def images(*shape):
    return unp.asarray(np.random.default_rng(1).standard_normal(shape).astype("float32"))


def network(**options):
    layers = um.nn.Conv(3, CHANNELS, 3, **options), um.nn.relu, um.nn.Conv(CHANNELS, CHANNELS, 3, **options)
    return um.nn.Sequential(*layers).init(0)


def loss(model, x):
    return unp.mean(unp.square(model(x)))


def jitted(fn, **options):
    return um.jit(fn, compiler="inductor", **options)


def assert_near(found, wanted):
    """Equal trees up to rounding, of native arrays of the same shapes and dtypes."""
    import torch

    assert um.tree.structure(found) == um.tree.structure(wanted)
    for a, b in zip(um.tree.leaves(found), um.tree.leaves(wanted), strict=True):
        assert type(a) is torch.Tensor
        torch.testing.assert_close(a.detach(), b.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [lambda fn: fn, um.value_and_grad], ids=["forward", "gradient"])
def test_images_that_lie_channels_last_stay_so(chosen, make):
    model, x = network(), images(2, SIZE, SIZE, 3)
    assert_near(jitted(make(loss))(model, x), make(loss)(model, x))
    assert chosen == [False]


@pytest.mark.parametrize("axes", [1, 3])
def test_so_do_those_of_other_axes(chosen, axes):
    jitted(um.nn.Conv(3, CHANNELS, 3).init(0))(images(2, *[5] * axes, 3))
    assert chosen == [False]


def test_so_do_those_of_one_channel(chosen):
    jitted(um.nn.Conv(1, CHANNELS, 3).init(0))(images(2, 5, 5, 1))
    assert chosen == [False]


def test_so_do_batches_of_any_size(chosen):
    run = jitted(loss, dynamic={"x": 0})
    model = network()
    for size in (2, 3):
        x = images(size, SIZE, SIZE, 3)
        assert_near(run(model, x), loss(model, x))
    assert run.trace_count == 1
    assert chosen == [False]


def test_inductor_chooses_for_channels_first(chosen):
    jitted(network(data_format="NCHW"))(images(2, 3, SIZE, SIZE))
    assert chosen == [True]


def test_inductor_chooses_where_one_image_has_channels_first(chosen):
    last, first = network(), network(data_format="NCHW")
    jitted(lambda x, y: unp.sum(last(x)) + unp.sum(first(y)))(images(2, SIZE, SIZE, 3), images(2, 3, SIZE, SIZE))
    assert chosen == [True]


def test_inductor_chooses_without_convolutions(chosen):
    jitted(lambda x: x * 2.0)(images(2, SIZE, SIZE, 3))
    assert chosen == [True]


@pytest.mark.parametrize("option", ["layout_optimization", "force_layout_optimization"])
def test_inductor_chooses_where_it_is_asked_to(chosen, option):
    jitted(network(), compiler_options={option: True})(images(2, SIZE, SIZE, 3))
    assert chosen == [True]


@pytest.mark.inductor
def test_both_choices_give_the_same_numbers():
    step, model, x = um.value_and_grad(loss), network(), images(2, SIZE, SIZE, 3)
    assert_near(jitted(step)(model, x), step(model, x))
    assert_near(jitted(step, compiler_options={"layout_optimization": True})(model, x), step(model, x))
