"""The parameters that a regularizer is of, and the base of the regularizers as objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from unimod import config
from unimod.core import filters as flt
from unimod.core import tree
from unimod.core.kinds import Parameter
from unimod.core.module import Module, filter
from unimod.dtypes import is_inexact
from unimod.losses._base import snake_case

Array = Any

_TRAINED = flt.SlotFilter(lambda slot: slot.kind is None or (issubclass(slot.kind, Parameter) and not slot.is_frozen))


def chosen(parameters: Any, filters: tuple[flt.Filter, ...]) -> list[Array]:
    """The floating-point leaves to regularize: parameters that are not frozen, and leaves outside of modules."""
    found = [parameters] if config.is_array(parameters) else tree.leaves(filter(parameters, _TRAINED, *filters))
    return [leaf for leaf in found if config.is_array(leaf) and is_inexact(str(config.dtype_of(leaf)))]


class Regularizer(Module):
    """A regularizer with its options: ``regularizer(parameters)`` is the function of that name.

    Args:
        filters: which leaves: kinds, paths, classes, modules, or functions of a ``FieldInfo``; all must hold.
        name: what logs call it; None: the class in snake case.

    A class of your own sets ``function``, and names in ``options`` the attributes that are passed on as keywords.

    Example:
        >>> import unimod as um
        >>> penalty = um.regularizers.L2(0.5)
        >>> float(penalty(parameters={"w": um.numpy.asarray([1.0, 3.0])})), penalty.log_name
        (5.0, 'l2')
    """

    function: ClassVar[Callable[..., Array]]
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(self, filters: tuple[flt.Filter, ...] = (), *, name: str | None = None) -> None:
        self.filters = as_tuple(filters)
        self.name = name

    def __call__(self, parameters: Any) -> Array:
        """The penalty of a module, of its parameters, or of any tree of arrays."""
        options = {name: getattr(self, name) for name in self.options}
        return type(self).function(parameters, *self.filters, **options)

    @property
    def log_name(self) -> str:
        """What logs call it."""
        return self.name or snake_case(type(self).__name__)


def as_tuple(filters: Any) -> tuple[flt.Filter, ...]:
    """One filter or several, as a tuple."""
    return tuple(filters) if isinstance(filters, (list, tuple)) else (filters,)
