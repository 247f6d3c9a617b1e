"""PyTorch: math."""
