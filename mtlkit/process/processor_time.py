"""Limits on the processor time of a block, for work whose extent a stranger decides, such as matching a pattern."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

CAN_INTERRUPT = hasattr(signal, "setitimer")
"""Whether a block can be interrupted anywhere. Windows cannot, and neither can any thread but the main one."""
AGAIN_SECONDS = 1.0
"""The interval after which a block that goes on regardless, such as inside a finalizer, is interrupted again."""

SHORTEST_SECONDS = 1e-3
"""The delay of a timer for a block without time left; a delay of 0 would switch it off."""


class OutOfTime(Exception):
    """A block has taken more processor time than it may."""


@final
class TimeLimit:
    """A limit on the processor time that this thread may take from now on.

    Time in which the thread waits, as for a slow disk or for other processes, does not count.

    Args:
        seconds: the limit.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.thread_time() + seconds

    @property
    def left(self) -> float:
        """The number of seconds that are left, not negative."""
        return max(0.0, self._end - time.thread_time())

    def check(self) -> None:
        """Raises OutOfTime if no time is left. Must be called in the thread in which the limit was created."""
        if not self.left:
            raise OutOfTime


@contextmanager
def limited(seconds: float) -> Iterator[TimeLimit]:
    """Limits the processor time of a block, which may be inside another one.

    In the main thread the block is interrupted wherever it is, also inside `re`. In other threads, and on Windows, it
    is interrupted only where it calls `check`.

    Raises:
        OutOfTime: the block has taken longer.
    """
    if not CAN_INTERRUPT or threading.current_thread() is not threading.main_thread():
        yield TimeLimit(seconds)
        return
    # There is one timer, so a block ends at the latest with the one around it.
    limit = TimeLimit(min([seconds, *(around.left for around in _limits)]))

    def interrupt(*_: Any) -> None:
        # The timer also counts what other threads of the process do.
        if left := limit.left:
            signal.setitimer(signal.ITIMER_VIRTUAL, left, AGAIN_SECONDS)
        else:
            raise OutOfTime

    handler = signal.signal(signal.SIGVTALRM, interrupt)
    _limits.append(limit)
    signal.setitimer(signal.ITIMER_VIRTUAL, max(limit.left, SHORTEST_SECONDS), AGAIN_SECONDS)
    try:
        yield limit
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        _limits.pop()
        signal.signal(signal.SIGVTALRM, handler)
        if _limits:
            signal.setitimer(signal.ITIMER_VIRTUAL, max(_limits[-1].left, SHORTEST_SECONDS), AGAIN_SECONDS)


_limits: list[TimeLimit] = []
"""Those of the blocks that the main thread is in, the innermost one last."""
