"""PyTorch: autodiff."""
