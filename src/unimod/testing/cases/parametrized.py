"""Functions with explicit parameters: each is initialised with the arrays of its row, then called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import config, optim, random
from unimod import functional as f
from unimod.backends import _capabilities as has
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

Fn = Callable[..., Any]
Inputs = Callable[[Data], tuple[Any, ...]]

_SUMS = Bound(eps=32, why="sums of products, in another order on each engine")
_SLOPES = Bound(eps=256, why="derivatives through all layers, added over the batch")


def _is(value: Any) -> Fn:
    """An initializer that gives an array that is there."""
    return lambda key, shape: value


def _run(net: Any, *inputs: Any) -> Any:
    return net(net.init_params(0, *inputs), *inputs)


def _dense(x: Any, kernel: Any, bias: Any) -> Any:
    return _run(f.Dense(2, _is(kernel), _is(bias)), x)


def _parametrized(x: Any, kernel: Any, bias: Any) -> Any:
    layer = f.Dense(2, _is(kernel), _is(bias))

    parameter = f.Param((2,), _is(bias))

    @f.parametrized
    def net(x: Any, layers: Any = (layer,), shift: Any = parameter) -> Any:
        return layers[0](x) - layer(x) * shift

    return _run(net, x)


def _inline(x: Any, kernel: Any, bias: Any) -> Any:
    @f.parametrized
    def net(x: Any) -> Any:
        hidden = x @ f.parameter((3, 2), _is(kernel), "kernel") + f.parameter((2,), _is(bias))
        return hidden * f.Parameter((2,), _is(bias))()

    return _run(net, x)


def _tied(x: Any, kernel: Any, bias: Any) -> Any:
    layer = f.Dense(2, _is(kernel), _is(bias))
    return _run(f.Sequential([layer, lambda y: unp.concat([y, y[..., :1]], axis=-1), layer]), x)


def _fanned(x: Any, kernel: Any, bias: Any) -> Any:
    layer = f.Dense(2, _is(kernel), _is(bias))
    net = f.Sequential(f.FanOut(layer, f.identity), f.parallel(f.identity, layer), f.FanOut(2))
    (one, two), _ = _run(net, x)
    return f.FanInSum()((one, two)), f.FanInConcat()((one, two))


def _conv(x: Any, kernel: Any, bias: Any) -> Any:
    return _run(f.Conv(2, (2, 2), kernel_init=_is(kernel), bias_init=_is(bias)), x)


def _conv_transpose(x: Any, kernel: Any, bias: Any) -> Any:
    return _run(f.ConvTranspose(2, (2, 2), 2, kernel_init=_is(kernel), bias_init=_is(bias)), x)


def _general_conv(x: Any, kernel: Any, bias: Any) -> Any:
    turned = unp.permute_dims(kernel, (3, 2, 0, 1))
    net = f.GeneralConv(("NHWC", "OIHW", "NCHW"), 2, (2, 2), kernel_init=_is(turned), bias_init=_is(bias))
    return _run(net, x)


def _batch_norm(x: Any) -> Any:
    net = f.BatchNorm()
    out, params = net.apply(net.init_params(0, x), x, with_state=True)
    return out, params.layer.mean


def _dropout(x: Any) -> Any:
    net = f.Sequential(f.Dropout(0.5))
    params = net.init_params(0, x)
    return net.apply(params, x, key=_key(x)), net(params.eval(), x)


def _random_key(x: Any) -> Any:
    @f.parametrized
    def net(x: Any) -> Any:
        return x * random.uniform(f.random_key(), (3,)) if f.is_training() else x

    params = net.init_params(0, x)
    return net.apply(params, x, key=_key(x)), net(params.eval(), x)


def _key(x: Any) -> Any:

    return random.key(3, backend=config.engine_of(x).name)


def _gru(x: Any, kernel: Any) -> Any:
    return _run(f.Rnn(*f.GRUCell(2, _is(kernel))), x)


def _loss(x: Any, kernel: Any, bias: Any) -> Any:
    return f.Sequential(f.Dense(2, _is(kernel), _is(bias)), unp.sum)


def _penalised(wrapper: Fn) -> Fn:
    return lambda x, kernel, bias: _run(wrapper(_loss(x, kernel, bias)), x)


def _reparametrized(x: Any, kernel: Any, bias: Any) -> Any:
    return _run(f.Reparametrized(f.Dense(2, _is(kernel), _is(bias)), lambda: unp.tanh), x)


def _batched(x: Any, kernel: Any, bias: Any) -> Any:
    return _run(f.Batched(f.Dense(2, _is(kernel), _is(bias))), x)


def _trained(x: Any, kernel: Any, bias: Any) -> Any:
    loss = _loss(x, kernel, bias)
    opt = f.Optimizer(optim.sgd(0.5))
    state, value = opt.update_and_get_loss(loss.apply, opt.init(loss.init_params(0, x)), x)
    params = opt.get_parameters(state)
    return value, params.layers[0].kernel, params.layers[0].bias


def _trained_by_hand(x: Any, kernel: Any, bias: Any) -> Any:
    slope = np.broadcast_to(x.sum(0)[:, None], kernel.shape)
    return (x @ kernel + bias).sum(), kernel - slope / 2, bias - x.dtype.type(len(x) / 2)


def _drawn(init: Fn) -> Fn:
    return lambda x: x * init(_key(x), (3,))


def _affine(d: Data) -> tuple[Any, ...]:
    return d.array(4, 3), d.array(3, 2), d.array(2)


def _image(d: Data) -> tuple[Any, ...]:
    return d.array(1, 4, 3, 2), d.array(2, 2, 2, 2), d.array(2)


def _pixels(d: Data) -> tuple[Any, ...]:
    return (d.array(2, 4, 4, 2),)


def _sequence(d: Data) -> tuple[Any, ...]:
    return d.array(2, 3, 2), d.array(4, 2)


def _vector(d: Data) -> tuple[Any, ...]:
    return (d.array(3),)


_WITH_PARAMETERS: dict[str, tuple[Fn, Inputs]] = {
    "Dense": (_dense, _affine),
    "parametrized": (_parametrized, _affine),
    "Param": (_parametrized, _affine),
    "parameter": (_inline, _affine),
    "Parameter": (_inline, _affine),
    "Sequential": (_tied, _affine),
    "FanOut": (_fanned, _affine),
    "FanInSum": (_fanned, _affine),
    "FanInConcat": (_fanned, _affine),
    "parallel": (_fanned, _affine),
    "identity": (_fanned, _affine),
    "Conv": (_conv, _image),
    "ConvTranspose": (_conv_transpose, _image),
    "GeneralConv": (_general_conv, _image),
    "GRUCell": (_gru, _sequence),
    "Rnn": (_gru, _sequence),
    "Regularized": (_penalised(lambda loss: f.Regularized(loss, unp.square)), _affine),
    "L1Regularized": (_penalised(lambda loss: f.L1Regularized(loss, 0.5)), _affine),
    "L2Regularized": (_penalised(lambda loss: f.L2Regularized(loss, 0.5)), _affine),
    "Reparametrized": (_reparametrized, _affine),
}

_OF_INPUTS: dict[str, tuple[Fn, Inputs]] = {
    "MaxPool": (f.MaxPool((2, 2)), _pixels),
    "SumPool": (f.SumPool((2, 2), 2), _pixels),
    "AvgPool": (f.AvgPool((2, 2), padding="SAME"), _pixels),
    "flatten": (f.flatten, _pixels),
}

_FLOAT32: dict[str, tuple[Fn, Inputs]] = {
    "BatchNorm": (_batch_norm, lambda d: (d.array(4, 2),)),
    "Dropout": (_dropout, _vector),
    "random_key": (_random_key, _vector),
    "is_training": (_random_key, _vector),
    "glorot": (lambda x: x[:, None] * f.glorot()(_key(x), (3, 2)), _vector),
    "randn": (_drawn(f.randn()), _vector),
    "zeros": (_drawn(f.zeros), _vector),
    "ones": (_drawn(f.ones), _vector),
}

CASES = (
    *(
        Case(f"functional.{name}", fn, inputs, bound=_SUMS, gradient_bound=_SLOPES, wrt=(0, 1))
        for name, (fn, inputs) in _WITH_PARAMETERS.items()
    ),
    *(
        Case(f"functional.{name}", fn, inputs, bound=_SUMS, gradient_bound=_SLOPES, wrt=(0,))
        for name, (fn, inputs) in _OF_INPUTS.items()
    ),
    *(Case(f"functional.{name}", fn, inputs, bound=_SUMS, widen=False) for name, (fn, inputs) in _FLOAT32.items()),
    Case(
        "functional.Batched",
        _batched,
        _affine,
        reference=lambda x, kernel, bias: x @ kernel + bias,
        bound=_SUMS,
        gradient_bound=_SLOPES,
        wrt=(0, 1, 2),
        needs=frozenset({has.VMAP}),
    ),
    Case(
        "functional.Optimizer",
        _trained,
        _affine,
        reference=_trained_by_hand,
        bound=_SUMS,
        needs=frozenset({has.GRAD}),
    ),
)
