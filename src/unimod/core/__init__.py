"""Modules, their leaves and structure. No framework is known here."""
