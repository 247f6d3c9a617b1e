"""Metrics as modules: what they accumulate, under jit, merged, moved, saved; collections; counts that are not lost."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import unimod as um
from unimod import errors, losses, metrics
from unimod.backends import _registry
from unimod.metrics import _sums

pytestmark = pytest.mark.thin(3)


def array(backend, x, dtype="float32"):
    return _registry.load(backend).arrays.asarray(np.asarray(x), dtype)


def host(backend, x, *, dtype="float32"):
    """A result as a list, after the checks that it is the engine's own and has the dtype."""
    engine = _registry.of_type(type(x))
    assert engine is not None
    assert engine.name == backend
    assert engine.arrays.dtype_name(x) == dtype
    return np.asarray(engine.arrays.to_numpy(x)).tolist()


def jit(fn):
    return um.jit(fn, compiler="graph")


ALL = {
    "Sum": metrics.Sum,
    "Mean": metrics.Mean,
    "MeanAbsoluteError": metrics.MeanAbsoluteError,
    "MeanSquaredError": metrics.MeanSquaredError,
    "RootMeanSquaredError": metrics.RootMeanSquaredError,
    "CosineSimilarity": metrics.CosineSimilarity,
    "R2Score": metrics.R2Score,
    "Perplexity": metrics.Perplexity,
    "Accuracy": metrics.Accuracy,
    "TopKAccuracy": metrics.TopKAccuracy,
    "Precision": metrics.Precision,
    "Recall": metrics.Recall,
    "F1": metrics.F1,
    "FBeta": metrics.FBeta,
    "ConfusionMatrix": lambda: metrics.ConfusionMatrix(3),
    "AUC": lambda: metrics.AUC(5),
}


def test_every_metric_is_in_the_table():
    classes = {n for n in metrics.__all__ if isinstance(getattr(metrics, n), type)}
    assert classes - {"Metric", "Metrics", "Losses", "LossesAndMetrics", "LossAndLogs"} == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_leaves_are_of_the_kind_metric_and_nothing_is_trained(name):
    metric = ALL[name]()
    assert [slot.kind for slot in um.tree.structure(metric).slots] == [um.Metric] * len(metric.state_names)
    assert um.tree.leaves(metric.parameters()) == []
    assert um.tree.leaves(metric.metrics()) == um.tree.leaves(metric)


@pytest.mark.parametrize("name", ALL)
def test_a_metric_without_data_is_pickled_named_and_reset(name):
    metric = pickle.loads(pickle.dumps(ALL[name]()))
    assert np.all(np.isfinite(np.asarray(metric.compute())))
    assert metric.reset() is metric
    assert metric.log_name == losses._base.snake_case(name)


def test_a_batch_and_all_batches(any_backend):
    metric = metrics.Accuracy()
    preds, target = array(any_backend, [0, 1, 2, 0], "int32"), array(any_backend, [0, 1, 1, 1], "int32")
    assert host(any_backend, metric(preds, target)) == 0.5
    assert host(any_backend, metric(preds[:2], target[:2])) == 1.0
    assert host(any_backend, metric.compute()) == np.float32(4 / 6)
    assert metric.update(preds, target) is metric
    assert host(any_backend, metric.reset().compute()) == 0.0


def test_jitted_updates_return_the_metric(backend):
    step = jit(lambda metric, preds, target: metric.update(preds, target))
    metric, preds, target = metrics.MeanSquaredError(), array(backend, [1.0, 3.0]), array(backend, [0.0, 0.0])
    first = step(metric, preds, target)
    second = step(first, preds, target)
    assert step.trace_count == 1
    assert float(metric.compute()) == 0
    assert host(backend, second.compute()) == 5.0
    assert host(backend, second.count[0]) == 4.0
    bound = jit(metric.update)
    bound(preds, target)
    assert host(backend, metric.compute()) == 5.0


def test_modes_change_nothing(backend):
    preds, target = array(backend, [1.0, 3.0]), array(backend, [0.0, 0.0])
    for metric in (metrics.MeanSquaredError().eval(), metrics.MeanSquaredError().freeze()):
        assert host(backend, metric.update(preds, target).compute()) == 5.0


