"""JAX: autodiff."""
