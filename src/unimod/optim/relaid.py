"""Transformations of parameters in another form: as one vector, or with the real and imaginary parts apart."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array, Engine
from unimod.core import tree, walk
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.optim.base import FUNCTIONS, Hyper, Transformation, own_values
from unimod.optim.wrappers import Wrapper


class Relaid(Wrapper):
    """A transformation of other arrays, which are made of the parameters, and of which these can be made again.

    Attributes:
        laid: the structure of the other arrays; None before ``init``.
    """

    laid: Any = static()

    def __init__(self, inner: Transformation) -> None:
        super().__init__(inner)
        self.laid = None

    @abc.abstractmethod
    def there(self, xs: list[Any]) -> list[Any]:
        """The other arrays."""

    @abc.abstractmethod
    def back(self, new: list[Any], xs: list[Any]) -> list[Any]:
        """Arrays in the shapes and dtypes of ``xs``, of the other ones."""

    @abc.abstractmethod
    def lay(self, structure: Child, xs: list[Any]) -> Any:
        """The structure of the other arrays."""

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Any:
        """The wrapped transformation, of the other arrays."""
        new = walk.rebuilt(self)
        new.structure, new.laid = structure, self.lay(structure, leaves)
        new.inner = self.inner.init_flat(engine, self.there(leaves), new.laid)
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """The updates of the wrapped transformation, in the form of the parameters."""
        self.check_structure(grads, structure)
        own = self._told(params if params is not None else grads, own_values(self.inner, hyper))
        numbers = None if params is None else self.there(params)
        return self.back(self.inner.update_flat(engine, self.there(grads), numbers, self.laid, own), grads)

    def _told(self, xs: list[Any], hyper: Hyper) -> Hyper:
        """Gradients and functions among the values for one step, in terms of the other arrays."""
        told = {name: self._of_laid(fn, xs) if name in FUNCTIONS else fn for name, fn in hyper.items()}
        if "grad" in told:
            told["grad"] = self._laid(told["grad"])
        if "grad_fn" in told:
            told["grad_fn"] = self._giving_laid(told["grad_fn"])
        return told

    def _laid(self, grads: Any) -> Any:
        return walk.unflatten(self.laid, self.there(tree._matching(grads, self.structure)))

    def _giving_laid(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: self._laid(fn(*args))

    def _of_laid(self, fn: Callable[..., Any], xs: list[Any]) -> Callable[..., Any]:
        def of_laid(laid: Any, *rest: Any) -> Any:
            return fn(walk.unflatten(self.structure, self.back(walk.flatten(laid)[0], xs)), *rest)

        return of_laid


class Flatten(Relaid):
    """See :func:`flatten`."""

    called = "flatten"

    def there(self, xs: list[Any]) -> list[Any]:
        """One vector of all elements."""
        return [unp.concat([unp.reshape(x, (-1,)) for x in xs])] if xs else []

    def back(self, new: list[Any], xs: list[Any]) -> list[Any]:
        """Pieces of the vector."""
        found, start = [], 0
        for x in xs:
            end = start + math.prod(x.shape)
            found.append(unp.astype(unp.reshape(new[0][start:end], tuple(x.shape)), config.dtype_of(x)))
            start = end
        return found

    def lay(self, structure: Child, xs: list[Any]) -> Any:
        """That of one array."""
        return walk.flatten(xs[0])[1] if xs else structure


def flatten(inner: Transformation) -> Flatten:
    """``inner`` of one vector, into which all parameters are joined: norms and other sums are those of all of them.

    Args:
        inner: the transformation to be wrapped; its states have the vector's shape.

    State: that of ``inner``.

    Example:
        >>> import unimod as um
        >>> x = {"a": um.numpy.asarray([3.0]), "b": um.numpy.asarray([[4.0]])}
        >>> opt = um.optim.flatten(um.optim.adam(0.5)).init(x)
        >>> x, opt = opt.step(x, x)
        >>> tuple(opt.inner[0].mu.shape), round(float(x["b"][0, 0]), 4)
        ((2,), 3.5)
    """
    return Flatten(inner)


class SplitRealAndImaginaryArrays(NamedTuple):
    """The two real arrays that a complex one becomes."""

    real: Array
    imaginary: Array


class SplitRealAndImaginary(Relaid):
    """See :func:`split_real_and_imaginary`."""

    called = "split_real_and_imaginary"

    def there(self, xs: list[Any]) -> list[Any]:
        """Two arrays for each complex one."""
        return walk.flatten([_parts(x) for x in xs])[0]

    def back(self, new: list[Any], xs: list[Any]) -> list[Any]:
        """Each two of them as a complex one."""
        rest = iter(new)
        return [_joined(next(rest), next(rest), x) if _is_complex(x) else next(rest) for x in xs]

    def lay(self, structure: Child, xs: list[Any]) -> Any:
        """Pairs in the places of complex arrays."""
        return walk.flatten(walk.unflatten(structure, [_parts(x) for x in xs]))[1]


def _is_complex(x: Any) -> bool:
    return bool(config.dtype_of(x).kind == "complex")


def _parts(x: Any) -> Any:
    return SplitRealAndImaginaryArrays(unp.real(x), unp.imag(x)) if _is_complex(x) else x


def _joined(real: Array, imaginary: Array, x: Array) -> Array:
    dtype = config.dtype_of(x)
    return unp.add(unp.astype(real, dtype), unp.multiply(unp.astype(imaginary, dtype), 1j))


def split_real_and_imaginary(inner: Transformation) -> SplitRealAndImaginary:
    """``inner`` with two real parameters in the place of each complex one.

    Args:
        inner: the transformation to be wrapped; its states have a pair ``real``, ``imaginary`` for a complex parameter.

    State: that of ``inner``.

    Differences: gradients of complex parameters point downhill here, so that none is to be conjugated before.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([3.0 + 1.0j])
        >>> opt = um.optim.split_real_and_imaginary(um.optim.adam(0.5)).init(x)
        >>> x, opt = opt.step(x, x)
        >>> round(float(um.numpy.real(x)[0]), 4), round(float(um.numpy.imag(x)[0]), 4)
        (2.5, 0.5)
    """
    return SplitRealAndImaginary(inner)
