"""The programs of the README of the first predecessor, with imports and names changed and what is private mended.

Each runs on each engine; the numbers are those that the README prints.
"""

from __future__ import annotations

import pytest

import unimod as um
import unimod.numpy as unp
from tests.conformance.stateful_runs import Compared

compare = Compared()


class Counter(um.Module):
    def __init__(self, start_value: int = 0):
        super().__init__()
        self.register_parameter("bias", unp.asarray(0.0))
        self.register_state("counter", unp.asarray(start_value))

    def __call__(self, x):
        self.counter = self.counter + 1
        return self.counter * x + self.bias


def loss_fn(model: Counter, x):
    y = model(x)
    loss = unp.mean(unp.square(x - y))
    return loss, (loss, model)


@pytest.mark.parametrize("form", ["um.grad", "the framework's own"])
def test_getting_started(backend, form, capsys):
    net = Counter(3)
    x = unp.asarray(10.0)
    if form == "um.grad":
        grads, (loss, net) = um.grad(loss_fn, has_aux=True, allow_int=True)(net, x)
        assert grads.counter is um.Nothing  # which is there no slope of; the README shows (b'',)
        print(float(grads.bias))
    elif backend == "jax":
        import jax

        grads, (loss, net) = jax.grad(loss_fn, has_aux=True, allow_int=True)(net, x)
        print(grads.counter)
        print(float(grads.bias))
    else:
        import torch

        # torch.func has no allow_int: the integers stay outside of what is differentiated.
        def of_parameters(params, net, x):
            return loss_fn(net.update(params), x)

        grads, (loss, net) = torch.func.grad(of_parameters, has_aux=True)(net.parameters(), net, x)
        print(float(grads.bias))
    printed = capsys.readouterr().out.split()
    assert printed[-1] == "60.0"
    if backend == "jax" and form != "um.grad":
        assert "b''" in "".join(printed)
    assert (float(loss), int(net.counter)) == (900.0, 4)
    compare(f"getting started, {form}", backend, (grads.bias, loss, net))


def test_pax_and_other_libraries(backend):
    net = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.Dropout(0.5)).init(0)
    seen = []
    net.apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Dropout", "Linear", "Sequential"]
    assert (net.eval().training, net.train().training, net.training) == (False, True, True)
    compare("other libraries", backend, net.eval()(unp.ones((1, 2))))


def test_modules(backend):
    names = "Embed Linear GRU LSTM LayerNorm GroupNorm Conv1D Conv2D Dropout Sequential Identity Lambda RngSeq EMA"
    assert all(hasattr(um.nn, name) for name in names.split())
    assert all(hasattr(um.nn, name) for name in ("BatchNorm", "ConvTranspose1D", "ConvTranspose2D"))


def test_module_transformations(backend):
    model = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3)).init(0)
    params, states = um.select_parameters(model), um.select_states(model)
    opt = um.optim.adam(1e-3).init(params)
    grads = um.grad(lambda model, x: unp.sum(model(x) ** 2))(model.eval(), unp.ones((4, 2)))
    model, opt = um.apply_gradients(model, opt, grads)
    model = um.update_states(um.update_parameters(model, params), states)
    model = um.enable_train_mode(um.enable_eval_mode(model))
    model = um.unfreeze_parameters(um.freeze_parameters(model))
    model = um.apply_policy(model, um.Policy("params=float32,compute=float32,output=float32"))
    compare("transformations", backend, um.unwrap_policy(model.eval())(unp.ones((4, 2))))


def test_fine_tuning_models(backend):
    net = um.nn.Sequential(
        um.nn.Linear(28 * 28, 64),
        um.nn.relu,
        um.nn.Linear(64, 10),
    ).init(0)

    net = um.freeze_parameters(net)
    net[-1] = um.nn.Linear(64, 2).init(1)
    assert um.tree.paths_of(net.parameters()) == ["layers.2.kernel", "layers.2.bias"]
    compare("fine-tuning", backend, net.parameters()[-1])
