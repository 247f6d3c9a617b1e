"""What a user of modules with registered parameters can do, row after row, on each engine; engines are compared."""

from __future__ import annotations

import functools
import importlib.metadata
import pathlib
import tomllib

import numpy as np
import pytest

import unimod as um
from tests.conformance.stateful_runs import Compared, array, batch, numbers
from unimod.errors import CapturedModuleError

pytestmark = pytest.mark.thin(1)  # a quick run takes all of them

compare = Compared(rtol=1e-4, atol=1e-5)
jit = functools.partial(um.jit, compiler="graph")
ROWS = {}


def row(fn):
    """A scenario: asserts what it can by itself, and gives a tree of arrays that the engines must agree on."""
    ROWS[fn.__name__.upper().replace("_", "-", 1)] = fn
    return fn


class Counter(um.Module):
    def __init__(self, start_value=0):
        super().__init__()
        self.register_parameter("bias", array(0.0))
        self.register_state("counter", array(start_value, "int32"))

    def __call__(self, x):
        self.counter = self.counter + 1
        return self.counter * x + self.bias


def counter_loss(model, x):
    y = model(x)
    loss = um.numpy.mean(um.numpy.square(x - y))
    return loss, (loss, model)


def net(*inner):
    return um.nn.Sequential(um.nn.Linear(2, 3), *inner, um.nn.relu, um.nn.Linear(3, 1)).init(0)


def loss_fn(model, x, y):
    return um.numpy.mean((model(x) - y) ** 2)


def trained(model, loss_fn, *inputs, steps=2, rate=0.1):
    """The losses of some steps, one jitted program; the state of the model is carried along."""

    def with_model(model, *inputs):
        loss = loss_fn(model, *inputs)
        return loss, (loss, model)

    update = jit(um.build_update_fn(with_model))
    opt, losses = um.optim.sgd(rate).init(model.parameters()), []
    for _ in range(steps):
        model, opt, loss = update(model, opt, *inputs)
        losses.append(loss)
    assert all(np.isfinite(numbers(loss)) for loss in losses)
    return losses


@row
def a0():
    project = pathlib.Path(__file__).parents[3] / "pyproject.toml"
    extras = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    assert {"test", "jax", "torch"} <= set(extras)
    assert importlib.metadata.version("numpy")
    return um.numpy.ones((2,))


@row
def a1():
    model = um.nn.Linear(2, 3).init(0)
    model.tag = "x"
    assert model.tag == "x"
    return model(batch())


@row
def a2():
    model = net()
    leaves, structure = um.tree.flatten(model)
    again = um.tree.unflatten(structure, [2 * leaf for leaf in leaves])
    assert isinstance(again, um.nn.Sequential)
    assert all(um.is_array(leaf) for leaf in leaves)
    assert numbers(again[0].kernel) == [[2 * v for v in line] for line in numbers(model[0].kernel)]
    return again, um.tree.map(lambda leaf: -leaf, model)


@row
def a3():
    def step(model, x):
        loss = um.numpy.sum(model(x))
        return model, loss

    model, loss = jit(step)(Counter(3), array(2.0))
    assert numbers(model.counter) == 4
    return model, loss


@row
def a4():
    net, x = Counter(3), array(10.0)
    grads, (loss, net) = um.grad(counter_loss, has_aux=True, allow_int=True)(net, x)
    assert numbers(grads.bias) == 60.0
    assert numbers(loss) == 900.0
    assert numbers(net.counter) == 4
    return grads.bias, loss, net


@row
def a5():
    model = Counter()
    assert [info.kind for info in um.fields(model)] == [um.Parameter, um.State]
    return model.parameters()


@row
def a6():
    model = Counter(3)
    assert model.parameters().counter is um.Nothing
    assert numbers(model.counter) == 3
    return model.states()


@row
def a7():
    model = Counter()
    losses = []
    for _ in range(3):
        _, (loss, model) = um.grad(counter_loss, has_aux=True, allow_int=True)(model, array(1.0))
        losses.append(loss)
    assert [numbers(loss) for loss in losses] == [0.0, 1.0, 4.0]
    return losses


@row
def a8():
    ints = {"n": array(3, "int32"), "x": array(2.0)}
    grads = um.grad(lambda tree: tree["n"] * tree["x"] ** 2, allow_int=True)(ints)
    assert numbers(grads["x"]) == 12.0
    return grads["x"]


