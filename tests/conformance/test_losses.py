"""Losses of each engine, against their formulas in float64 numpy and against torch's and optax's definitions."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

import unimod as um
from unimod import errors, losses
from unimod.backends import _registry

pytestmark = pytest.mark.thin(3)

EPS = float(np.finfo(np.float32).eps)


def array(backend, x, dtype="float32"):
    return _registry.load(backend).arrays.asarray(x, dtype)


def host(backend, x, *, dtype="float32"):
    """A result as a numpy array, after the checks that it is the engine's own and has the dtype."""
    engine = _registry.of_type(type(x))
    assert engine is not None
    assert engine.name == backend
    assert engine.arrays.dtype_name(x) == dtype
    return np.asarray(engine.arrays.to_numpy(engine.arrays.astype(x, "float32")), np.float64)


def slope(backend, fn, x):
    """The derivative of a scalar function, by the framework itself."""
    if backend == "jax":
        import jax

        return host(backend, jax.jit(jax.grad(fn))(x))
    import torch

    x = x.detach().requires_grad_()
    return host(backend, torch.autograd.grad(fn(x), x)[0])


def close(actual, reference, *, bound=8):
    reference = np.asarray(reference, np.float64)
    assert actual.shape == reference.shape
    assert np.all(np.abs(actual - reference) <= bound * EPS * np.maximum(1.0, np.abs(reference)))


def rng(seed=0):
    return np.random.default_rng(seed)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def probabilities(x):
    return np.exp(log_softmax(x))


# name: (function, what to do to normal numbers first, formula in float64 for each example)
ELEMENTWISE = {
    "mean_squared_error": (losses.mean_squared_error, (None, None), lambda p, t: (p - t) ** 2),
    "mean_absolute_error": (losses.mean_absolute_error, (None, None), lambda p, t: abs(p - t)),
    "mean_absolute_percentage_error": (
        losses.mean_absolute_percentage_error,
        (None, lambda t: t + 4 * np.sign(t)),
        lambda p, t: 100 * abs(p - t) / abs(t),
    ),
    "mean_squared_logarithmic_error": (
        losses.mean_squared_logarithmic_error,
        (np.abs, np.abs),
        lambda p, t: (np.log(1 + p) - np.log(1 + t)) ** 2,
    ),
    "huber": (
        lambda p, t, **options: losses.huber(p, t, delta=0.7, **options),
        (None, None),
        lambda p, t: np.where(abs(p - t) < 0.7, (p - t) ** 2 / 2, 0.7 * (abs(p - t) - 0.35)),
    ),
    "hinge": (losses.hinge, (None, np.sign), lambda p, t: np.maximum(1 - t * p, 0)),
    "binary_cross_entropy": (
        losses.binary_cross_entropy,
        (None, sigmoid),
        lambda x, t: -t * np.log(sigmoid(x)) - (1 - t) * np.log(1 - sigmoid(x)),
    ),
    "binary_cross_entropy of probabilities": (
        lambda p, t, **options: losses.binary_cross_entropy(p, t, from_logits=False, **options),
        (sigmoid, sigmoid),
        lambda p, t: -t * np.log(p) - (1 - t) * np.log(1 - p),
    ),
    "kl_divergence": (
        losses.kl_divergence,
        (log_softmax, probabilities),
        lambda p, t: (t * (np.log(t) - p)).sum(-1),
    ),
    "cosine_similarity": (losses.cosine_similarity, (None, None), lambda p, t: -(unit(p) * unit(t)).sum(-1)),
    "softmax_cross_entropy": (
        losses.softmax_cross_entropy,
        (None, probabilities),
        lambda x, t: -(t * log_softmax(x)).sum(-1),
    ),
    "cross_entropy of probabilities": (
        losses.cross_entropy,
        (None, probabilities),
        lambda x, t: -(t * log_softmax(x)).sum(-1),
    ),
}
REDUCE = {"none": lambda v: v, "sum": np.sum, "mean": np.mean}


def case(name):
    fn, maps, formula = ELEMENTWISE[name]
    raw = rng(sum(map(ord, name))).normal(size=(2, 7, 5)) * 2
    preds, target = ((x if f is None else f(x)).astype(np.float32) for x, f in zip(raw, maps, strict=True))
    return fn, formula, preds, target


