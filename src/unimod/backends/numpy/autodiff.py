"""NumPy: autodiff."""
