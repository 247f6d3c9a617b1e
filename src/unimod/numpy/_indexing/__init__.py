"""How an index becomes work for an engine: read, planned over shapes, and carried out.

``read`` takes what callers may write, ``plan`` is pure, ``run`` does it; ``modes`` says what happens outside an axis,
``scatter`` what happens where an index stands twice, and ``masked`` does without places.
"""
