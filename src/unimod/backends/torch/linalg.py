"""PyTorch: decompositions, solvers and norms of matrices."""

from __future__ import annotations
