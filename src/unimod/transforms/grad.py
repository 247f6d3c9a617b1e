"""``grad`` and ``value_and_grad``: derivatives of a scalar by arrays, trees and the parameters of modules."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Engine
from unimod.core import walk
from unimod.errors import DTypeError, ShapeError
from unimod.transforms import _lift
from unimod.transforms._selection import Choice, Selection, choose, named


class _Differentiated:
    """A function whose value and gradients are wanted."""

    def __init__(self, choice: Choice, has_aux: bool, inplace: bool) -> None:
        self.choice, self.target = choice, choice.target
        self.has_aux, self.inplace = has_aux, inplace
        self.watch = _lift.StateWatch(self.target.name)

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Value, auxiliary output and gradients; the module of a bound method is the first of ``args``."""
        _lift.rehearse((args, kwargs), lambda: self.target.fn(*args, **kwargs))
        selection = Selection(self.choice, args, kwargs)
        (value, aux), written, grads = self._differentiate(selection)
        if written is not None:
            _lift.write_back(self._written((args, kwargs)), written)
        return value, aux, selection.tree(grads)

    def _differentiate(self, selection: Selection) -> Any:
        is_written = self.target.owner is not None or self.inplace
        engine = selection.engine
        flat = _lift.flat_function(
            self.target,
            selection.structure,
            self.watch,
            are_numbers_arrays=False,
            check=functools.partial(self._scalar, engine),
            written_back=self._written if is_written else None,
        )
        if self.choice.holomorphic:
            flat = _with_real_part(flat)
        flat, passed, index_of = _lift.only_arrays(flat, selection.leaves)
        which = selection.which
        chosen = which if index_of is None else [index_of[index] for index in which]
        arrays, packed, grads = engine.autodiff.value_and_grad(flat, passed, chosen)
        if self.choice.holomorphic:
            arrays, grads = arrays[1:], [engine.math.conj(slope) for slope in grads]
        result = packed.unpack(arrays)
        (pair, written) = result if is_written else (result, None)
        return pair, written, grads

    def _written(self, both: Any) -> list[Any]:
        return list(_lift.arguments(both)) if self.inplace else [both[0][0]]

    def _scalar(self, engine: Engine, result: Any) -> tuple[Any, Any]:
        """Check what the function returned: the loss first, a scalar of a floating dtype."""
        if self.has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise DTypeError(
                f"{self.target.name} was to return (loss, auxiliary output), for has_aux=True.",
                got=config.short(result) if not isinstance(result, tuple) else f"a tuple of {len(result)}",
            )
        loss, aux = result if self.has_aux else (result, None)
        if isinstance(loss, (int, float, complex)) and not isinstance(loss, bool):
            loss = engine.arrays.asarray(float(loss) if isinstance(loss, int) else loss)
        if not config.is_array(loss):
            raise DTypeError(
                f"grad needs a scalar loss, and {self.target.name} returned something else.",
                got=f"a {type(loss).__name__}",
                expected="a scalar array",
                fix="for a pair (loss, auxiliary output) pass has_aux=True"
                if isinstance(loss, tuple)
                else "return the loss",
            )
        if tuple(loss.shape) != ():
            raise ShapeError(
                f"grad needs a scalar loss, and {self.target.name} returned an array.",
                got=f"loss = {config.short(loss)}",
                expected=f"loss = {config.dtype_of(loss).short}[]",
                fix="reduce it, for instance with um.numpy.mean",
            )
        self._check_field(loss, config.dtype_of(loss).kind)
        return loss, aux

    def _check_field(self, loss: Any, kind: str) -> None:
        if kind not in ("float", "complex"):
            raise DTypeError(
                f"grad needs a floating-point loss, and {self.target.name} returned another dtype.",
                got=f"loss = {config.short(loss)}",
                expected="loss = f32[]",
            )
        is_complex = kind == "complex"
        if is_complex != self.choice.holomorphic:
            raise DTypeError(
                f"{self.choice.of} {'without' if is_complex else 'with'} holomorphic=True needs a "
                f"{'real' if is_complex else 'complex'} loss.",
                got=f"loss = {config.short(loss)}",
                expected="loss = f32[]" if is_complex else "loss = c64[]",
                fix="return its real part, or its absolute value" if is_complex else "leave holomorphic=True out",
            )


