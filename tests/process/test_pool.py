"""Processes that answer requests: in order, of bounded number, and ended with the block that has started them."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtlkit.process.children import python_command
from mtlkit.process.pool import REQUESTS_AHEAD, ProcessEndedError, ProcessPool

PROGRAM = """
import os, sys, time
sys.path.insert(0, {root!r})
from contextlib import contextmanager
from mtlkit.process.pool import serve

@contextmanager
def opened(settings):
    print("this goes to standard error")
    if settings == "unwell":
        raise ValueError("cannot be opened")
    def answer(request):
        if request == "pid":
            return os.getpid()
        if request == "wrong":
            raise ValueError("is wrong")
        if request == "die":
            os._exit(7)
        time.sleep(request % 3 / 50)  # not in the order in which they were asked
        return settings, request * request
    yield answer

sys.exit(serve(opened, (ValueError,)))
"""


def pool(number: int = 3, settings: object = "settings") -> ProcessPool:
    root = str(Path(__file__).parents[2])
    return ProcessPool([python_command("-c", PROGRAM.format(root=root))] * number, settings)


def test_answers_come_in_the_order_of_the_requests() -> None:
    with pool() as processes:
        assert list(processes.answers(range(20))) == [("settings", each * each) for each in range(20)]
        assert list(processes.answers([])) == []


def test_few_requests_are_made_ahead() -> None:
    made = []

    def requests() -> Iterator[int]:
        for each in range(30):
            made.append(each)
            yield each

    with pool(2) as processes:
        for number, _ in enumerate(processes.answers(requests())):
            assert len(made) <= number + REQUESTS_AHEAD * 2


def test_an_error_of_the_requests_comes_after_the_answers_before_it() -> None:
    def requests() -> Iterator[int]:
        yield from range(4)
        raise KeyError("no more")

    found = []
    with pool(2) as processes, pytest.raises(KeyError, match="no more"):
        for _, answer in processes.answers(requests()):
            found.append(answer)
    assert found == [0, 1, 4, 9]


def test_an_error_of_an_answer_is_raised() -> None:
    with pool(2) as processes, pytest.raises(ValueError, match="is wrong"):
        list(processes.answers([1, "wrong", 2]))
    with pool(2, "unwell") as processes, pytest.raises(ValueError, match="cannot be opened"):
        list(processes.answers([1, 2]))


def test_a_process_that_ends_is_told() -> None:
    with pool(2) as processes, pytest.raises(ProcessEndedError, match=r"process \d of 2 has ended with code 7"):
        list(processes.answers(["die", 1, 2]))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_no_process_outlives_the_block() -> None:
    with pool(2) as processes:
        pids = set(processes.answers(["pid"] * 8))
    with pool(2) as processes, pytest.raises(ZeroDivisionError):
        pids |= set(processes.answers(["pid"] * 8))
        raise ZeroDivisionError
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_process_that_is_killed_is_told() -> None:
    with pool(1) as processes:
        answers = processes.answers(iter(["pid", *range(100, 400, 3)]))
        os.kill(next(answers), signal.SIGKILL)
        with pytest.raises(ProcessEndedError, match="process 1 of 1 was ended by SIGKILL"):
            for _ in answers:
                time.sleep(0.01)
