"""JAX: math."""
