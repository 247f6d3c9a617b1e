"""Loss functions: of predictions and targets, with an explicit reduction; each also as an object with its options.

All take arrays of one engine and give the dtype of the predictions; half precision is computed in float32.
``reduction`` is ``"mean"``, ``"sum"``, ``"none"`` (one value for each element or example) or ``"weighted mean"``
(divided by the sum of the weights); ``sample_weight`` multiplies the values before. Shapes must be equal: broadcasting
``(n, 1)`` against ``(n,)`` is an error, not a matrix of differences. Derivatives at kinks are 0.
"""

from unimod.losses._base import Loss
from unimod.losses._binary import binary_cross_entropy, binary_focal_cross_entropy, categorical_focal_cross_entropy
from unimod.losses._class_classes import (
    BinaryCrossEntropy,
    BinaryFocalCrossEntropy,
    CategoricalFocalCrossEntropy,
    CosineDistance,
    CosineSimilarity,
    CrossEntropy,
    JSDivergence,
    KLDivergence,
)
from unimod.losses._classification import cross_entropy, softmax_cross_entropy
from unimod.losses._ctc import ctc
from unimod.losses._distance import cosine_distance, cosine_similarity, js_divergence, kl_divergence
from unimod.losses._further_classes import (
    NLL,
    HingeEmbedding,
    MultiLabelMargin,
    MultiLabelSoftMargin,
    SoftMargin,
    TripletMarginWithDistance,
)
from unimod.losses._label_sets import multi_label_margin, multi_label_soft_margin
from unimod.losses._likelihood import nll
from unimod.losses._margin import categorical_hinge, hinge, margin_ranking, multi_margin, squared_hinge
from unimod.losses._margin_classes import (
    CTC,
    CategoricalHinge,
    Contrastive,
    CosineEmbedding,
    Hinge,
    InfoNCE,
    MarginRanking,
    MultiMargin,
    NTXent,
    SquaredHinge,
    TripletMargin,
)
from unimod.losses._metric_learning import contrastive, cosine_embedding, info_nce, nt_xent, triplet_margin
from unimod.losses._regression import (
    gaussian_nll,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    smooth_l1,
)
from unimod.losses._regression_classes import (
    GaussianNLL,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SmoothL1,
)
from unimod.losses._signs import hinge_embedding, soft_margin
from unimod.losses._triplet import triplet_margin_with_distance

__all__ = [
    "CTC",
    "NLL",
    "BinaryCrossEntropy",
    "BinaryFocalCrossEntropy",
    "CategoricalFocalCrossEntropy",
    "CategoricalHinge",
    "Contrastive",
    "CosineDistance",
    "CosineEmbedding",
    "CosineSimilarity",
    "CrossEntropy",
    "GaussianNLL",
    "Hinge",
    "HingeEmbedding",
    "Huber",
    "InfoNCE",
    "JSDivergence",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MarginRanking",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "MultiLabelMargin",
    "MultiLabelSoftMargin",
    "MultiMargin",
    "NTXent",
    "Poisson",
    "SmoothL1",
    "SoftMargin",
    "SquaredHinge",
    "TripletMargin",
    "TripletMarginWithDistance",
    "binary_cross_entropy",
    "binary_focal_cross_entropy",
    "categorical_focal_cross_entropy",
    "categorical_hinge",
    "contrastive",
    "cosine_distance",
    "cosine_embedding",
    "cosine_similarity",
    "cross_entropy",
    "ctc",
    "gaussian_nll",
    "hinge",
    "hinge_embedding",
    "huber",
    "info_nce",
    "js_divergence",
    "kl_divergence",
    "log_cosh",
    "margin_ranking",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "multi_label_margin",
    "multi_label_soft_margin",
    "multi_margin",
    "nll",
    "nt_xent",
    "poisson",
    "smooth_l1",
    "soft_margin",
    "softmax_cross_entropy",
    "squared_hinge",
    "triplet_margin",
    "triplet_margin_with_distance",
]
