"""The command line. Only here do functions contain imports, so that `--help` loads neither torch nor spaCy."""

from mtlkit.cli.app import main

__all__ = ["main"]
