"""Losses and metrics against the definitions of torch.nn.functional, optax and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from unimod import losses, metrics

pytestmark = pytest.mark.thin(3)

RNG = np.random.default_rng(5)
PREDS = RNG.normal(size=(5, 4)) * 2
OTHER = RNG.normal(size=(5, 4))
THIRD = RNG.normal(size=(5, 4))
LABELS = RNG.integers(0, 4, 5)
SIGNS = np.where(RNG.random((5, 4)) < 0.5, -1.0, 1.0)
SIGN = np.where(RNG.random(5) < 0.5, -1.0, 1.0)
SHARES = np.exp(OTHER) / np.exp(OTHER).sum(-1, keepdims=True)
COUNTS = RNG.integers(0, 6, (5, 4)).astype(np.float64)
WEIGHT = np.array([0.5, 2.0, 1.0, 0.25])

TORCH = {
    "mse_loss": (losses.mean_squared_error, (PREDS, OTHER), {}, {}),
    "l1_loss": (losses.mean_absolute_error, (PREDS, OTHER), {}, {}),
    "huber_loss": (losses.huber, (PREDS, OTHER), {"delta": 0.7}, {"delta": 0.7}),
    "smooth_l1_loss": (losses.smooth_l1, (PREDS, OTHER), {"beta": 0.7}, {"beta": 0.7}),
    "poisson_nll_loss": (losses.poisson, (PREDS, COUNTS), {"full": True}, {"full": True}),
    "poisson_nll_loss of rates": (
        losses.poisson,
        (SHARES, COUNTS),
        {"log_input": False},
        {"log_input": False, "eps": 1e-8},
    ),
    "gaussian_nll_loss": (losses.gaussian_nll, (PREDS, OTHER, SHARES), {"full": True}, {"full": True}),
    "kl_div": (
        lambda p, t, reduction: losses.kl_divergence(p, t, reduction={"batchmean": "mean"}.get(reduction, reduction)),
        (np.log(SHARES), np.flip(SHARES, 0).copy()),
        {},
        {},
    ),
    "binary_cross_entropy_with_logits": (losses.binary_cross_entropy, (PREDS, SHARES), {}, {}),
    "binary_cross_entropy_with_logits and weights": (
        losses.binary_cross_entropy,
        (PREDS, SHARES),
        {"pos_weight": WEIGHT},
        {"pos_weight": WEIGHT},
    ),
    "binary_cross_entropy": (losses.binary_cross_entropy, (SHARES, (SIGNS > 0) * 1.0), {"from_logits": False}, {}),
    "cross_entropy": (losses.cross_entropy, (PREDS, LABELS), {"label_smoothing": 0.1}, {"label_smoothing": 0.1}),
    "cross_entropy with weights": (
        losses.cross_entropy,
        (PREDS, LABELS),
        {"class_weight": WEIGHT, "ignore_index": 1},
        {"weight": WEIGHT, "ignore_index": 1},
    ),
    "cross_entropy of shares": (losses.cross_entropy, (PREDS, SHARES), {"class_weight": WEIGHT}, {"weight": WEIGHT}),
    "cross_entropy along an axis": (
        losses.cross_entropy,
        (PREDS.reshape(1, 5, 4), LABELS[:4].reshape(1, 4)),
        {"axis": 1},
        {},
    ),
    "multi_margin_loss": (losses.multi_margin, (PREDS, LABELS), {"p": 2, "margin": 0.6}, {"p": 2, "margin": 0.6}),
    "multi_margin_loss with weights": (
        losses.multi_margin,
        (PREDS, LABELS),
        {"class_weight": WEIGHT},
        {"weight": WEIGHT},
    ),
    "margin_ranking_loss": (losses.margin_ranking, (PREDS, OTHER, SIGNS), {"margin": 0.3}, {"margin": 0.3}),
    "triplet_margin_loss": (losses.triplet_margin, (PREDS, OTHER, THIRD), {}, {}),
    "triplet_margin_loss swapped": (
        losses.triplet_margin,
        (PREDS, OTHER, THIRD),
        {"swap": True, "p": 1.0, "margin": 2.0},
        {"swap": True, "p": 1.0, "margin": 2.0},
    ),
    "cosine_embedding_loss": (losses.cosine_embedding, (PREDS, OTHER, SIGN), {"margin": 0.1}, {"margin": 0.1}),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", TORCH)
def test_values_and_derivatives_are_torchs(name, reduction):
    import torch

    fn, arrays, ours, theirs = TORCH[name]
    if name == "kl_div":
        if reduction == "none":
            return  # torch gives each element, without the sum over the classes
        reduction = {"mean": "batchmean"}.get(reduction, reduction)
    tensor = lambda x: torch.tensor(x) if isinstance(x, np.ndarray) else x  # noqa: E731
    native = getattr(torch.nn.functional, name.split()[0])
    results, slopes = [], []
    for function, options in ((fn, ours), (native, theirs)):
        first, *rest = map(tensor, arrays)
        first.requires_grad_()
        value = function(first, *rest, reduction=reduction, **{key: tensor(option) for key, option in options.items()})
        results.append(value.detach().numpy())
        slopes.append(torch.autograd.grad(value.sum(), first)[0].numpy())
    assert results[0].dtype == results[1].dtype
    assert results[0].shape == results[1].shape
    np.testing.assert_allclose(*results, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(*slopes, rtol=1e-9, atol=1e-12)


OPTAX = {
    "log_cosh": (losses.log_cosh, (PREDS, OTHER), {}),
    "huber_loss": (losses.huber, (PREDS, OTHER), {}),
    "cosine_distance": (losses.cosine_distance, (PREDS, OTHER), {}),
    "sigmoid_binary_cross_entropy": (losses.binary_cross_entropy, (PREDS, SHARES), {}),
    "sigmoid_focal_loss": (
        lambda x, y, **o: losses.binary_focal_cross_entropy(x, y, alpha=0.25, **o),
        (PREDS, (SIGNS > 0) * 1.0),
        {"alpha": 0.25},
    ),
    "softmax_cross_entropy": (losses.softmax_cross_entropy, (PREDS, SHARES), {}),
    "softmax_cross_entropy_with_integer_labels": (losses.cross_entropy, (PREDS, LABELS), {}),
    "hinge_loss": (losses.hinge, (PREDS, SIGNS), {}),
    "kl_divergence": (losses.kl_divergence, (np.log(SHARES), np.flip(SHARES, 0).copy()), {}),
    "kl_divergence_with_log_targets": (
        lambda p, t, **o: losses.kl_divergence(p, t, log_target=True, **o),
        (np.log(SHARES), np.log(np.flip(SHARES, 0))),
        {},
    ),
}


@pytest.mark.needs("jax")
@pytest.mark.parametrize("name", OPTAX)
def test_values_are_optaxs(name):
    import jax.numpy as jnp
    import optax

    fn, arrays, options = OPTAX[name]
    narrow = [jnp.asarray(x, "float32" if x.dtype.kind == "f" else "int32") for x in arrays]
    theirs = getattr(optax, name, None) or getattr(optax.losses, name)
    expected = theirs(*narrow, **options)
    actual = fn(*narrow, reduction="none")
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=2e-5, atol=1e-6)


def ctc_case():
    logits = RNG.normal(size=(3, 7, 5)).astype(np.float32)
    labels = np.array([[1, 1, 2], [3, 4, 1], [2, 0, 0]], np.int32)
    return logits, labels, np.array([7, 5, 3], np.int32), np.array([3, 2, 1], np.int32)


@pytest.mark.needs("torch")
def test_ctc_is_torchs():
    import torch

    logits, labels, frames, counts = ctc_case()
    x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    log_probs = torch.log_softmax(x, -1).transpose(0, 1)
    expected = torch.nn.functional.ctc_loss(
        log_probs, torch.tensor(labels), torch.tensor(frames), torch.tensor(counts), reduction="none"
    )
    (slope,) = torch.autograd.grad(expected.sum(), x)
    lengths = {"logit_lengths": torch.tensor(frames), "label_lengths": torch.tensor(counts)}
    actual = losses.ctc(x, torch.tensor(labels), reduction="none", **lengths)
    (ours,) = torch.autograd.grad(actual.sum(), x, create_graph=True)
    np.testing.assert_allclose(actual.detach().numpy(), expected.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(ours.detach().numpy(), slope.numpy(), atol=1e-10)
    (second,) = torch.autograd.grad(ours.square().sum(), x)
    assert bool(torch.isfinite(second).all())
    assert bool((second != 0).any())


@pytest.mark.needs("jax")
def test_ctc_is_optaxs():
    import jax.numpy as jnp
    import optax

    logits, labels, frames, counts = ctc_case()
    paddings = jnp.asarray(np.arange(7) >= frames[:, None], "float32")
    label_paddings = jnp.asarray(np.arange(3) >= counts[:, None], "float32")
    expected = optax.ctc_loss(jnp.asarray(logits), paddings, jnp.asarray(labels), label_paddings)
    actual = losses.ctc(
        jnp.asarray(logits),
        jnp.asarray(labels),
        logit_paddings=paddings,
        label_paddings=label_paddings,
        reduction="none",
    )
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=1e-5)


# Metrics, against scikit-learn

SCORES = np.random.default_rng(6).normal(size=(60, 4)).astype(np.float32)
TRUE = np.random.default_rng(7).integers(0, 4, 60).astype(np.int32)
FOUND = SCORES.argmax(-1)
MANY = np.random.default_rng(8).random((60, 4)).astype(np.float32)
MANY_TRUE = (np.random.default_rng(9).random((60, 4)) < 0.4).astype(np.int32)
W = np.random.default_rng(10).uniform(0.2, 2, 60).astype(np.float32)


def accumulated(metric, preds, target, weight=None):
    for part in (slice(0, 25), slice(25, 26), slice(26, None)):
        metric.update(preds[part], target[part], sample_weight=None if weight is None else weight[part])
    return np.asarray(metric.compute(), np.float64)


@pytest.mark.parametrize("weight", [None, W], ids=["counted", "weighted"])
@pytest.mark.parametrize("average", ["micro", "macro", "weighted", "none"])
@pytest.mark.parametrize("name", ["Precision", "Recall", "F1"])
def test_scores_of_classes_are_those_of_scikit_learn(name, average, weight):
    import sklearn.metrics as sk

    theirs = getattr(sk, f"{name.lower()}_score")
    average_of = None if average == "none" else average
    actual = accumulated(getattr(metrics, name)(4, average=average), SCORES, TRUE, weight)
    np.testing.assert_allclose(actual, theirs(TRUE, FOUND, average=average_of, sample_weight=weight), rtol=1e-6)
    several = accumulated(getattr(metrics, name)(4, average=average, threshold=0.6), MANY, MANY_TRUE, weight)
    np.testing.assert_allclose(
        several, theirs(MANY_TRUE, MANY > 0.6, average=average_of, sample_weight=weight), rtol=1e-6
    )


def test_scores_of_yes_and_no_are_those_of_scikit_learn():
    import sklearn.metrics as sk

    preds, target = MANY[:, 0], MANY_TRUE[:, 0]
    np.testing.assert_allclose(
        accumulated(metrics.FBeta(beta=2.0), preds, target), sk.fbeta_score(target, preds > 0.5, beta=2.0), rtol=1e-6
    )
    np.testing.assert_allclose(
        accumulated(metrics.Precision(), preds, target), sk.precision_score(target, preds > 0.5), rtol=1e-6
    )


def test_accuracies_are_those_of_scikit_learn():
    import sklearn.metrics as sk

    check = lambda metric, expected, *data: np.testing.assert_allclose(  # noqa: E731
        accumulated(metric, *data), expected, rtol=1e-6
    )
    check(metrics.Accuracy(), sk.accuracy_score(TRUE, FOUND), SCORES, TRUE)
    check(metrics.Accuracy(), sk.accuracy_score(TRUE, FOUND, sample_weight=W), SCORES, TRUE, W)
    check(metrics.Accuracy(), sk.accuracy_score(TRUE, FOUND), FOUND, TRUE)
    check(metrics.Accuracy(4, average="macro"), sk.balanced_accuracy_score(TRUE, FOUND), SCORES, TRUE)
    check(metrics.TopKAccuracy(2), sk.top_k_accuracy_score(TRUE, SCORES, k=2), SCORES, TRUE)
    check(metrics.Accuracy(subset=True), sk.accuracy_score(MANY_TRUE, MANY > 0.5), MANY, MANY_TRUE)


@pytest.mark.parametrize("normalize", ["none", "true", "pred", "all"])
def test_the_confusion_matrix_is_that_of_scikit_learn(normalize):
    import sklearn.metrics as sk

    how = None if normalize == "none" else normalize
    actual = accumulated(metrics.ConfusionMatrix(4, normalize=normalize), SCORES, TRUE)
    np.testing.assert_allclose(actual, sk.confusion_matrix(TRUE, FOUND, normalize=how), rtol=1e-6)
    weighted = accumulated(metrics.ConfusionMatrix(4, normalize=normalize, weighted=True), FOUND, TRUE, W)
    np.testing.assert_allclose(
        weighted, sk.confusion_matrix(TRUE, FOUND, normalize=how, sample_weight=W), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("weight", [None, W], ids=["counted", "weighted"])
def test_the_area_under_the_curve_is_that_of_scikit_learn(weight):
    import sklearn.metrics as sk

    preds, target = np.round(MANY[:, 0], 2), MANY_TRUE[:, 0]
    # A threshold between each two scores: the curve has all its points.
    metric = metrics.AUC(thresholds=np.arange(0.005, 1, 0.01))
    expected = sk.roc_auc_score(target, preds, sample_weight=weight)
    np.testing.assert_allclose(accumulated(metric, preds, target, weight), expected, rtol=1e-5)
    precision, recall, _ = sk.precision_recall_curve(target, preds, sample_weight=weight)
    lower = metrics.AUC(thresholds=np.arange(0.005, 1, 0.01), curve="PR", interpolation="lower")
    upper = metrics.AUC(thresholds=np.arange(0.005, 1, 0.01), curve="PR", interpolation="upper")
    curve = metrics.AUC(thresholds=np.arange(0.005, 1, 0.01), curve="PR")
    low, high, area = (float(accumulated(m, preds, target, weight)) for m in (lower, upper, curve))
    assert low < area < high
    assert abs(area - sk.auc(recall, precision)) < 0.03  # linear in precision there, in the counts here


@pytest.mark.parametrize("weight", [None, W], ids=["counted", "weighted"])
def test_errors_are_those_of_scikit_learn(weight):
    import sklearn.metrics as sk

    preds, target = MANY + 3, SCORES + 3
    pairs = [
        (metrics.MeanSquaredError(), sk.mean_squared_error),
        (metrics.MeanAbsoluteError(), sk.mean_absolute_error),
        (metrics.R2Score(4), sk.r2_score),
    ]
    for metric, theirs in pairs:
        np.testing.assert_allclose(
            accumulated(metric, preds, target, weight), theirs(target, preds, sample_weight=weight), rtol=1e-5
        )
    each = accumulated(metrics.R2Score(4, average="none"), preds, target, weight)
    np.testing.assert_allclose(
        each, sk.r2_score(target, preds, sample_weight=weight, multioutput="raw_values"), rtol=1e-5
    )
    far = accumulated(metrics.R2Score(), preds[:, 0] + 3000, target[:, 0] + 3000)
    np.testing.assert_allclose(far, sk.r2_score(target[:, 0], preds[:, 0]), rtol=1e-2)
    root = accumulated(metrics.RootMeanSquaredError(), preds, target, weight)
    np.testing.assert_allclose(root, np.sqrt(sk.mean_squared_error(target, preds, sample_weight=weight)), rtol=1e-5)
