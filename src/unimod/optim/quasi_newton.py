"""L-BFGS, and line searches."""

from __future__ import annotations

from unimod.errors import OptionError
from unimod.optim.base import Rate, Transformation, at_least
from unimod.optim.chain import Chain, chain
from unimod.optim.optimizers import scale, scale_by_learning_rate
from unimod.optim.primitive import Primitive


def scale_by_lbfgs(memory_size: int = 10, *, scale_init_precond: bool = True) -> Transformation:
    r"""The gradient by an approximation of the inverse Hessian, from the last steps and changes of the gradient.

    .. math:: P_{j+1} = V_j^T P_j V_j + \rho_j s_j s_j^T, \quad V_j = I - \rho_j y_j s_j^T, \quad
        \rho_j = 1 / s_j^T y_j

    for the last steps :math:`s_j` and changes :math:`y_j`, from a multiple of the identity; the result is
    :math:`P g`, and a line search may follow.

    State: ``count`` (int32 scalar), ``params`` and ``updates`` (the last ones), ``diff_params_memory`` and
    ``diff_updates_memory`` (like the parameters, with an axis of ``memory_size`` in front), ``weights_memory``
    (``memory_size``,).

    Args:
        memory_size: how many steps are remembered.
        scale_init_precond: whether the identity is multiplied by :math:`s^T y / y^T y` of the last step; in the first
            step the result is then no longer than 1.

    Raises:
        OptionError: the memory has no place for a step.

    Source: Nocedal and Wright, "Numerical Optimization", 1999, algorithms 7.4 and 7.5.

    Differences:
        For derivatives the length of the first gradient is a constant, as it is in optax.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> updates, opt = um.optim.scale_by_lbfgs(memory_size=3).init(x).update(x, x)
        >>> [round(float(u), 4) for u in updates], tuple(opt.diff_params_memory.shape)
        ([0.6, 0.8], (3, 2))
    """
    at_least("scale_by_lbfgs", "memory_size", memory_size, 1)
    return Primitive("scale_by_lbfgs", memory_size=memory_size, scale_init_precond=scale_init_precond)


def scale_by_backtracking_linesearch(
    max_backtracking_steps: int,
    *,
    slope_rtol: float = 1e-4,
    decrease_factor: float = 0.8,
    increase_factor: float = 1.5,
    max_learning_rate: float = 1.0,
    atol: float = 0.0,
    rtol: float = 0.0,
    store_grad: bool = False,
) -> Transformation:
    r"""The update times a step size with which the loss falls enough; step sizes are tried from large to small.

    .. math:: f(x + \eta u) \le (1 + \text{rtol}) f(x) + c\,\eta \langle u, g\rangle + \text{atol}

    with :math:`c` = ``slope_rtol``. Each step needs the loss, and a function of the parameters that computes it:
    ``opt.step(params, grads, value=loss, value_fn=fn)``; ``grad=`` where the gradients are not those of the loss.

    State: ``learning_rate`` and ``value``, of the last step; ``grad`` (like the parameters, or None); ``info``, a dict
    with ``num_linesearch_steps`` and ``decrease_error``.

    Args:
        max_backtracking_steps: how often the step size is made smaller.
        slope_rtol: what part of the decrease that the slope promises is enough.
        decrease_factor: multiplies the step size after each try.
        increase_factor: multiplies the last step size for the first try.
        max_learning_rate: the largest step size.
        atol: by how much the condition may be missed.
        rtol: the same, relative to the value.
        store_grad: whether the gradient at the new place is kept.

    Source: Nocedal and Wright, "Numerical Optimization", 1999, algorithm 3.1.

    Differences:
        While a function is traced on torch, all tries are made, and those after the last needed one ignored.

    Example:
        >>> import unimod as um
        >>> loss = lambda x: um.numpy.sum(x * x)
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> search = um.optim.scale_by_backtracking_linesearch(15, decrease_factor=0.5)
        >>> opt = um.optim.chain(um.optim.scale(-1.0), search).init(x)
        >>> x, opt = opt.step(x, 2 * x, value=loss(x), value_fn=loss)
        >>> [round(float(v), 4) for v in x], float(opt[1].learning_rate)
        ([0.0, 0.0], 0.5)
    """
    return Primitive(
        "scale_by_backtracking_linesearch",
        max_backtracking_steps=max_backtracking_steps,
        slope_rtol=slope_rtol,
        decrease_factor=decrease_factor,
        increase_factor=increase_factor,
        max_learning_rate=max_learning_rate,
        atol=atol,
        rtol=rtol,
        store_grad=store_grad,
    )


