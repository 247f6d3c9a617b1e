"""Transformations that cut gradients back, bring them to one length, or mend them."""

from __future__ import annotations

from unimod.optim.base import Transformation, at_least
from unimod.optim.primitive import Primitive


def clip(max_delta: float) -> Transformation:
    """Each element cut to ``[-max_delta, max_delta]``; NaN stays.

    Args:
        max_delta: the largest absolute value, at least 0.

    Raises:
        OptionError: ``max_delta`` is negative.
        DTypeError: a gradient is complex.

    Example:
        >>> import unimod as um
        >>> grads = um.numpy.asarray([-3.0, 0.5])
        >>> updates, _ = um.optim.clip(1.0).init(grads).update(grads)
        >>> updates.tolist()
        [-1.0, 0.5]
    """
    at_least("clip", "max_delta", max_delta, 0)
    return Primitive("clip", max_delta=max_delta)


def clip_by_global_norm(max_norm: float) -> Transformation:
    r"""Updates of a norm of at most ``max_norm``, all arrays taken together.

    .. math:: u' = u \min(1, c / n), \quad n = \sqrt{\sum |u|^2}

    Args:
        max_norm: the largest norm :math:`c`, at least 0.

    State: ``global_norm``, the norm before clipping (a scalar of float32, or of float64 where the parameters are).

    Raises:
        OptionError: ``max_norm`` is negative.

    Example:
        >>> import unimod as um
        >>> grads = um.numpy.asarray([3.0, 4.0])
        >>> updates, opt = um.optim.clip_by_global_norm(1.0).init(grads).update(grads)
        >>> [round(v, 4) for v in updates.tolist()], float(opt.global_norm)
        ([0.6, 0.8], 5.0)

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training Recurrent Neural Networks", 2013.

    Differences: the norm is a state here, which optax does not keep; it is computed in float32 at least. torch divides
    by the norm plus 1e-6.
    """
    at_least("clip_by_global_norm", "max_norm", max_norm, 0)
    return Primitive("clip_by_global_norm", max_norm=max_norm)


def clip_by_block_rms(threshold: float) -> Transformation:
    """Updates of a root mean square of at most ``threshold``, each array by itself: ``u / max(1, rms(u) / threshold)``.

    Example:
        >>> import unimod as um
        >>> grads = {"a": um.numpy.asarray([3.0, 3.0]), "b": um.numpy.asarray([0.5])}
        >>> updates, _ = um.optim.clip_by_block_rms(1.0).init(grads).update(grads)
        >>> updates["a"].tolist(), updates["b"].tolist()
        ([1.0, 1.0], [0.5])

    Source: Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018, section 6.
    """
    at_least("clip_by_block_rms", "threshold", threshold, 0)
    return Primitive("clip_by_block_rms", threshold=threshold)


def adaptive_grad_clip(clipping: float, eps: float = 1e-3, axis: int | tuple[int, ...] | None = None) -> Transformation:
    r"""Updates of a norm of at most ``clipping`` times that of the parameters, for each unit.

    .. math:: u' = u \min(1, \lambda \max(|p|, \epsilon) / |u|)

    Args:
        clipping: the largest ratio :math:`\lambda` of the norms.
        eps: what the norm of a unit of parameters counts at least.
        axis: the axes over which the norms are taken; None: all of an array with at most one axis that is longer than
            1, the first of one with two or three axes, else all but the last.

    Raises:
        OptionError: ``clipping`` or ``eps`` is negative; or no parameters were passed to ``update``.

    Example:
        >>> import unimod as um
        >>> params, grads = um.numpy.asarray([3.0, 4.0]), um.numpy.asarray([6.0, 8.0])
        >>> updates, _ = um.optim.adaptive_grad_clip(0.1).init(params).update(grads, params)
        >>> [round(v, 4) for v in updates.tolist()]
        [0.3, 0.4]

    Source: Brock et al., "High-Performance Large-Scale Image Recognition Without Normalization", 2021, equation 3.
    """
    at_least("adaptive_grad_clip", "clipping", clipping, 0)
    at_least("adaptive_grad_clip", "eps", eps, 0)
    return Primitive("adaptive_grad_clip", clipping=clipping, eps=eps, axis=axis)


def normalize_by_update_norm(scale_factor: float = 1.0, eps: float = 1e-6) -> Transformation:
    """Updates of one norm, all arrays taken together: ``scale_factor * u / (norm(u) + eps)``.

    Example:
        >>> import unimod as um
        >>> grads = um.numpy.asarray([3.0, 4.0])
        >>> updates, _ = um.optim.normalize_by_update_norm(10.0).init(grads).update(grads)
        >>> [round(v, 4) for v in updates.tolist()]
        [6.0, 8.0]
    """
    return Primitive("normalize_by_update_norm", scale_factor=scale_factor, eps=eps)


def identity() -> Transformation:
    """The updates as they are.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0])
        >>> um.optim.identity().init(x).update(x)[0].tolist()
        [1.0, 2.0]
    """
    return Primitive("identity")


def set_to_zero() -> Transformation:
    """0 in place of the updates: for parameters that are to stay, in :func:`partition` and :func:`masked`.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0])
        >>> um.optim.set_to_zero().init(x).update(x)[0].tolist()
        [0.0, 0.0]
    """
    return Primitive("set_to_zero")


def centralize() -> Transformation:
    """Each update minus its mean over all axes but the first; arrays with less than two axes stay as they are.

    Example:
        >>> import unimod as um
        >>> grads = um.numpy.asarray([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]])
        >>> updates, _ = um.optim.centralize().init(grads).update(grads)
        >>> updates.tolist()
        [[-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]

    Source: Yong et al., "Gradient Centralization: A New Optimization Technique for Deep Neural Networks", 2020.
    """
    return Primitive("centralize")


def zero_nans() -> Transformation:
    """0 in place of NaN.

    State: ``found_nan``, for each parameter whether its last gradient had one (a bool scalar).

    Example:
        >>> import unimod as um
        >>> grads = {"a": um.numpy.asarray([float("nan"), 1.0]), "b": um.numpy.asarray(2.0)}
        >>> updates, opt = um.optim.zero_nans().init(grads).update(grads)
        >>> updates["a"].tolist(), bool(opt.found_nan["a"]), bool(opt.found_nan["b"])
        ([0.0, 1.0], True, False)
    """
    return Primitive("zero_nans")


def keep_params_nonnegative() -> Transformation:
    """Updates after which no parameter is negative; the last part of a chain.

    Raises:
        DTypeError: a parameter is complex.
        OptionError: no parameters were passed to ``update``.

    Example:
        >>> import unimod as um
        >>> params, grads = um.numpy.asarray([1.0, 1.0]), um.numpy.asarray([3.0, 0.5])
        >>> opt = um.optim.chain(um.optim.sgd(1.0), um.optim.keep_params_nonnegative()).init(params)
        >>> opt.step(params, grads)[0].tolist()
        [0.0, 0.5]
    """
    return Primitive("keep_params_nonnegative")
