"""Gradients over the root of their squares, and by their signs alone: what Adagrad, RMSprop or Rprop scale by.

All are defined as in optax. Parts of a state are like the parameters, but for ``count``, an int32 scalar.
"""

from __future__ import annotations

from collections.abc import Iterator

from unimod.optim.primitive import Primitive


def scale_by_rss(*, initial_accumulator_value: float = 0.1, eps: float = 1e-7) -> Primitive:
    r"""Over the root of the sum of squares: :math:`s_t = s + g^2` and :math:`u = g / \sqrt{s_t + \epsilon}`.

    Where the sum is 0, so is the result. State: ``sum_of_squares``, which begins with ``initial_accumulator_value``.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    2011.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_rss().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [0.69, -0.703]
    """
    return Primitive("scale_by_rss", initial_accumulator_value=initial_accumulator_value, eps=eps)


def scale_by_rms(
    *,
    decay: float = 0.9,
    eps: float = 1e-8,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> Primitive:
    r"""Over the root of the second moment: :math:`v_t = d v + (1 - d) g^2` and :math:`u = g / \sqrt{v_t + \epsilon}`.

    Args:
        decay: the :math:`d` of the mean.
        eps: added under the root, or to it.
        initial_scale: what the mean begins with.
        eps_in_sqrt: whether ``eps`` is added under the root.
        bias_correction: whether the mean is divided by :math:`1 - d^t`.

    State: ``nu``; with ``bias_correction`` also ``count``.

    Source: Hinton, "Lecture 6.5: rmsprop", Neural Networks for Machine Learning, 2012.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_rms().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [2.294, -2.294]
    """
    return Primitive(
        "scale_by_rms",
        decay=decay,
        eps=eps,
        initial_scale=initial_scale,
        eps_in_sqrt=eps_in_sqrt,
        bias_correction=bias_correction,
    )


def scale_by_stddev(
    *,
    decay: float = 0.9,
    eps: float = 1e-8,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> Primitive:
    r"""Over the standard deviation: as :func:`scale_by_rms`, with :math:`v_t - m_t^2` in place of :math:`v_t`.

    .. math:: m_t = d m + (1 - d) g

    Options as there. State: ``mu`` and ``nu``; with ``bias_correction`` also ``count``.

    Source: Graves, "Generating Sequences With Recurrent Neural Networks", 2013, equations 38 to 41.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_stddev().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [2.549, -2.549]
    """
    return Primitive(
        "scale_by_stddev",
        decay=decay,
        eps=eps,
        initial_scale=initial_scale,
        eps_in_sqrt=eps_in_sqrt,
        bias_correction=bias_correction,
    )


def scale_by_adadelta(*, rho: float = 0.9, eps: float = 1e-6) -> Primitive:
    r"""Adadelta: gradients in the scale of the updates.

    .. math:: e_t = \rho e + (1 - \rho) g^2, \quad u = g \sqrt{\frac{x + \epsilon}{e_t + \epsilon}}, \quad
        x_t = \rho x + (1 - \rho) u^2

    State: ``e_g`` and ``e_x``.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_adadelta().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [0.003, -0.003]
    """
    return Primitive("scale_by_adadelta", rho=rho, eps=eps)


def scale_by_sm3(*, b1: float = 0.9, b2: float = 1.0, eps: float = 1e-8) -> Primitive:
    r"""SM3: Adagrad with sums of squares that are kept for each row, each column and so on alone.

    The sum of an element is bounded by the least of its row, its column and so on, :math:`s = b_2 \min_i c_i +
    (1 - b_2) g^2` (for ``b2`` = 1 without the factor of :math:`g^2`); each :math:`c_i` becomes the largest :math:`s`
    along the other axes, and the result is the mean with decay ``b1`` of :math:`g / \sqrt{s + \epsilon}`.

    State: ``mu``, for each parameter a list with one vector for each of its axes (an array of less than two axes has
    one, of its own shape), and ``nu``.

    Raises:
        DTypeError: a parameter is complex.

    Source: Anil et al., "Memory-Efficient Adaptive Optimization", 2019.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_sm3().init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [0.161, -0.161]
    """
    return Primitive("scale_by_sm3", b1=b1, b2=b2, eps=eps)


def scale_by_sign() -> Primitive:
    """The signs of the gradients: -1, 0 or 1; of complex ones the number over its size. There is no state.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([0.5, 0.0, -3.0])
        >>> um.optim.scale_by_sign().init(x).update(x)[0].tolist()
        [1.0, 0.0, -1.0]
    """
    return Primitive("scale_by_sign")


class Rprop(Primitive):
    """Steps by the agreement of signs. The first step size is no hyperparameter: it is used once, by ``init``."""

    def hyperparameters(self) -> Iterator[str]:
        """The factors and the bounds."""
        return (name for name in super().hyperparameters() if name != "learning_rate")


def scale_by_rprop(
    learning_rate: float,
    *,
    eta_minus: float = 0.5,
    eta_plus: float = 1.2,
    min_step_size: float = 1e-6,
    max_step_size: float = 50.0,
) -> Primitive:
    """Rprop: a step size for each number, longer while gradients keep their sign, shorter where they change it.

    The result is positive: an optimizer multiplies it by -1. As in optax it is the step of the gradient *before*, so
    that the first result is 0.

    Args:
        learning_rate: the first step size.
        eta_minus: its factor where the sign of the gradient changes.
        eta_plus: its factor where the sign stays.
        min_step_size: the least step size.
        max_step_size: the largest one.

    State: ``step_sizes`` and ``prev_updates``.

    Raises:
        DTypeError: a parameter is complex.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: The RPROP algorithm",
    1993.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, -2.0])
        >>> opt = um.optim.scale_by_rprop(0.1).init(x)
        >>> for _ in range(2):
        ...     updates, opt = opt.update(x, x)
        >>> [round(float(v), 3) for v in updates]
        [0.1, -0.1]
    """
    return Rprop(
        "scale_by_rprop",
        learning_rate=learning_rate,
        eta_minus=eta_minus,
        eta_plus=eta_plus,
        min_step_size=min_step_size,
        max_step_size=max_step_size,
    )
