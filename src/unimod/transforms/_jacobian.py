"""``jacfwd``, ``jacrev``, ``hessian`` and ``hvp``: all derivatives of all results, and products with second ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod.core import walk
from unimod.errors import DTypeError
from unimod.transforms import _calls, _lift
from unimod.transforms._jvp import jvp
from unimod.transforms._selection import choose, named
from unimod.transforms.grad import grad
from unimod.transforms.vmap import vmap

Spec = tuple[tuple[int, ...], str]


def jacfwd(
    fn: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    wrt: Any = None,
) -> Callable[..., Any]:
    r"""A function that returns the Jacobian of ``fn``, column by column in forward mode.

    Best where there are more results than arguments. The Jacobian is a tree like the result, in which each array of
    shape ``S`` is replaced by a tree like the argument with arrays of the shapes ``S + T``, where ``T`` is that of the
    argument's leaf.

    Args:
        fn: returns a tree of floating-point arrays.
        argnums: the argument (or arguments: then there is a tuple of trees) to differentiate by.
        has_aux: whether ``fn`` returns a pair of which the second is not differentiated; the result is then
            ``(jacobian, aux)``.
        holomorphic: for complex arguments and results: the complex derivative.
        wrt: which leaves of module arguments; as in :func:`value_and_grad`.

    Raises:
        DTypeError: a result is not floating-point; an argument is not, or is complex without ``holomorphic``.

    Example:
        >>> import unimod as um
        >>> slopes = um.jacfwd(lambda x: x**2)(um.numpy.asarray([1.0, 2.0]))
        >>> [[float(v) for v in row] for row in slopes]
        [[2.0, 0.0], [0.0, 4.0]]
    """
    return _jacobian("jacfwd", _columns, fn, argnums, has_aux, holomorphic, wrt)


def jacrev(
    fn: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    wrt: Any = None,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of ``fn``, row by row in reverse mode.

    Best where there are more arguments than results. Arguments, result and errors as in :func:`jacfwd`; with
    ``allow_int`` integer leaves get ``Nothing``.

    Example:
        >>> import unimod as um
        >>> slopes = um.jacrev(lambda x: {"sum": um.numpy.sum(x**2)})(um.numpy.asarray([1.0, 2.0]))
        >>> [float(v) for v in slopes["sum"]]
        [2.0, 4.0]
    """
    return _jacobian("jacrev", _rows, fn, argnums, has_aux, holomorphic, wrt, allow_int)


jacobian = jacrev


def hessian(
    fn: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    wrt: Any = None,
) -> Callable[..., Any]:
    """A function that returns the second derivatives of ``fn``: the Jacobian, in forward mode, of its Jacobian.

    Arguments as in :func:`jacfwd`.

    Example:
        >>> import unimod as um
        >>> second = um.hessian(lambda x: um.numpy.sum(x**3))(um.numpy.asarray([1.0, 2.0]))
        >>> [[float(v) for v in row] for row in second]
        [[6.0, 0.0], [0.0, 12.0]]
    """
    first = jacrev(fn, argnums, has_aux, holomorphic, wrt=wrt)
    return jacfwd(first, argnums, has_aux, holomorphic, wrt=wrt)


