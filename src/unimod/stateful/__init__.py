"""The stateful style: modules read and write named entries of one flat state, and ``pure`` moves it in and out.

Example:
    >>> import unimod as um
    >>> class Model(um.stateful.Module):
    ...     def predict(self, x):
    ...         h = um.nn.relu(self.get("hidden", um.nn.Linear, None, 8)(x))
    ...         return self.get("out", um.nn.Linear, None, 1)(h)
    >>> model, x = Model(name="model"), um.numpy.ones((4, 2))
    >>> state = um.stateful.init(model.predict)({}, x, seed=0)
    >>> state, y = um.jit(um.stateful.pure(model.predict), compiler="graph")(state, x)
    >>> list(state), y.shape == (4, 1)
    (['model/hidden/bias', 'model/hidden/kernel', 'model/out/bias', 'model/out/kernel'], True)
"""

from typing import TYPE_CHECKING

from unimod._lazy import attach
from unimod.stateful._ambient import find, get, getm, put, putm, read, state, sub, value, values, write
from unimod.stateful._context import Context, scope
from unimod.stateful._context import current as context
from unimod.stateful._control import cond, fori_loop, scan, switch, while_loop
from unimod.stateful._entries import Entries, rng
from unimod.stateful._entries import rng as seed
from unimod.stateful._foreign import from_flax as FromFlax  # noqa: N812 (made like a class, called like one)
from unimod.stateful._foreign import from_haiku as FromHaiku  # noqa: N812
from unimod.stateful._foreign import from_torch as FromTorch  # noqa: N812
from unimod.stateful._grad import grad
from unimod.stateful._init import init
from unimod.stateful._jit import jit
from unimod.stateful._layer import Layer
from unimod.stateful._layer import from_module as FromModule  # noqa: N812
from unimod.stateful._module import Module
from unimod.stateful._optimizer import Optimizer
from unimod.stateful._optimizer import Optimizer as OptaxModule
from unimod.stateful._optimizer import from_optax as FromOptax  # noqa: N812
from unimod.stateful._pure import pure
from unimod.stateful._records import Track
from unimod.stateful._variables import Tree, Variable

if TYPE_CHECKING:
    from unimod.stateful._checkpoint import checkpoint

# What few programs need is imported when it is first asked for.
__getattr__, __dir__ = attach(__name__, {"stateful._checkpoint": "checkpoint"})

__all__ = [
    "Context", "Entries", "FromFlax", "FromHaiku", "FromModule", "FromOptax", "FromTorch", "Layer", "Module",
    "OptaxModule", "Optimizer", "Track", "Tree", "Variable", "checkpoint", "cond", "context", "find", "fori_loop",
    "get", "getm", "grad", "init", "jit", "pure", "put", "putm", "read", "rng", "scan", "scope", "seed", "state", "sub",
    "switch", "value", "values", "while_loop", "write",
]  # fmt: skip