@row
def a9():
    seen = []

    def double(module):
        seen.append(type(module).__name__)
        if isinstance(module, um.nn.Linear):
            module.kernel = module.kernel * 2

    model = net()
    new = model.apply(double)
    assert seen == ["Linear", "Linear", "Sequential"]
    return new, model


@row
def a10():
    model = net(um.nn.Dropout(0.5))
    evaluated = model.eval()
    assert (evaluated.training, model.training, evaluated.train().training) == (False, True, True)
    assert evaluated is not model
    return evaluated(batch())


@row
def a11():
    model = um.nn.BatchNorm(2).init(0)
    params, states = model.parameters(), model.states()
    assert (params.mean, states.scale) == (um.Nothing, um.Nothing)
    return params, states


@row
def a12():
    model = net()
    opt = um.optim.adam(1e-4).init(model.parameters())
    assert isinstance(opt, um.Module)
    assert len(um.tree.leaves(opt)) > len(um.tree.leaves(model))
    return jit(lambda opt: opt)(opt)


def policy():
    return um.Policy("params=float32,compute=float16,output=float32")


@row
def a13():
    model = um.apply_policy(net(), policy())
    y = model(batch())
    assert um.dtype_of(y) == "float32"
    assert um.dtype_of(model[0].kernel) == "float32"
    compare_half("A13", y)
    return um.numpy.ones(tuple(y.shape), dtype=um.dtype_of(y))


HALF = {}


def compare_half(name, y):
    """Numbers that went through float16, which is rounded in another order on each engine."""
    first = HALF.setdefault(name, numbers(y))
    np.testing.assert_allclose(numbers(y), first, rtol=2e-3, atol=2e-3)


@row
def a14():
    x1, x2 = batch(4, 8).reshape((2, 4, 4)), batch(4, 8).reshape((1, 4, 4, 2))
    layers = {
        "linear": (um.nn.Linear(4, 3), x1),
        "gru": (um.nn.GRU(4, 3), x1),
        "lstm": (um.nn.LSTM(4, 3), x1),
        "bn1d": (um.nn.BatchNorm(4), x1),
        "bn2d": (um.nn.BatchNorm(2), x2),
        "ln": (um.nn.LayerNorm(4), x1),
        "gn": (um.nn.GroupNorm(2, 4), x1),
        "conv1d": (um.nn.Conv1D(4, 2, 3), x1),
        "conv2d": (um.nn.Conv2D(2, 3, 3), x2),
        "conv1dt": (um.nn.ConvTranspose1D(4, 2, 3), x1),
        "conv2dt": (um.nn.ConvTranspose2D(2, 3, 3), x2),
        "identity": (um.nn.Identity(), x1),
        "lambda": (um.nn.Lambda(um.nn.relu), x1),
        "dropout": (um.nn.Dropout(0.5), x1),
        "ema": (um.nn.EMA(0.9), x1),
    }
    out = {name: layer.init(0, x)(x) for name, (layer, x) in layers.items()}
    out["embed"] = um.nn.Embed(5, 2).init(0)(array([0, 4], "int32"))
    keys = um.nn.RngSeq(0)
    first, second = keys.next(), keys.next()
    assert numbers(um.random.key_data(first)) != numbers(um.random.key_data(second))
    out["rng"] = um.random.uniform(second, (2,))
    out["sequential"] = um.nn.Sequential(um.nn.Linear(4, 3), um.nn.relu, um.nn.Linear(3, 4)).init(0)(x1)
    return out


@row
def a15():
    x, y, found = batch(), batch()[:, :1], {}
    for name in ("adam", "adamw", "sgd", "rmsprop"):
        model = net()
        opt = getattr(um.optim, name)(1e-2).init(model.parameters())
        for _ in range(2):
            model, opt = um.apply_gradients(model, opt, um.grad(loss_fn)(model, x, y))
        found[name] = model
    return found


@row
def a16():
    one, other = um.nn.BatchNorm(2).init(0), um.nn.BatchNorm(2).init(0)
    other(batch())
    other.scale = other.scale * 3
    params = um.update_parameters(one, um.select_parameters(other))
    states = um.update_states(one, um.select_states(other))
    assert params.scale is other.scale
    assert params.mean is one.mean
    assert states.mean is other.mean
    assert states.scale is one.scale
    assert one.update(other.parameters()).scale is other.scale
    return params, states


