"""PyTorch: the names of mapped axes that are bound in this thread."""

from __future__ import annotations

from unimod.backends._names import Names

names = Names()
"""For each name the number of calls, and the number of this call: the marker of ``_collectives``."""
