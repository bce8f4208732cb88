"""Benchmarks one after the other, then the table: `python benchmarks/suite.py [NAME ...]`, which `make bench` runs.

A script that fails is named at the end, and the others go on: what it measured last time stays in the table. Beside the
time by the clock it says the CPU time of each and of all, which is about what they take on idle cores.
"""

import subprocess
import sys
import time
from pathlib import Path

import render
from measuring import used_by_all

FOLDER = Path(__file__).resolve().parent
SCRIPTS = (
    "recurrence",
    "lstm",
    "senders",
    "crf",
    "tagger",
    "pool",
    "bucketing",
    "characters",
    "word_tables",
    "freed_memory",
    "reading_ahead",
    "startup",
    "one_file",
    "first_answer",
    "precision",
    "exported",
    "scaling",
    "records",
    "experiments",
    "report",
)
"""What runs where no script is named; `against_peers`, `gpu` and `pretrained` need more than mtlkit, and
`compiled_steps` compiles for minutes."""


def main() -> int:
    """Runs the scripts and renders; 1 where one failed."""
    failed = []
    begun = time.monotonic()
    for name in sys.argv[1:] or SCRIPTS:
        print(f"== {name}", file=sys.stderr)
        started, used = time.monotonic(), used_by_all()
        if subprocess.run([sys.executable, FOLDER / f"{name}.py"], cwd=FOLDER.parent).returncode != 0:
            failed.append(name)
        print(f"   {time.monotonic() - started:.0f} s, CPU {used_by_all() - used:.0f} s", file=sys.stderr)
    render.main()
    print(f"all: {time.monotonic() - begun:.0f} s, CPU {used_by_all():.0f} s", file=sys.stderr)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
