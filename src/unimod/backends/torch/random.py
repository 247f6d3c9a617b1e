"""PyTorch: random."""
