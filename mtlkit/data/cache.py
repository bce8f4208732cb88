"""Where downloads and indexed corpora are kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$MTLKIT_CACHE`, else `$XDG_CACHE_HOME/mtlkit`, else `~/.cache/mtlkit`; it need not exist yet."""
    if own := os.environ.get("MTLKIT_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mtlkit"
