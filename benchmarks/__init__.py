"""Time against hand-written native code in the same process: ``python -m benchmarks [name ...]``."""
