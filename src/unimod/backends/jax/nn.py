"""JAX: nn."""