def scale_by_zoom_linesearch(
    max_linesearch_steps: int,
    *,
    max_learning_rate: float | None = None,
    tol: float = 0.0,
    increase_factor: float = 2.0,
    slope_rtol: float = 1e-4,
    curv_rtol: float = 0.9,
    approx_dec_rtol: float | None = 1e-6,
    stepsize_precision: float = 1e-5,
    initial_guess_strategy: str = "keep",
) -> Transformation:
    r"""The update times a step size that meets the strong conditions of Wolfe, found in smaller and smaller intervals.

    .. math:: f(x + \eta u) \le f(x) + c_1 \eta \langle u, g\rangle, \quad
        |\langle u, \nabla f(x + \eta u)\rangle| \le c_2 |\langle u, g\rangle|

    with :math:`c_1` = ``slope_rtol`` and :math:`c_2` = ``curv_rtol``. Each step needs the loss, and a differentiable
    function of the parameters that computes it: ``opt.step(params, grads, value=loss, value_fn=fn)``.

    State: ``learning_rate``, ``value`` and ``grad`` (like the parameters), at the place of the last step; ``info``, a
    dict with ``num_linesearch_steps``, ``decrease_error`` and ``curvature_error``.

    Args:
        max_linesearch_steps: how many step sizes are tried.
        max_learning_rate: the largest step size.
        tol: by how much the conditions may be missed.
        increase_factor: multiplies the step size until an interval is found.
        slope_rtol: what part of the decrease that the slope promises is enough.
        curv_rtol: what part of the slope may be left.
        approx_dec_rtol: where values differ by less, relatively, the slope is looked at instead; None: never.
        stepsize_precision: the width of an interval that is not divided again.
        initial_guess_strategy: the first step size: ``"one"``, or ``"keep"``, the last one.

    Raises:
        OptionError: there is no such first step size.

    Source: Nocedal and Wright, "Numerical Optimization", 1999, algorithms 3.5 and 3.6; Hager and Zhang, "Algorithm 851:
    CG_DESCENT", 2006 (the approximate condition).

    Differences:
        While a function is traced on torch, all tries are made, and those after the last needed one ignored. The numpy
        engine has no derivatives, and so no such search.
    """
    if initial_guess_strategy not in ("one", "keep"):
        raise OptionError(
            "The search has no such first step size.",
            got=f"initial_guess_strategy = {initial_guess_strategy!r}",
            expected="'one' or 'keep'",
        )
    return Primitive(
        "scale_by_zoom_linesearch",
        max_linesearch_steps=max_linesearch_steps,
        max_learning_rate=max_learning_rate,
        tol=tol,
        increase_factor=increase_factor,
        slope_rtol=slope_rtol,
        curv_rtol=curv_rtol,
        approx_dec_rtol=approx_dec_rtol,
        stepsize_precision=stepsize_precision,
        initial_guess_strategy=initial_guess_strategy,
    )


_ZOOM = scale_by_zoom_linesearch(20, initial_guess_strategy="one")


def lbfgs(
    learning_rate: Rate | None = None,
    *,
    memory_size: int = 10,
    scale_init_precond: bool = True,
    linesearch: Transformation | None = _ZOOM,
) -> Chain:
    """L-BFGS: steps along the gradient times an approximation of the inverse Hessian.

    With a line search each step needs the loss, and a function of the parameters that computes it:
    ``opt.step(params, grads, value=loss, value_fn=fn)``. The loss has to be that of all examples.

    The parts: :func:`scale_by_lbfgs`, the learning rate (or -1), the line search, with their states.

    Args:
        learning_rate: a number or a schedule; None: 1.
        memory_size: how many steps are remembered.
        scale_init_precond: whether the first approximation is scaled.
        linesearch: the last part; None: no search, and the loss is not needed.

    Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.

    Differences:
        ``torch.optim.LBFGS`` takes many steps in one call, and searches otherwise.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0, 4.0])
        >>> opt = um.optim.lbfgs(linesearch=None).init(x)
        >>> for _ in range(3):
        ...     x, opt = opt.step(x, 2 * x)
        >>> [round(float(v), 4) for v in x]
        [0.0, 0.0]
    """
    base = scale(-1.0) if learning_rate is None else scale_by_learning_rate(learning_rate)
    search = [] if linesearch is None else [linesearch]
    direction = scale_by_lbfgs(memory_size=memory_size, scale_init_precond=scale_init_precond)
    return chain(direction, base, *search)
