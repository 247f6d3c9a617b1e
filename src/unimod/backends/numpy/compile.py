"""NumPy: compile."""
