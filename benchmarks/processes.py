"""What a second process saves, with the same batches, over one process and over a second thread: eight minutes.

`mtlkit train --profile` of one epoch of whole experiments, in turns: by one process with one thread; by two processes
with one thread each, which share every batch (`--processes 2`); and by one process with `trainer.threads=2`. Compared
are words per second *by the clock* in steps of training, as the profiles have them, so the machine must have two idle
cores; the result says how busy it was. Beside them is the share of the time of training that the first process
exchanges gradients or waits for the second one.

What two processes could reach at best is measured in one process with batches of half as many texts: twice as many
words per second as it has, as if a step took each process no longer than its half takes alone.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from measuring import ROOT, Row, Timings, at_least, command_line, run, untargeted, write_result

EXPERIMENTS = {"IC-MTL on VADER": "experiments/ic_mtl.jsonnet", "IC-MTL on FDU-MTL": "experiments/fdu/ic.jsonnet"}
LIMITS = {"IC-MTL on VADER": 600, "IC-MTL on FDU-MTL": 200}
"""Texts of each split."""
HALF = "batches of half the size"
LEAST_GAIN = 1.7
VARIANTS: Mapping[str, Sequence[str]] = {
    "one process": (),
    "two processes": ("--processes", "2"),
    "two threads": ("-o", "trainer.threads=2"),
    HALF: ("-o", "trainer.batch_size=16"),
}
TRAINING = ("data", "forward", "backward", "optimiser", "communication")


def trained(file: str, variant: str, limit: int, folder: Path) -> dict[str, Any]:
    """The profile of one run."""
    directory = folder / variant.replace(" ", "-")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = ["-m", "mtlkit", "train", file, "-s", directory, "--force", "--profile", "--limit", str(limit)]
    run(
        [sys.executable, *words, "-o", "trainer.epochs=1", "-o", "trainer.records=[]", *VARIANTS[variant]],
        {"PYTHONPATH": path},
    )
    profile: dict[str, Any] = json.loads((directory / "profile.json").read_text())
    return profile


def rows(case: str, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """The rows of one experiment, from each round of all variants."""
    speed = Timings({name: [1 / each["tokens_per_second"] for each in rounds] for name, rounds in found.items()})
    best = Timings({**speed.seconds, HALF: [seconds / 2 for seconds in speed.seconds[HALF]]})
    two = found["two processes"]
    exchanged = median(
        each["seconds"]["communication"] / sum(each["seconds"].get(name, 0.0) for name in TRAINING) for each in two
    )
    return [
        at_least("two processes over one, by the clock", case, speed.ratio("one process", "two processes"), LEAST_GAIN),
        untargeted("two processes at best over one, by the clock", case, best.ratio("one process", HALF)),
        untargeted("two threads over one, by the clock", case, speed.ratio("one process", "two threads")),
        untargeted("share of training that two processes exchange", case, 100 * exchanged, unit=" %"),
    ]


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "processes", rounds=3)
    table: list[Row] = []
    profiles: dict[str, Any] = {}
    for case, file in EXPERIMENTS.items():
        found: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
        with TemporaryDirectory() as folder:
            for _ in range(arguments.rounds):
                for variant in VARIANTS:
                    found[variant].append(trained(file, variant, LIMITS[case], Path(folder)))
        table += rows(case, found)
        profiles[case] = found
    write_result(arguments, table, profiles=profiles)


if __name__ == "__main__":
    main()
