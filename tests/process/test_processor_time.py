"""Blocks are interrupted by the processor time that they take."""

import re
import signal
import threading
import time

import pytest

from mtlkit.process import processor_time
from mtlkit.process.processor_time import OutOfTime, limited

CAN_INTERRUPT = pytest.mark.skipif(not processor_time.CAN_INTERRUPT, reason="this system has no interval timers")


def take(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@CAN_INTERRUPT
def test_a_block_is_interrupted_inside_a_pattern() -> None:
    with pytest.raises(OutOfTime), limited(0.1):
        re.search("(a+)+b", "a" * 60)


@CAN_INTERRUPT
def test_a_block_inside_another_one_is_limited_by_both() -> None:
    with pytest.raises(OutOfTime), limited(0.1), limited(60):
        take(5)
    with limited(60):
        with pytest.raises(OutOfTime), limited(0.1):
            take(5)
        take(0.2)


@CAN_INTERRUPT
def test_a_limit_ends_with_its_block() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with limited(0.1):
        pass
    take(0.3)
    assert signal.getsignal(signal.SIGVTALRM) is before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


def test_time_in_which_nothing_is_computed_does_not_count() -> None:
    with limited(0.2) as limit:
        time.sleep(0.4)
        limit.check()


def test_other_threads_are_interrupted_where_they_ask() -> None:
    found: list[str] = []

    def work() -> None:
        try:
            with limited(0.1) as limit:
                take(0.2)
                found.append("not interrupted")
                limit.check()
        except OutOfTime:
            found.append("out of time")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["not interrupted", "out of time"]
