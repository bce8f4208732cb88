"""What the benchmarks have in common: how time is taken, what a target is, and the file that a result goes to.

A benchmark is a script beside this file that answers one question. It measures *ratios* between ways of doing the same
thing, taken in turns in one process (`interleaved`) or in processes that take turns (`run`), in CPU time with one
thread: other work on the machine disturbs that little, and what does disturb it hits all alike. It ends like this:

    def main() -> None:
        arguments = command_line(__doc__, "recurrence", rounds=5)
        timings = interleaved({"fast": fast, "plain": plain}, arguments.rounds)
        rows = [at_least("indirect communication against naive", "T=130 B=8", timings.ratio("plain", "fast"), 8)]
        write_result(arguments, rows, cases=...)

`write_result` prints the rows and writes `results/NAME.json`: the facts of the machine, the rows, and whatever else the
script found worth keeping. The rows alone are what `render.py` puts in the table of docs/performance.md, so a script
that writes rows needs no code anywhere else than its line in `suite.py`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any, Literal

import torch

import mtlkit
from mtlkit.process.subnormals import flushed_subnormals

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SHORTEST = 0.05
"""Seconds that one timing lasts at least; what is shorter is repeated within it."""
WARM = 0.5
"""Seconds from which a first call says well enough how long the next ones take."""
ALLOWANCE = 0.2
"""Figures move by 15 to 20 % from run to run: within this share of its target, a row counts as reached and says so."""

Verdict = Literal["pass", "pass (within 20 %)", "short", ""]


@dataclass(frozen=True)
class Ratio:
    """A ratio of medians over the rounds; beside it the least and the most in any one round."""

    of_medians: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.of_medians:.3g} ({self.least:.3g} to {self.most:.3g})"


@dataclass(frozen=True)
class Timings:
    """CPU seconds of one call of each variant in each round."""

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        """Seconds, the median over the rounds."""
        return median(self.seconds[name])

    def ratio(self, above: str, below: str) -> Ratio:
        """How many times the time of `below` the time of `above` is."""
        each = [one / other for one, other in zip(self.seconds[above], self.seconds[below], strict=True)]
        return Ratio(self.median(above) / self.median(below), min(each), max(each))

    def milliseconds(self) -> dict[str, dict[str, float]]:
        """Median, least and most of each variant, for the result file."""
        return {
            name: {
                "median": round(1000 * median(found), 3),
                "least": round(1000 * min(found), 3),
                "most": round(1000 * max(found), 3),
            }
            for name, found in self.seconds.items()
        }


def interleaved(variants: Mapping[str, Callable[[], object]], rounds: int, shortest: float = SHORTEST) -> Timings:
    """Times functions that do the same thing, in turns; each is called before anything counts, once if it is slow.

    Args:
        variants: by name.
        rounds: turns of each.
        shortest: seconds of one turn; a function that takes less is called more than once in it.
    """
    times = {}
    for name, variant in variants.items():
        seconds = cpu_seconds(variant)
        if seconds < WARM:  # much of the first call may be setting up
            seconds = cpu_seconds(variant)
        times[name] = ceil(shortest / max(seconds, 1e-6))
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, variant in variants.items():
            found[name].append(cpu_seconds(variant, times[name]))
    return Timings(found)


def cpu_seconds(function: Callable[[], object], times: int = 1) -> float:
    """CPU time of this process for one call, the mean of so many, with subnormal numbers as zero, as the trainer has
    them: rivals are spared what these cost as well."""
    with flushed_subnormals():
        started = time.process_time()
        for _ in range(times):
            function()
        return (time.process_time() - started) / times


@dataclass(frozen=True)
class Finished:
    """A process that ran to its end."""

    cpu_seconds: float
    """User and system time, its own children's included."""
    peak_mebibytes: float
    """Most memory that it held at once."""
    output: str


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *, ends_with: int = 0) -> Finished:
    """Runs a command with one thread, from the project's root.

    Args:
        command: the program and its arguments.
        environment: variables that are set beside those of this process.
        ends_with: the exit code that it is to end with.

    Raises:
        RuntimeError: it ended with another; the message ends with what it said.
    """
    settings = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as messages:
        process = subprocess.Popen([*map(str, command)], stdout=output, stderr=messages, cwd=ROOT, env=settings)
        # wait4, since only it tells of this child alone.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said, complained = (_text(file) for file in (output, messages))
    if process.returncode != ends_with:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}: {complained[-2000:]}")
    return Finished(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said)


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode("utf-8", "replace"))


