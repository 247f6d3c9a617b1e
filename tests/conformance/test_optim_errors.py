"""Bad input to optimizers and what wraps them: the same class and the same text on every engine."""

from __future__ import annotations

import pytest

import unimod as um
from unimod.errors import DTypeError, NotInitializedError, OptionError, ShapeError, StateDictError, TreeError

pytestmark = pytest.mark.thin(3)

TEXTS: dict[str, dict[str, tuple[type, str]]] = {}
"""By case, the class and the text of the error on each engine that came by."""


def params():
    return {"b": um.numpy.asarray(3.0), "w": um.numpy.asarray([1.0, 2.0])}


def without_b():
    return {"w": um.numpy.asarray([1.0, 2.0])}


def with_a_list():
    return {"b": um.numpy.asarray(3.0), "w": [um.numpy.asarray([1.0, 2.0])]}


def narrower():
    return {"b": um.numpy.asarray(3.0), "w": um.numpy.asarray([1.0])}


def made(opt):
    return opt.init(params())


def loaded_from_another():
    other = um.optim.sgd(0.1, 0.9).init(params())
    return um.optim.adam(0.1).init(params()).load_state_dict(other.state_dict())


def loaded_from_another_shape():
    other = um.optim.adam(0.1).init(narrower())
    return um.optim.adam(0.1).init(params()).load_state_dict(other.state_dict())


def broken(updates, state, params):
    return updates


