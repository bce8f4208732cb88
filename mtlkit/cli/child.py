"""`python -m mtlkit.cli.child`: the command `mtlkit` as a process that mtlkit itself starts; it ends with its parent.

A parent that is killed cannot pass anything on. On Linux its children are then sent SIGTERM, so that training ends
with a checkpoint instead of going on unseen; elsewhere they go on to their end.
"""

import ctypes
import os
import signal
import sys

from mtlkit.cli import main

SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of `prctl`; the parent is then the thread that started this process."""


def end_with_parent() -> None:
    """Has SIGTERM sent to this process when its parent ends."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it has just ended
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent()
    main()
