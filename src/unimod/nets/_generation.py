"""Tokens one after the other: what is chosen, and what may be asked for."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import random
from unimod.config import describe_value
from unimod.errors import OptionError, ShapeError
from unimod.nn import _checks
from unimod.numpy._dispatch import unary

Array = Any


def chosen(scores: Array, temperature: float, top_k: int | None, key: random.Key | None) -> Array:
    """One token for each row of scores, ``(..., num_tokens)``: int32 ``(...)``.

    The likeliest one at temperature 0, else drawn with the probabilities ``softmax(scores / temperature)``, of the
    ``top_k`` likeliest if that is given.
    """
    if temperature == 0 or key is None:
        return unp.argmax(scores, axis=-1)
    scores = unp.divide(unp.astype(scores, "float32"), temperature)
    if top_k is not None:
        least = unp.top_k(scores, top_k)[0][..., -1:]
        scores = unp.where(unp.less(scores, least), -unp.inf, scores)
    return random.categorical(key, scores)


def check(
    tokens: Array,
    steps: int,
    *,
    temperature: float,
    top_k: int | None,
    key: random.Key | None,
    num_tokens: int,
    max_length: int | None,
) -> None:
    """All checks of the arguments of ``generate``.

    Raises:
        ShapeError: there are no tokens to go on from, or more than there are positions for.
        DTypeError: the tokens are not integers.
        OptionError: an option has a wrong value.
    """
    engine, tokens = unary(tokens)
    _checks.integers("generate", "tokens", engine, tokens)
    if not tokens.shape or tokens.shape[-1] == 0:
        raise ShapeError(
            "generate needs tokens to go on from.",
            got=f"tokens = {describe_value(tokens)}",
            expected="(..., T) with T of 1 or more",
            fix="begin with a token that stands for the beginning",
        )
    if max_length is not None and tokens.shape[-1] + steps > max_length:
        raise ShapeError(
            "generate cannot give more tokens than there are positions.",
            got=f"{tokens.shape[-1]} tokens and {steps} steps",
            expected=f"at most {max_length} in all",
            fix=f"ask for fewer steps, or build it with max_length={tokens.shape[-1] + steps} or more",
        )
    _check_draw(temperature, top_k, key, num_tokens)


def _check_draw(temperature: float, top_k: int | None, key: random.Key | None, num_tokens: int) -> None:
    if not temperature >= 0:
        raise OptionError(
            "The temperature of generate is negative.",
            got=f"temperature = {temperature!r}",
            expected="temperature >= 0",
            fix="pass temperature=0.0 for the likeliest tokens",
        )
    if top_k is not None and not 1 <= top_k <= num_tokens:
        raise OptionError(
            "generate cannot choose among so many tokens.",
            got=f"top_k = {top_k!r}",
            expected=f"1 <= top_k <= {num_tokens}",
            fix="leave `top_k` out to choose among all",
        )
    if temperature > 0 and key is None:
        raise OptionError(
            "generate needs a key to draw tokens.",
            got=f"temperature = {temperature!r}, key = None",
            expected="a key, or temperature = 0",
            fix="pass key=um.random.key(0), or temperature=0.0 for the likeliest tokens",
        )
