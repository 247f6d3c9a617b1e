"""JAX: the identity, without a derivative in reverse mode.

It stands behind a loop, so that the error is one of ours and says which loop it is. Checked with jax 0.10.2.
"""

from __future__ import annotations

from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from unimod.backends._reverse import unknown_steps

_primitive: Any = Primitive("forward_only")


def forward_only(x: jax.Array) -> jax.Array:
    """``x``."""
    result: jax.Array = _primitive.bind(x)
    return result


def _refuse(cotangent: Any, x: Any) -> Any:
    raise unknown_steps()


_primitive.def_impl(lambda x: x)
_primitive.def_abstract_eval(lambda x: x)
_linear: Any = ad.deflinear2
_linear(_primitive, _refuse)
_vectorized: Any = batching.defvectorized
_vectorized(_primitive)
mlir.register_lowering(_primitive, lambda ctx, x: [x])