@pytest.mark.parametrize("reduction", REDUCE)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_values(backend, name, reduction):
    fn, formula, preds, target = case(name)
    actual = fn(array(backend, preds), array(backend, target), reduction=reduction)
    reference = REDUCE[reduction](formula(preds.astype(np.float64), target.astype(np.float64)))
    close(host(backend, actual), reference, bound=16)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivatives(backend, name):
    fn, formula, preds, target = case(name)
    actual = slope(backend, lambda p: fn(p, array(backend, target), reduction="sum"), array(backend, preds))
    wide, wide_target, step = preds.astype(np.float64), target.astype(np.float64), 1e-6
    reference = np.zeros_like(wide)
    for place in np.ndindex(*wide.shape):
        move = np.zeros_like(wide)
        move[place] = step
        reference[place] = formula(wide + move, wide_target).sum() - formula(wide - move, wide_target).sum()
    np.testing.assert_allclose(actual, reference / (2 * step), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_half_precision_is_computed_in_float32_and_rounded_once(backend, name, dtype):
    fn, _, preds, target = case(name)
    half = [array(backend, x, dtype) for x in (preds, target)]
    wide = [um.numpy.astype(x, "float32") for x in half]
    actual = fn(*half, reduction="none")
    expected = um.numpy.astype(fn(*wide, reduction="none"), dtype)
    assert host(backend, actual, dtype=dtype).tolist() == host(backend, expected, dtype=dtype).tolist()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_shapes_reductions_and_dtypes_are_checked(any_backend, name):
    fn, _, preds, target = case(name)
    preds, target = array(any_backend, preds), array(any_backend, target)
    with pytest.raises(errors.ShapeError, match=r"shapes|do not fit the logits"):
        fn(preds, target[:, :1])
    with pytest.raises(errors.OptionError, match="does not know this reduction") as caught:
        fn(preds, target, reduction="average")
    assert caught.value.expected == '"mean", "sum", "none" or "weighted mean"'
    with pytest.raises(errors.DTypeError, match="floating-point predictions"):
        fn(array(any_backend, np.ones((7, 5)), "int32"), target)


def test_the_derivative_is_zero_at_the_kinks(backend):
    zero = array(backend, [0.0, 0.0])
    assert slope(backend, lambda p: losses.mean_absolute_error(p, zero), zero).tolist() == [0.0, 0.0]
    one = array(backend, [1.0, -1.0])
    assert slope(backend, lambda p: losses.hinge(p, one), one).tolist() == [0.0, 0.0]
    assert slope(backend, lambda p: losses.huber(p, zero, reduction="sum"), one).tolist() == [1.0, -1.0]


def test_cosine_similarity_is_finite_at_zero(backend):
    zero = array(backend, np.zeros((1, 3)))
    target = array(backend, [[1.0, 2.0, 2.0]])
    assert host(backend, losses.cosine_similarity(zero, target)) == 0
    assert np.all(np.isfinite(slope(backend, lambda p: losses.cosine_similarity(p, target), zero)))


def test_binary_cross_entropy_at_the_ends(backend):
    logits, labels = array(backend, [200.0, -200.0, 30.0, -30.0]), array(backend, [1, 0, 1, 0], "int32")
    each = host(backend, losses.binary_cross_entropy(logits, labels, reduction="none"))
    # Not lost against 30: a difference of two terms of that size would give 0.
    np.testing.assert_allclose(each, [0, 0, np.exp(-30), np.exp(-30)], rtol=1e-5)
    wrong = host(backend, losses.binary_cross_entropy(logits, 1 - labels, reduction="none"))
    assert wrong.tolist() == [200.0, 200.0, 30.0, 30.0]
    edges, opposite = array(backend, [0.0, 1.0]), array(backend, [1.0, 0.0])
    loss = lambda p: losses.binary_cross_entropy(p, opposite, from_logits=False)  # noqa: E731
    assert host(backend, loss(edges)).tolist() == 100.0
    assert np.all(np.isfinite(slope(backend, loss, edges)))


def test_kl_divergence_skips_what_has_no_probability(backend):
    log_preds, target = array(backend, [[-np.inf, 0.0]]), array(backend, [[0.0, 1.0]])
    assert host(backend, losses.kl_divergence(log_preds, target)) == 0
    assert slope(backend, lambda p: losses.kl_divergence(p, target), log_preds).tolist() == [[0.0, -1.0]]


# --- cross entropy of integer labels ---------------------------------------------------------------------------------

OPTIONS = [
    {},
    {"label_smoothing": 0.1},
    {"class_weight": [0.5, 2.0, 1.0, 0.25]},
    {"ignore_index": -100},
    {"ignore_index": 2},
    {"label_smoothing": 0.2, "class_weight": [0.5, 2.0, 1.0, 0.25], "ignore_index": -100},
]


def integer_case(options):
    logits = (3 * rng(1).normal(size=(2, 6, 4))).astype(np.float32)
    labels = rng(2).integers(0, 4, size=(2, 6)).astype(np.int32)
    if options.get("ignore_index") == -100:
        labels[0, :3] = -100
    return logits, labels


def native(backend, options):
    return {name: array(backend, value) if name == "class_weight" else value for name, value in options.items()}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("reduction", REDUCE)
@pytest.mark.parametrize("options", OPTIONS)
def test_cross_entropy_is_torchs(options, reduction):
    import torch
    import torch.nn.functional as F

    logits, labels = integer_case(options)
    theirs = {**options, "reduction": reduction}
    if "class_weight" in options:
        theirs["weight"] = torch.tensor(theirs.pop("class_weight"), dtype=torch.float64)
    expected = F.cross_entropy(
        torch.from_numpy(logits).double().movedim(-1, 1), torch.from_numpy(labels).long(), **theirs
    )
    ours = {name: np.asarray(v, np.float64) if name == "class_weight" else v for name, v in options.items()}
    actual = losses.cross_entropy(logits.astype(np.float64), labels, reduction=reduction, **ours)
    np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("options", OPTIONS)
def test_cross_entropy_values_and_derivatives(backend, options):
    logits, labels = integer_case(options)
    loss = lambda x: losses.cross_entropy(x, array(backend, labels, "int32"), **native(backend, options))  # noqa: E731
    wide = {name: np.asarray(v, np.float64) if name == "class_weight" else v for name, v in options.items()}
    formula = lambda x: losses.cross_entropy(x, labels, **wide)  # noqa: E731
    close(host(backend, loss(array(backend, logits))), formula(logits.astype(np.float64)), bound=16)
    actual = slope(backend, loss, array(backend, logits))
    move, step = rng(3).normal(size=logits.shape), 1e-6
    reference = (formula(logits + step * move) - formula(logits - step * move)) / (2 * step)
    assert abs(np.sum(actual * move) - reference) <= 1e-6
    if options.get("ignore_index") == -100:
        assert np.all(actual[0, :3] == 0)


@pytest.mark.needs("jax")
def test_softmax_cross_entropy_is_optaxs():
    import jax.numpy as jnp
    import optax

    logits, labels = integer_case({})
    expected = optax.softmax_cross_entropy_with_integer_labels(jnp.asarray(logits), jnp.asarray(labels))
    close(np.asarray(expected, np.float64), losses.cross_entropy(logits.astype(np.float64), labels, reduction="none"))


def test_cross_entropy_where_all_labels_are_ignored_is_zero(backend):
    logits, labels = array(backend, np.ones((3, 2))), array(backend, [-1, -1, -1], "int32")
    loss = lambda x: losses.cross_entropy(x, labels, ignore_index=-1)  # noqa: E731
    assert host(backend, loss(logits)).tolist() == 0.0
    assert np.all(slope(backend, loss, logits) == 0)


def test_impossible_classes_add_nothing(backend):
    logits, soft = array(backend, [[0.0, 0.0, -np.inf]]), array(backend, [[1.0, 0.0, 0.0]])
    for labels in (soft, array(backend, [0], "int32")):
        loss = functools.partial(losses.cross_entropy, labels=labels)
        close(host(backend, loss(logits)), np.log(2.0))
        close(slope(backend, loss, logits), [[-0.5, 0.5, 0.0]])


def test_soft_labels_have_the_derivative_minus_log_p_also_at_zero(backend):
    logits = array(backend, [[1.0, 2.0]])
    actual = slope(backend, lambda p: losses.cross_entropy(logits, p), array(backend, [[1.0, 0.0]]))
    close(actual, -log_softmax(np.array([[1.0, 2.0]])))


def test_soft_labels_with_smoothing_and_weights(backend):
    logits, _ = integer_case({})
    soft = probabilities(rng(4).normal(size=logits.shape)).astype(np.float32)
    weight = np.array([0.5, 2.0, 1.0, 0.25])
    smooth = 0.9 * soft.astype(np.float64) + 0.1 / 4
    reference = -(smooth * log_softmax(logits.astype(np.float64)) * weight).sum(-1)
    options = native(backend, {"label_smoothing": 0.1, "class_weight": weight})
    close(
        host(backend, losses.cross_entropy(array(backend, logits), array(backend, soft), **options)), reference.mean()
    )


def test_wrong_labels_are_refused(any_backend):
    logits = array(any_backend, np.zeros((3, 4)))
    with pytest.raises(errors.ShapeError, match="labels that do not fit the logits"):
        losses.cross_entropy(logits, array(any_backend, [0, 1], "int32"))
    with pytest.raises(errors.ShapeError, match="labels that do not fit the logits"):
        losses.cross_entropy(logits, array(any_backend, np.zeros((3, 4)), "int32"))
    with pytest.raises(errors.DTypeError, match="labels of a dtype"):
        losses.cross_entropy(logits, array(any_backend, [True, False, True], "bool"))
    with pytest.raises(errors.DTypeError, match="labels of a dtype"):
        losses.cross_entropy(logits, array(any_backend, np.zeros((3, 4))), ignore_index=0)
    labels = array(any_backend, [0, 1, 2], "int32")
    with pytest.raises(errors.ShapeError, match="does not fit the classes"):
        losses.cross_entropy(logits, labels, class_weight=array(any_backend, np.ones(3)))
    with pytest.raises(errors.OptionError, match="label_smoothing"):
        losses.cross_entropy(logits, labels, label_smoothing=1.5)
    with pytest.raises(errors.OptionError, match="delta"):
        losses.huber(logits, logits, delta=0.0)


# --- weights, labels that are no class, and the edges of the other losses --------------------------------------------


def test_weights_of_examples(backend):
    preds, target = array(backend, [[1.0, 2.0], [5.0, np.inf]]), array(backend, np.zeros((2, 2)))
    loss = functools.partial(losses.mean_squared_error, preds, target)
    weight = array(backend, [3.0, 0.0])
    assert host(backend, loss(sample_weight=weight, reduction="none")).tolist() == [[3.0, 12.0], [0.0, 0.0]]
    assert host(backend, loss(sample_weight=weight)).tolist() == 15 / 4
    assert host(backend, loss(sample_weight=weight, reduction="sum")).tolist() == 15
    assert host(backend, loss(sample_weight=weight, reduction="weighted mean")).tolist() == 2.5
    nothing = array(backend, [0.0, 0.0])
    assert host(backend, loss(sample_weight=nothing, reduction="weighted mean")).tolist() == 0
    with pytest.raises(errors.ShapeError, match="sample_weight"):
        loss(sample_weight=array(backend, [1.0, 2.0, 3.0]))


def test_weights_of_examples_and_of_classes_together(backend):
    logits, labels = integer_case({"ignore_index": -100})
    class_weight, weight = np.array([0.5, 2.0, 1.0, 0.25]), rng(8).uniform(0.1, 2, labels.shape)
    options = {"class_weight": array(backend, class_weight), "ignore_index": -100}
    actual = losses.cross_entropy(
        array(backend, logits),
        array(backend, labels, "int32"),
        sample_weight=array(backend, weight),
        reduction="weighted mean",
        **options,
    )
    used = labels >= 0
    each = -np.take_along_axis(log_softmax(logits.astype(np.float64)), np.maximum(labels, 0)[..., None], -1)[..., 0]
    both = class_weight[np.maximum(labels, 0)] * weight * used
    close(host(backend, actual), (each * both).sum() / both.sum(), bound=16)


@pytest.mark.parametrize("label", [-1, 4, 100])
def test_a_label_that_is_no_class_gives_nan_and_can_be_refused(backend, label):
    logits, labels = array(backend, np.ones((2, 4))), array(backend, [1, label], "int32")
    for fn in (losses.cross_entropy, losses.categorical_focal_cross_entropy, losses.multi_margin):
        values = host(backend, fn(logits, labels, reduction="none"))
        assert np.isfinite(values[0])
        assert np.isnan(values[1])
        with pytest.raises(errors.OptionError, match="a label that is no class"):
            fn(logits, labels, check=True)
        assert np.isnan(host(backend, um.jit(functools.partial(fn, check=True), compiler="graph")(logits, labels)))
    kept = losses.cross_entropy(logits, labels, ignore_index=label, check=True)
    close(host(backend, kept), np.log(4.0))


def test_probabilities_in_place_of_logits(backend):
    logits, labels = integer_case({})
    shares = array(backend, probabilities(logits.astype(np.float64)))
    actual = losses.cross_entropy(shares, array(backend, labels, "int32"), from_logits=False, label_smoothing=0.1)
    close(host(backend, actual), losses.cross_entropy(logits.astype(np.float64), labels, label_smoothing=0.1), bound=32)
    edge = losses.cross_entropy(
        array(backend, [[0.0, 1.0]]), array(backend, [0], "int32"), from_logits=False, reduction="sum"
    )
    assert host(backend, edge) == 100


def test_derivatives_are_zero_at_the_other_kinks(backend):
    zero, one = array(backend, [[0.0, 0.0]]), array(backend, [[1.0, 1.0]])
    label = array(backend, [1], "int32")
    contrastive = lambda x, y: slope(backend, lambda p: losses.contrastive(p, zero, y), x).tolist()  # noqa: E731
    assert contrastive(zero, label) == [[0.0, 0.0]]
    assert contrastive(zero, label * 0) == [[0.0, 0.0]]
    assert slope(backend, lambda p: losses.squared_hinge(p, one), one).tolist() == [[0.0, 0.0]]
    assert slope(backend, lambda p: losses.multi_margin(p, label, margin=0.0), zero).tolist() == [[0.0, 0.0]]
    assert slope(backend, lambda p: losses.margin_ranking(p, zero, one), zero).tolist() == [[0.0, 0.0]]
    assert slope(backend, lambda p: losses.smooth_l1(p, zero), zero).tolist() == [[0.0, 0.0]]


def test_log_cosh_is_exact_near_zero_and_far_away(backend):
    preds = np.array([1e-5, -3e-3, 0.999, 1.001, -50.0, 1e30], np.float32)
    wide = np.abs(preds.astype(np.float64))
    expected = np.where(wide < 1e-2, wide**2 / 2 - wide**4 / 12, wide + np.log1p(np.exp(-2 * wide)) - np.log(2))
    values = losses.log_cosh(array(backend, preds), array(backend, np.zeros(6)), reduction="none")
    np.testing.assert_allclose(host(backend, values), expected, rtol=4 * EPS)
    found = slope(
        backend, lambda p: losses.log_cosh(p, array(backend, np.zeros(6)), reduction="sum"), array(backend, preds)
    )
    np.testing.assert_allclose(found, np.tanh(preds.astype(np.float64)), rtol=4 * EPS)


def test_focal_losses_of_perfect_predictions_have_finite_derivatives(backend):
    x, labels = array(backend, [[200.0, -200.0]]), array(backend, [[1.0, 0.0]])
    for gamma in (0.0, 0.5, 1.0, 2.0):
        loss = lambda p, g=gamma: losses.binary_focal_cross_entropy(p, labels, gamma=g)  # noqa: E731
        assert host(backend, loss(x)) == 0
        assert slope(backend, loss, x).tolist() == [[0.0, 0.0]]
        several = lambda p, g=gamma: losses.categorical_focal_cross_entropy(p, labels, gamma=g)  # noqa: E731
        assert host(backend, several(x)) == 0
        assert np.all(np.isfinite(slope(backend, several, x)))


def all_alignments(logits, labels, blank=0):
    """The likelihood of labels by trying every alignment."""
    log_probs = log_softmax(logits.astype(np.float64))
    frames, classes = log_probs.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=frames):
        said = [c for c, before in zip(path, (None, *path), strict=False) if c != before and c != blank]
        if said == list(labels):
            total += np.exp(sum(log_probs[t, c] for t, c in enumerate(path)))
    return -np.log(total)


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], [2, 1, 2]])
def test_ctc_counts_every_alignment(backend, labels):
    logits = rng(11).normal(size=(4, 3)).astype(np.float32)
    padded = np.array([[*labels, 0, 0]], np.int32)[:, :3]
    count = array(backend, [len(labels)], "int32")
    actual = losses.ctc(array(backend, logits[None]), array(backend, padded, "int32"), label_lengths=count)
    close(host(backend, actual), all_alignments(logits, labels), bound=16)


