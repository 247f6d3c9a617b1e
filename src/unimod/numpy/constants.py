"""Numbers with names."""

from __future__ import annotations

import math
from typing import Final

e: Final = math.e
"""The base of the natural logarithm."""
inf: Final = math.inf
"""Positive infinity."""
nan: Final = math.nan
"""Not a number."""
newaxis: Final = None
"""As an index: a new axis of size 1."""
pi: Final = math.pi
"""The circumference of a circle over its diameter."""
