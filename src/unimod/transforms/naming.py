"""``named_call``: names for profiles and for dumps of compiled programs."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from unimod.core import walk
from unimod.transforms import _lift


def named_call(fn: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
    """``fn``, whose operations carry a name in profiles and in the programs that engines compile.

    Args:
        fn: any function, method or module; it is called as it is.
        name: by default that of the function.

    Example:
        >>> import unimod as um
        >>> float(um.named_call(lambda x: x + 1.0, name="increment")(um.numpy.asarray(1.0)))
        2.0
    """
    label = name or _lift.target_of(fn).name

    @functools.wraps(fn, updated=())
    def called(*args: Any, **kwargs: Any) -> Any:
        engine = _lift.engine_for(walk.flatten((args, kwargs))[0])
        scope = getattr(engine.compile, "named_scope", contextlib.nullcontext)
        with scope(label):
            return fn(*args, **kwargs)

    return called
