"""JAX: facts."""

NAME = "jax"
