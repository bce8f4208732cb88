"""Signals that ask a process to end, as flags and as exceptions."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from mtlkit.process.interrupts import ENDING, Interrupted, Interrupts, raising_interrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to itself")
ALL = [signal.SIGINT, *ENDING]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ALL}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ALL, ids=lambda number: number.name)
def test_a_signal_is_a_flag_in_a_loop_and_the_next_one_is_not_caught(number: signal.Signals) -> None:
    outside: list[int] = []
    signal.signal(number, lambda *_: outside.append(number))
    with Interrupts() as interrupts:
        interrupts.raise_if_received()
        os.kill(os.getpid(), number)
        assert interrupts.received == number and outside == []
        with pytest.raises(Interrupted) as caught:
            interrupts.raise_if_received()
        assert caught.value.exit_code == 128 + number
        os.kill(os.getpid(), number)
        assert outside == [number]


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_signal_is_an_exception_elsewhere(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught, raising_interrupted():
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == 128 + number and signal.getsignal(number) == before


@pytest.mark.parametrize("number", ALL, ids=lambda number: number.name)
def test_a_signal_that_is_ignored_stays_so(number: signal.Signals) -> None:
    """As `nohup` ignores SIGHUP, and a shell SIGINT for what a script runs in the background."""
    signal.signal(number, signal.SIG_IGN)
    with raising_interrupted(), Interrupts() as interrupts:
        os.kill(os.getpid(), number)
        assert interrupts.received is None and signal.getsignal(number) is signal.SIG_IGN


def test_other_threads_set_no_handlers() -> None:
    before = {number: signal.getsignal(number) for number in ALL}
    seen: list[dict[int, object]] = []

    def look() -> None:
        with raising_interrupted(), Interrupts():
            seen.append({number: signal.getsignal(number) for number in ALL})

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
