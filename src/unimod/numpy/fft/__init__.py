"""Discrete Fourier transforms, after the extension ``fft`` of the Array API standard.

Half precision and integers are computed in float32: float32 and complex64 give complex64, float64 and complex128
give complex128; inverse transforms of real numbers give float32 and float64.

Example:
    >>> import unimod.numpy as unp
    >>> unp.abs(unp.fft.fft([1.0, 0.0, 0.0, 0.0])).tolist()
    [1.0, 1.0, 1.0, 1.0]
"""

from unimod.numpy.fft.frequencies import fftfreq, fftshift, ifftshift, rfftfreq
from unimod.numpy.fft.full import fft, fft2, fftn, ifft, ifft2, ifftn
from unimod.numpy.fft.half import hfft, ihfft, irfft, irfft2, irfftn, rfft, rfft2, rfftn

__all__ = [
    "fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft", "rfft2", "irfft2", "rfftn", "irfftn", "hfft",
    "ihfft", "fftfreq", "rfftfreq", "fftshift", "ifftshift",
]  # fmt: skip
