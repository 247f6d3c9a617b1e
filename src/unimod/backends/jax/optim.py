"""JAX: optim."""
