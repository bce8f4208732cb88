"""`make soak`: bad luck and bad will for about a quarter of an hour, and what came of it.

Exit code 1 where anything was not survived. `--seed` repeats what another run found.
"""

import argparse
import sys
import time
from importlib import import_module

import torch

from tests.soak.counts import Counts

SHARES = {
    "kills": 0.18,
    "killed_ranks": 0.06,
    "malformed_archives": 0.06,
    "mutated_experiments": 0.12,
    "foreign_corpora": 0.18,
    "forged_archives": 0.12,
    "forged_runs": 0.12,
    "trap_folders": 0.06,
    "jsonnet_bombs": 0.05,
    "long_lines": 0.05,
}
"""Each part's, of the time; a part that has a least number of tries may take longer."""
LOSSES = ("run", "read", "lost", "over_limit", "tracebacks", "silent_differences")
"""What is to be 0."""
COLUMNS = ("tried", "survived", "refused", *LOSSES)


def main(words: list[str] | None = None) -> int:
    """Runs the parts and prints the table; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1000.0, help="about how long; default: 1000")
    parser.add_argument("--seed", type=int, default=None, help="of all that is random; default: a new one")
    parser.add_argument("--deterministic", action="store_true", help="with torch.use_deterministic_algorithms")
    parser.add_argument("--part", choices=SHARES, action="append", help="only this one; may be given several times")
    given = parser.parse_args(words)
    seed = time.time_ns() % 2**32 if given.seed is None else given.seed
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(given.deterministic)
    print(f"seed {seed}", flush=True)
    counts = {}
    for part in given.part or SHARES:
        print(f"{part} ...", file=sys.stderr, flush=True)
        counts[part] = import_module(f"tests.soak.{part}").soak(given.seconds * SHARES[part], seed)
    print(table(counts))
    failures = [sentence for each in counts.values() for sentence in each.failures]
    for sentence in failures:
        print(sentence)
    return int(bool(failures) or not all(is_survived(each) for each in counts.values()))


def is_survived(counts: Counts) -> bool:
    """Whether there was anything, and all of it ended as promised."""
    return 0 < counts.tried == counts.survived and not any(getattr(counts, kind) for kind in LOSSES)


def table(counts: dict[str, Counts]) -> str:
    """A row of counts for each part."""
    rows = [("", *(column.replace("_", " ") for column in COLUMNS))]
    rows += [(part, *(f"{getattr(each, column):,}" for column in COLUMNS)) for part, each in counts.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
