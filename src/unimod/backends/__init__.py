"""Engines. Nothing here is imported until an array or a name asks for it."""
