"""PyTorch: optim."""
