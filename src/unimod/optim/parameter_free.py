"""Optimizers that find their learning rate: Prodigy, D-Adaptation, DoG, DoWG and coin betting."""

from __future__ import annotations

from typing import Any

from unimod.errors import OptionError
from unimod.optim.decay import add_decayed_weights
from unimod.optim.optimizers import scale_by_learning_rate
from unimod.optim.rates import PositiveRate
from unimod.optim.transformation import Chain, Primitive, Rate, Transformation, chain

_INIT_STEPS = ("distance", "learning_rate", "heuristic")


def prodigy(
    learning_rate: Rate = 1.0,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    beta3: float | None = None,
    eps: float = 1e-8,
    estim_lr0: float = 1e-6,
    estim_lr_coef: float = 1.0,
    weight_decay: float = 0.0,
    safeguard_warmup: bool = False,
) -> Transformation:
    r"""Adam with a learning rate that grows with an estimate of the distance to the solution.

    .. math:: d_{t+1} = \max\left(d_t, \frac{\sum_i \beta_3^{t-i} d_i^2 \langle g_i, x_0 - x_i\rangle}
        {|\sum_i \beta_3^{t-i} d_i^2 g_i|_1}\right)

    and Adam's step of the gradients :math:`d_t g_t`, times :math:`d_t` and the learning rate.

    State: ``exp_avg``, ``exp_avg_sq``, ``grad_sum`` and ``params0``, the first parameters (like the parameters);
    ``estim_lr`` and ``numerator_weighted`` (scalars); ``count`` (int32 scalar).

    Args:
        learning_rate: a number or a schedule that multiplies the estimate; 1 is the method.
        betas: decays of the first and the second moment.
        beta3: decay of the sums; None: the root of the second of ``betas``.
        eps: added to the root of the second moment, times the estimate.
        estim_lr0: the first estimate.
        estim_lr_coef: multiplies the estimate.
        weight_decay: what part of the parameters is subtracted, times the rate.
        safeguard_warmup: whether the sums leave the learning rate out; for schedules that begin small.

    Source: Mishchenko and Defazio, "Prodigy: An Expeditiously Adaptive Parameter-Free Learner", 2023, algorithm 4.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -1.0])
        >>> opt = um.optim.prodigy(estim_lr0=0.1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x], round(float(opt.estim_lr), 4)
        ([0.9, -0.9], 0.1)
    """
    return Primitive(
        "prodigy",
        learning_rate=learning_rate,
        betas=tuple(betas),
        beta3=beta3,
        eps=eps,
        estim_lr0=estim_lr0,
        estim_lr_coef=estim_lr_coef,
        weight_decay=weight_decay,
        safeguard_warmup=safeguard_warmup,
    )


def dadapt_adamw(
    learning_rate: Rate = 1.0,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    estim_lr0: float = 1e-6,
    weight_decay: float = 0.0,
) -> Transformation:
    """AdamW with a learning rate that D-Adaptation estimates from the sum of the gradients.

    State: ``exp_avg``, ``exp_avg_sq``, ``grad_sum`` (like the parameters); ``estim_lr`` and ``numerator_weighted``
    (scalars); ``count`` (int32 scalar).

    Args:
        learning_rate: a number or a schedule that multiplies the estimate; 1 is the method.
        betas: decays of the first and the second moment.
        eps: added to the root of the second moment.
        estim_lr0: the first estimate.
        weight_decay: what part of the parameters is subtracted, times the rate.

    Source: Defazio and Mishchenko, "Learning-Rate-Free Learning by D-Adaptation", 2023, algorithm 5.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -1.0])
        >>> opt = um.optim.dadapt_adamw(estim_lr0=0.1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x], round(float(opt.estim_lr), 4)
        ([0.9, -0.9], 0.1)
    """
    return Primitive(
        "dadapt_adamw",
        learning_rate=learning_rate,
        betas=tuple(betas),
        eps=eps,
        estim_lr0=estim_lr0,
        weight_decay=weight_decay,
    )