def _with_real_part(flat: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    """``flat`` with the real part of its complex loss before it: the derivative is the conjugate of that by this."""

    def both(leaves: list[Any]) -> Any:
        arrays, packed = flat(leaves)
        return [unp.real(arrays[0]), *arrays], packed

    return both


def value_and_grad(
    fn: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    wrt: Any = None,
    allow_int: bool = False,
    holomorphic: bool = False,
    inplace: bool = False,
) -> Callable[..., Any]:
    r"""A function that returns ``(value, gradients)`` of the scalar function ``fn``.

    For a module the trainable parameters are differentiated; the gradients are a module of the same class with
    ``Nothing`` elsewhere. What the value does not depend on gets zeros.

    Args:
        fn: returns a scalar, or ``(scalar, auxiliary output)`` with ``has_aux``.
        argnums: the argument (or arguments) to differentiate by.
        has_aux: whether ``fn`` returns something beside the scalar; the result is then ``((value, aux), gradients)``.
        wrt: which leaves of module arguments: kinds, paths, modules, or functions of a :class:`FieldInfo` (all must
            hold); ints are argnums. For a bound method, a choice of leaves of its own module.
        allow_int: give ``Nothing`` for integer arrays instead of an error.
        holomorphic: for complex arguments and a complex value: the complex derivative of ``fn``, which has one.
        inplace: write changed module arguments back.

    Raises:
        ShapeError: the value is not a scalar.
        DTypeError: it is not floating point, or is complex without ``holomorphic``; or an argument to differentiate by
            is an integer.

    Example:
        >>> import unimod as um
        >>> value, slope = um.value_and_grad(lambda x: x["a"] * x["b"])({"a": 2.0, "b": -1.5})
        >>> float(value), {name: float(v) for name, v in slope.items()}
        (-3.0, {'a': -1.5, 'b': 2.0})

    Differences:
        The gradient of a real value by a complex array is the direction in which the value rises most, as in torch; JAX
        gives its conjugate. With ``holomorphic`` both are the same number.
    """
    choice = choose("grad", fn, argnums, wrt, allow_int, holomorphic)
    differentiated = _Differentiated(choice, has_aux, inplace)

    def value_and_gradients(*args: Any, **kwargs: Any) -> Any:
        value, aux, grads = differentiated(args, kwargs)
        return ((value, aux) if has_aux else value), grads

    return named("value_and_gradients", value_and_gradients, choice.target)


def grad(
    fn: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    wrt: Any = None,
    allow_int: bool = False,
    holomorphic: bool = False,
    inplace: bool = False,
) -> Callable[..., Any]:
    """A function that returns the gradients of ``fn`` (with ``has_aux``: gradients and auxiliary output).

    Arguments as in :func:`value_and_grad`.

    Example:
        >>> import unimod as um
        >>> float(um.grad(um.grad(lambda x: x**3 / 6))(3.0))
        3.0
    """
    choice = choose("grad", fn, argnums, wrt, allow_int, holomorphic)
    differentiated = _Differentiated(choice, has_aux, inplace)

    def gradients(*args: Any, **kwargs: Any) -> Any:
        _, aux, grads = differentiated(args, kwargs)
        return (grads, aux) if has_aux else grads

    return named("gradients", gradients, choice.target)


def stop_gradient(tree: Any) -> Any:
    """The same tree, held constant by ``grad``.

    Example:
        >>> import unimod as um
        >>> float(um.grad(lambda x: x * um.stop_gradient(x))(3.0))
        3.0
    """
    leaves, structure = walk.flatten(tree)
    stopped = [
        config.engine_of(leaf).autodiff.stop_gradient(leaf) if config.is_array(leaf) else leaf for leaf in leaves
    ]
    return walk.unflatten(structure, stopped)