def test_a_metric_has_no_derivative(backend):
    def loss(x):
        metric = metrics.MeanSquaredError()
        return um.numpy.sum(x) + metric(x, x * 0) + metric.compute()

    assert host(backend, um.grad(loss)(array(backend, [1.0, 2.0]))) == [1.0, 1.0]


def test_merged_is_as_if_one_had_seen_all(any_backend):
    rng = np.random.default_rng(3)
    batches = [(rng.normal(size=(n, 3)), rng.integers(0, 3, n)) for n in (4, 1, 6)]
    batches = [(array(any_backend, p), array(any_backend, t, "int32")) for p, t in batches]
    for name in ("Accuracy", "Perplexity", "ConfusionMatrix"):
        one, *others = [ALL[name]().update(*batch) for batch in batches]
        every = ALL[name]()
        for batch in batches:
            every.update(*batch)
        merged = one.merge(*others)
        assert np.allclose(np.asarray(merged.compute()), np.asarray(every.compute()), rtol=1e-6)
        assert np.asarray(one.compute()).tolist() != np.asarray(merged.compute()).tolist()
    with pytest.raises(errors.TreeError, match="cannot be merged"):
        metrics.ConfusionMatrix(3).merge(metrics.ConfusionMatrix(4))
    with pytest.raises(errors.TreeError, match="cannot be merged"):
        metrics.Mean().merge(metrics.Sum())


@pytest.mark.needs("jax", "torch")
def test_a_metric_moves_between_engines_in_the_middle():
    metric = metrics.Mean().update(array("jax", [1.0, 2.0]))
    moved = um.to_backend(metric, "torch").update(array("torch", [6.0]))
    assert host("torch", moved.compute()) == 3.0
    other = metrics.Mean().load_state_dict(moved.state_dict())
    assert float(other.compute()) == 3.0


# Counts above 2^24


@pytest.mark.parametrize("is_jitted", [False, True])
def test_no_count_is_lost(backend, is_jitted):
    start = 2**24
    metric = metrics.Accuracy()
    metric.correct = metric.count = np.array([start, 0], np.float32)
    preds, target = array(backend, [1, 1, 0], "int32"), array(backend, [1, 1, 1], "int32")
    step = lambda metric, preds, target: metric.update(preds, target)  # noqa: E731
    step = jit(step) if is_jitted else step
    for _ in range(5):
        metric = step(metric, preds, target)
    exact = lambda pair: np.asarray(pair, np.float64).sum()  # noqa: E731
    assert exact(host(backend, metric.correct)) == start + 10
    assert exact(host(backend, metric.count)) == start + 15
    assert np.float32(start) + np.float32(1) == start  # what float32 alone would do


def test_one_large_count_is_split_exactly(any_backend):
    like = np.zeros((2,), np.float32)
    for count in (2**24 + 1, 2**30 + 77, 2**31 - 65):
        pair = _sums.of(array(any_backend, count, "int32"), like)
        assert np.asarray(host(any_backend, pair), np.float64).sum() == count
        assert host(any_backend, _sums.whole(pair), dtype="int32") == count


def test_counts_of_the_confusion_matrix_are_exact(any_backend):
    metric = metrics.ConfusionMatrix(2)
    metric.counts = np.stack([np.full((2, 2), 2**25, np.float32), np.ones((2, 2), np.float32)])
    ids = array(any_backend, [0, 1], "int32")
    metric.update(ids, ids)
    n = 2**25
    assert host(any_backend, metric.compute(), dtype="int32") == [[n + 2, n + 1], [n + 1, n + 2]]


def test_small_weights_add_up(backend):
    metric = metrics.Sum()
    step = jit(lambda metric, x: metric.update(x))
    metric.update(array(backend, 1e6))
    for _ in range(200):
        metric = step(metric, array(backend, 0.01))
    assert (
        abs(np.asarray(host(backend, metric.total), np.float64).sum() - (1e6 + 200 * np.float64(np.float32(0.01))))
        < 1e-6
    )


# What is counted


def test_accuracy_of_the_k_best_takes_the_first_of_equal_ones(any_backend):
    scores, target = array(any_backend, [[1.0, 1.0, 1.0]] * 3), array(any_backend, [0, 1, 2], "int32")
    assert host(any_backend, metrics.TopKAccuracy(1)(scores, target)) == np.float32(1 / 3)
    assert host(any_backend, metrics.TopKAccuracy(2)(scores, target)) == np.float32(2 / 3)
    assert host(any_backend, metrics.TopKAccuracy(5)(scores, target)) == 1.0


