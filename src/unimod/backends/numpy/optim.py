"""NumPy: optim."""
