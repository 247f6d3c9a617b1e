"""NumPy: arrays."""
