"""Benchmarks, two at a time, then the table: `python benchmarks/suite.py [NAME ...]`, which `make bench` runs.

Each has one core, and is measured in CPU time. A script that fails is named at the end, and the others go on: what it
measured last time stays in the table. Beside the time by the clock it says the CPU time of each and of all.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import render

FOLDER = Path(__file__).resolve().parent
SCRIPTS = (
    "report",
    "recurrence",
    "one_file",
    "freed_memory",
    "records",
    "experiments",
    "precision",
    "bucketing",
    "startup",
    "first_answer",
    "tagger",
    "reading_ahead",
    "sender_order",
    "characters",
    "lstm",
    "pool",
    "exported",
    "scaling",
    "crf",
    "word_tables",
    "subnormals",
    "senders",
)
"""What runs where no script is named, the longest first; `against_peers`, `gpu` and `pretrained` need more than mtlkit,
and `compiled_steps` compiles for minutes."""


ALONE = ("senders",)
"""What computes in two threads, and so has the machine to itself."""


@dataclass(frozen=True)
class Done:
    """How a script ended, and what it took with all the processes that it started."""

    code: int
    seconds: float
    cpu_seconds: float


def main() -> int:
    """Runs the scripts and renders; 1 where one failed."""
    names = sys.argv[1:] or list(SCRIPTS)
    begun = time.monotonic()
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pair:
        done = dict(pair.map(run, (name for name in names if name not in ALONE)))
    done.update(map(run, (name for name in names if name in ALONE)))
    render.main()
    cpu_seconds = sum(each.cpu_seconds for each in done.values())
    print(f"all: {time.monotonic() - begun:.0f} s, CPU {cpu_seconds:.0f} s", file=sys.stderr)
    if failed := [name for name, each in done.items() if each.code != 0]:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str) -> tuple[str, Done]:
    """Runs a script, and shows what it says when it has ended."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        command = [sys.executable, FOLDER / f"{name}.py"]
        process = subprocess.Popen(command, cwd=FOLDER.parent, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    done = Done(process.returncode, time.monotonic() - started, used.ru_utime + used.ru_stime)
    print(f"== {name}\n{said}   {done.seconds:.0f} s, CPU {done.cpu_seconds:.0f} s", file=sys.stderr)
    return name, done


if __name__ == "__main__":
    sys.exit(main())
