"""Claims on results that run_tables.py does not run: transfer to a task that was left out, and planted structure."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
from finding import Finding
from kept_gains import Gain, gain_over_test_sets
from planted_claims import ALONE, Seed
from scipy import stats

from mtlkit.runs.documents import read_object

RESULTS = Path(__file__).parent.parent / "docs" / "results"


def elsewhere() -> Iterator[Finding]:
    """Returns the findings of both."""
    yield from _transfer()
    yield from _planted()


def _transfer() -> Iterator[Finding]:
    """Each of 16 tasks was left out once, so that a gain of a task is one draw; one seed."""
    indirect, adversarial = (read_object(RESULTS / "transfer" / f"{name}-300.json")["tasks"] for name in ("ic", "asp"))
    rows: tuple[
        tuple[tuple[str, str], dict[str, Any], tuple[str, str], dict[str, Any] | None, float | None, str], ...
    ] = (
        (("IC-MTL, transferred", "a single task"), indirect, ("baseline", "clean_baseline"), None, 4.9, "Liu"),
        (("SP-MTL, transferred", "a single task"), adversarial, ("baseline", "clean_baseline"), None, 3.7, "Liu"),
        (("IC-MTL, transferred", "SP-MTL, transferred"), indirect, ("test", "clean_test"), adversarial, 1.2, "Liu"),
    )
    for sides, tasks, columns, others, printed, by in rows:
        standard, clean = (
            gain_over_test_sets(
                numpy.array([[found[column] for found in tasks.values()]]),
                numpy.array([[found[against] for found in (others or tasks).values()]]),
            )
            for column, against in zip(("test", "clean_test"), columns, strict=True)
        )
        yield Finding(*sides, "transfer", "1 / 1", standard, clean, "tasks", printed, by)


def _planted() -> Iterator[Finding]:
    """Each seed is a world of its own, with its own texts: Student's t test of its differences, on words or texts."""
    records = read_object(RESULTS / "planted" / "runs.json")["records"]
    numbers = sorted({record["seed"] for record in records})
    worlds = [Seed([record for record in records if record["seed"] == number]) for number in numbers]
    claims: tuple[tuple[tuple[str, str], Callable[[Seed], float]], ...] = (
        (("tasks without relatives, alone", "fully shared"), lambda world: world.loss("fully_shared")),
        (("tasks without relatives, direct communication", "fully shared"), lambda world: _less_lost(world, "direct")),
        (("tasks without relatives, pool", "fully shared"), lambda world: _less_lost(world, "pool")),
        (("related tasks, fully shared", "alone"), lambda world: world.gain("fully_shared")),
        (("related tasks, direct communication", "alone"), lambda world: world.gain("direct")),
        (("related tasks, pool", "alone"), lambda world: world.gain("pool")),
        (
            ("weight of related senders", "that of all, in percent of it (direct communication)"),
            lambda world: 100 * (world.concentration("direct") - 1),
        ),
        (
            ("overlap of related tasks' paths", "that of others, in percent (pool)"),
            lambda world: 100 * (world.overlap("pool", related=True) - world.overlap("pool", related=False)),
        ),
    )
    for sides, figure in claims:
        gain = of_worlds([figure(each) for each in worlds])
        yield Finding(*sides, "planted", str(len(worlds)), gain, None, "seeds")


def of_worlds(points: Sequence[float]) -> Gain:
    """The mean of independent differences, in points, with Student's interval."""
    found = stats.ttest_1samp(points, 0)
    ends = found.confidence_interval(0.95)
    return Gain(*(float(value) / 100 for value in (numpy.mean(points), ends.low, ends.high)), float(found.pvalue))


def _less_lost(world: Seed, system: str) -> float:
    return world.accuracy(system, ALONE) - world.accuracy("fully_shared", ALONE)