def test_ignored_targets_do_not_count(any_backend):
    scores = array(any_backend, [[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    target = array(any_backend, [0, -1, 1], "int32")
    assert host(any_backend, metrics.Accuracy(ignore_index=-1)(scores, target)) == 0.5
    assert host(any_backend, metrics.Accuracy(2, average="none", ignore_index=-1)(scores, target)) == [1.0, 0.0]
    assert host(any_backend, metrics.Precision(2, average="none", ignore_index=-1)(scores, target)) == [0.5, 0.0]
    matrix = metrics.ConfusionMatrix(2, ignore_index=1)(scores, target)
    assert host(any_backend, matrix, dtype="int32") == [[1, 0], [0, 0]]
    zeros = array(any_backend, np.zeros((1, 3, 4)))
    perplexity = metrics.Perplexity(ignore_index=-1)(zeros, array(any_backend, [[1, -1, 2]], "int32"))
    assert abs(host(any_backend, perplexity) - 4) < 1e-5


def test_macro_accuracy_is_over_the_classes_that_occur(any_backend):
    preds, target = array(any_backend, [0, 0, 1, 2], "int32"), array(any_backend, [0, 0, 0, 1], "int32")
    assert host(any_backend, metrics.Accuracy(3, average="macro")(preds, target)) == np.float32(1 / 3)


def test_a_class_that_is_not_there_has_the_score_zero(any_backend):
    preds, target = array(any_backend, [0, 0], "int32"), array(any_backend, [0, 0], "int32")
    for name in ("Precision", "Recall", "F1"):
        assert host(any_backend, getattr(metrics, name)(2, average="none")(preds, target)) == [1.0, 0.0]


def test_wrong_arguments_are_refused(any_backend):
    x, ids = array(any_backend, np.zeros((3, 2))), array(any_backend, [0, 1, 0], "int32")
    with pytest.raises(errors.ShapeError, match="do not fit the targets"):
        metrics.Precision(3)(x, ids)
    with pytest.raises(errors.DTypeError, match="class ids"):
        metrics.Accuracy()(x, array(any_backend, np.zeros(3)))
    with pytest.raises(errors.ShapeError, match="different shapes"):
        metrics.MeanSquaredError()(x, x[:, :1])
    with pytest.raises(errors.ShapeError, match="sample_weight"):
        metrics.Accuracy()(x, ids, sample_weight=x[:2, 0])
    with pytest.raises(errors.OptionError, match="weighted=True"):
        metrics.ConfusionMatrix(2)(x, ids, sample_weight=x[:, 0])
    with pytest.raises(errors.DTypeError, match="class ids"):
        metrics.ConfusionMatrix(2)(x[:, 0], ids)
    with pytest.raises(errors.OptionError, match="average"):
        metrics.F1(3, average="samples")
    with pytest.raises(errors.OptionError, match="number of classes"):
        metrics.Accuracy(average="macro")
    with pytest.raises(errors.OptionError, match="thresholds"):
        metrics.AUC(2)


def test_a_metric_of_its_own_class(any_backend):
    class Largest(metrics.Metric):
        state_names = ("seen",)

        def measure(self, preds, target, sample_weight):
            return {"seen": um.numpy.max(preds)}

        def combine(self, one, other):
            return {"seen": um.numpy.maximum(one["seen"], other["seen"])}

        def value(self, state):
            return state["seen"]

    metric = Largest()
    for values in ([1.0, 4.0], [2.0, 3.0]):
        metric(array(any_backend, values))
    assert host(any_backend, metric.compute()) == 4.0


# Collections


def test_names_of_logs_are_unique():
    mse = metrics.MeanSquaredError
    assert list(metrics.Metrics([mse(), mse(), mse(on="a"), mse(name="x")]).parts) == [
        "mean_squared_error",
        "mean_squared_error_1",
        "a/mean_squared_error",
        "x",
    ]
    both = metrics.LossesAndMetrics([losses.MeanSquaredError(), losses.Huber(name="loss")], [mse()])
    assert list(both.of_losses.parts) == ["mean_squared_error", "loss_1"]
    assert list(both.of_metrics) == ["mean_squared_error_1"]
    with pytest.raises(errors.DTypeError, match="cannot hold"):
        metrics.Metrics([losses.MeanSquaredError()])
    with pytest.raises(errors.DTypeError, match="cannot hold"):
        metrics.Losses(losses.huber)


class Recording(um.Module):
    def __init__(self):
        self.linear = um.nn.Linear(2, 1)
        self.activity, self.size, self.seen = um.Loss(0.0), um.Metric(0.0), metrics.Mean()

    def __call__(self, x):
        y = self.linear(x)
        self.activity, self.size = 0.5 * um.numpy.sum(y * y), um.numpy.max(y)
        self.seen.update(y)
        return y


def test_what_layers_record_is_added_and_logged(backend):
    model = um.to_backend(Recording().init(0, backend=backend), backend)
    x, y = array(backend, [[1.0, 2.0], [3.0, 4.0]]), array(backend, [[0.0], [0.0]])
    logs = metrics.LossesAndMetrics(
        [losses.MeanSquaredError(), um.regularizers.L2(0.1, filters=("linear.kernel",))], metrics.MeanAbsoluteError()
    )

    def loss_fn(model, logs, x, y):
        loss, values = logs(model(x), y, model=model)
        return loss, (values, model, logs)

    step = jit(um.value_and_grad(loss_fn, has_aux=True))
    for _ in range(3):
        (_, (values, model, logs)), grads = step(model, logs, x, y)
    assert step.trace_count == 2  # the places of what is recorded appear in the first call
    kernel = np.asarray(model.linear.kernel, np.float64)
    out = np.asarray([[1.0, 2.0], [3.0, 4.0]]) @ kernel
    expected = {
        "mean_squared_error": (out**2).mean(),
        "l2": 0.1 * (kernel**2).sum(),
        "activity": 0.5 * (out**2).sum(),
        "mean_absolute_error": abs(out).mean(),
        "size": out.max(),
    }
    total = sum(expected[name] for name in ("mean_squared_error", "l2", "activity"))
    found = logs.compute()
    assert list(found) == ["loss", *expected]
    for name, value in {"loss": total, **expected}.items():
        np.testing.assert_allclose(host(backend, found[name]), value, rtol=1e-5)
        np.testing.assert_allclose(host(backend, values[name]), value, rtol=1e-5)
    slope = np.array([[1.0, 3.0], [2.0, 4.0]]) @ (out + out) + 0.2 * kernel
    np.testing.assert_allclose(host(backend, grads.linear.kernel), slope, rtol=1e-5)
    assert list(metrics.recorded(model)) == ["size"]
    assert list(metrics.recorded(model, um.Loss)) == ["activity"]
    assert [float(value) for value in logs.reset().compute().values()] == [0.0] * 6


def test_batches_count_by_their_examples(any_backend):
    found = metrics.Losses(losses.MeanSquaredError())
    for size, value in ((3, 1.0), (1, 3.0)):
        found(array(any_backend, np.full((size, 2), value)), array(any_backend, np.zeros((size, 2))))
    assert host(any_backend, found.compute()["mean_squared_error"]) == 3.0
    merged = found.merge(metrics.Losses(losses.MeanSquaredError()), found)
    assert host(any_backend, merged.compute()["loss"]) == 3.0
    assert host(any_backend, merged.means["loss"].count) == [8.0, 0.0]


def test_a_collection_refuses_losses_that_are_no_scalars_and_regularizers_without_a_model(any_backend):
    x = array(any_backend, np.ones((3, 2)))
    with pytest.raises(errors.ShapeError, match="not a scalar"):
        metrics.Losses(losses.MeanSquaredError(reduction="none"))(x, x)
    with pytest.raises(errors.OptionError, match="needs the model"):
        metrics.Losses([um.regularizers.L1()])(x, x)


def test_trees_of_predictions(any_backend):
    x, zero = array(any_backend, np.ones((3, 2))), array(any_backend, np.zeros((3, 2)))
    found = metrics.Metrics([metrics.MeanSquaredError(on="a"), metrics.MeanAbsoluteError(on=("b", 0))])
    logs = found({"a": x, "b": [x * 2]}, {"a": zero, "b": [zero]})
    assert {name: host(any_backend, value) for name, value in logs.items()} == {
        "a/mean_squared_error": 1.0,
        "b/0/mean_absolute_error": 2.0,
    }
