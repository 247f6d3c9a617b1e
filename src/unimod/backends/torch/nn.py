"""PyTorch: nn."""
