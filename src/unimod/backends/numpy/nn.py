"""NumPy: nn."""
