"""All that a report is made from."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import eq
from typing import Any, Literal, TypeAlias, TypeVar, final

from mtlkit.comparison import RunRecord
from mtlkit.data import Target
from mtlkit.experiment import Experiment
from mtlkit.sharing.explanations import Reading
from mtlkit.sharing.summaries import Summary
from mtlkit.training import Predictions
from mtlkit.training.records import Cosines

Reach: TypeAlias = Literal["short", "long"]
"""The reach of a pattern: short is one to three words, long six and more."""


@final
@dataclass(frozen=True)
class ReadText:
    """A text that is shown with what its words read."""

    number: int
    """The text's number in its file, from 1, counting texts that are left out."""
    gold: Target | None
    predicted: Target
    reading: Reading
    gates: tuple[float, ...] | None = None
    """How far each word's state was opened to what it read: the mean over networks, or None without a gate."""

    @property
    def is_wrong(self) -> bool:
        """Whether the label, or one of the tags, is known to be another than the predicted one."""
        return self.gold is not None and self.gold != self.predicted

    @property
    def num_right(self) -> int:
        """The number of tags that are right, where the words have tags."""
        return sum(map(eq, self.gold or (), self.predicted))


@final
@dataclass(frozen=True)
class Example:
    """The place of a text where a pattern is strongest."""

    number: int
    """The text's number, as in `ReadText`."""
    words: Sequence[str]
    """The words of the whole text."""
    place: int
    """The position of the word, from 0."""
    source: int
    """The position of the word that was read, from 0."""


@final
@dataclass(frozen=True)
class Pattern:
    """A pair of words of which one read the other strongly, over all texts of a task (Liu et al. 2019, Table 2)."""

    word: str
    source: str
    reach: Reach
    distance: float
    """The mean distance in words; positive where the source comes later."""
    weight: float
    """The mean of what the word took of the source."""
    lift: float
    """How many times as much was read as if the word had read all words of its text alike: the geometric mean over the
    places where the source is among those that it read most, which is above 1 even where words read at random."""
    usual: float
    """The lift of the source for all words together, wherever it stands; near `lift` where everything reads it."""
    count: int
    """The number of texts that have such a place."""
    example: Example


@final
@dataclass(frozen=True)
class Affinity:
    """A word that read a task more than the words of its own task usually do."""

    word: str
    sender: str
    weight: float
    """The mean of what the word took of the sender."""
    usual: float
    """The mean of what all words took of the sender."""
    count: int
    """The number of texts that have the word."""


@final
@dataclass(frozen=True)
class Offsets:
    """How the weights of a task's words lie around them, the word itself in the middle."""

    weights: tuple[float, ...]
    """The mean over words of what they took from each offset."""
    uniform: tuple[float, ...]
    """What `weights` would be if every word read all words of its text alike; it accounts for the ends of texts."""
    before: float
    """The mean of what is taken from all words before, also from further away than `reach`."""
    after: float

    @property
    def reach(self) -> int:
        """The largest offset that is counted, in words."""
        return len(self.weights) // 2


@final
@dataclass(frozen=True)
class Observed:
    """What a task's texts have shown of the sharing."""

    predictions: Predictions
    summary: Summary | None
    """The summary of the texts' traces; None where the scheme has none."""
    texts: Sequence[ReadText] = ()
    """A few texts to show, the most telling first."""
    patterns: Sequence[Pattern] = ()
    """The patterns of reading where words read positions, the strongest first."""
    offsets: Offsets | None = None
    """The distances of reading; None where words do not read positions."""
    affinities: Sequence[Affinity] = ()
    """The affinities where words read tasks: a few for each sender, the strongest first."""
    is_finite: bool = True
    """Whether the model computed finite numbers; otherwise its predictions are worth nothing."""
    notes: Sequence[str] = ()
    """Sentences about the texts, such as that they have changed since the run was trained."""


@final
@dataclass(frozen=True)
class Epoch:
    """What the tasks shared after an epoch of training, as the run recorded it."""

    stage: str | None
    """The name of its stage; None where the run has no stages."""
    number: int
    """Its number in its stage, from 1."""
    summaries: Mapping[str, Summary]
    """The summary of each task that has one."""
    cosines: Cosines | None

    @property
    def name(self) -> str:
        """The epoch in words, as in `epoch 3`, or `epoch 3 of search`."""
        return f"epoch {self.number}" + ("" if self.stage is None else f" of {self.stage}")

    def cosine_pairs(self) -> Iterator[tuple[str, str, float]]:
        """Each pair of tasks once, with the cosine of their gradients, where it is finite."""
        if self.cosines is not None:
            for (row, one), (column, other) in combinations(enumerate(self.cosines.tasks), 2):
                cosine = self.cosines.cosines[row][column]
                if cosine is not None and math.isfinite(cosine):
                    yield one, other, cosine


S = TypeVar("S")


def of_kind(summaries: Mapping[str, Summary | None], kind: type[S]) -> dict[str, S]:
    """The summaries of one kind, by task."""
    return {task: summary for task, summary in summaries.items() if isinstance(summary, kind)}


def summaries_by_epoch(course: Sequence[Epoch], kind: type[S]) -> Iterator[tuple[Epoch, dict[str, S]]]:
    """The epochs in which tasks told something of this kind, each with those tasks' summaries."""
    for epoch in course:
        if found := of_kind(epoch.summaries, kind):
            yield epoch, found


@final
@dataclass(frozen=True)
class Evidence:
    """All that is known of one run or archive."""

    name: str
    experiment: Experiment
    """The archive's experiment: after several stages, that of the last one."""
    meta: Mapping[str, Any]
    """The run's `meta.json`, or what the archive keeps of it."""
    metrics: Mapping[str, Any] | None
    """The run's `metrics.json`; None for an archive alone."""
    log: Sequence[Mapping[str, Any]]
    """The lines of the run's `metrics.jsonl`; empty for an archive alone."""
    course: Sequence[Epoch]
    """What was recorded of the sharing after each epoch; empty for an archive alone."""
    baselines: Sequence[RunRecord]
    """Finished runs that are shown beside it."""
    split: str
    """`train`, `dev` or `test`: where the texts of `observed` come from."""
    observed: Mapping[str, Observed]
    """What the texts of each task have shown, in the experiment's order."""
    notes: Sequence[str] = ()
    """What the report cannot show, why, and how it could."""
    sha256: str = ""
    """The digest of the archive."""
    resolved: Mapping[str, Any] | None = None
    """The run's experiment with every default filled in and all stages; None for an archive alone."""

    @property
    def summaries(self) -> dict[str, Summary | None]:
        """What the texts of each task have shown of the sharing, on average; None where the scheme shows nothing."""
        return {task: seen.summary for task, seen in self.observed.items()}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The experiment with every default filled in: the run's, or else the archive's."""
        return self.experiment.to_json() if self.resolved is None else self.resolved

    @property
    def has_own_mailboxes(self) -> bool:
        """Whether words read positions of a network that is their task's own, so that what they read is not shared."""
        return getattr(self.experiment.model.sharing.settings, "mailbox", "shared") == "per_task"

    @property
    def num_texts(self) -> int:
        """The number of texts that were read for this report."""
        return sum(len(seen.predictions.predicted) for seen in self.observed.values())
