"""Small problems by name, to try optimizers and training loops on.

Example:
    >>> import unimod as um
    >>> task = um.tasks.get("quadratic", size=3)
    >>> params = task.init(0)
    >>> params = um.tree.map(lambda p, g: p - 0.1 * g, params, um.grad(task.loss)(params, None))
    >>> params.shape == (3,), len(um.tasks.names())
    (True, 6)
"""

from unimod.tasks import _data, _functions, _sets
from unimod.tasks._registry import get, names, register
from unimod.tasks._task import Task

__all__ = ["Task", "get", "names", "register"]

register("quadratic", _functions.quadratic)
register("rosenbrock", _functions.rosenbrock)
register("regression", _data.regression)
register("spirals", _data.spirals)
register("iris", _sets.iris)
register("digits", _sets.digits)