@dataclass(frozen=True)
class Row:
    """One line of the table of targets."""

    what: str
    case: str
    target: str
    reached: str
    verdict: Verdict
    floor: str = ""
    """How many times the least possible time it takes, and that time (floors.py); empty where none is known."""


def at_least(what: str, case: str, reached: Ratio | float, target: float, unit: str = "x") -> Row:
    """A row whose figure should be at least the target."""
    figure = _figure(reached)
    return Row(what, case, f">= {target:g}{unit}", _shown(reached, unit), _verdict(figure / target))


def at_most(what: str, case: str, reached: Ratio | float, target: float, unit: str = "x") -> Row:
    """A row whose figure should be at most the target."""
    figure = _figure(reached)
    return Row(what, case, f"<= {target:g}{unit}", _shown(reached, unit), _verdict(target / max(figure, 1e-12)))


def untargeted(what: str, case: str, reached: Ratio | float | str, unit: str = "x") -> Row:
    """A row that only tells."""
    return Row(what, case, "", reached if isinstance(reached, str) else _shown(reached, unit), "")


def _figure(reached: Ratio | float) -> float:
    return reached.of_medians if isinstance(reached, Ratio) else reached


def _shown(reached: Ratio | float, unit: str) -> str:
    if isinstance(reached, Ratio):
        return f"{reached.of_medians:.3g}{unit} ({reached.least:.3g} to {reached.most:.3g})"
    return f"{reached:.3g}{unit}" if abs(reached) < 1000 else f"{reached:,.0f}{unit}"


def _verdict(share: float) -> Verdict:
    """From the share of the target that was reached: 1 and more is all of it."""
    if share >= 1:
        return "pass"
    return "pass (within 20 %)" if share >= 1 - ALLOWANCE else "short"


@dataclass(frozen=True)
class Arguments:
    """What every benchmark is told."""

    name: str
    rounds: int
    output: Path
    started: float = field(default_factory=time.monotonic)


def command_line(description: str | None, name: str, rounds: int) -> Arguments:
    """Reads `[--rounds N] [--output FILE]` and sets one thread.

    Args:
        description: the script's docstring; `--help` shows its first line.
        name: the script's, and so its result's.
        rounds: how many, where nobody says.
    """
    parser = argparse.ArgumentParser(description=(description or "").strip().split("\n")[0])
    parser.add_argument("--rounds", type=int, default=rounds, help=f"timings of each variant; default {rounds}")
    parser.add_argument("--output", type=Path, default=RESULTS / f"{name}.json", help="where the result goes")
    given = parser.parse_args()
    torch.set_num_threads(1)
    return Arguments(name, given.rounds, given.output)


def write_result(arguments: Arguments, rows: Sequence[Row], **details: Any) -> None:
    """Prints the rows and writes the result: `machine`, `rows` and the details, which JSON must be able to hold."""
    facts = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "rounds": arguments.rounds,
        "took_seconds": round(time.monotonic() - arguments.started),
        "cpu_seconds": round(used_by_all()),
        **machine(),
    }
    result = {"machine": facts, "rows": [asdict(row) for row in rows], **details}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for row in rows:
        target = f"; target {row.target}: {row.verdict}" if row.target else ""
        floor = f"; over the floor: {row.floor}" if row.floor else ""
        print(f"{row.what}, {row.case}: {row.reached}{target}{floor}")
    print(f"wrote {arguments.output}", file=sys.stderr)


def used_by_all() -> float:
    """CPU seconds of this process and of those that it has waited for: what it takes on idle cores."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


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
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "mtlkit": mtlkit.__version__,
    }
