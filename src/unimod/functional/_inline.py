"""What a body calls: parameters declared in it, and fresh keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import random
from unimod.functional import _errors
from unimod.functional._frame import current
from unimod.functional._params import entries
from unimod.functional._slots import Init, Param
from unimod.functional.parametrized import Parametrized


def parameter(shape: tuple[int, ...], init: Init, name: str | None = None, *, dtype: str | None = None) -> Any:
    """A parameter of the surrounding parametrized function, declared where it is used.

    Args:
        shape: its shape.
        init: ``init(key, shape)``.
        name: its name, which no other part may have; None: ``parameter``, numbered where there are several.
        dtype: passed to ``init`` as its third argument; None: ``init`` decides.

    Returns:
        The array.

    Raises:
        NotInitializedError: it is called outside of a parametrized function.
        TreeError: another part has the name, or the parameters do not have it.
        ShapeError: the parameters have it with another shape.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import parameter, parametrized, zeros
        >>> @parametrized
        ... def scale(inputs):
        ...     return inputs * parameter(inputs.shape[-1:], zeros, "scale")
        >>> scale.init_params(0, um.numpy.ones((2, 3)))
        scale(scale=f32[3])
    """
    frame = current()
    if frame is None:
        raise _errors.outside("parameter()")
    own = Param(tuple(shape), init, dtype)
    shape = own.shape_for((), {})
    if name is not None and name in frame.counts:
        raise _errors.clash(frame.part.name, name)
    found = frame.next_name("parameter") if name is None else name
    frame.counts[found] = frame.counts.get(found, 0) + (name is not None)
    if frame.filling is not None:
        return frame.filling.inline_leaf(frame, found, name or "parameter", own.initializer(shape))
    if found not in entries(frame.node):
        raise _errors.missing_inline(frame.part.name, found, entries(frame.node))
    value = getattr(frame.node, found)
    if tuple(getattr(value, "shape", ())) != shape:
        raise _errors.misfit(frame.part.name, (found,), value, shape)
    return value


def random_key() -> random.Key:
    """A fresh key in the body of a parametrized function: another one at each call.

    The keys come from that of ``net.apply(params, *inputs, key=key)``; the same key gives the same ones.

    Raises:
        NotInitializedError: there is no key, or it is called outside of a parametrized function.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import parametrized, random_key
        >>> @parametrized
        ... def noisy(inputs):
        ...     return inputs + um.random.normal(random_key(), inputs.shape)
        >>> x = um.numpy.ones((2,))
        >>> noisy.apply(noisy.init_params(0, x), x, key=um.random.key(1)).shape == (2,)
        True
    """
    frame = current()
    if frame is None:
        raise _errors.outside("random_key()")
    key = frame.next_key()
    if key is None:
        raise _errors.no_key(frame.part.name)
    return key


def is_training() -> bool:
    """Whether the parameters of the running parametrized function are in training mode; see ``params.eval()``.

    Raises:
        NotInitializedError: it is called outside of a parametrized function.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import is_training, parametrized
        >>> @parametrized
        ... def mode(inputs):
        ...     return is_training()
        >>> params = mode.init_params(0, 1.0)
        >>> mode(params, 1.0), mode(params.eval(), 1.0)
        (True, False)
    """
    frame = current()
    if frame is None:
        raise _errors.outside("is_training()")
    return frame.node.training


def Parameter(shape: tuple[int, ...] | Callable[..., Any], init: Init) -> Parametrized:
    """A parametrized function of no inputs that gives its one parameter, ``params.value``.

    Example:
        >>> from unimod.functional import Parameter, zeros
        >>> weight = Parameter((2, 3), zeros)
        >>> params = weight.init_params(0)
        >>> weight(params).shape == (2, 3)
        True
    """

    def parameter(value: Any = Param(shape, init)) -> Any:
        return value

    return Parametrized(parameter)