@row
def a17():
    model, x, y = net(), batch(), batch()[:, :1]
    opt = um.optim.sgd(0.1).init(model.parameters())
    grads = um.grad(loss_fn)(model, x, y)
    changed, _ = um.apply_gradients(model, opt, grads, all_finite=array(True, "bool"))
    kept, _ = um.apply_gradients(model, opt, grads, all_finite=array(False, "bool"))
    assert numbers(kept[0].kernel) == numbers(model[0].kernel)
    assert numbers(changed[0].kernel) != numbers(model[0].kernel)
    return changed


@row
def a18():
    frozen = um.freeze_parameters(net())
    assert um.tree.leaves(frozen.parameters()) == []
    frozen[-1] = um.nn.Linear(3, 2).init(1)
    assert list(um.tree.paths_of(frozen.parameters())) == ["layers.2.kernel", "layers.2.bias"]
    tuned = trained(frozen, lambda model, x: um.numpy.mean(model(x) ** 2), batch())
    assert um.unfreeze_parameters(frozen).parameters()[0].kernel is frozen[0].kernel
    assert len(um.tree.leaves(frozen.unfreeze().parameters())) == 4
    return tuned, um.grad(lambda model, x: um.numpy.sum(model(x)))(frozen, batch())


@row
def a19():
    model = um.apply_policy(net(), policy())
    grads = um.grad(loss_fn)(model, batch(), batch()[:, :1])
    assert {str(um.dtype_of(leaf)) for leaf in um.tree.leaves(grads)} == {"float32"}
    bare = um.unwrap_policy(model)
    assert type(bare) is um.nn.Sequential
    return bare(batch())


@row
def a20():
    def transformation(model):
        return model.eval().freeze()

    model = net(um.nn.Dropout(0.5))
    for new in (transformation(model), um.freeze_parameters(um.enable_eval_mode(model))):
        assert (new.training, new.frozen) == (False, True)
    assert um.enable_train_mode(new).training
    assert (model.training, model.frozen) == (True, False)
    return jit(transformation)(model)


# A21: the subjects of the examples, each as two steps of a small program. (tests/examples runs the programs.)


@row
def a21_char_rnn():
    text = array([[0, 1, 2, 3, 1], [2, 0, 1, 2, 3]], "int32")

    class Model(um.Module):
        def __init__(self):
            self.embed, self.rnn, self.out = um.nn.Embed(4, 3), um.nn.GRU(3, 4), um.nn.Linear(4, 4)

        def __call__(self, ids):
            return self.out(self.rnn(self.embed(ids)))

    def loss(model, ids):
        return um.losses.cross_entropy(model(ids[:, :-1]), ids[:, 1:])

    return trained(Model().init(0), loss, text)


@row
def a21_transformer():
    text = array([[0, 1, 2, 3, 1]], "int32")
    model = um.nets.GPT(4, 8, max_length=8, num_layers=1, num_heads=2).init(0)
    return trained(model, lambda model, ids: um.losses.cross_entropy(model(ids[:, :-1]), ids[:, 1:]), text)


def images(channels=1):
    return batch(2, 16 * channels).reshape((2, 4, 4, channels))


def classifier():
    return um.nn.Sequential(
        um.nn.Conv2D(1, 2, 3), um.nn.BatchNorm(2), um.nn.relu, um.nn.Lambda(um.nn.Flatten()), um.nn.Linear(32, 3)
    ).init(0)


def classification(model, x, y):
    return um.losses.cross_entropy(model(x), y)


@row
def a21_mnist():
    return trained(classifier(), classification, images(), array([0, 2], "int32"))


@row
def a21_mnist_mixed_precision():
    losses = trained(um.apply_policy(classifier(), policy()), classification, images(), array([0, 2], "int32"))
    for step, loss in enumerate(losses):
        compare_half(f"mnist{step}", loss)
    return um.numpy.ones((2,))


