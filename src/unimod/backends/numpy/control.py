"""NumPy: it has no loops and branches of its own, so those of the front run, in Python."""
