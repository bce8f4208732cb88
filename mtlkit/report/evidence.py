"""All that a report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from mtlkit.comparison import RunRecord
from mtlkit.data import Target
from mtlkit.experiment import Experiment
from mtlkit.explanations import Reading
from mtlkit.sharing.summaries import Summary
from mtlkit.training import Predictions


@final
@dataclass(frozen=True)
class ReadText:
    """A text that is shown with what its words read."""

    number: int
    """In its split, from 1."""
    gold: Target | None
    predicted: Target
    reading: Reading


@final
@dataclass(frozen=True)
class Pattern:
    """A pair of words of which one read the other strongly, over all texts of a task (Liu et al. 2019, Table 2)."""

    word: str
    source: str
    distance: float
    """In words, on average; positive where the source comes later."""
    weight: float
    """Mean of what the word took of the source."""
    count: int
    """Texts that have the pair."""
    example: int
    """The number of a text among the task's that shows it."""


@final
@dataclass(frozen=True)
class Observed:
    """What a task's texts have shown of the sharing."""

    predictions: Predictions
    summary: Summary | None
    """None where the scheme tells nothing."""
    texts: Sequence[ReadText] = ()
    """A few, the most telling first."""
    patterns: Sequence[Pattern] = ()
    """Where words read positions: short-range ones and long-range ones, the strongest first."""


@final
@dataclass(frozen=True)
class Evidence:
    """Of one run or archive."""

    name: str
    experiment: Experiment
    """The archive's: after stages, that of the last one."""
    meta: Mapping[str, Any]
    """`meta.json` of the run, or what the archive keeps of it."""
    metrics: Mapping[str, Any] | None
    """`metrics.json`; None of an archive alone."""
    log: Sequence[Mapping[str, Any]]
    """The lines of `metrics.jsonl`; none of an archive alone."""
    course: Sequence[Mapping[str, Any]]
    """The lines of `sharing.jsonl`, what was recorded after each epoch; none of an archive alone."""
    baselines: Sequence[RunRecord]
    """Finished runs that stand beside it."""
    split: str
    """`train`, `dev` or `test`: where the texts of `observed` come from."""
    observed: Mapping[str, Observed]
    """By task, in the experiment's order."""
    seconds: Mapping[str, float]
    """How long it took to make it ready, by what was done."""
    notes: Sequence[str] = ()
    """What the report cannot show, why, and how it could."""
    sha256: str = ""
    """Of the archive."""
