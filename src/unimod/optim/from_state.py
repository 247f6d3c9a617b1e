"""Values and gradients that a line search has computed already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.core import walk
from unimod.core.init import modules
from unimod.errors import OptionError
from unimod.optim._branches import where_needed
from unimod.optim.base import Stateful, Transformation
from unimod.transforms import value_and_grad

_STATE = frozenset({"value", "grad"})


def value_and_grad_from_state(value_fn: Callable[..., Any]) -> Callable[..., tuple[Array, Any]]:
    """``um.value_and_grad(value_fn)``, but where an optimizer keeps both from its last line search.

    Args:
        value_fn: a function of the parameters that gives the loss.

    Returns: a function ``(params, *args, state=opt, **kwargs)`` that gives value and gradients. Before the first step,
    where the kept value is infinite or NaN, they are computed.

    Raises:
        OptionError: when it is called: no part of the optimizer keeps value and gradients, or more than one does. The
            searches are ``scale_by_zoom_linesearch`` and ``scale_by_backtracking_linesearch(store_grad=True)``.

    Example:
        >>> import unimod as um
        >>> fn = um.optim.value_and_grad_from_state(lambda x: um.numpy.sum(x * x))
        >>> try:
        ...     fn(um.numpy.asarray([3.0]), state=um.optim.sgd(0.1))
        ... except um.errors.OptionError as error:
        ...     print(str(error).splitlines()[0].split(": ")[-1])
        No part of the optimizer keeps a value and gradients.
    """

    def from_state(params: Any, *args: Any, state: Transformation, **kwargs: Any) -> tuple[Array, Any]:
        part = _keeper(state)
        value, kept = part.state["value"], part.state["grad"]
        is_lost = unp.logical_not(unp.isfinite(value))

        def compute() -> list[Any]:
            found, grads = value_and_grad(value_fn)(params, *args, **kwargs)
            return [unp.astype(found, config.dtype_of(value)), *walk.flatten(grads)[0]]

        engine = config.engine_of(value)
        found, *grads = where_needed(engine, is_lost, compute, [value, *kept])
        return found, walk.unflatten(part.structure, grads)

    return from_state


def _keeper(state: Transformation) -> Stateful:
    found = [part for part in _parts(state) if part.state.keys() >= _STATE and part.state["grad"] is not None]
    if len(found) != 1:
        raise OptionError(
            "No part of the optimizer keeps a value and gradients."
            if not found
            else "More than one part of the optimizer keeps a value and gradients.",
            got=f"{len(found)} parts",
            expected="one, such as um.optim.scale_by_zoom_linesearch, after init",
            fix="um.optim.lbfgs(), or um.optim.scale_by_backtracking_linesearch(..., store_grad=True)",
        )
    return found[0]


def _parts(opt: Transformation) -> Iterator[Stateful]:
    yield from (part for _, part in modules(opt) if isinstance(part, Stateful))
