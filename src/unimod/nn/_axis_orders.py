"""Dimension numbers: texts that name the axes of the input, the kernel and the output of a convolution."""

from __future__ import annotations

from collections.abc import Sequence

from unimod.errors import OptionError

Order = tuple[int, ...]


def axis_orders(dimension_numbers: Sequence[str]) -> tuple[Order, Order, Order]:
    """The permutations to ``N, spatial..., C`` and to ``spatial..., I, O``, and back to the order of the output.

    Raises:
        OptionError: the texts do not name the same axes.

    Example:
        >>> axis_orders(("HWCN", "OIHW", "NHWC"))
        ((3, 0, 1, 2), (2, 3, 1, 0), (0, 1, 2, 3))
    """
    given, kernel, out = texts(dimension_numbers)
    letters = spatial_letters(kernel)
    image = f"N{letters}C"
    return _order(given, image), _order(kernel, f"{letters}IO"), _order(image, out)


def texts(dimension_numbers: Sequence[str]) -> tuple[str, str, str]:
    """The three texts, in upper case, after a check of what they name."""
    names = tuple(str(text).upper() for text in dimension_numbers)
    if len(names) == 3:
        given, kernel, out = names
        letters = spatial_letters(kernel)
        wanted = sorted(f"N{letters}C"), sorted(f"{letters}IO"), sorted(f"N{letters}C")
        distinct = len(set(kernel)) == len(kernel) and not set(letters) & set("NC")
        if distinct and len(letters) in (1, 2, 3) and tuple(map(sorted, names)) == wanted:
            return given, kernel, out
    raise OptionError(
        "`dimension_numbers` do not name the axes of a convolution.",
        got=f"dimension_numbers = {tuple(dimension_numbers)!r}",
        expected="three texts: input and output of N, C and 1 to 3 spatial letters, the kernel of I, O and the same",
        fix='pass ("NHWC", "HWIO", "NHWC"), or another order of these letters',
    )


def spatial_letters(kernel: str) -> str:
    """The letters of the spatial axes, in the order of the kernel."""
    return "".join(letter for letter in kernel if letter not in "IO")


def _order(given: str, wanted: str) -> Order:
    return tuple(given.index(letter) for letter in wanted)
