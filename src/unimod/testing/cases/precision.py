"""Layers under a policy: near themselves in full precision, with results and derivatives in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import nn
from unimod.core.module import Module
from unimod.precision import Policy, apply_policy, unwrap_policy
from unimod.testing.bounds import Bound
from unimod.testing.case import Case, Data

Inputs = Callable[[Data], tuple[Any, ...]]

_BFLOAT = "params=float32,compute=bfloat16,output=float32"
_FLOAT = "params=float32,compute=float16,output=float32"
_ONCE = Bound(rtol=2.0**-8, why="one rounding to bfloat16")
_HALF = Bound(rtol=2.0**-5, atol=2.0**-5, why="inputs, parameters and results are rounded to bfloat16")
_SLOPES = Bound(rtol=2.0**-4, atol=2.0**-4, why="derivatives of sums that are rounded to half precision")


def _layer(layer: Callable[[], Module], policy: str, skip: Any) -> Callable[[], Module]:
    return lambda: apply_policy(layer().init(0, backend="numpy"), policy, skip=skip)


def _unwrapped(model: Any, *inputs: Any) -> Any:
    """The same call in the precision of the parameters, with the states that it leaves."""
    plain = unwrap_policy(model)
    result = plain(*inputs)
    model.load_state_dict(plain.state_dict(), inplace=True)
    return result


def _vectors(d: Data) -> tuple[Any, ...]:
    return (d.array(4, 3),)


def _there_and_back(x: Any) -> Any:
    policy = Policy(_BFLOAT)
    return policy.cast_to_output(policy.cast_to_compute(x))


def _network() -> Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm(2), nn.tanh, nn.Linear(2, 2))


_LAYERS: dict[str, tuple[Callable[[], Module], Inputs]] = {
    "": (_layer(lambda: nn.Linear(3, 2), _BFLOAT, None), _vectors),
    "[Conv]": (_layer(lambda: nn.Conv(2, 3, 2), _FLOAT, None), lambda d: (d.array(2, 3, 3, 2),)),
    "[BatchNorm]": (_layer(lambda: nn.BatchNorm(3), _BFLOAT, None), _vectors),
    "[attention]": (_layer(lambda: nn.MultiHeadAttention(2, 4), _BFLOAT, None), lambda d: (d.array(2, 3, 4),)),
    "[skip]": (_layer(_network, _BFLOAT, nn.BatchNorm), _vectors),
}

CASES = (
    Case(
        "precision.Policy",
        _there_and_back,
        _vectors,
        wrt=(0,),
        reference=lambda x: x,
        bound=_ONCE,
        gradient_bound=_ONCE,
    ),
    *(
        Case(
            f"precision.apply_policy{name}",
            None,
            inputs,
            module=module,
            reference=_unwrapped,
            wrt=(0,),
            bound=_HALF,
            gradient_bound=_SLOPES,
        )
        for name, (module, inputs) in _LAYERS.items()
    ),
)
