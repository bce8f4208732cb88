"""What was recorded of the sharing after each epoch: the lines of `sharing.jsonl`, read back.

Shapes: K tasks, L layers, N sources, S steps or the size of an embedding, A actions.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any, Literal, Self, TypeAlias, TypeVar, final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from mtlkit.errors import RunError
from mtlkit.sharing.summaries import GuessSummary, MixtureSummary, PathSummary, Summary, WordSummary
from mtlkit.text import visible

Number: TypeAlias = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A number that was no finite one when it was recorded may be null."""
Row: TypeAlias = tuple[Number, ...]


@final
@dataclass(frozen=True)
class Cosines:
    """Of the gradients of each two tasks."""

    tasks: tuple[str, ...]
    cosines_KK: tuple[tuple[float | None, ...], ...]
    """None where a task had no gradient, or was not asked."""

    def pairs(self) -> Iterator[tuple[str, str, float]]:
        """Each two tasks once, with their cosine where it is a finite number."""
        for (row, one), (column, other) in combinations(enumerate(self.tasks), 2):
            cosine = self.cosines_KK[row][column]
            if cosine is not None and math.isfinite(cosine):
                yield one, other, cosine


@final
@dataclass(frozen=True)
class Epoch:
    """What the tasks shared after it."""

    stage: str | None
    """None where the run has no stages."""
    number: int
    summaries: Mapping[str, Summary]
    """By task; none of those that told nothing."""
    cosines: Cosines | None

    @property
    def name(self) -> str:
        """`epoch 3`, or `epoch 3 of search`."""
        return f"epoch {self.number}" + ("" if self.stage is None else f" of {self.stage}")


def read_course(lines: Iterable[Mapping[str, Any]]) -> list[Epoch]:
    """The epochs in their order.

    Raises:
        RunError: a line is damaged.
    """
    return [_epoch(number, line) for number, line in enumerate(lines, 1)]


def check_tasks(lines: Iterable[Mapping[str, Any]], tasks: Collection[str]) -> None:
    """Makes sure that a record names none but a run's tasks.

    Raises:
        RunError: a line is damaged, or names another one, which would be drawn as if there were such a task.
    """
    for number, epoch in enumerate(read_course(lines), 1):
        if unknown := [name for name in _named(epoch) if name not in tasks]:
            raise RunError(
                f"sharing.jsonl:{number}: '{visible(unknown[0])}' is no task of the run, whose tasks are "
                f"{', '.join(tasks)}; the file is damaged or of another run; move it away, and the report shows the "
                "rest"
            )


def _named(epoch: Epoch) -> Iterator[str]:
    """All names of tasks, those inside summaries too."""
    yield from epoch.summaries
    for summary in epoch.summaries.values():
        match summary:
            case WordSummary():
                yield from summary.senders or ()
            case MixtureSummary() | GuessSummary():
                yield from summary.tasks
    if epoch.cosines is not None:
        yield from epoch.cosines.tasks


def summaries_by_epoch(course: Sequence[Epoch], kind: type[Summary]) -> Iterator[tuple[Epoch, dict[str, Any]]]:
    """The epochs in which tasks told something of this kind, each with those tasks' summaries."""
    for epoch in course:
        if found := {task: summary for task, summary in epoch.summaries.items() if isinstance(summary, kind)}:
            yield epoch, found


R = TypeVar("R")


class _Record(BaseModel):
    """More fields than these are those of a later version."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Tasks(_Record):
    kind: Literal["tasks"]
    senders: tuple[str, ...]
    weights_N: Row
    spread: Number
    gate: Number | None = None
    num_words: NonNegativeInt = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        return _fitting(self, len(self.weights_N) == len(self.senders))

    def summary(self) -> Summary:
        return WordSummary(self.num_words, self.senders, self.weights_N, None, self.spread, self.gate)


class _Positions(_Record):
    kind: Literal["positions"]
    distance: Number
    spread: Number
    gate: Number | None = None
    num_words: NonNegativeInt = 0

    def summary(self) -> Summary:
        return WordSummary(self.num_words, None, None, self.distance, self.spread, self.gate)


class _Path(_Record):
    kind: Literal["path"]
    modules: tuple[NonNegativeInt, ...]
    policy_SA: tuple[Row, ...] | None = None
    embedding_S: Row | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        policy_SA = self.policy_SA
        if policy_SA is None:
            return self
        steps = len(policy_SA) - len(self.modules)
        sizes = {len(policy_A) for policy_A in policy_SA}
        highest = max(self.modules, default=-1)
        return _fitting(self, steps in (0, 1) and len(sizes) <= 1 and all(highest + 1 < size for size in sizes))

    def summary(self) -> Summary:
        return PathSummary(self.modules, self.policy_SA, self.embedding_S)


class _Mixture(_Record):
    kind: Literal["mixture"]
    tasks: tuple[str, ...]
    weights_LK: tuple[Row, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        return _fitting(self, all(len(weights_K) == len(self.tasks) for weights_K in self.weights_LK))

    def summary(self) -> Summary:
        return MixtureSummary(self.tasks, self.weights_LK)


class _Guess(_Record):
    kind: Literal["guess"]
    tasks: tuple[str, ...]
    probabilities_K: Row
    accuracy: Number
    num_texts: NonNegativeInt

    @model_validator(mode="after")
    def _fits(self) -> Self:
        return _fitting(self, len(self.probabilities_K) == len(self.tasks))

    def summary(self) -> Summary:
        return GuessSummary(self.num_texts, self.tasks, self.probabilities_K, self.accuracy)


class _Cosines(_Record):
    tasks: tuple[str, ...]
    cosines: tuple[tuple[float | None, ...], ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        rows = [len(row) for row in self.cosines]
        return _fitting(self, rows == [len(self.tasks)] * len(self.tasks))


_Any: TypeAlias = Annotated[_Tasks | _Positions | _Path | _Mixture | _Guess, Field(discriminator="kind")]


class _Line(_Record):
    stage: str | None = None
    epoch: NonNegativeInt
    sharing: dict[str, _Any] = {}
    gradient_cosine: _Cosines | None = None


def _fitting(record: R, fits: bool) -> R:
    if not fits:
        raise ValueError("sizes that do not fit each other")
    return record


def _epoch(number: int, line: Mapping[str, Any]) -> Epoch:
    try:
        read = _Line.model_validate(line)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False)[0]["loc"])) or "the line"
        raise RunError(
            f"sharing.jsonl:{number}: {place} is not what mtlkit records; the file is damaged or of another version; "
            "move it away, and the report shows the rest"
        ) from None
    summaries = {task: record.summary() for task, record in read.sharing.items()}
    given = read.gradient_cosine
    cosines = None if given is None else Cosines(given.tasks, given.cosines)
    return Epoch(read.stage, read.epoch, summaries, cosines)
