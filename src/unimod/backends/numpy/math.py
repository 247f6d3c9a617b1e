"""NumPy: math."""
