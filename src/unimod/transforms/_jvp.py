"""``jvp`` and ``linearize``: products of the derivative of a function with tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unimod import config
from unimod.errors import OptionError
from unimod.transforms import _calls, _lift
from unimod.transforms._matching import Match
from unimod.transforms._selection import choose, everything
from unimod.transforms._vjp import with_owner


def jvp(
    fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    r"""The result of ``fn(*primals)`` and its derivative along the tangents, :math:`J t`, in forward mode.

    Args:
        fn: returns a tree with floating-point arrays.
        primals: a tuple of trees.
        tangents: a tuple of trees like the primals, with the same shapes and dtypes. A leaf with ``Nothing`` is held
            constant, so that what ``grad`` returns for a module is a tangent of the module.
        has_aux: whether ``fn`` returns a pair of which the second is not differentiated.

    Returns:
        ``(out, tangent)``, and with ``has_aux`` ``(out, tangent, aux)``; the tangent is a tree like ``out`` with
        ``Nothing`` for leaves that are not floating-point.

    Raises:
        TreeError: the tangents have another structure; the message names the path.
        ShapeError: a tangent has another shape.
        DTypeError: it has another dtype, or belongs to what is not floating-point.
        CapabilityError: a function with a ``custom_vjp`` is in the way.

    Example:
        >>> import unimod as um
        >>> out, slope = um.jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.5))
        >>> float(out), float(slope)
        (12.0, 5.5)
    """
    choice = everything("jvp", fn)
    primals, tangents = _tuples(choice.target.name, primals, tangents)
    args = with_owner(choice.target, primals)
    call = _calls.Call(choice, _lift.StateWatch(choice.target.name), args, {}, has_aux)
    which, moved = _tangents(call, call.selection.places, tangents)
    split, leaves, chosen = call.split(which)
    outputs, extra_outputs, returned, slopes = call.engine.autodiff.jvp(split, leaves, chosen, moved)
    out, aux = call.finish(returned, outputs, extra_outputs)
    slope = returned.tree(slopes)
    return (out, slope, aux) if has_aux else (out, slope)


def linearize(fn: Callable[..., Any], *primals: Any, has_aux: bool = False, wrt: Any = None) -> tuple[Any, ...]:
    r"""The result of ``fn(*primals)``, and the linear function of tangents that is its derivative there.

    That function pushes tangents forward as :func:`jvp` does, without running ``fn`` again.

    Args:
        fn: returns a tree with floating-point arrays.
        primals: trees. Of modules the trainable parameters are differentiated, elsewhere all floating-point leaves.
        has_aux: whether ``fn`` returns a pair of which the second is not differentiated.
        wrt: which leaves of module arguments; as in :func:`value_and_grad`.

    Returns:
        ``(out, push)``, and with ``has_aux`` ``(out, push, aux)``. ``push(*tangents)`` takes one tree for each of the
        primals, with ``Nothing`` for zeros, and gives a tree like ``out``.

    Raises:
        TreeError: tangents have another structure; the message names the path.
        ShapeError: a tangent has another shape.
        DTypeError: a tangent has another dtype, or belongs to what is not differentiated.
        CapabilityError: a function with a ``custom_vjp`` is in the way.

    Example:
        >>> import unimod as um
        >>> out, push = um.linearize(lambda x: x**3, 2.0)
        >>> float(out), float(push(1.0)), float(push(0.5))
        (8.0, 12.0, 6.0)
    """
    choice = choose("linearize", fn, None, wrt, allow_int=True)
    args = with_owner(choice.target, primals)
    call = _calls.Call(choice, _lift.StateWatch(choice.target.name), args, {}, has_aux)
    outputs, extra_outputs, returned, push = call.engine.autodiff.linearize(*call.split())
    out, aux = call.finish(returned, outputs, extra_outputs)
    places = call.selection.places

    def pushed(*tangents: Any) -> Any:
        _tuples(choice.target.name, places, tangents)
        which, moved = _tangents(call, places, tangents)
        found = dict(zip(which, moved, strict=True))
        zeros = call.engine.arrays.zeros_like
        leaves = call.selection.leaves
        return returned.tree(push([found[i] if i in found else zeros(leaves[i]) for i in call.selection.which]))

    return (out, pushed, aux) if has_aux else (out, pushed)


def _tuples(name: str, primals: Any, tangents: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Both as tuples of one length."""
    for what, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, (tuple, list)):
            raise OptionError(
                f"The {what} of {name} are to be a tuple, with one tree for each argument.",
                got=config.describe_value(value),
                fix=f"write ({what[:-1]},)",
            )
    if len(primals) != len(tangents):
        raise OptionError(
            f"There is not one tangent for each argument of {name}.",
            got=f"{len(tangents)} tangents",
            expected=f"{len(primals)} tangents",
        )
    return tuple(primals), tuple(tangents)


def _tangents(call: _calls.Call, places: Sequence[int], tangents: tuple[Any, ...]) -> tuple[list[int], list[Any]]:
    """The leaves that have tangents, as indices of the leaves of the call, and the tangents."""
    which, moved = [], []
    for number, (place, tangent) in enumerate(zip(places, tangents, strict=True)):
        match = Match("The tangent", f"the argument of {call.choice.target.name}", f"tangents[{number}]")
        for index, value in _of_argument(call, place, match, tangent):
            which.append(index)
            moved.append(value)
    return which, moved


def _of_argument(call: _calls.Call, place: int, match: Match, tangent: Any) -> list[tuple[int, Any]]:
    structure, start = call.selection.argument(place), call.selection.offsets[place]
    given = match.leaves(structure, tangent)
    for index, value in enumerate(given):
        if value is not None and start + index not in call.selection.which:
            raise _calls.no_slope(match, structure, index, value)
    leaves = call.selection.leaves[start : start + len(given)]
    values = match.arrays(call.engine, leaves, structure, given)
    return [(start + index, value) for index, value in enumerate(values) if value is not None]
