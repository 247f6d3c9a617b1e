"""``init``: the state that a stateful function needs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from unimod import config
from unimod.core import walk
from unimod.stateful._pure import pure
from unimod.transforms import _lift
from unimod.transforms.jit import jit


def init(fn: Callable[..., Any], *, compiled: bool = False) -> Callable[..., dict[str, Any]]:
    """A function ``(state, *args, seed=..., **kwargs) -> state`` that creates the entries that ``fn`` is missing.

    Entries keep their first values: changes, such as those of a training step, are dropped. Entries that are there stay
    as they are, so that a state can be made by several functions, one after the other.

    Args:
        fn: a stateful function, or a pure one.
        compiled: compile one program that makes the entries, and leaves out all else, in place of a run of
            ``fn``. That is quicker on JAX, which compiles each operation of a run the first time, and where much is
            computed; else it is slower on PyTorch.

    Example:
        >>> import unimod as um
        >>> model = um.stateful.Layer(um.nn.Linear, None, 3, name="model")
        >>> state = um.stateful.init(model)({}, um.numpy.ones((4, 2)), seed=0)
        >>> {key: [int(n) for n in value.shape] for key, value in state.items()}
        {'model/bias': [3], 'model/kernel': [2, 3]}
    """
    purified = pure(fn)

    @functools.wraps(purified)
    def initialize(state: Mapping[str, Any], /, *args: Any, seed: Any = None, **kwargs: Any) -> dict[str, Any]:
        leaves, structure = walk.flatten((dict(state), args, kwargs, seed))

        def run(leaves: list[Any]) -> dict[str, Any]:
            state, args, kwargs, seed = walk.unflatten(structure, leaves)
            new, _ = purified(state, *args, seed=seed, create=True, modify=True, ignore=True, **kwargs)
            made: dict[str, Any] = new
            return made

        if not compiled:
            return run(leaves)
        flat, arrays, _ = _lift.only_arrays(run, leaves)
        program = jit(flat, backend=config.engine_of(*arrays).name, compiler="graph")
        result: dict[str, Any] = {**program(arrays), **state}
        return dict(sorted(result.items()))

    return initialize
