"""The location of the cache."""

import os
from pathlib import Path

from mtlkit.errors import ConfigError


def cache_folder() -> Path:
    """Returns `$MTLKIT_CACHE`, or else `$XDG_CACHE_HOME/mtlkit`, or else `~/.cache/mtlkit`. It need not exist yet, and
    is checked where it is used (see `own_folder`).

    The cache holds downloads, indexed corpora and libraries compiled for this machine.
    """
    own, common = os.environ.get("MTLKIT_CACHE"), os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        if (own or common).startswith("~/") and os.environ.get("HOME") == "":
            raise RuntimeError("a folder of the root")
        return Path(own).expanduser() if own else Path(common).expanduser() / "mtlkit"
    except RuntimeError:
        raise ConfigError(
            f"the cache {own or common}: there is no such home folder; set MTLKIT_CACHE to a folder of yours"
        ) from None