def scale_by_dog(init_step: tuple[str, float], *, eps: float = 1e-8) -> Transformation:
    r"""The distance over gradients.

    .. math:: u_t = g_t \frac{\max_{i \le t} |x_i - x_0|}{\sqrt{\sum_{i \le t} |g_i|^2 + \epsilon}}

    State: ``is_init_step`` (bool scalar), ``init_params`` (like the parameters), ``max_dist`` and
    ``sum_sq_norm_grads`` (scalars).

    Args:
        init_step: what takes the place of the distance at first: ``("distance", d)``, ``("heuristic", r)`` for
            ``r * (1 + |x_0|)``, or ``("learning_rate", rate)``, the first step size itself.
        eps: added to the sum of squares.

    Raises:
        OptionError: there is no such first step.

    Source: Ivgi et al., "DoG is SGD's Best Friend: A Parameter-Free Dynamic Step Size Schedule", 2023.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.scale_by_dog(("distance", 0.5)).init(x)
        >>> updates, opt = opt.update(x, x)
        >>> [round(float(u), 4) for u in updates]
        [0.3, 0.4]
    """
    if init_step[0] not in _INIT_STEPS:
        raise OptionError(
            "DoG has no such first step.", got=f"init_step = {init_step!r}", expected=", ".join(_INIT_STEPS)
        )
    return Primitive("scale_by_dog", init_step=tuple(init_step), eps=eps)


def dog(
    learning_rate: Rate = 1.0,
    *,
    init_step: tuple[str, float] = ("heuristic", 1e-6),
    eps: float = 1e-8,
    weight_decay: float | None = None,
    mask: Any = None,
) -> Chain:
    """Gradient descent with the distance over gradients as its step size.

    The parts: ``add_decayed_weights`` where there is a decay, :func:`scale_by_dog`, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule; 1 is the method.
        init_step: what takes the place of the distance at first, as :func:`scale_by_dog` has it.
        eps: added to the sum of squares.
        weight_decay: what part of the parameters is added to the gradients.
        mask: which parameters decay.

    Source: Ivgi et al., "DoG is SGD's Best Friend: A Parameter-Free Dynamic Step Size Schedule", 2023.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.dog(init_step=("distance", 0.5)).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [2.7, 3.6]
    """
    decay = [] if weight_decay is None else [add_decayed_weights(weight_decay, mask=mask)]
    return chain(*decay, scale_by_dog(init_step, eps=eps), scale_by_learning_rate(learning_rate))


def scale_by_dowg(*, init_estim_sq_dist: float | None = None, eps: float = 1e-4) -> Transformation:
    r"""The weighted distance over gradients.

    .. math:: u_t = \frac{g_t r_t^2}{\sqrt{\sum_{i \le t} r_i^2 |g_i|^2} + \epsilon}

    where :math:`r_t` is the greatest distance to :math:`x_0` so far.

    State: ``init_params`` (like the parameters), ``weighted_sq_norm_grads`` and ``estim_sq_dist`` (scalars).

    Args:
        init_estim_sq_dist: the first squared distance; None: ``eps``.
        eps: added to the root.

    Source: Khaled et al., "DoWG Unleashed: An Efficient Universal Parameter-Free Gradient Descent Method", 2023.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.scale_by_dowg(init_estim_sq_dist=0.25, eps=0.0).init(x)
        >>> updates, opt = opt.update(x, x)
        >>> [round(float(u), 4) for u in updates]
        [0.3, 0.4]
    """
    return Primitive("scale_by_dowg", init_estim_sq_dist=init_estim_sq_dist, eps=eps)


