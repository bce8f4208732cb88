"""How dear the message-passing recurrence is: `python benchmarks/recurrence.py`, about a minute.

Times one forward and backward pass of LSTM' over one batch in the ways that recurrence_cases.py lists, and holds the
ratios to targets. Gradients go to the inputs, the sources and every parameter. Time is the process's CPU time with
one thread, so that other work on the machine disturbs it little, and the ways take turns within every round, so that
what does disturb them hits all alike. Only ratios from one run compare; between runs they move by 15 to 20 %, and
within 20 % of a target counts as reached. Memory is what a fresh process grows by in one pass.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import torch
from recurrence_cases import Batch, Case
from torch import Tensor

import mtlkit

OUTPUT = Path(__file__).parent / "results" / "recurrence.json"
SHORTEST = 0.05
"""Seconds that one timing should last at least; short passes are repeated within it."""
TOLERANCE = 1.2

SHORT, LONG, FEW, MANY = Case(20), Case(130), Case(130, tasks=4), Case(130, tasks=16)
CASES = [SHORT, LONG, FEW, MANY]


@dataclass(frozen=True)
class Target:
    """A ratio of two ways' times in one case, or of their memory, and what it should be."""

    case: Case
    above: str
    below: str
    target: float
    is_memory: bool = False

    @property
    def at_least(self) -> bool:
        """Speed-ups are to be large, costs to be small."""
        return self.above == "naive"

    @property
    def name(self) -> str:
        """As the table says it."""
        return f"{self.case.name}: {'memory, ' if self.is_memory else ''}{self.above} / {self.below}"

    def verdict(self, ratio: float) -> str:
        """Whether it is reached, or nearly."""
        missed_by = self.target / ratio if self.at_least else ratio / self.target
        return "reached" if missed_by <= 1 else "within 20 %" if missed_by <= TOLERANCE else "short"


TARGETS = [
    Target(LONG, "naive", "pure", 8),
    Target(LONG, "naive", "compiled", 20),
    Target(LONG, "pure", "lstm", 9),
    Target(LONG, "compiled", "lstm", 3),
    Target(SHORT, "naive", "pure", 3.5),
    Target(SHORT, "naive", "compiled", 7),
    Target(FEW, "naive", "pure", 4),
    Target(FEW, "naive", "compiled", 8),
    Target(FEW, "compiled", "lstm", 2.3),
    Target(MANY, "naive", "pure", 6),
    Target(MANY, "naive", "compiled", 10),
    Target(MANY, "compiled", "lstm", 4.2),
    Target(LONG, "pure", "lstm", 3, is_memory=True),
    Target(LONG, "compiled", "lstm", 2, is_memory=True),
]


@dataclass(frozen=True)
class Timing:
    """Milliseconds of CPU time of one pass, over the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Timing":
        """From single timings."""
        values = sorted(1000 * each for each in seconds)
        return cls(round(median(values), 3), round(values[0], 3), round(values[-1], 3))


def seconds(batch: Batch, run: Callable[[], Tensor], times: int) -> float:
    """CPU time of one forward and backward pass, the mean of so many."""
    started = time.process_time()
    for _ in range(times):
        batch.backward(run())
    return (time.process_time() - started) / times


def measure(case: Case, rounds: int) -> dict[str, Timing]:
    """The timings of a case, by way. All ways must give the same states first."""
    batch = Batch(case)
    ways = batch.ways()
    with torch.no_grad():
        expected_BTD = ways["naive"]()
        for name in ways.keys() - {"lstm"}:
            torch.testing.assert_close(ways[name](), expected_BTD, rtol=1e-4, atol=1e-5)
    times = {name: ceil(SHORTEST / max(seconds(batch, run, 1), 1e-6)) for name, run in ways.items()}
    found = [{name: seconds(batch, run, times[name]) for name, run in ways.items()} for _ in range(rounds)]
    return {name: Timing.of(each[name] for each in found) for name in ways}


def grown_by(case: Case, way: str) -> float:
    """MiB that a process of its own grows by at most in one pass."""
    sizes = map(str, (case.steps, case.tasks or 0, case.batch, case.dim))
    command = [sys.executable, __file__, "--memory", way, *sizes]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def print_growth(way: str, length: int, tasks: int, batch: int, dim: int) -> None:
    """What `grown_by` runs in the other process."""
    small, large = (Batch(Case(steps, tasks or None, *sizes)) for steps, sizes in ((2, (2, 4)), (length, (batch, dim))))
    small.backward(small.ways()[way]())  # libraries set themselves up
    run = large.ways()[way]
    before = resident("VmRSS")
    large.backward(run())
    print(resident("VmHWM") - before)


def resident(field: str) -> float:
    """MiB that are in memory now (VmRSS) or were at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "mtlkit": mtlkit.__version__,
    }


def judge(timings: dict[str, dict[str, Timing]], memory: dict[str, float]) -> list[dict[str, Any]]:
    """The targets, what was found, and whether that will do; nothing for ways that this machine does not have."""
    rows: list[dict[str, Any]] = []
    for target in TARGETS:
        values = memory if target.is_memory else {name: t.median for name, t in timings[target.case.name].items()}
        if target.above in values and target.below in values:
            ratio = values[target.above] / values[target.below]
            row = {"what": target.name, "target": target.target, "at_least": target.at_least}
            rows.append({**row, "ratio": round(ratio, 2), "verdict": target.verdict(ratio)})
    return rows


def main() -> None:
    """Measures every case, prints the table and writes the result."""
    parser = argparse.ArgumentParser(description="Time the message-passing recurrence.")
    parser.add_argument("--rounds", type=int, default=5, help="timings of each way; default 5")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the JSON goes")
    parser.add_argument("--memory", nargs=5, metavar=("WAY", "T", "K", "B", "D"), help="print the MiB of one pass")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.memory:
        way, *sizes = arguments.memory
        return print_growth(way, *map(int, sizes))
    facts = {"made": datetime.now(UTC).isoformat(timespec="seconds"), "rounds": arguments.rounds, **machine()}
    timings = {}
    for case in CASES:
        timings[case.name] = measure(case, arguments.rounds)
        print(case.name, *(f"{name} {timing.median:.1f} ms" for name, timing in timings[case.name].items()), sep="  ")
    memory = {way: round(grown_by(LONG, way), 1) for way in timings[LONG.name]}
    print(f"memory, {LONG.name}", *(f"{name} {size:.0f} MiB" for name, size in memory.items()), sep="  ")
    rows = judge(timings, memory)
    for row in rows:
        bound = f"{'>=' if row['at_least'] else '<='} {row['target']}"
        print(f"{row['what']:<44} {row['ratio']:>7.2f}  {bound:<8} {row['verdict']}")
    milliseconds = {case: {name: asdict(timing) for name, timing in ways.items()} for case, ways in timings.items()}
    result = {"machine": facts, "milliseconds": milliseconds, "memory_mib": memory, "targets": rows}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
