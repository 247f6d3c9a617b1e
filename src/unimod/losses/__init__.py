"""Loss functions: of predictions and targets, with an explicit reduction.

All take arrays of one engine and compute in the dtype of the predictions. ``reduction`` is ``"mean"``, ``"sum"`` or
``"none"``. Shapes must be equal: broadcasting ``(n, 1)`` against ``(n,)`` is an error, not a matrix of differences.
"""

from unimod.losses._classification import binary_cross_entropy as binary_cross_entropy
from unimod.losses._classification import cross_entropy as cross_entropy
from unimod.losses._classification import softmax_cross_entropy as softmax_cross_entropy
from unimod.losses._distance import cosine_similarity as cosine_similarity
from unimod.losses._distance import hinge as hinge
from unimod.losses._distance import kl_divergence as kl_divergence
from unimod.losses._regression import huber as huber
from unimod.losses._regression import mean_absolute_error as mean_absolute_error
from unimod.losses._regression import mean_absolute_percentage_error as mean_absolute_percentage_error
from unimod.losses._regression import mean_squared_error as mean_squared_error
from unimod.losses._regression import mean_squared_logarithmic_error as mean_squared_logarithmic_error
