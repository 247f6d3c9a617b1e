"""The private names of JAX that the engine uses, checked with jax 0.10.2, each with a public fallback."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

try:
    from jax._src.core import trace_state_clean as trace_state_clean
except ImportError:

    def trace_state_clean() -> bool:
        """Whether no trace is under way, seen from a constant: under a trace it becomes a tracer."""
        probe: Any = jnp.add(0, 0)
        return not isinstance(probe, jax.core.Tracer)
