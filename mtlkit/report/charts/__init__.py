"""Drawings that several sections of a report use, each from plain numbers."""

NAME = 17
"""The number of characters of a name that are shown beside a drawing; its tooltip or the table has all of them."""
