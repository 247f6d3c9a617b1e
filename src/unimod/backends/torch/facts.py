"""PyTorch: facts."""

NAME = "torch"
