"""Runs a table of a paper: `python experiments/run_tables.py fdu --seeds 13 14 15 --processes 4`.

Each row is an experiment file, trained once for each seed. What is finished lies under `docs/results/TABLE/` and is not
run again, so that a table grows over time and over machines; what was interrupted goes on from its checkpoint. At the
end, or with `--render` alone, `docs/results/TABLE.md` is written from all that is there. `--gains-over SYSTEM` writes
`docs/results/TABLE-gains.md` from the runs that are on this machine, with intervals. With `--worker`, machines that see
this folder divide the runs among each other; each gives the same command.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlkit.errors import MtlkitError
from mtlkit.runs import Interrupted, Job, RunDirectory, SharedJobs, run_jobs

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
sys.path.insert(0, str(RESULTS))  # a script beside its results, in no package
from collect import collect  # noqa: E402
from table_page import page  # noqa: E402
from tables import TABLES, TableRow  # noqa: E402


@dataclass(frozen=True)
class SeededRun:
    """One system with one seed."""

    table: str
    system: TableRow
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

    def job(self) -> Job:
        """Begins, or goes on."""
        begun = ["--resume"] if (self.run / "meta.json").exists() else []
        overrides = [word for override in (f"seed={self.seed}", *self.overrides) for word in ("-o", override)]
        file = (ROOT / "experiments" / self.system.file).relative_to(ROOT)
        run = self.run.relative_to(ROOT)
        arguments = ("train", str(file), *self.system.arguments, *overrides, "-s", str(run), *begun)
        return Job(self.run.name, arguments, self.run.with_name(f"{self.run.name}.log"))


def train(rows: Sequence[SeededRun], processes: int, worker: bool) -> bool:
    """Trains each in a process of its own, and keeps what has come to its end; True if all have."""

    def say(line: str) -> None:
        print(line, flush=True)

    by_name = {row.run.name: row for row in rows}
    runs = {name: RunDirectory(row.run) for name, row in by_name.items()}
    jobs = SharedJobs(runs, lambda name, begun: by_name[name].job(), say) if worker else [row.job() for row in rows]
    try:
        codes = run_jobs(jobs, processes, say)
    finally:  # an interrupt too leaves what was done before
        for row in rows:
            if RunDirectory(row.run).is_finished:
                row.result.parent.mkdir(parents=True, exist_ok=True)
                collect(row.run, row.result)
    return not any(codes.values())


def write_gains(name: str, baseline: str) -> None:
    """Writes what the runs that are here gain over one of them, with intervals; kept results have no single answers."""
    systems = {
        system.name: sorted((ROOT / "runs" / "tables" / name).glob(f"{system.name}-*/metrics.json"))
        for system in TABLES[name].systems
    }
    of_baseline = systems[baseline]
    if not of_baseline:
        sys.exit(f"no run of {baseline} is here to count gains from")
    runs = [str(file.parent.relative_to(ROOT)) for files in systems.values() for file in files]
    names = [word for system, files in systems.items() if files for word in ("--name", system)]
    command = ["compare", *runs, *names, "--baseline", baseline, "--format", "markdown"]
    page = RESULTS / f"{name}-gains.md"
    done = subprocess.run([sys.executable, "-m", "mtlkit", *command], cwd=ROOT, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(done.returncode)  # it has said why
    made = f"Made by `python experiments/run_tables.py {name} --gains-over {baseline}`."
    title = f"# Gains over {baseline}: {TABLES[name].title}"
    page.write_text(f"{title}\n\n{made}\n\n{done.stdout.decode()}", encoding="utf-8")


def main() -> None:
    """Runs what is missing, then renders; the exit code is 1 if something did not come to an end."""
    parser = argparse.ArgumentParser(description="Run a table of a paper.")
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--systems", nargs="+", help="only these rows")
    parser.add_argument("--seeds", nargs="+", type=int, default=[13])
    parser.add_argument("--processes", type=int, default=1, help="runs at the same time")
    parser.add_argument(
        "--worker", action="store_true", help="divide the runs with other machines that see this folder"
    )
    parser.add_argument("-o", "--override", action="append", default=[], help="a setting for all, as for mtlkit train")
    parser.add_argument("--render", action="store_true", help="only write the page")
    parser.add_argument("--gains-over", metavar="SYSTEM", help="only write what the runs here gain over that one")
    given = parser.parse_args()
    names = [system.name for system in TABLES[given.table].systems]
    for wanted in (*(given.systems or ()), *([given.gains_over] if given.gains_over else ())):
        if wanted not in names:
            parser.error(f"no system '{wanted}' in {given.table}; there are {', '.join(names)}")
    if given.gains_over:
        write_gains(given.table, given.gains_over)
        return
    rows = [
        SeededRun(given.table, system, seed, tuple(given.override))
        for seed in given.seeds
        for system in TABLES[given.table].systems
        if given.systems is None or system.name in given.systems
    ]
    missing = [] if given.render else [row for row in rows if not row.result.exists()]
    try:
        all_done = train(missing, given.processes, given.worker)
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
    except MtlkitError as error:
        sys.exit(str(error))
    finally:
        page(RESULTS, given.table)
    sys.exit(not all_done)


if __name__ == "__main__":
    main()
