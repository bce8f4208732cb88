"""Drawings that several sections of a report use, each from plain numbers."""
