"""The networks of the workloads, each in unimod, as one writes it in PyTorch, in Flax Linen, and in plain JAX."""
