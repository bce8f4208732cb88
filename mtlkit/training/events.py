"""What the trainer tells those who save, log and draw."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Step:
    """One optimiser step has been taken."""

    epoch: int
    """From 1."""
    step: int
    """Steps of the run so far."""
    step_in_epoch: int
    steps_per_epoch: int
    losses: list[tuple[str, Tensor]]
    """(task, mean loss) of each batch; still on the device, so reading one waits for it."""
    work: dict[str, int] = field(default_factory=dict)
    """Counts of what was done, by name: `tokens`, `padded_tokens` with padding, and those of the update strategy."""


@dataclass(frozen=True)
class EpochEnd:
    """An epoch is over, dev data have been scored."""

    epoch: int
    """From 1."""
    step: int
    losses: dict[str, float]
    """Mean training loss of each task that had a turn."""
    dev: dict[str, float]
    """`task/metric` on dev data."""
    test: dict[str, float]
    """The same on test data, if asked for; chooses nothing."""
    scores: dict[str, float]
    """The selection's score of each set of weights."""
    improved: list[str] = field(default_factory=list)
    """Sets of weights whose score is the best so far."""
    work: dict[str, int] = field(default_factory=dict)
    """The sums of what the steps counted."""
    skipped: list[dict[str, Any]] = field(default_factory=list)
    """Each step that was left out, as its loss or gradient was no finite number: `step`, and `texts`, of each batch its
    task and the places of its texts among those that were read for its train split, from 0."""
    idle: list[str] = field(default_factory=list)
    """At the end of the first epoch: parts of the model that no gradient has reached."""
    recorded: dict[str, Any] | None = None
    """What each record has to say, by its name; None where there are no records."""

    @property
    def shares(self) -> dict[str, float]:
        """What the work came to, from 0 to 1: `padding`, the share of padded tokens that are none, and
        `module_passes`, the share of separate passes through modules that had to be run."""
        shares = {}
        if padded := self.work.get("padded_tokens"):
            shares["padding"] = 1 - self.work["tokens"] / padded
        if separate := self.work.get("separate_module_passes"):
            shares["module_passes"] = self.work["module_passes"] / separate
        return shares

    def to_json(self) -> dict[str, object]:
        """The line that `metrics.jsonl` keeps. Times are left out: a resumed run writes the same bytes."""
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
        }
