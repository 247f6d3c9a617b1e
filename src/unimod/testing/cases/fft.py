"""Discrete Fourier transforms, against those of NumPy in float64, which also pads, crops and scales by itself.

Complex numbers go in and come out as their real and imaginary parts, so that derivatives are compared too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import WIDE, Case, Data

Fn = Callable[..., Any]

_SUMS = Bound(eps=24, why="sums of up to 60 products, in another order on each engine")
_SLOPES = Bound(eps=48, why="sums of up to 60 products, there and back")
_SOME = ("float32", "float64", "bfloat16", "int32", "bool")
_HALF = (*WIDE, "bfloat16")


def _parts(z: Any) -> Any:
    return unp.real(z), unp.imag(z)


def _host_parts(z: Any) -> Any:
    return np.real(z), np.imag(z)


def _wide(x: Any) -> Any:
    """What NumPy transforms in float32: half precision and integers too."""
    return x if x.dtype.name in ("float32", "float64", "complex64", "complex128") else x.astype(np.float32)


def _row(name: str, fn: Fn, reference: Fn, inputs: Callable[[Data], Any], **options: Any) -> Case:
    settings = {"bound": _SUMS, "gradient_bound": _SLOPES, **options}
    return Case(f"numpy.fft.{name}", fn, inputs, reference=reference, **settings)


def _of_real(label: str, dtypes: tuple[str, ...] = WIDE, **options: Any) -> Case:
    """Real numbers to complex ones."""
    name = label.partition("[")[0]
    return _row(
        label,
        lambda x: _parts(getattr(unp.fft, name)(x, **options)),
        lambda x: _host_parts(getattr(np.fft, name)(_wide(x), **options)),
        lambda d: (d.array(3, 4, 5),),
        dtypes=dtypes,
        wrt=(0,),
    )


def _of_complex(label: str, **options: Any) -> Case:
    """Complex numbers to complex ones."""
    name = label.partition("[")[0]
    return _row(
        label,
        lambda x, y: _parts(getattr(unp.fft, name)(unp.add(x, unp.multiply(y, 1j)), **options)),
        lambda x, y: _host_parts(getattr(np.fft, name)(_wide(x) + 1j * _wide(y), **options)),
        lambda d: (d.array(3, 4, 5), d.array(3, 4, 5)),
        dtypes=WIDE,
        wrt=(0, 1),
    )


def _to_real(label: str, dtypes: tuple[str, ...] = WIDE, **options: Any) -> Case:
    """Complex numbers, which need not be half of a transform of real ones, to real ones."""
    name = label.partition("[")[0]
    return _row(
        label,
        lambda x, y: getattr(unp.fft, name)(unp.add(x, unp.multiply(y, 1j)), **options),
        lambda x, y: getattr(np.fft, name)(_wide(x) + 1j * _wide(y), **options),
        lambda d: (d.array(3, 4, 5), d.array(3, 4, 5)),
        dtypes=dtypes,
        wrt=(0, 1),
    )


def _directly(name: str) -> Case:
    """A complex array as it is."""
    return _row(
        f"{name}[complex]",
        getattr(unp.fft, name),
        getattr(np.fft, name),
        lambda d: (d.array(2, 6),),
        dtypes=("complex64",),
    )


def _full() -> list[Case]:
    return [
        *(_of_real(name, _SOME) for name in ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn")),
        *(_directly(name) for name in ("fft", "ifftn", "irfft", "hfft")),
        _of_complex("fft[cut]", n=3, axis=1, norm="ortho"),
        _of_complex("ifft[padded]", n=9, axis=0, norm="forward"),
        _of_complex("fftn[sizes]", s=(5, 3), axes=(0, -2), norm="ortho"),
        _of_complex("ifftn[axes]", axes=(-1, 0), norm="forward"),
        _of_complex("fftn[repeated axis]", s=(5, 3, 2), axes=(0, 1, 0)),
        _of_complex("ifft2[sizes]", s=(2, 7)),
        _of_complex("fft2[axes]", axes=(0, 1), norm="forward"),
    ]


def _half() -> list[Case]:
    return [
        *(_of_real(name, _SOME) for name in ("rfft", "rfft2", "rfftn", "ihfft")),
        *(_to_real(name, _HALF) for name in ("irfft", "irfft2", "irfftn", "hfft")),
        _of_real("rfft[cut]", n=3, axis=1, norm="ortho"),
        _of_real("rfft[padded]", n=8, axis=0, norm="forward"),
        _of_real("rfftn[sizes]", s=(5, 3), axes=(-1, 0), norm="ortho"),
        _of_real("rfftn[repeated axis]", s=(3, 5, 4), axes=(1, 0, 1)),
        _of_real("rfft2[forward]", axes=(0, 1), norm="forward"),
        _of_real("ihfft[ortho]", n=6, norm="ortho"),
        _of_real("ihfft[forward]", axis=0, norm="forward"),
        _to_real("irfft[odd]", n=7),
        _to_real("irfft[cut]", n=4, axis=1, norm="ortho"),
        _to_real("irfft[one]", n=1),
        _to_real("irfftn[sizes]", s=(5, 7), axes=(2, 0), norm="forward"),
        _to_real("irfftn[repeated axis]", s=(3, 5, 4), axes=(1, 0, 1)),
        _to_real("irfft2[axes]", axes=(0, 1), norm="ortho"),
        _to_real("hfft[odd]", n=7, norm="ortho"),
        _to_real("hfft[forward]", axis=0, norm="forward"),
    ]


def _frequencies() -> list[Case]:
    return [_made(name, label, options) for name in ("fftfreq", "rfftfreq") for label, options in _SAMPLES.items()]


_SAMPLES: dict[str, tuple[int, float, str]] = {
    "": (6, 0.3, "float32"),
    "[odd]": (7, 1.0, "float32"),
    "[half]": (7, 0.5, "float16"),
}
"""How many samples, at which distance, and the dtype."""


def _made(name: str, label: str, options: tuple[int, float, str]) -> Case:
    n, d, dtype = options
    return _row(
        f"{name}{label}",
        lambda x: getattr(unp.fft, name)(n, d=d, dtype=dtype),
        lambda x: getattr(np.fft, name)(n, d).astype(dtype),
        lambda d: (d.array(2),),
        vmap=False,
        widen=False,
        bound=EXACT,
    )


def _shifts() -> list[Case]:
    dtypes = ("float32", "bfloat16", "int32", "bool", "complex64")
    return [
        _row(
            f"{name}[{label}]" if label else name,
            lambda x, name=name, options=options: getattr(unp.fft, name)(x, **options),
            lambda x, name=name, options=options: getattr(np.fft, name)(x, **options),
            lambda d: (d.array(3, 4, 5),),
            dtypes=dtypes,
            wrt=(0,),
            bound=EXACT,
        )
        for name in ("fftshift", "ifftshift")
        for label, options in (("", {}), ("axis", {"axes": 0}), ("axes", {"axes": (-1, 1)}))
    ]


CASES = (*_full(), *_half(), *_frequencies(), *_shifts())
