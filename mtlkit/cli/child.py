"""`python -m mtlkit.cli.child PARENT ARGUMENTS`: `mtlkit ARGUMENTS`, started by the process of that number.

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


def end_with_parent(parent: int) -> None:
    """Has SIGTERM sent to this process when its parent ends, the process of that number."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it has ended already
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent(int(sys.argv.pop(1)))
    main()
