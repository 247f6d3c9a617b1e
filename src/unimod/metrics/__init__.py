"""Metrics: numbers that are accumulated over batches, and collections of losses and metrics for a training loop.

A metric is a module whose leaves have the kind ``um.Metric``: it passes through ``jit``, is saved and moved between
engines like any other. Its sums keep their rounding errors, so that no count is lost above 2^24.
"""

from unimod.metrics._auc import AUC
from unimod.metrics._base import Metric
from unimod.metrics._classification import F1, Accuracy, FBeta, Precision, Recall, TopKAccuracy
from unimod.metrics._collections import LossAndLogs, Losses, LossesAndMetrics, Metrics, recorded
from unimod.metrics._confusion import ConfusionMatrix
from unimod.metrics._means import (
    CosineSimilarity,
    Mean,
    MeanAbsoluteError,
    MeanSquaredError,
    Perplexity,
    R2Score,
    RootMeanSquaredError,
    Sum,
)

__all__ = [
    "AUC",
    "Accuracy",
    "ConfusionMatrix",
    "CosineSimilarity",
    "F1",
    "FBeta",
    "LossAndLogs",
    "Losses",
    "LossesAndMetrics",
    "Mean",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Metrics",
    "Perplexity",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "Sum",
    "TopKAccuracy",
    "recorded",
]