def test_ctc_of_no_label_of_another_blank_and_of_too_few_frames(backend):
    logits = rng(12).normal(size=(1, 3, 3)).astype(np.float32)
    nothing = losses.ctc(
        array(backend, logits), array(backend, [[1]], "int32"), label_lengths=array(backend, [0], "int32")
    )
    close(host(backend, nothing), -log_softmax(logits.astype(np.float64))[0, :, 0].sum())
    last = losses.ctc(array(backend, logits), array(backend, [[0]], "int32"), blank=2)
    close(host(backend, last), all_alignments(logits[0], [0], blank=2), bound=16)
    short = lambda x: losses.ctc(x, array(backend, [[1, 1]], "int32"), logit_lengths=array(backend, [2], "int32"))  # noqa: E731
    assert host(backend, short(array(backend, logits))) == np.inf
    assert np.all(slope(backend, short, array(backend, logits)) == 0)


def test_ctc_refuses_what_does_not_fit(any_backend):
    logits, labels = array(any_backend, np.zeros((2, 3, 4))), array(any_backend, np.ones((2, 2)), "int32")
    with pytest.raises(errors.ShapeError, match="labels that do not fit"):
        losses.ctc(logits, labels[:1])
    with pytest.raises(errors.OptionError, match="blank"):
        losses.ctc(logits, labels, blank=4)
    with pytest.raises(errors.ShapeError, match="logit lengths of another shape"):
        losses.ctc(logits, labels, logit_lengths=labels)
    with pytest.raises(errors.OptionError, match="both lengths and paddings"):
        losses.ctc(logits, labels, label_lengths=labels[:, 0], label_paddings=labels)
    with pytest.raises(errors.DTypeError, match="integers"):
        losses.ctc(logits, logits[:, :, 0])


