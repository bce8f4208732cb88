"""Runs a table of a paper: `python experiments/run_tables.py fdu --seeds 13 14 15 --processes 4`.

Each row is an experiment file, trained once for each seed. What is finished lies under `docs/results/TABLE/` and is not
run again, so that a table grows over time and over machines; what was interrupted goes on from its checkpoint. At the
end, or with `--render` alone, `docs/results/TABLE.md` is written from all that is there.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
sys.path[:0] = [str(RESULTS), str(Path(__file__).parent)]  # scripts beside what they are about, in no package
from collect import collect  # noqa: E402
from tables import TABLES, System, Table  # noqa: E402


@dataclass(frozen=True)
class Job:
    """One system with one seed."""

    table: str
    system: System
    seed: int
    overrides: tuple[str, ...]

    @property
    def run(self) -> Path:
        """Where it is trained."""
        return ROOT / "runs" / "tables" / self.table / f"{self.system.name}-{self.seed}"

    @property
    def result(self) -> Path:
        """What is kept of it."""
        return RESULTS / self.table / f"{self.system.name}-{self.seed}.json"

    def command(self) -> list[str]:
        """Begins, or goes on."""
        begun = ["--resume"] if (self.run / "meta.json").exists() else []
        overrides = [word for override in (f"seed={self.seed}", *self.overrides) for word in ("-o", override)]
        file = (ROOT / "experiments" / self.system.file).relative_to(ROOT)
        run = self.run.relative_to(ROOT)
        return ["train", str(file), *self.system.arguments, *overrides, "-s", str(run), *begun]


def do(job: Job) -> bool:
    """Trains in a process of its own; True if it came to an end."""
    job.run.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with job.run.with_suffix(".log").open("a") as log:
        command = [sys.executable, "-m", "mtlkit", *job.command()]
        code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL).returncode
    minutes = (time.monotonic() - started) / 60
    ended = "done" if code == 0 else f"ended with code {code}, see {job.run.with_suffix('.log')}"
    print(f"{job.run.name}: {ended} after {minutes:.1f} minutes", flush=True)
    if code == 0:
        job.result.parent.mkdir(parents=True, exist_ok=True)
        collect(job.run, job.result)
    return code == 0


def render(name: str) -> None:
    """Writes the table's page from the kept results."""
    table = TABLES[name]
    rows = [(system, runs) for system in table.systems if (runs := list(_kept(name, system)))]
    (RESULTS / f"{name}.md").write_text("\n".join(_page(name, table, rows)) + "\n", encoding="utf-8")


def _kept(name: str, system: System) -> Iterator[dict[str, Any]]:
    for file in sorted((RESULTS / name).glob(f"{system.name}-*.json")):
        yield json.loads(file.read_text(encoding="utf-8"))


PREFACE = """# {table.title}

Written by `python experiments/run_tables.py {name} --render`; [one file a run]({name}) holds command, commit, machine,
data hashes and every epoch. Average {table.metric} in percent, over seeds mean ± standard deviation; *clean* leaves out
test texts that occur in train or dev data of any task. The papers' figures are from trainers of their own.

"""


def _page(name: str, table: Table, rows: Sequence[tuple[System, list[dict[str, Any]]]]) -> Iterator[str]:
    yield from PREFACE.format(table=table, name=name).splitlines()
    yield "| system | seeds | test | clean test | dev | epochs | minutes | on | papers |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for system, runs in rows:
        figures = [_spread(_average(run, *which, table.metric) for run in runs) for which in FIGURES]
        epochs, minutes = (", ".join(map(str, each)) for each in zip(*map(_length, runs), strict=True))
        where = ", ".join(
            dict.fromkeys(run["processor"] if run["device"] == "cpu" else run["accelerator"] for run in runs)
        )
        seeds = ", ".join(str(run["seed"]) for run in runs)
        file = f"[{system.title}](../../experiments/{system.file})"
        yield f"| {' | '.join([file, seeds, *figures, epochs, minutes, where, system.paper])} |"
    yield from _tasks(table, rows)


FIGURES = (("test", ""), ("test", "clean_"), ("dev", ""))


def _tasks(table: Table, rows: Sequence[tuple[System, list[dict[str, Any]]]]) -> Iterator[str]:
    """The test figures task by task."""
    if not rows:
        return
    tasks = [name.split("/")[0] for name in rows[0][1][0]["metrics"]["test"] if name.endswith(f"/{table.metric}")]
    yield ""
    yield f"| {' | '.join(['task', *(system.name for system, _ in rows)])} |"
    yield f"|{'---|' * (len(rows) + 1)}"
    for task in tasks:
        values = [fmean(run["metrics"]["test"][f"{task}/{table.metric}"] for run in runs) for _, runs in rows]
        yield f"| {' | '.join([task, *(f'{100 * value:.1f}' for value in values)])} |"


def _average(run: dict[str, Any], split: str, prefix: str, metric: str) -> float:
    figures = run["metrics"][split]
    return float(figures.get(f"average/{prefix}{metric}", figures[f"average/{metric}"]))


def _spread(values: Iterator[float]) -> str:
    percent = [100 * value for value in values]
    return f"{fmean(percent):.2f}" + (f" ± {stdev(percent):.2f}" if len(percent) > 1 else "")


def _length(run: dict[str, Any]) -> tuple[int, str]:
    """Epochs of the last stage, and minutes of all."""
    start, end = (datetime.fromisoformat(run[key]) for key in ("created", "finished"))
    return run["metrics"]["epochs"], f"{(end - start).total_seconds() / 60:.0f}"


def main() -> None:
    """Runs what is missing, then renders; the exit code is 1 if something did not come to an end."""
    parser = argparse.ArgumentParser(description="Run a table of a paper.")
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--systems", nargs="+", help="only these rows")
    parser.add_argument("--seeds", nargs="+", type=int, default=[13])
    parser.add_argument("--processes", type=int, default=1, help="runs at the same time")
    parser.add_argument("-o", "--override", action="append", default=[], help="a setting for all, as for mtlkit train")
    parser.add_argument("--render", action="store_true", help="only write the page")
    given = parser.parse_args()
    names = [system.name for system in TABLES[given.table].systems]
    if unknown := [name for name in given.systems or () if name not in names]:
        parser.error(f"no system '{unknown[0]}' in {given.table}; there are {', '.join(names)}")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    jobs = [
        Job(given.table, system, seed, tuple(given.override))
        for seed in given.seeds
        for system in TABLES[given.table].systems
        if given.systems is None or system.name in given.systems
    ]
    missing = [] if given.render else [job for job in jobs if not job.result.exists()]
    with ThreadPoolExecutor(given.processes) as pool:
        done = list(pool.map(do, missing))
    render(given.table)
    sys.exit(not all(done))


if __name__ == "__main__":
    main()
