"""``checkpoint``: a stateful function whose inner results are computed again for its derivative."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unimod.stateful import _inner
from unimod.stateful._context import current
from unimod.transforms._remat import remat


def checkpoint(fn: Callable[..., Any], *, policy: Any = None) -> Callable[..., Any]:
    """:func:`unimod.remat` of a stateful function; what it writes and draws happens once.

    Args:
        fn: a stateful function.
        policy: what is kept, as for :func:`unimod.remat`.

    Example:
        >>> import unimod as um
        >>> layer = um.stateful.checkpoint(lambda x: um.numpy.sin(um.stateful.get("w") * x))
        >>> loss = lambda x: um.numpy.sum(layer(x))
        >>> gradient = um.stateful.pure(lambda x: um.stateful.grad(loss, "w")(x))
        >>> _, (_, _, grads) = gradient({"w": um.numpy.asarray(0.0)}, um.numpy.asarray(2.0))
        >>> float(grads["w"])
        2.0
    """

    @functools.wraps(fn)
    def rematerialized(*args: Any, **kwargs: Any) -> Any:
        context = current()
        _inner.create(context, fn, args, kwargs)
        run = remat(_inner.function(context, fn, kwargs, False), policy=policy)
        out, (_, changes, (notes, random)) = run({}, context.all_values(), *args)
        context.absorb(changes, notes, random)
        return out

    return rematerialized
