"""JAX: compile."""
