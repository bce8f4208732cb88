"""What records cost: their share of the CPU time of whole epochs of experiments/, evaluation included: two minutes.

Each experiment is trained in this process as a user trains it, for one epoch a round, with the records as they come and
with gradients' cosines beside them. What is timed is every record by itself, and the epoch around them.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from measuring import ROOT, at_most, command_line, untargeted, write_result

from mtlkit.data import TaskSplit
from mtlkit.experiment import load_experiment
from mtlkit.model import MultiTaskModel
from mtlkit.runs import train
from mtlkit.training import EpochEnd, Step
from mtlkit.training.records import GradientCosine, Record, SharingRecord

MOST = 2.0
"""Percent of an epoch that the records as they come may take."""
LIMIT: int | None = None
"""Texts of each split of each task; None takes all."""
EXPERIMENTS = ("ic_mtl", "dc_mtl")
RECORDS = '[{"type": "sharing"}, {"type": "gradient_cosine"}]'


@dataclass
class Watch:
    """Times records, and follows a run to time its epoch."""

    seconds: dict[str, float] = field(default_factory=dict)
    began: float = 0.0
    epoch_seconds: float = 0.0

    def watch(self, record: type[Record]) -> Callable[[], None]:
        """Times a kind of record from now on, until what is returned is called."""
        observe = record.observe

        def timed(own: Record, model: MultiTaskModel, splits: Mapping[str, TaskSplit]) -> Any:
            began = time.process_time()
            try:
                return observe(own, model, splits)
            finally:
                name = record.registered_name
                self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began

        record.observe = timed  # type: ignore[method-assign]  # for the time of a measurement
        return lambda: setattr(record, "observe", observe)

    def stage(self, name: str | None, epochs: int) -> None:
        """Training begins now: reading and building do not count."""
        self.began = time.process_time()

    def step(self, step: Step) -> None:
        """Nothing."""

    def epoch(self, end: EpochEnd) -> None:
        """One is over."""
        now = time.process_time()
        self.epoch_seconds += now - self.began
        self.began = now

    def close(self) -> None:
        """Nothing."""


def shares(experiment: str) -> dict[str, float]:
    """Percent of an epoch, by record."""
    watch = Watch()
    restore = [watch.watch(record) for record in (SharingRecord, GradientCosine)]
    file = ROOT / "experiments" / f"{experiment}.jsonnet"
    settings = ["trainer.epochs=1", f"trainer.records={RECORDS}"]
    try:
        with TemporaryDirectory() as folder:
            loaded = load_experiment(file, overrides=settings)
            train(loaded, Path(folder) / "run", device="cpu", limit=LIMIT, listeners=[watch])
    finally:
        for each in restore:
            each()
    return {name: 100 * seconds / watch.epoch_seconds for name, seconds in watch.seconds.items()}


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "records", rounds=1)
    rows, details = [], {}
    for experiment in EXPERIMENTS:
        found = [shares(experiment) for _ in range(arguments.rounds)]
        case = f"experiments/{experiment}.jsonnet"
        details[experiment] = {name: [round(each[name], 2) for each in found] for name in found[0]}
        what = "records: share of an epoch,"
        rows.append(at_most(f"{what} sharing", case, median(each["sharing"] for each in found), MOST, " %"))
        cosines = median(each["gradient_cosine"] for each in found)
        rows.append(untargeted(f"{what} gradient_cosine", case, cosines, " %"))
    write_result(arguments, rows, percent=details)


if __name__ == "__main__":
    sys.exit(main())
