"""PyTorch: arrays."""
