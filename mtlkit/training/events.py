"""The events of training, which the trainer yields to the code that saves, logs and draws."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Step:
    """An optimizer step that has been taken."""

    epoch: int
    """The current epoch, counted from 1."""
    step: int
    """Steps of the run so far, this one included."""
    step_in_epoch: int
    """Steps of the current epoch so far, this one included."""
    steps_per_epoch: int
    """Steps that every epoch of the run has."""
    losses: list[tuple[str, Tensor]]
    """(task, mean loss) of each batch. Losses are still on the device, so reading one waits for it."""
    work: dict[str, int] = field(default_factory=dict)
    """What the step processed, as counts by name: `tokens`, `padded_tokens` (with padding), and the update
    strategy's."""


@dataclass(frozen=True)
class EpochEnd:
    """An epoch that is over, after its dev data have been scored."""

    epoch: int
    """The epoch, counted from 1."""
    step: int
    """Steps of the run so far."""
    losses: dict[str, float]
    """Mean training loss of each task that had a batch in the epoch."""
    dev: dict[str, float]
    """Figures on dev data, as `task/metric`."""
    test: dict[str, float]
    """Figures on test data, as `task/metric`, if `test_every_epoch` is set; they never choose a model."""
    scores: dict[str, float]
    """The selection's score of each set of weights."""
    improved: list[str] = field(default_factory=list)
    """Sets of weights whose score is the best so far."""
    work: dict[str, int] = field(default_factory=dict)
    """The counts of the epoch's steps, added up."""
    skipped: list[dict[str, Any]] = field(default_factory=list)
    """Each step that was left out because its loss or gradient was not finite: `step`, and `texts`, a list with the
    task of each batch and the positions of its texts, from 0, among those read for the task's train split."""
    idle: list[str] = field(default_factory=list)
    """Parts of the model that no gradient has reached; only reported at the end of the first epoch."""
    recorded: dict[str, Any] | None = None
    """The value of each record by its name; None where there are no records."""
    notes: list[str] = field(default_factory=list)
    """Sentences about scores that do not move and models that give one label only, each once in a stage."""

    @property
    def shares(self) -> dict[str, float]:
        """Shares of the work, from 0 to 1: `padding`, the share of padded tokens that are padding, and `module_passes`,
        how many passes through modules were run for each that paths would need separately."""
        shares = {}
        if padded := self.work.get("padded_tokens"):
            shares["padding"] = 1 - self.work["tokens"] / padded
        if separate := self.work.get("separate_module_passes"):
            shares["module_passes"] = self.work["module_passes"] / separate
        return shares

    def problems(self) -> Iterator[str]:
        """Yields a sentence for each problem of the epoch, such as a step that was left out."""
        if self.idle:
            yield f"no gradient has reached {', '.join(self.idle)} in the first epoch; they are as they began"
        for skipped in self.skipped:
            texts = " and ".join(
                f"{', '.join(str(place + 1) for place in places)} of {task}" for task, places in skipped["texts"]
            )
            yield f"step {skipped['step']} was left out: its loss or gradient is not finite (texts {texts})"
        if split := self.work.get("split_batches"):
            yield f"{split:,} batches did not fit the memory and were taken in parts"
        yield from self.notes

    def to_json(self) -> dict[str, object]:
        """The epoch's line in `metrics.jsonl`. It has no times, so that a resumed run writes the same bytes."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "train": {f"{task}/loss": loss for task, loss in self.losses.items()},
            "dev": self.dev,
            **({"test": self.test} if self.test else {}),
            "scores": self.scores,
            "improved": self.improved,
            **({"work": self.work, "shares": self.shares} if self.work else {}),
            **({"skipped": self.skipped} if self.skipped else {}),
            **({"idle": self.idle} if self.idle else {}),
            **({"notes": self.notes} if self.notes else {}),
        }
