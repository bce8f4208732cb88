"""What a second process saves, with the same batches, over one process and over a second thread: five minutes.

`mtlkit train --profile` of one epoch of whole experiments, in turns: by one process with one thread; by two processes
with one thread each, which share every batch (`--processes 2`); and by one process with `trainer.threads=2`. Compared
are words per second *by the clock* in steps of training, as the profiles have them, so the machine must have two idle
cores; the result says how busy it was. Beside them is the share of the time of training that the first process
exchanges gradients or waits for the second one.
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
LIMIT = 600
"""Texts of each split."""
LEAST_GAIN = 1.7
VARIANTS: Mapping[str, Sequence[str]] = {
    "one process": (),
    "two processes": ("--processes", "2"),
    "two threads": ("-o", "trainer.threads=2"),
}
TRAINING = ("data", "forward", "backward", "optimiser", "communication")


def trained(file: str, variant: str, folder: Path) -> dict[str, Any]:
    """The profile of one run."""
    directory = folder / variant.replace(" ", "-")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = ["-m", "mtlkit", "train", file, "-s", directory, "--force", "--profile", "--limit", str(LIMIT)]
    run(
        [sys.executable, *words, "-o", "trainer.epochs=1", "-o", "trainer.records=[]", *VARIANTS[variant]],
        {"PYTHONPATH": path},
    )
    profile: dict[str, Any] = json.loads((directory / "profile.json").read_text())
    return profile


def rows(case: str, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """The rows of one experiment, from each round of all variants."""
    speed = Timings({name: [1 / each["tokens_per_second"] for each in rounds] for name, rounds in found.items()})
    two = found["two processes"]
    exchanged = median(
        each["seconds"]["communication"] / sum(each["seconds"].get(name, 0.0) for name in TRAINING) for each in two
    )
    return [
        at_least("two processes over one, by the clock", case, speed.ratio("one process", "two processes"), LEAST_GAIN),
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
                    found[variant].append(trained(file, variant, Path(folder)))
        table += rows(case, found)
        profiles[case] = found
    write_result(arguments, table, profiles=profiles)


if __name__ == "__main__":
    main()
