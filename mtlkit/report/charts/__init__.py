"""Drawings that several sections of a report use, each from plain numbers."""

NAME = 17
"""Characters of a name that stand beside a drawing; its tooltip or the table beside it has all."""
