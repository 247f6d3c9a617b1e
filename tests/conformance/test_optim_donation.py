"""Steps that use up what they are given: the same bits, in its memory where nothing else sees that, else in new one."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp

SPENT = {
    "sgd": lambda: um.optim.sgd(0.1),
    "momentum": lambda: um.optim.momentum(0.1, nesterov=True),
    "adam": lambda: um.optim.adam(0.1),
    "adamw": lambda: um.optim.adamw(0.1),
    "amsgrad": lambda: um.optim.amsgrad(0.1),
    "adamax": lambda: um.optim.adamax(0.1),
    "adabelief": lambda: um.optim.adabelief(0.1),
    "nadam": lambda: um.optim.nadam(0.1),
    "radam[torch]": lambda: um.optim.radam(0.1, definition="torch"),
    "nadam[torch]": lambda: um.optim.nadam(0.1, definition="torch"),
    "amsgrad[torch]": lambda: um.optim.amsgrad(0.1, definition="torch"),
    "rmsprop": lambda: um.optim.rmsprop(0.1),
    "rmsprop[centered]": lambda: um.optim.rmsprop(0.1, centered=True, momentum=0.9),
    "adagrad": lambda: um.optim.adagrad(0.1),
    "ema": lambda: um.optim.chain(um.optim.ema(0.9, debias=False), um.optim.sgd(0.1)),
}
"""Whose states may be overwritten."""

KEPT = {
    "adagrad[torch]": lambda: um.optim.adagrad(0.1, definition="torch"),
    "asgd": lambda: um.optim.asgd(0.1, t0=1.0),
    "lion": lambda: um.optim.lion(0.1),
    "adan": lambda: um.optim.adan(0.1),
    "lbfgs": lambda: um.optim.lbfgs(0.1, linesearch=None),
    "dog": lambda: um.optim.dog(1.0),
    "prodigy": lambda: um.optim.prodigy(0.1),
    "lookahead": lambda: um.optim.lookahead(um.optim.adam(0.1), 2, 0.5),
    "lookahead[reset]": lambda: um.optim.lookahead(um.optim.lbfgs(0.1, linesearch=None), 2, 0.5, reset_state=True),
    "schedule_free": lambda: um.optim.schedule_free_sgd(0.1),
    "apply_if_finite": lambda: um.optim.apply_if_finite(um.optim.adam(0.1), 2),
    "MultiSteps": lambda: um.optim.MultiSteps(um.optim.adam(0.1), 2),
    "conditionally": lambda: um.optim.conditionally_mask(um.optim.momentum(0.1), lambda step: step > 1),
    "masked": lambda: um.optim.chain(
        um.optim.masked(um.optim.trace(0.9), {"a": True, "b": [False]}), um.optim.sgd(0.1)
    ),
    "scheduled": lambda: um.optim.adam(um.optim.exponential_decay(0.1, 2, 0.5)),
    "own": lambda: um.optim.custom(lambda p: p, lambda u, old, p: (um.tree.map(lambda x: -0.1 * x, u), p)),
    "own views": lambda: um.optim.custom(
        lambda p: p, lambda u, old, p: (um.tree.map(lambda x: -0.1 * x, u), um.tree.map(lambda x: x[:1], p))
    ),
    "parameters as updates": lambda: um.optim.stateless(lambda u, p: p),
}
"""Whose states may not."""

RNG = np.random.default_rng(0)
DRAWS = [RNG.normal(size=(2, 3)).astype("float32") for _ in range(12)]


def start(backend):
    first, second = (unp.asarray(x, backend=backend) for x in DRAWS[:2])
    return {"a": unp.add(first, 0), "b": [unp.add(second, 0)]}


def gradients(backend):
    for number in range(2, 12, 2):
        yield {
            "a": unp.asarray(DRAWS[number], backend=backend),
            "b": [unp.asarray(DRAWS[number + 1], backend=backend)],
        }


def host(leaf):
    """Of a copy: memory that numpy has seen is not written into."""
    return um.to_backend(um.tree.copy(leaf), "numpy")


def equal(tree, other):
    pairs = zip(um.tree.leaves(tree), um.tree.leaves(other), strict=True)
    return all(np.array_equal(host(x), host(y), equal_nan=True) for x, y in pairs)


def copied(tree):
    return um.tree.copy(tree)


@pytest.mark.parametrize("name", [*SPENT, *KEPT])
def test_a_donated_step_gives_the_same_bits(any_backend, name):
    make = {**SPENT, **KEPT}[name]
    x, y = start(any_backend), start(any_backend)
    opt, given = make().init(x), make().init(y)
    for grads in gradients(any_backend):
        x, opt = opt.step(x, grads)
        y, given = given.step(y, um.tree.copy(grads), donate=True)
        assert equal(x, y)
        assert equal(opt, given)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", SPENT)
def test_the_memory_is_that_of_what_was_given(name):
    x = start("torch")
    grads = next(gradients("torch"))
    x, opt = SPENT[name]().init(x).step(x, grads)
    before = {leaf.data_ptr() for leaf in um.tree.leaves((x, opt)) if leaf.ndim}
    places = [leaf.data_ptr() for leaf in um.tree.leaves(x)]
    x, opt = opt.step(x, um.tree.copy(grads), donate=True)
    assert [leaf.data_ptr() for leaf in um.tree.leaves(x)] == places
    kept = [leaf.data_ptr() in before for leaf in um.tree.leaves(opt) if leaf.ndim]
    # What is the largest of two or has something added comes of another operation, and is new.
    new = {"amsgrad": 1, "amsgrad[torch]": 1, "adamax": 1, "adabelief": 1}.get(name, 0) * 2
    assert kept.count(False) == new


def survives(make_alias, step=None):
    """The values that something else sees before and after a donated step; and whether the step was right."""
    x = start("torch")
    opt = um.optim.adam(0.1).init(x)
    alias = make_alias(x)
    before = copied(alias)
    wanted = um.optim.adam(0.1).init(x).step(um.tree.copy(x), um.tree.copy(alias_free()))[0]
    found = (step or (lambda x, opt: opt.step(x, alias_free(), donate=True)[0]))(x, opt)
    assert equal(found, wanted)
    assert equal(before, alias)


def alias_free():
    return next(gradients("torch"))


ALIASES = {
    "a view": lambda x: x["a"][:1],
    "transposed": lambda x: x["b"][0].T,
    "detached": lambda x: x["a"].detach(),
    "array of numpy": lambda x: x["a"].numpy(),
    "expanded": lambda x: x["b"][0].expand(4, 2, 3),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("alias", ALIASES)
def test_what_shares_memory_keeps_its_values(alias):
    survives(ALIASES[alias])


@pytest.mark.needs("torch", "jax")
def test_arrays_of_another_engine_keep_their_values():
    theirs = start("jax")
    before = copied(theirs)
    x = um.to_backend(theirs, "torch")
    um.optim.sgd(0.1).init(x).step(x, alias_free(), donate=True)
    assert equal(theirs, before)


@pytest.mark.needs("torch")
def test_gradients_that_are_the_parameters_are_left():
    x = start("torch")
    before = copied(x)
    new, _ = um.optim.sgd(0.5).init(x).step(x, x, donate=True)
    assert equal(x, before)
    assert equal(new, um.tree.map(lambda leaf: leaf * 0.5, x))


@pytest.mark.needs("torch")
def test_parameters_in_two_places_are_left():
    x = start("torch")["a"]
    before = copied(x)
    new, _ = um.optim.sgd(0.5).init([x, x]).step([x, x], [unp.ones_like(x), -unp.ones_like(x)], donate=True)
    assert equal(x, before)
    assert equal(new, [x - 0.5, x + 0.5])


@pytest.mark.needs("torch")
def test_expanded_parameters_and_parts_of_one_array_are_left():
    import torch

    whole = torch.ones(4, 3)
    x = {"expanded": torch.ones(1).expand(3), "part": whole[:2], "other": whole[1:]}
    new, _ = um.optim.momentum(0.5).init(x).step(x, um.tree.map(torch.ones_like, x), donate=True)
    assert equal(whole, torch.ones(4, 3))
    assert equal(new, um.tree.map(lambda leaf: torch.full(leaf.shape, 0.5), x))


@pytest.mark.needs("torch")
@pytest.mark.parametrize("is_enabled", [True, False])
def test_parameters_that_autograd_follows_are_left(is_enabled):
    import torch

    x = torch.ones(3, requires_grad=True)
    made = x * 2
    with torch.set_grad_enabled(is_enabled):
        for leaf in (x, made):
            before = leaf.detach().clone()
            new, _ = um.optim.adam(0.5).init(leaf).step(leaf, torch.ones(3), donate=True)
            assert torch.equal(leaf, before)
            assert not torch.equal(new, before)


@pytest.mark.needs("torch")
def test_tensors_of_inference_mode_are_left():
    import torch

    with torch.inference_mode():
        x = torch.ones(3)
    new, _ = um.optim.adam(0.5).init(x).step(x, torch.ones(3), donate=True)
    assert torch.equal(x, torch.ones(3))
    assert new[0] < 1


@pytest.mark.needs("torch")
def test_inside_of_transforms_nothing_is_written():
    import torch

    def loss(x):
        y = x * 1
        new, _ = um.optim.adam(0.5).init(y).step(y, y * 2, donate=True)
        return um.numpy.sum(new * y)

    x = torch.ones(3)
    assert equal(um.grad(loss)(x), um.jit(um.grad(loss), compiler="graph")(x))
    step = lambda x: um.optim.momentum(0.5).init(x).step(x, torch.ones(3), donate=True)[0]  # noqa: E731
    assert equal(um.vmap(step)(torch.ones(2, 3)), torch.full((2, 3), 0.5))
    assert equal(um.jit(step, compiler="graph")(x), torch.full((3,), 0.5))
    assert torch.equal(x, torch.ones(3))


@pytest.mark.needs("torch")
def test_a_part_that_fails_leaves_state_and_parameters():
    class Failing(um.optim.Custom):
        def change(self, updates, state, params):
            raise ValueError("a part of one's own")

    x = start("torch")
    opt = um.optim.chain(um.optim.scale_by_adam(), Failing()).init(x)
    before = copied((x, opt))
    with pytest.raises(ValueError, match="a part of one's own"):
        opt.step(x, alias_free(), donate=True)
    assert equal(before, (x, opt))


def test_wrong_shapes_leave_state_and_parameters(any_backend):
    x = start(any_backend)
    opt = um.optim.momentum(0.1).init(x)
    before = copied((x, opt))
    wrong = {"a": unp.ones((3,), backend=any_backend), "b": [unp.ones((2, 3), backend=any_backend)]}
    with pytest.raises(um.errors.ShapeError):
        opt.step(x, wrong, donate=True)
    assert equal(before, (x, opt))


def test_a_held_step_keeps_what_was_given(any_backend):
    net = um.nn.Linear(3, 2).init(um.random.key(0, backend=any_backend))
    opt = um.optim.adam(0.1).init(net)
    grads = um.tree.map(unp.ones_like, net.parameters())
    for is_finite in (True, False, True):
        condition = unp.asarray(is_finite, backend=any_backend)
        before = copied((net, opt))
        wanted = um.apply_gradients(net, opt, grads, all_finite=condition)
        wanted = copied(wanted)
        net, opt = um.apply_gradients(net, opt, um.tree.copy(grads), all_finite=condition, donate=True)
        assert equal((net, opt), wanted)
        assert equal((net, opt), before) != is_finite


@pytest.mark.needs("torch")
def test_a_loss_scale_with_donation():
    net = um.nn.Linear(3, 2).init(um.random.key(0, backend="torch"))
    opt, scale = um.optim.sgd(0.1).init(net), um.DynamicLossScale(unp.asarray(2.0, backend="torch"))
    place = net.kernel.data_ptr()
    grads = um.tree.map(unp.ones_like, net.parameters())
    net, opt, scale = um.apply_gradients(net, opt, grads, loss_scale=scale, donate=True)
    assert (net.kernel.data_ptr(), int(scale.counter)) == (place, 1)


@pytest.mark.needs("torch")
def test_a_tied_layer_is_written_once_and_other_leaves_stay():
    class Net(um.Module):
        def __init__(self):
            self.a = um.nn.Linear(3, 3)
            self.b = um.nn.Linear(3, 3)
            self.b.kernel = self.a.kernel
            self.norm = um.nn.BatchNorm(3)

    net = Net().init(um.random.key(0, backend="torch"))
    opt = um.optim.adam(0.1).init(net)
    grads = um.tree.map(unp.ones_like, net.parameters())
    wanted = copied(um.apply_gradients(net, opt, grads))
    found = um.apply_gradients(net, opt, grads, donate=True)
    assert equal(found, wanted)


@pytest.mark.needs("torch")
def test_an_optimizer_that_holds_its_state():
    x = start("torch")
    opt = um.Optimizer(um.optim.sgd(0.1)).init(x)
    place = x["a"].data_ptr()
    assert opt.update(alias_free(), x, donate=True)["a"].data_ptr() == place
