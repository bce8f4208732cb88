"""Learning rates over a run, as factors."""

from itertools import pairwise

import pytest

from mtlkit.training.schedules import CosineSchedule, ExponentialSchedule, LinearSchedule, Schedule


def factors(schedule: Schedule, total: int = 100, per_epoch: int = 10) -> list[float]:
    return [schedule.factor(step, total, per_epoch) for step in range(total)]


def test_linear_rises_and_falls() -> None:
    found = factors(LinearSchedule(warmup=0.2))
    rising, falling = found[:20], found[20:]
    assert rising == sorted(rising) and 0 < rising[0] <= 0.05 and rising[-1] < 1
    assert falling[0] == 1 and falling == sorted(falling, reverse=True)
    assert falling[-1] == pytest.approx(1 / 80)
    steps = [left - right for left, right in pairwise(falling)]
    assert steps == pytest.approx([1 / 80] * 79)


def test_linear_without_warmup_begins_at_the_top() -> None:
    assert factors(LinearSchedule(warmup=0.0))[0] == 1


def test_linear_with_nothing_but_warmup_never_falls() -> None:
    found = factors(LinearSchedule(warmup=1.0))
    assert found == sorted(found) and found[-1] <= 1


@pytest.mark.parametrize("final", [0.0, 0.25])
def test_cosine_falls_to_its_final_share(final: float) -> None:
    schedule = CosineSchedule(final=final)
    found = factors(schedule)
    assert found[0] == 1 and found == sorted(found, reverse=True)
    assert schedule.factor(50, 100, 10) == pytest.approx((1 + final) / 2)
    assert schedule.factor(100, 100, 10) == pytest.approx(final)


def test_exponential_changes_once_an_epoch() -> None:
    found = factors(ExponentialSchedule(decay=0.5), total=30)
    assert found == [1.0] * 10 + [0.5] * 10 + [0.25] * 10


@pytest.mark.parametrize("schedule", [LinearSchedule(), CosineSchedule(), ExponentialSchedule()])
def test_the_shortest_run_learns(schedule: Schedule) -> None:
    assert schedule.factor(0, 1, 1) > 0
