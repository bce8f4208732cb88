"""Signals that ask a process to end: Ctrl-C, SIGTERM, and SIGHUP, which a terminal sends when it is closed.

Long loops look at a flag, so that they stop only at points where they can be resumed. Everything else is ended by an
exception, so that temporary folders are removed.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self, final

Agree = Callable[[int | None], int | None]
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""What ends a process at once by default; Windows has no SIGHUP."""

SIGNALS = (*reversed(ENDING), signal.SIGINT)


@final
class Interrupted(KeyboardInterrupt):
    """Ctrl-C, SIGTERM or SIGHUP was received, and training, if there was any, has stopped at a point where it can be
    resumed.

    It is a KeyboardInterrupt, so that it ends a notebook cell or a script as Ctrl-C does and `except Exception` does
    not mistake it for a failure.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


@final
class Interrupts:
    """Catches the first SIGINT, SIGTERM or SIGHUP inside a `with` block; a second one acts as it would outside.

    Args:
        agree: returns the signal that counts, given the one that this process has received. Several processes of one
            run agree on one, so that all stop in the same place.
        agree_in_steps: the same for loops of which each turn exchanges something; it may take one turn more.
    """

    def __init__(self, agree: Agree = lambda received: received, agree_in_steps: Agree | None = None) -> None:
        self._agree = agree
        self._agree_in_steps = agree_in_steps or agree
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._previous = _handled((signal.SIGINT, *ENDING), self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def agreed(self) -> int | None:
        """The signal that this process, or another one of the run, has received; None if there is none."""
        return self._agree(self.received)

    def agreed_in_steps(self) -> int | None:
        """Like `agreed`, after a step of training: in several processes, what they knew when they added up its
        gradients."""
        return self._agree_in_steps(self.received)

    def raise_if_received(self) -> None:
        """Raises Interrupted if a signal has been received."""
        if (received := self.agreed()) is not None:
            raise Interrupted(received)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()  # the next signal reaches the previous handler, so that a hanging loop can still be ended

    def _restore(self) -> None:
        _restore(self._previous)


@contextmanager
def raising_interrupted() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP inside the block into an Interrupted, as Ctrl-C is a KeyboardInterrupt.

    By default they would end the process without removing its temporary folders, such as that of an unpacked archive.
    """

    def receive(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    previous = _handled(ENDING, receive)
    try:
        yield
    finally:
        _restore(previous)


def _handled(numbers: list[int] | tuple[int, ...], handler: Any) -> dict[int, Any]:
    """Sets a handler for signals, except for those that are ignored, and returns the previous ones.

    A shell ignores SIGINT in the background jobs of a script, and `nohup` ignores SIGHUP; a handler would undo that.
    """
    previous: dict[int, Any] = {}
    for number in numbers:
        if signal.getsignal(number) is signal.SIG_IGN:
            continue
        try:
            previous[number] = signal.signal(number, handler)
        except ValueError:  # Python lets only the main thread set signal handlers
            break
    return previous


def _restore(previous: dict[int, Any]) -> None:
    for number, handler in previous.items():
        signal.signal(number, handler)
    previous.clear()


def code_of(received: int | None) -> int:
    """A number for a signal, so that of several the largest counts, that of SIGINT; 0 for none."""
    return 0 if received is None else 1 + SIGNALS.index(received)


def signal_of(code: int) -> int | None:
    """The signal of a number."""
    return int(SIGNALS[code - 1]) if code else None