# --- as objects ------------------------------------------------------------------------------------------------------


def test_a_loss_is_an_object_with_options(backend):
    preds, target = array(backend, [1.0, 3.0]), array(backend, [0.0, 0.0])
    loss = losses.Huber(delta=0.5, weight=3.0, reduction="sum")
    assert host(backend, loss(target=target, preds=preds)).tolist() == 3 * (0.375 + 1.375)
    assert host(backend, um.jit(loss, compiler="graph")(preds, target)).tolist() == 3 * (0.375 + 1.375)
    assert um.tree.structure(loss) is um.tree.structure(losses.Huber(delta=0.5, weight=3.0, reduction="sum"))
    with pytest.raises(errors.OptionError, match="MeanSquaredError does not know this reduction"):
        losses.MeanSquaredError(reduction="average")


def test_a_loss_looks_where_on_says(backend):
    preds, target = array(backend, [1.0, 3.0]), array(backend, [0.0, 0.0])
    tree = {"a": [preds, 0], "b": target}, {"a": [target, 0], "b": preds}
    loss = losses.MeanSquaredError(on=["a", 0])
    assert host(backend, loss(*tree)).tolist() == 5
    assert host(backend, losses.MeanSquaredError(on="b")(*tree)).tolist() == 5
    assert loss.log_name == "a/0/mean_squared_error"
    assert losses.KLDivergence().log_name == "kl_divergence"
    assert losses.CTC(name="speech").log_name == "speech"
    with pytest.raises(errors.TreeError, match="nothing at 'c'"):
        losses.MeanSquaredError(on="c")(*tree)


def test_weights_of_classes_are_leaves_that_move(tested_engines):
    loss = losses.CrossEntropy(class_weight=np.array([1.0, 2.0], np.float32))
    assert list(loss.state_dict()) == ["class_weight"]
    assert um.tree.leaves(loss.parameters()) == []
    for name in tested_engines:
        moved = um.to_backend(loss, name)
        values = moved(array(name, [[0.0, 0.0]]), array(name, [1], "int32"))
        close(host(name, values), np.log(2.0))
