"""`python -m mtlkit.cli.child PARENT ARGUMENTS`: runs `mtlkit ARGUMENTS` as a child of the process with id PARENT.

A parent that is killed cannot pass a signal on. On Linux its children are then sent SIGTERM, so that training ends
with a checkpoint instead of continuing unnoticed; on other systems they run to their end.
"""

import ctypes
import os
import signal
import sys

from mtlkit.cli import main

SET_PARENT_DEATH_SIGNAL = 1
"""The option PR_SET_PDEATHSIG of `prctl`, for which the parent is the thread that started this process."""


def end_with_parent(parent: int) -> None:
    """Asks the system to send SIGTERM to this process when its parent, the process with id `parent`, ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the request
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent(int(sys.argv.pop(1)))
    main()
