"""What all transforms share: which axes, of which sizes, in which steps.

An engine transforms distinct axes as they are. Sizes, repeated axes and the halves of real transforms over several
axes are settled here, so that they are the same on every engine.
"""

from __future__ import annotations

from collections.abc import Sequence

from unimod.backends._promotion import promote
from unimod.backends._protocol import Array, Engine
from unimod.config import short
from unimod.dtypes import DType
from unimod.errors import DTypeError, OptionError, ShapeError
from unimod.numpy import _explain as explain
from unimod.numpy._dispatch import unary
from unimod.numpy._options import axes_of

Sizes = Sequence[int] | None
Axes = Sequence[int] | None
Steps = tuple[tuple[int, int], ...]
"""Axes, none of them negative, each with the number of elements to transform."""

OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
_KNOWN = frozenset({"float32", "float64", "complex64", "complex128"})


def begin(name: str, x: Array, norm: str, *, is_real: bool = False) -> tuple[Engine, Array]:
    """The engine of ``x``, and ``x`` in a dtype that it transforms: float32 for integers and half precision."""
    if norm not in OPPOSITE:
        raise OptionError(f"{name} does not know this norm.", got=repr(norm), expected=f"one of {', '.join(OPPOSITE)}")
    engine, x = unary(x)
    dtype = engine.arrays.dtype_name(x)
    if is_real and DType(dtype).kind == "complex":
        raise DTypeError(f"{name} transforms real numbers.", got=short(x), fix="use fft, or the real part of x")
    return engine, x if dtype in _KNOWN else engine.arrays.astype(x, "float32")


def steps(name: str, x: Array, s: Sizes, axes: Axes, *, is_half: bool = False) -> Steps:
    """The axes to transform with their sizes; the last axis of half a transform stands for about twice as many.

    Raises:
        ShapeError: there is no such axis, there are not as many sizes as axes, or a size is less than 1.
    """
    shape = tuple(x.shape)
    chosen = _chosen(len(shape), s, axes)
    places = axes_of(chosen, len(shape))
    if not all(0 <= place < len(shape) for place in places):
        raise explain.axis(IndexError(chosen), name, x, tuple(chosen))
    whole = [shape[place] for place in places]
    if is_half:
        whole[-1:] = [2 * (size - 1) for size in whole[-1:]]
    sizes = whole if s is None else [whole[i] if size == -1 and i < len(whole) else size for i, size in enumerate(s)]
    if len(sizes) != len(places) or any(size < 1 for size in sizes):
        raise ShapeError(
            f"{name} transforms at least one element along each axis.",
            got=f"sizes {tuple(sizes)} for the axes {tuple(chosen)} of {short(x)}",
            expected="one size, of at least 1, for each axis",
            fix="pass other sizes, or leave these axes out",
        )
    return tuple(zip(places, sizes, strict=True))


def _chosen(rank: int, s: Sizes, axes: Axes) -> Sequence[int]:
    if axes is not None:
        return axes
    return range(rank) if s is None else range(-len(s), 0)


def some(name: str, found: Steps, x: Array) -> Steps:
    """The steps, of which a real transform needs one at least."""
    if found:
        return found
    raise ShapeError(f"{name} needs an axis to transform.", got=short(x), expected="at least one axis")


def resized(engine: Engine, x: Array, wanted: Steps) -> Array:
    """``x`` cut, or filled up with zeros, at the ends of these axes."""
    sizes = list(x.shape)
    for place, size in wanted:
        sizes[place] = size
    if sizes == list(x.shape):
        return x
    x = x[tuple(slice(size) for size in sizes)]
    return engine.arrays.pad(x, tuple((0, size - had) for size, had in zip(sizes, x.shape, strict=True)))


def over(engine: Engine, x: Array, wanted: Steps, norm: str, *, is_inverse: bool) -> Array:
    """The complex transform over these axes; an axis that is named twice is transformed twice, the last one first."""
    transform = engine.fft.ifftn if is_inverse else engine.fft.fftn
    if len(dict(wanted)) == len(wanted):
        return transform(resized(engine, x, wanted), tuple(dict(wanted)), norm) if wanted else x
    for step in reversed(wanted):
        x = transform(resized(engine, x, (step,)), (step[0],), norm)
    return x


def full(name: str, x: Array, s: Sizes = None, axes: Axes = None, norm: str = "backward", *, is_inverse: bool) -> Array:
    """The complex transform."""
    engine, x = begin(name, x, norm)
    wanted = steps(name, x, s, axes)
    if wanted:
        return over(engine, x, wanted, norm, is_inverse=is_inverse)
    return engine.arrays.astype(x, promote(engine.arrays.dtype_name(x), "complex64"))


def halved(name: str, x: Array, s: Sizes, axes: Axes, norm: str) -> Array:
    """The transform of real numbers: half of it along the last axis, all of it along the others."""
    engine, x = begin(name, x, norm, is_real=True)
    *others, last = some(name, steps(name, x, s, axes), x)
    x = engine.fft.rfft(resized(engine, x, (last,)), last[0], norm)
    return over(engine, x, tuple(others), norm, is_inverse=False)


def unhalved(name: str, x: Array, s: Sizes, axes: Axes, norm: str) -> Array:
    """The real numbers of which ``x`` is half a transform along the last axis.

    The last axis comes last, because the transforms of the frameworks over several axes at once differ where the
    half does not belong to real numbers.
    """
    engine, x = begin(name, x, norm)
    *others, (place, size) = some(name, steps(name, x, s, axes, is_half=True), x)
    x = over(engine, x, tuple(reversed(others)), norm, is_inverse=True)
    return engine.fft.irfft(resized(engine, x, ((place, size // 2 + 1),)), size, place, norm)
