"""PyTorch: compile."""
