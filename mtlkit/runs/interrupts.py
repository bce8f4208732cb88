"""Ctrl-C and SIGTERM as a flag that long loops check, so that they stop only at points where they can be resumed."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self, final


@final
class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM was received, and the work has stopped at a point where it can be resumed.

    It is a KeyboardInterrupt, so that it ends a notebook cell or a script as Ctrl-C does and `except Exception` does
    not mistake it for a failure.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


@final
class Interrupts:
    """Catches the first SIGINT or SIGTERM inside a `with` block; a second one acts as it would outside."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            # A shell ignores SIGINT in the background jobs of a script; catching it here would undo that.
            if signal.getsignal(number) is signal.SIG_IGN:
                continue
            try:
                self._previous[number] = signal.signal(number, self._receive)
            except ValueError:  # Python lets only the main thread set signal handlers
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def raise_if_received(self) -> None:
        """Raises Interrupted if a signal has been received."""
        if self.received is not None:
            raise Interrupted(self.received)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()  # the next signal reaches the previous handler, so that a hanging loop can still be ended

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()