@row
def a21_vae():
    encoder, decoder = um.nn.Linear(4, 4), um.nn.Linear(2, 4)
    model = um.nn.Sequential(encoder, decoder).init(0)

    def loss(model, x, key):
        mean, log_var = um.numpy.split(model[0](x), 2, axis=-1)
        code = mean + um.numpy.exp(log_var / 2) * um.random.normal(key, tuple(mean.shape))
        kl = -0.5 * um.numpy.mean(1 + log_var - mean**2 - um.numpy.exp(log_var))
        return um.numpy.mean((model[1](code) - x) ** 2) + kl

    return trained(model, loss, batch(3, 4), um.random.key(1))


@row
def a21_dcgan():
    maker = um.nn.Sequential(um.nn.ConvTranspose2D(2, 1, 3, stride=2), um.nn.tanh).init(0)
    critic = um.nn.Sequential(um.nn.Conv2D(1, 2, 3, stride=2), um.nn.relu, um.nn.Flatten(), um.nn.Linear(8, 1)).init(1)
    noise = batch(2, 8).reshape((2, 2, 2, 2))

    def critic_loss(critic, maker, real):
        fake = um.stop_gradient(maker(noise))
        return um.numpy.mean(um.nn.softplus(critic(fake)) + um.nn.softplus(-critic(real)))

    def maker_loss(maker, critic):
        return um.numpy.mean(um.nn.softplus(-critic(maker(noise))))

    return trained(critic, critic_loss, maker, images()), trained(maker, maker_loss, critic)


@row
def a21_fine_tuning():
    backbone = classifier().freeze()
    model = um.nn.Sequential(backbone, um.nn.Linear(3, 2)).init(1)
    assert list(um.tree.paths_of(model.parameters())) == ["layers.1.kernel", "layers.1.bias"]
    return trained(model, classification, images(), array([0, 1], "int32"))


@row
def a21_unet_mixed_precision():
    down, up = um.nn.Conv2D(1, 2, 3, stride=2), um.nn.ConvTranspose2D(2, 1, 3, stride=2)
    model = um.apply_policy(um.nn.Residual(um.nn.Sequential(down, um.nn.relu, up)).init(0), policy())
    scale = um.DynamicLossScale(array(1024.0))
    opt = um.optim.sgd(0.1).init(model.parameters())
    grads = um.grad(lambda model, x: scale.scale(um.numpy.mean(model(x) ** 2)))(model, images())
    model, opt, scale = um.apply_gradients(model, opt, grads, loss_scale=scale)
    compare_half("unet", model(images()))
    return um.numpy.ones(())


@row
def a21_wave_gru():
    mel, wave = batch(2, 6).reshape((1, 4, 3)), array([[0, 1, 2, 1]], "int32")

    class Model(um.Module):
        def __init__(self):
            self.up, self.embed = um.nn.Conv1D(3, 3, 3), um.nn.Embed(3, 3)
            self.rnn, self.out = um.nn.GRU(6, 4), um.nn.Linear(4, 3)

        def __call__(self, mel, wave):
            return self.out(self.rnn(um.numpy.concat([self.up(mel), self.embed(wave)], axis=-1)))

    return trained(Model().init(0), lambda model, m, w: um.losses.cross_entropy(model(m, w), w), mel, wave)


@row
def a21_denoising_diffusion():
    model = um.nn.Sequential(um.nn.Linear(5, 8), um.nn.silu, um.nn.Linear(8, 4)).init(0)

    def loss(model, x, key):
        noise = um.random.normal(key, tuple(x.shape))
        time = um.random.uniform(um.random.fold_in(key, 1), (x.shape[0], 1))
        mixed = um.numpy.sqrt(1 - time) * x + um.numpy.sqrt(time) * noise
        return um.numpy.mean((model(um.numpy.concat([mixed, time], axis=-1)) - noise) ** 2)

    return trained(model, loss, batch(3, 4), um.random.key(1))


@pytest.mark.parametrize("name", list(ROWS))
def test_row(name, backend):
    compare(name, backend, ROWS[name]())


def test_every_row_is_there():
    assert {name.split("-")[0] for name in ROWS} == {f"A{n}" for n in range(22)}


def test_a_captured_module_that_a_pure_function_changes_is_refused_and_stays(backend):
    captured = Counter(3)

    @um.pure
    def leak(x):
        return captured(x)

    with pytest.raises(CapturedModuleError, match="captured"):
        leak(array(1.0))
    assert numbers(captured.counter) == 3
