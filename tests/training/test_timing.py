"""Sections: who gets which seconds."""

import time
from collections.abc import Iterator

import pytest
import torch

from mtlkit.training.timing import Stopwatch, section


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stopwatch]:
    """One whose clock moves by a second whenever somebody looks at it."""
    ticks = iter(range(1000))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    found = Stopwatch(torch.device("cpu"))
    found.start()
    yield found
    found.stop()


def test_a_section_inside_another_counts_for_itself_alone(stopwatch: Stopwatch) -> None:
    with section("forward"):
        with section("backward"):
            pass
        with section("backward"):
            pass
    with section("data"):
        pass
    assert stopwatch.seconds == {"forward": 3.0, "backward": 2.0, "data": 1.0}
    assert stopwatch.total == 7.0, "with the second between forward and data"


def test_time_between_sections_is_nobodys(stopwatch: Stopwatch) -> None:
    for _ in range(2):
        with section("data"):
            pass
    stopwatch.stop()
    stopwatch.stop()
    assert (stopwatch.seconds, stopwatch.total) == ({"data": 2.0}, 4.0)


def test_a_section_ends_with_an_error_in_it(stopwatch: Stopwatch) -> None:
    with pytest.raises(ZeroDivisionError), section("forward"):
        raise ZeroDivisionError
    with section("data"):
        pass
    assert stopwatch.seconds == {"forward": 1.0, "data": 1.0}


def test_without_a_stopwatch_nothing_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", lambda: pytest.fail("nobody asked for the time"))
    with section("data"):
        pass
