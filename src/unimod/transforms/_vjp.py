"""``vjp``: products of cotangents with the derivative of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.transforms import _calls, _lift
from unimod.transforms._matching import Match
from unimod.transforms._selection import choose


def vjp(fn: Callable[..., Any], *primals: Any, has_aux: bool = False, wrt: Any = None) -> tuple[Any, ...]:
    r"""The result of ``fn(*primals)``, and the function that takes cotangents of it to cotangents of the arguments.

    For a cotangent :math:`c` that is :math:`J^H c`, with the Jacobian :math:`J` and, for complex numbers, its
    conjugate transpose: the real part of ``vdot(c, jvp(t))`` is that of ``vdot(vjp(c), t)`` for every tangent ``t``.

    Args:
        fn: returns a tree with floating-point arrays.
        primals: trees. Of modules the trainable parameters are differentiated, elsewhere all floating-point leaves.
        has_aux: whether ``fn`` returns a pair of which the second is not differentiated.
        wrt: which leaves of module arguments; as in :func:`value_and_grad`.

    Returns:
        ``(out, pull)``, and with ``has_aux`` ``(out, pull, aux)``. ``pull(cotangent)`` takes a tree like ``out``, with
        ``Nothing`` for a leaf that is not floating-point (and for zeros), and gives a tuple of one tree for each of
        the primals, with ``Nothing`` where a leaf was not differentiated. It may be called again, mapped and
        differentiated.

    Raises:
        DTypeError: nothing that ``fn`` returns is floating-point; or a cotangent has another dtype.
        ShapeError: a cotangent has another shape.
        TreeError: it has another structure; the message names the path.

    Example:
        >>> import unimod as um
        >>> out, pull = um.vjp(lambda x, y: {"product": x * y}, 3.0, 4.0)
        >>> float(out["product"]), [float(slope) for slope in pull({"product": 2.0})]
        (12.0, [8.0, 6.0])

    Differences:
        JAX (``jax.vjp``) has the conjugates of these cotangents for complex arrays, and asks for zeros of the dtype
        ``float0`` in place of ``Nothing``.
    """
    choice = choose("vjp", fn, None, wrt, allow_int=True)
    call = _calls.Call(choice, _lift.StateWatch(choice.target.name), with_owner(choice.target, primals), {}, has_aux)
    outputs, extra_outputs, returned, pull = call.engine.autodiff.vjp(*call.split())
    out, aux = call.finish(returned, outputs, extra_outputs)
    match = Match("The cotangent", f"the result of {choice.target.name}", "cotangent")

    def pulled(cotangent: Any) -> Any:
        return call.selection.tree(pull(_calls.matched(match, call, returned, outputs, cotangent)))

    return (out, pulled, aux) if has_aux else (out, pulled)


def with_owner(target: _lift.Target, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of a function that takes the module of a bound method first."""
    return args if target.owner is None else (target.owner, *args)
