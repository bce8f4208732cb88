"""Ctrl-C and SIGTERM as a question that a long loop asks, so that it can stop where it can be resumed."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self, final


@final
class Interrupted(KeyboardInterrupt):
    """The work was asked to stop, by Ctrl-C or SIGTERM, and has stopped where it can be resumed.

    In Python it ends a notebook's cell or a script as Ctrl-C does, so no `except Exception` takes it for a failure.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


@final
class Interrupts:
    """Catches SIGINT and SIGTERM inside a `with` block; a second one acts as if nobody caught it."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_IGN:  # a script's background job: whoever started it wants so
                continue
            try:
                self._previous[number] = signal.signal(number, self._receive)
            except ValueError:  # not in the main thread, where signals cannot be caught
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def raise_if_received(self) -> None:
        """Raises Interrupted if a signal has come."""
        if self.received is not None:
            raise Interrupted(self.received)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()
