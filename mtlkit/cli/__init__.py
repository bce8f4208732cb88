"""The command line. Only here are imports inside functions: `--help` pays for neither torch nor spaCy."""

from mtlkit.cli.app import main

__all__ = ["main"]
