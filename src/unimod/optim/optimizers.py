"""The optimizers and what they are made of, from the files of their families."""

from __future__ import annotations

from unimod.optim.adam import adam, adamax, adamaxw, adamw, amsgrad, nadam, nadamw, radam
from unimod.optim.adaptive import adadelta, adagrad, rmsprop, sm3
from unimod.optim.base import Rate
from unimod.optim.decay import add_decayed_weights
from unimod.optim.directions import (
    scale_by_adam,
    scale_by_adamax,
    scale_by_adan,
    scale_by_amsgrad,
    scale_by_belief,
    scale_by_lion,
    scale_by_novograd,
    scale_by_radam,
    scale_by_yogi,
)
from unimod.optim.primitive import Primitive
from unimod.optim.rates import PositiveRate
from unimod.optim.relatives import adabelief, adan, lion, novograd, yogi
from unimod.optim.scheduled import ScaleByLearningRate
from unimod.optim.sgd import momentum, rprop, sgd, sign_sgd, signum, trace
from unimod.optim.squares import (
    scale_by_adadelta,
    scale_by_rms,
    scale_by_rprop,
    scale_by_rss,
    scale_by_sign,
    scale_by_sm3,
    scale_by_stddev,
)

__all__ = [
    "adabelief",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamaxw",
    "adamw",
    "adan",
    "add_decayed_weights",
    "amsgrad",
    "lion",
    "momentum",
    "nadam",
    "nadamw",
    "novograd",
    "radam",
    "rmsprop",
    "rprop",
    "scale",
    "scale_by_adadelta",
    "scale_by_adam",
    "scale_by_adamax",
    "scale_by_adan",
    "scale_by_amsgrad",
    "scale_by_belief",
    "scale_by_learning_rate",
    "scale_by_lion",
    "scale_by_novograd",
    "scale_by_radam",
    "scale_by_rms",
    "scale_by_rprop",
    "scale_by_rss",
    "scale_by_sign",
    "scale_by_sm3",
    "scale_by_stddev",
    "scale_by_yogi",
    "sgd",
    "sign_sgd",
    "signum",
    "sm3",
    "trace",
    "yogi",
]


def scale(step_size: float) -> Primitive:
    """``step_size * updates``. There is no state.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> um.optim.scale(-0.5).init(x).update(x)[0].tolist()
        [-0.5, 1.0]
    """
    return Primitive("scale", step_size=step_size)


def scale_by_learning_rate(learning_rate: Rate, *, flip_sign: bool = True) -> ScaleByLearningRate:
    """``-learning_rate * updates``, for a number or a schedule (a function of the 0-based step).

    Without ``flip_sign``, ``learning_rate * updates``.

    State: ``count`` (int32 scalar) for a schedule, else none.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> um.optim.scale_by_learning_rate(lambda count: 0.5).init(x).update(x)[0].tolist()
        [-0.5, 1.0]
    """
    return ScaleByLearningRate(learning_rate) if flip_sign else PositiveRate(learning_rate)