def hvp(fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    r"""The gradient of the scalar function ``fn`` and its second derivative along the tangents, :math:`H t`.

    In forward over reverse mode, without the Hessian :math:`H`.

    Args:
        fn: returns a scalar.
        primals: a tuple of trees, floating-point outside of modules.
        tangents: a tuple of trees like the primals; ``Nothing`` holds a leaf constant.
        has_aux: whether ``fn`` returns a pair of which the second is not differentiated.

    Returns:
        ``(gradients, products)``, each a tuple of one tree for each of the primals, and with ``has_aux`` a third: the
        auxiliary output. In modules the trainable parameters are differentiated.

    Example:
        >>> import unimod as um
        >>> x, t = um.numpy.asarray([1.0, 2.0]), um.numpy.asarray([1.0, 1.0])
        >>> slopes, products = um.hvp(lambda x: um.numpy.sum(x**3), (x,), (t,))
        >>> [float(v) for v in slopes[0]], [float(v) for v in products[0]]
        ([3.0, 12.0], [6.0, 12.0])
    """
    return jvp(grad(fn, tuple(range(len(primals))), has_aux, allow_int=True), primals, tangents, has_aux)


Slopes = tuple[list[list[Any]], _calls.Returned, list[Any], list[Any]]
"""For each result the derivative by each leaf; what was returned; outputs and auxiliary outputs."""


def _jacobian(
    name: str,
    find: Callable[[_calls.Call], Slopes],
    fn: Callable[..., Any],
    argnums: Any,
    has_aux: bool,
    holomorphic: bool,
    wrt: Any,
    allow_int: bool = False,
) -> Callable[..., Any]:
    choice = choose(name, fn, argnums, wrt, allow_int, holomorphic)
    watch = _lift.StateWatch(choice.target.name)

    def slopes(*args: Any, **kwargs: Any) -> Any:
        call = _calls.Call(choice, watch, args, kwargs, has_aux)
        _check_real(call)
        table, returned, outputs, extra_outputs = find(call)
        _, aux = call.finish(returned, outputs, extra_outputs)
        found = walk.unflatten(returned.structure, [call.selection.tree(row) for row in table])
        return (found, aux) if has_aux else found

    return named(name, slopes, choice.target)


def _columns(call: _calls.Call) -> Slopes:
    split, leaves, chosen = call.split()
    inputs = [_spec(call, leaves[i]) for i in chosen]
    cell: list[Any] = []

    def column(*tangents: Any) -> Any:
        outputs, aux, returned, slopes = call.engine.autodiff.jvp(split, leaves, chosen, list(tangents))
        _check_all(call, returned)
        cell[:] = [returned]
        return (outputs, aux), slopes

    (outputs, aux), slopes = vmap(column, out_axes=(None, 0))(*_basis(call, inputs))
    starts = _starts(inputs)
    table = [
        [
            unp.reshape(unp.moveaxis(found[start:stop], 0, -1), (*found.shape[1:], *shape))
            for (start, stop), (shape, _) in zip(starts, inputs, strict=True)
        ]
        for found in slopes
    ]
    return table, cell[0], outputs, aux


def _rows(call: _calls.Call) -> Slopes:
    split, leaves, chosen = call.split()
    outputs, aux, returned, pull = call.engine.autodiff.vjp(split, leaves, chosen)
    _check_all(call, returned)
    rows = vmap(lambda *cotangents: pull(list(cotangents)))(*_basis(call, returned.arrays))
    rows = [unp.conj(row) if call.choice.holomorphic else row for row in rows]
    table = [
        [unp.reshape(row[start:stop], (*shape, *row.shape[1:])) for row in rows]
        for (start, stop), (shape, _) in zip(_starts(returned.arrays), returned.arrays, strict=True)
    ]
    return table, returned, outputs, aux


def _basis(call: _calls.Call, specs: Sequence[Spec]) -> list[Any]:
    """The unit vectors of all these arrays together, stacked."""
    total, name = sum(math.prod(shape) for shape, _ in specs), call.engine.name
    device = next(call.engine.arrays.device_name(call.selection.leaves[i]) for i in call.selection.which)
    return [
        unp.reshape(
            unp.eye(total, math.prod(shape), k=-start, dtype=dtype, device=device, backend=name), (total, *shape)
        )
        for (start, _), (shape, dtype) in zip(_starts(specs), specs, strict=True)
    ]


def _starts(specs: Sequence[Spec]) -> list[tuple[int, int]]:
    """The first place and the one behind the last that each array has in the basis."""
    sizes = [math.prod(shape) for shape, _ in specs]
    return [(sum(sizes[:i]), sum(sizes[: i + 1])) for i in range(len(sizes))]


def _spec(call: _calls.Call, leaf: Any) -> Spec:
    return tuple(leaf.shape), call.engine.arrays.dtype_name(leaf)


def _check_real(call: _calls.Call) -> None:
    for index in call.selection.which:
        if not call.choice.holomorphic and _spec(call, call.selection.leaves[index])[1].startswith("complex"):
            raise _complex(call, f"complex arguments, at {_lift.place(call.selection.structure.slots[index].path)}")


def _check_all(call: _calls.Call, returned: _calls.Returned) -> None:
    if None in returned.specs:
        raise DTypeError(
            f"{call.choice.of} needs results that are floating-point arrays, all of them.",
            got=f"{returned.specs.count(None)} other leaves",
            fix="return the others beside them, with has_aux=True",
        )
    if call.choice.name == "jacrev" and not call.choice.holomorphic and _has_complex(returned):
        raise _complex(call, "complex results")


def _has_complex(returned: _calls.Returned) -> bool:
    return any(dtype.startswith("complex") for _, dtype in returned.arrays)


def _complex(call: _calls.Call, got: str) -> DTypeError:
    return DTypeError(
        f"{call.choice.of} is for real numbers without holomorphic=True.",
        got=got,
        expected="real arrays",
        fix="pass holomorphic=True if the function has a complex derivative, else split real and imaginary parts",
    )