o = um.optim
CASES = {
    "no parameters for decay": (
        lambda: made(o.add_decayed_weights(0.1)).update(params()),
        OptionError,
        {
            "what": "add_decayed_weights needs the parameters.",
            "fix": "opt.update(grads, params), or opt.step(params, grads)",
        },
    ),
    "no parameters for adaptive clipping": (
        lambda: made(o.adaptive_grad_clip(0.1)).update(params()),
        OptionError,
        {"what": "adaptive_grad_clip needs the parameters.", "got": "params = None"},
    ),
    "no parameters inside": (
        lambda: made(o.MultiSteps(o.masked(o.keep_params_nonnegative(), True), 2)).update(params()),
        OptionError,
        {"what": "keep_params_nonnegative needs the parameters."},
    ),
    "no parameters for lookahead": (
        lambda: made(o.lookahead(o.sgd(0.1), 2, 0.5)).update(params()),
        OptionError,
        {"what": "lookahead needs the parameters."},
    ),
    "a missing gradient": (
        lambda: made(o.adam(0.1)).step(params(), without_b()),
        TreeError,
        {"where": "tree.b", "got": "no entry", "expected": "an entry"},
    ),
    "a missing gradient inside": (
        lambda: made(o.apply_if_finite(o.adam(0.1), 2)).update(without_b()),
        TreeError,
        {"where": "tree.b", "got": "no entry", "expected": "an entry"},
    ),
    "a gradient of another kind": (
        lambda: made(o.masked(o.adam(0.1), "w")).update(with_a_list()),
        TreeError,
        {"where": "tree.w", "got": "list of 1", "expected": "a leaf"},
    ),
    "a gradient of another shape": (
        lambda: made(o.sgd(0.1)).step(params(), narrower()),
        ShapeError,
        {"where": "params.w", "got": "update = f32[1] on {name}", "expected": "update = f32[2] on {name}"},
    ),
    "an unknown hyperparameter": (
        lambda: made(o.chain(o.clip(1.0), o.adam(0.1))).step(params(), params(), lerning_rate=0.1),
        DTypeError,
        {
            "what": "Chain has no hyperparameter 'lerning_rate'.",
            "got": "lerning_rate=...",
            "expected": "b1, b2, eps, eps_root, learning_rate, max_delta",
            "fix": "did you mean 'learning_rate'?",
        },
    ),
    "an unknown hyperparameter inside": (
        lambda: made(o.masked(o.ema(0.5), True)).update(params(), dekay=0.1),
        DTypeError,
        {"what": "Masked has no hyperparameter 'dekay'.", "fix": "did you mean 'decay'?"},
    ),
    "gradients that are an optimizer": (
        lambda: made(o.sgd(0.1)).update(o.sgd(0.1)),
        DTypeError,
        {"what": "update takes gradients, and got a transformation.", "got": "Chain"},
    ),
    "no state": (
        lambda: o.apply_if_finite(o.sgd(0.1), 1).update(params()),
        NotInitializedError,
        {"what": "ApplyIfFinite has no state yet."},
    ),
    "no state in custom": (
        lambda: o.Custom().update(params()),
        NotInitializedError,
        {"what": "Custom has no state yet."},
    ),
    "a state of another optimizer": (loaded_from_another, StateDictError, {}),
    "a state of other shapes": (loaded_from_another_shape, StateDictError, {}),
    "a negative norm": (
        lambda: o.clip_by_global_norm(-1.0),
        OptionError,
        {
            "what": "max_norm of clip_by_global_norm is too small.",
            "got": "max_norm = -1.0",
            "expected": "max_norm >= 0",
        },
    ),
    "a norm that is no number": (lambda: o.clip_by_global_norm(float("nan")), OptionError, {"got": "max_norm = nan"}),
    "a negative bound": (lambda: o.clip(-0.5), OptionError, {"got": "max_delta = -0.5"}),
    "a negative threshold": (lambda: o.clip_by_block_rms(-0.5), OptionError, {"got": "threshold = -0.5"}),
    "a negative ratio": (lambda: o.adaptive_grad_clip(-0.5), OptionError, {"got": "clipping = -0.5"}),
    "a negative private norm": (
        lambda: o.differentially_private_aggregate(-1.0, 0.0, seed=0),
        OptionError,
        {"got": "l2_norm_clip = -1.0"},
    ),
    "neither key nor seed": (
        lambda: o.differentially_private_aggregate(1.0, 0.0),
        OptionError,
        {"got": "key = None, seed = None", "expected": "key = um.random.key(0), or seed = 0"},
    ),
    "no examples": (
        lambda: o.per_example_global_norm_clip(params(), 1.0),
        ShapeError,
        {"where": "grads.b", "got": "f32[] on {name}", "expected": "a first axis"},
    ),
    "examples of two lengths": (
        lambda: o.per_example_layer_norm_clip([um.numpy.zeros((2, 3)), um.numpy.zeros((3,))], 1.0),
        ShapeError,
        {"where": "grads[1]", "got": "f32[3] on {name}", "expected": "a first axis of length 2"},
    ),
    "a label without a transformation": (
        lambda: made(o.partition({"x": o.sgd(0.1)}, {"b": "x", "w": "z"})),
        OptionError,
        {"where": "params.w", "got": "label = 'z'", "expected": "'x'"},
    ),
    "no rule for a label": (
        lambda: made(o.partition({"x": o.sgd(0.1)}, o.label_by(("b", "x")))),
        OptionError,
        {"where": "params.w", "expected": "'b'"},
    ),
    "labels of another structure": (
        lambda: made(o.partition({"x": o.sgd(0.1)}, {"b": "x", "v": "x"})),
        TreeError,
        {"where": "params", "got": "dict of 2"},
    ),
    "a mask of another structure": (
        lambda: made(o.masked(o.sgd(0.1), {"b": True, "w": [True]})),
        TreeError,
        {"where": "params.w", "got": "list of 1", "expected": "one value, or a leaf"},
    ),
    "a mask of something else": (
        lambda: made(o.masked(o.sgd(0.1), {"b": 1, "w": True})),
        DTypeError,
        {"where": "params.b", "got": "1", "expected": "True or False"},
    ),
    "a wrapped function": (
        lambda: o.MultiSteps(len, 2),
        DTypeError,
        {"what": "MultiSteps takes transformations.", "fix": "wrap functions: um.optim.custom(init, update)"},
    ),
    "a part that is no pair": (
        lambda: o.named_chain(o.sgd(0.1)),
        DTypeError,
        {"what": "named_chain takes pairs of a name and a transformation."},
    ),
    "two parts of one name": (
        lambda: o.named_chain(("a", o.sgd(0.1)), ("a", o.clip(1.0))),
        OptionError,
        {"got": "name = 'a'"},
    ),
    "a part that is not there": (
        lambda: o.named_chain(("a", o.sgd(0.1)))["b"],
        OptionError,
        {"what": "The chain has no part 'b'.", "expected": "a"},
    ),
    "no steps": (lambda: o.MultiSteps(o.sgd(0.1), 0), OptionError, {"got": "every_k_schedule = 0"}),
    "no period": (lambda: o.lookahead(o.sgd(0.1), 0, 0.5), OptionError, {"got": "sync_period = 0"}),
    "a condition of numbers": (
        lambda: made(o.conditionally_mask(o.sgd(0.1), lambda step: step)).update(params()),
        DTypeError,
        {"what": "should_transform_fn needs a bool.", "got": "i32[] on {name}"},
    ),
    "several conditions": (
        lambda: o.select_tree(um.numpy.asarray([True, False]), 1.0, 2.0),
        ShapeError,
        {"got": "bool[2] on {name}", "expected": "bool[]"},
    ),
    "an update of one's own without a state": (
        lambda: made(o.custom(lambda params: (), broken)).update(params()),
        DTypeError,
        {"what": "FromFunctions gives updates and state.", "got": "dict", "expected": "(updates, state)"},
    ),
    "an update of one's own of another structure": (
        lambda: made(o.stateless(lambda updates, params: updates["w"])).update(params()),
        TreeError,
        {"where": "tree", "expected": "dict of 2"},
    ),
    "an optimizer of a number": (
        lambda: um.Optimizer(0.1),
        DTypeError,
        {"what": "Optimizer takes a transformation.", "got": "0.1"},
    ),
    "a scale of an int array": (
        lambda: um.DynamicLossScale(um.numpy.asarray(2)),
        DTypeError,
        {"what": "loss_scale of DynamicLossScale is one float.", "got": "i32[] on {name}", "expected": "f32[]"},
    ),
    "a negative scale": (lambda: um.StaticLossScale(-2.0), OptionError, {"got": "loss_scale = -2.0"}),
    "a scale that never grows": (lambda: um.DynamicLossScale(2.0, period=0), OptionError, {"got": "period = 0"}),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input(any_backend, case):
    call, kind, parts = CASES[case]
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert type(error) is kind
    for part, text in parts.items():
        assert getattr(error, part) == text.format(name=any_backend), part
    seen = TEXTS.setdefault(case, {})
    seen[any_backend] = type(error), str(error).replace(f" on {any_backend}", "")
    assert len(set(seen.values())) == 1, seen


def test_a_state_says_which_entries_do_not_fit(any_backend):
    with pytest.raises(StateDictError, match=r"parts.0.state.count"):
        loaded_from_another()
    with pytest.raises(StateDictError, match=r"parts.0.state.mu"):
        loaded_from_another_shape()


@pytest.mark.parametrize("case", ["a missing gradient", "an unknown hyperparameter", "a condition of numbers"])
def test_the_same_under_jit(backend, case):
    call, kind, _ = CASES[case]
    with pytest.raises(kind):
        um.jit(lambda x: call(), compiler="graph")(um.numpy.asarray(1.0))


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "asgd", "muon", "adafactor"])
@pytest.mark.parametrize("tree", [{}, [], {"a": {}}, None])
def test_a_tree_without_leaves(any_backend, name, tree):
    with um.use_backend(any_backend):
        opt = getattr(um.optim, name)(0.1).init(tree)
        assert opt.step(tree, tree)[0] == tree


def test_lbfgs_without_parameters(any_backend):
    with um.use_backend(any_backend):
        opt = um.optim.lbfgs(0.1, linesearch=None).init({})
        assert opt.step({}, {})[0] == {}


@pytest.mark.parametrize("make", [lambda: um.optim.momentum(0.1), lambda: um.optim.adam(0.1), lambda: um.optim.asgd()])
def test_a_gradient_that_would_be_broadcast(any_backend, make):
    x = {"w": um.numpy.ones((2, 3), backend=any_backend)}
    with pytest.raises(um.errors.ShapeError, match="does not have the shape") as caught:
        make().init(x).step(x, {"w": um.numpy.ones((3,), backend=any_backend)})
    assert "w" in str(caught.value)
