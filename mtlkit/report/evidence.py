"""All that a report is made from."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, TypeAlias, TypeVar, final

from mtlkit.comparison import RunRecord
from mtlkit.data import Target
from mtlkit.experiment import Experiment
from mtlkit.sharing.explanations import Reading
from mtlkit.sharing.summaries import Summary
from mtlkit.training import Predictions
from mtlkit.training.records import Cosines

Reach: TypeAlias = Literal["short", "long"]
"""Of a pattern: one to three words, or six and more."""


@final
@dataclass(frozen=True)
class ReadText:
    """A text that is shown with what its words read."""

    number: int
    """In its file, from 1, whatever is left out."""
    gold: Target | None
    predicted: Target
    reading: Reading
    gates: tuple[float, ...] | None = None
    """How far each word's state was opened to what it read; of two networks, the mean."""


@final
@dataclass(frozen=True)
class Example:
    """The place of a text where a pattern is strongest."""

    number: int
    """Of the text, like that of a `ReadText`."""
    words: Sequence[str]
    """Of the whole text."""
    place: int
    """Of the word, from 0."""
    source: int
    """Of the word that it read."""


@final
@dataclass(frozen=True)
class Pattern:
    """A pair of words of which one read the other strongly, over all texts of a task (Liu et al. 2019, Table 2)."""

    word: str
    source: str
    reach: Reach
    distance: float
    """In words, on average; positive where the source comes later."""
    weight: float
    """Mean of what the word took of the source."""
    lift: float
    """How many times as much as if the word had read all words of its text alike; the geometric mean over the places
    where the source is among those that it read most, which are above 1 even where words read at random."""
    usual: float
    """The same of all words together, wherever the source is: near the lift, where everything reads it."""
    count: int
    """Texts that have such a place."""
    example: Example


@final
@dataclass(frozen=True)
class Affinity:
    """A word that read a task more than the words of its own task usually do."""

    word: str
    sender: str
    weight: float
    """Mean of what the word took of the sender."""
    usual: float
    """The same of all words."""
    count: int
    """Texts that have the word."""


@final
@dataclass(frozen=True)
class Offsets:
    """How the weights of a task's words lie around them, the word itself in the middle."""

    weights: tuple[float, ...]
    """Mean over words of what they took from each offset."""
    uniform: tuple[float, ...]
    """The same as if every word had read all words of its text alike; ends of texts are in it."""
    before: float
    """Mean of what is taken from all words before, also from further away."""
    after: float

    @property
    def reach(self) -> int:
        """The largest offset."""
        return len(self.weights) // 2


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
    """Where words read positions: the strongest first."""
    offsets: Offsets | None = None
    """Where words read positions."""
    affinities: Sequence[Affinity] = ()
    """Where words read tasks: for each sender a few, the strongest first."""
    is_finite: bool = True
    """Whether the model came to finite numbers; else the predictions are worth nothing."""


@final
@dataclass(frozen=True)
class Epoch:
    """What the tasks shared after an epoch of training, as the run recorded it."""

    stage: str | None
    """None where the run has no stages."""
    number: int
    """From 1, in its stage."""
    summaries: Mapping[str, Summary]
    """By task; none of those that told nothing."""
    cosines: Cosines | None

    @property
    def name(self) -> str:
        """`epoch 3`, or `epoch 3 of search`."""
        return f"epoch {self.number}" + ("" if self.stage is None else f" of {self.stage}")

    def cosine_pairs(self) -> Iterator[tuple[str, str, float]]:
        """Each two tasks once, with the cosine of their gradients, where it is a finite number."""
        if self.cosines is not None:
            for (row, one), (column, other) in combinations(enumerate(self.cosines.tasks), 2):
                cosine = self.cosines.cosines[row][column]
                if cosine is not None and math.isfinite(cosine):
                    yield one, other, cosine


S = TypeVar("S")


def summaries_by_epoch(course: Sequence[Epoch], kind: type[S]) -> Iterator[tuple[Epoch, dict[str, S]]]:
    """The epochs in which tasks told something of this kind, each with those tasks' summaries."""
    for epoch in course:
        found: dict[str, S] = {task: each for task, each in epoch.summaries.items() if isinstance(each, kind)}
        if found:
            yield epoch, found


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
    course: Sequence[Epoch]
    """What was recorded of the sharing after each epoch; nothing of an archive alone."""
    baselines: Sequence[RunRecord]
    """Finished runs that stand beside it."""
    split: str
    """`train`, `dev` or `test`: where the texts of `observed` come from."""
    observed: Mapping[str, Observed]
    """By task, in the experiment's order."""
    notes: Sequence[str] = ()
    """What the report cannot show, why, and how it could."""
    sha256: str = ""
    """Of the archive."""
    resolved: Mapping[str, Any] | None = None
    """The run's experiment with every default filled in and all stages; None of an archive alone."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The experiment with every default filled in: the run's, or else the archive's."""
        return self.experiment.to_json() if self.resolved is None else self.resolved

    @property
    def num_texts(self) -> int:
        """How many were read for this report."""
        return sum(len(seen.predictions.predicted) for seen in self.observed.values())
