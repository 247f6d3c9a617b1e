"""JAX: random."""