def dowg(
    learning_rate: Rate = 1.0,
    *,
    init_estim_sq_dist: float | None = None,
    eps: float = 1e-4,
    weight_decay: float | None = None,
    mask: Any = None,
) -> Chain:
    """Gradient descent with the weighted distance over gradients as its step size.

    The parts: ``add_decayed_weights`` where there is a decay, :func:`scale_by_dowg`, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule; 1 is the method.
        init_estim_sq_dist: the first squared distance; None: ``eps``.
        eps: added to the root of the sum.
        weight_decay: what part of the parameters is added to the gradients.
        mask: which parameters decay.

    Source: Khaled et al., "DoWG Unleashed: An Efficient Universal Parameter-Free Gradient Descent Method", 2023.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.dowg(init_estim_sq_dist=0.25, eps=0.0).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [2.7, 3.6]
    """
    decay = [] if weight_decay is None else [add_decayed_weights(weight_decay, mask=mask)]
    direction = scale_by_dowg(init_estim_sq_dist=init_estim_sq_dist, eps=eps)
    return chain(*decay, direction, scale_by_learning_rate(learning_rate))


def scale_by_distance_over_gradients(
    *, reps_rel: float = 1e-6, eps: float = 1e-8, param_dtype: str = "float32", global_scale: float = 1.0
) -> Transformation:
    """The distance over gradients, of each array by itself (L-DoG).

    State: ``max_dist`` (scalars), ``grad_sum_of_squares`` (shape (1,)) and ``init_params`` (in ``param_dtype``), each
    for every parameter.

    Args:
        reps_rel: the first distance, relative to ``1 + |x_0|``.
        eps: added to the sum of squares.
        param_dtype: the dtype in which the first parameters are kept.
        global_scale: multiplies all updates, such as -1.

    Source: Ivgi et al., "DoG is SGD's Best Friend: A Parameter-Free Dynamic Step Size Schedule", 2023.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.scale_by_distance_over_gradients(reps_rel=0.25).init(x)
        >>> updates, opt = opt.update(x, x)
        >>> [round(float(u), 4) for u in updates]
        [0.9, 1.2]
    """
    options = {"reps_rel": reps_rel, "eps": eps, "param_dtype": param_dtype, "global_scale": global_scale}
    return Primitive("scale_by_distance_over_gradients", **options)


def scale_by_cocob(*, alpha: float = 100.0, eps: float = 1e-8) -> Transformation:
    """The bets of coin betting, for each number by itself; the result takes the sign of a step already.

    State: ``init_particles`` (the first parameters), ``cumulative_gradients``, ``scale``, ``subgradients``, ``reward``,
    all like the parameters.

    Args:
        alpha: bounds the first bets.
        eps: the first scale of the gradients.

    Raises:
        DTypeError: a parameter is complex.

    Source: Orabona and Tommasi, "Training Deep Networks without Learning Rates Through Coin Betting", 2017,
    algorithm 2.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, -4.0])
        >>> opt = um.optim.scale_by_cocob(alpha=10.0).init(x)
        >>> updates, opt = opt.update(x, x)
        >>> [round(float(u), 4) for u in updates]
        [-0.1, 0.1]
    """
    return Primitive("scale_by_cocob", alpha=alpha, eps=eps)


def cocob(
    learning_rate: Rate = 1.0,
    *,
    alpha: float = 100.0,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    mask: Any = None,
) -> Chain:
    """Coin betting: a step size for each number without a learning rate.

    The parts: ``add_decayed_weights``, a multiplication by the learning rate, :func:`scale_by_cocob`.

    Args:
        learning_rate: a number or a schedule that multiplies the gradients; 1 is the method.
        alpha: bounds the first bets.
        eps: the first scale of the gradients.
        weight_decay: what part of the parameters is added to the gradients.
        mask: which parameters decay.

    Source: Orabona and Tommasi, "Training Deep Networks without Learning Rates Through Coin Betting", 2017.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, -4.0])
        >>> opt = um.optim.cocob(alpha=10.0).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [round(float(v), 4) for v in x]
        [2.9, -3.9]
    """
    decay = add_decayed_weights(weight_decay, mask=mask)
    return chain(decay, PositiveRate(learning_rate), scale_by_cocob(alpha=alpha, eps=eps))
