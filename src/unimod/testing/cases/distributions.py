"""Random keys, distributions and initializers: the same numbers on every engine, within the stated bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unimod import random as rnd
from unimod.nn import initializers
from unimod.testing.bounds import EXACT, Bound
from unimod.testing.case import Case, Data

Fn = Callable[..., Any]

_NORMAL = Bound(ulp=4, why="the polynomial of the inverse error function is evaluated with and without fused steps")
_LOG = Bound(rtol=1e-6, atol=1e-6, why="logarithms of uniform numbers; near 0 an ulp is tiny")
_SHIFTED = Bound(ulp=1, why="u * (max - min) + min with and without a fused step")
_SCALED = Bound(ulp=6, why="a normal within 4 ulp, multiplied once or twice")
_FUSED = Bound(eps=4, why="a compiler fuses the steps, which moves what is near 0 by many ulp")


def _words(d: Data) -> tuple[Any, ...]:
    return (d.random.integers(0, 2**32, 2, dtype=np.uint32),)


def _keyed(fn: Fn) -> Fn:
    return lambda words, *rest: fn(rnd.wrap_key_data(words), *rest)


def _logits(d: Data) -> tuple[Any, ...]:
    return (*_words(d), d.array(4, 5))


def _values(d: Data) -> tuple[Any, ...]:
    return (*_words(d), d.array(6, 2))


def _numbers(count: int) -> Any:
    return np.arange(count, dtype=np.int32)


_SAMPLERS: dict[str, tuple[Fn, Bound]] = {
    "bits": (lambda key: rnd.bits(key, (5, 3)), EXACT),
    "bits[8]": (lambda key: rnd.bits(key, (9,), width=8), EXACT),
    "uniform": (lambda key: rnd.uniform(key, (5, 3)), EXACT),
    "uniform[bfloat16]": (lambda key: rnd.uniform(key, (9,), dtype="bfloat16"), EXACT),
    "uniform[range]": (lambda key: rnd.uniform(key, (99,), minval=-0.1, maxval=0.1), _SHIFTED),
    "normal": (lambda key: rnd.normal(key, (200,)), _NORMAL),
    "normal[bfloat16]": (lambda key: rnd.normal(key, (50,), dtype="bfloat16"), EXACT),
    "truncated_normal": (lambda key: rnd.truncated_normal(key, -1.5, 2.0, (200,)), _NORMAL),
    "bernoulli": (lambda key: rnd.bernoulli(key, 0.3, (7, 5)), EXACT),
    "randint": (lambda key: rnd.randint(key, (7, 5), -3, 12), EXACT),
    "gumbel": (lambda key: rnd.gumbel(key, (200,)), _LOG),
    "exponential": (lambda key: rnd.exponential(key, (200,)), _LOG),
    "permutation": (lambda key: rnd.permutation(key, 12), EXACT),
    "choice": (lambda key: rnd.choice(key, 9, (6,)), EXACT),
    "choice[once]": (lambda key: rnd.choice(key, 9, (6,), replace=False), EXACT),
    "split": (lambda key: rnd.split(key, 3), EXACT),
    "split[shape]": (lambda key: rnd.split(key, (2, 2)), EXACT),
    "fold_in": (lambda key: rnd.fold_in(key, 123456789), EXACT),
    "key_data": (rnd.key_data, EXACT),
    "wrap_key_data": (lambda key: rnd.wrap_key_data(rnd.key_data(key)), EXACT),
}
_OF_ARRAYS: dict[str, tuple[Fn, Callable[[Data], tuple[Any, ...]]]] = {
    "permutation[array]": (lambda key, x: rnd.permutation(key, x, axis=0), _values),
    "permutation[independent]": (lambda key, x: rnd.permutation(key, x, axis=1, independent=True), _values),
    "choice[array]": (lambda key, x: rnd.choice(key, x, (4,)), _values),
    "choice[p]": (lambda key, p: rnd.choice(key, 5, (9,), p=p), lambda d: (*_words(d), d.probabilities(5))),
    "categorical": (rnd.categorical, _logits),
    "bernoulli[array]": (rnd.bernoulli, lambda d: (*_words(d), d.probabilities(4, 3))),
    "fold_in[array]": (rnd.fold_in, lambda d: (*_words(d), d.ints(0, 99, 1)[0] + np.zeros((), np.int32))),
}


def _ambient() -> Any:
    """The keys of an ambient stream: of a block, and of the process-wide seed."""
    with rnd.rng(rnd.key(3)):
        inside = [rnd.next_key(), rnd.next_key()]
    return inside


def _seeded() -> Any:
    rnd.seed(7)
    try:
        return rnd.next_key() if rnd.is_seeded() else None
    finally:
        rnd.seed(None)


_INITIALIZERS: dict[str, tuple[Fn, Bound]] = {
    "zeros": (initializers.zeros(), EXACT),
    "ones": (initializers.ones(), EXACT),
    "constant": (initializers.constant(0.3), EXACT),
    "uniform": (initializers.uniform(0.2), _SHIFTED),
    "normal": (initializers.normal(0.2), _SCALED),
    "truncated_normal": (initializers.truncated_normal(0.2), _SCALED),
    "variance_scaling": (initializers.variance_scaling(2.0, "fan_avg", "uniform"), _SHIFTED),
    "lecun_uniform": (initializers.lecun_uniform(), _SHIFTED),
    "lecun_normal": (initializers.lecun_normal(), _SCALED),
    "glorot_uniform": (initializers.glorot_uniform(), _SHIFTED),
    "glorot_normal": (initializers.glorot_normal(), _SCALED),
    "kaiming_uniform": (initializers.kaiming_uniform(), _SHIFTED),
    "kaiming_normal": (initializers.kaiming_normal(), _SCALED),
    "xavier_uniform": (initializers.xavier_uniform(), _SHIFTED),
    "xavier_normal": (initializers.xavier_normal(), _SCALED),
    "he_uniform": (initializers.he_uniform(), _SHIFTED),
    "he_normal": (initializers.he_normal(), _SCALED),
}


def _jitted(bound: Bound) -> Bound:
    return bound if bound is EXACT else _FUSED


def _host(name: str, fn: Fn) -> Case:
    return Case(f"random.{name}", fn, lambda d: (), bound=EXACT, jit=False, vmap=False, widen=False)


CASES = (
    *(
        Case(f"random.{name}", _keyed(fn), _words, bound=bound, jit_bound=_jitted(bound), widen=False)
        for name, (fn, bound) in _SAMPLERS.items()
    ),
    *(
        Case(f"random.{name}", _keyed(fn), inputs, bound=EXACT, widen=False)
        for name, (fn, inputs) in _OF_ARRAYS.items()
    ),
    *(
        Case(
            f"nn.initializers.{name}",
            _keyed(lambda key, fn=fn: fn(key, (4, 6), "float32")),
            _words,
            bound=bound,
            jit_bound=_jitted(bound),
            widen=False,
        )
        for name, (fn, bound) in _INITIALIZERS.items()
    ),
    _host("key", lambda: rnd.key(2**40 + 17)),
    _host("rng", _ambient),
    _host("next_key", _ambient),
    _host("seed", _seeded),
    _host("is_seeded", _seeded),
)
