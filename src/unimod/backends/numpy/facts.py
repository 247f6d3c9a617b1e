"""NumPy: facts."""

NAME = "numpy"
