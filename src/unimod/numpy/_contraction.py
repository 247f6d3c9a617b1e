"""The order in which an einsum of many operands is computed: pairs, one after the other."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from unimod.errors import OptionError

Path = Sequence[Sequence[int]]
Step = tuple[tuple[int, ...], str]
"""The places of the operands that are contracted, and how; the result is put behind those that are left."""


def steps(subscripts: str, shapes: tuple[tuple[int, ...], ...], optimize: bool | str | Path) -> tuple[Step, ...]:
    """The contractions that make up one of many operands.

    Args:
        subscripts: without an ellipsis.
        shapes: of the operands.
        optimize: True, ``"greedy"``, ``"optimal"``, or the places for each step.

    Raises:
        OptionError: ``optimize`` is none of these.

    Example:
        >>> from unimod.numpy._contraction import steps
        >>> steps("ij,jk,kl->il", ((2, 9), (9, 9), (9, 1)), True)
        (((1, 2), 'jk,kl->jl'), ((0, 1), 'ij,jl->il'))
    """
    if not isinstance(optimize, (bool, str)):
        return _steps(subscripts, tuple(tuple(places) for places in optimize))
    how = "greedy" if optimize is True else optimize
    if how not in ("greedy", "optimal"):
        known = "a bool, 'greedy', 'optimal' or a list of places"
        raise OptionError("einsum does not know this order.", got=f"optimize={optimize!r}", expected=known)
    return _planned(subscripts, shapes, how)


@functools.lru_cache(maxsize=1024)
def _planned(subscripts: str, shapes: tuple[tuple[int, ...], ...], how: str) -> tuple[Step, ...]:
    stand_ins = [np.broadcast_to(np.float32(0), shape) for shape in shapes]
    path = np.einsum_path(subscripts, *stand_ins, optimize=how)[0][1:]
    return _steps(subscripts, tuple(tuple(places) for places in path))


def _steps(subscripts: str, path: tuple[tuple[int, ...], ...]) -> tuple[Step, ...]:
    terms, result = _terms(subscripts)
    found: list[Step] = []
    for number, places in enumerate(path):
        used = [terms[place] for place in places]
        terms = [term for place, term in enumerate(terms) if place not in places]
        is_last = number == len(path) - 1
        made = result if is_last else _kept("".join(used), "".join([*terms, result]))
        found.append((tuple(places), f"{','.join(used)}->{made}"))
        terms.append(made)
    if len(terms) != 1:
        raise OptionError("The order of an einsum must end with one array.", got=f"optimize={list(path)}")
    return tuple(found)


def _terms(subscripts: str) -> tuple[list[str], str]:
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    once = "".join(sorted(letter for letter in set(left) - {","} if left.count(letter) == 1))
    return left.split(","), right if arrow else once


def _kept(letters: str, needed: str) -> str:
    return "".join(letter for letter in dict.fromkeys(letters) if letter in needed)
