"""The tagger of tagging.jsonnet, tuned as `mtlkit train` does."""

import os
import sys
import time
from pathlib import Path

import torch
from taggers.chunking import peak_mebibytes, say
from tuners.tagging import read_sentences

from mtlkit import keep_freed_memory, load_experiment, train
from mtlkit.training import EpochEnd, Step

EXPERIMENT = Path(__file__).parent / "tagging.jsonnet"


class Clock:
    """CPU time from the beginning of training to the last step, losses, and the memory held until then.

    Writing a checkpoint, which follows, is left out, as it is with the others.
    """

    def __init__(self) -> None:
        self.seconds, self.peak = 0.0, 0
        self.losses: list[float] = []

    def stage(self, name: str | None, epochs: int) -> None:
        """Training begins."""
        self.started = time.process_time()

    def step(self, step: Step) -> None:
        """A batch is done."""
        self.losses += [float(loss) for _, loss in step.losses]
        self.seconds, self.peak = time.process_time() - self.started, peak_mebibytes()

    def epoch(self, end: EpochEnd) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def main(folder: Path, encoder: str) -> None:
    """Trains one epoch and prints its rate. The cache stays in the folder."""
    torch.set_num_threads(1)
    keep_freed_memory()  # as the commands do
    os.environ["MTLKIT_CACHE"] = str(folder / "cache")
    clock = Clock()
    experiment = load_experiment(EXPERIMENT, variables={"corpus": str(folder), "encoder": encoder})
    train(experiment, folder / f"run-{os.getpid()}", device="cpu", listeners=[clock])
    say(sum(len(each.words) for each in read_sentences(folder)), clock.seconds, clock.losses, clock.peak)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
