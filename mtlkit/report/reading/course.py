"""The lines of `sharing.jsonl`, read back: what the tasks shared after each epoch."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, ValidationError

from mtlkit.errors import RunError
from mtlkit.report.evidence import Epoch
from mtlkit.sharing.summaries import GuessSummary, MixtureSummary, RecordedSummary, WordSummary
from mtlkit.text import visible
from mtlkit.training.records import Cosines


def _square(cosines: Cosines) -> Cosines:
    if any(len(line) != len(cosines.tasks) for line in (cosines.cosines, *cosines.cosines)):
        raise ValueError("not a number for each two tasks")
    return cosines


class _Line(BaseModel):
    """What is read of a line; records of other names, such as those of plugins, are passed over."""

    model_config = ConfigDict(extra="ignore")

    stage: str | None = None
    epoch: NonNegativeInt
    sharing: dict[str, RecordedSummary] = {}
    gradient_cosine: Annotated[Cosines, AfterValidator(_square)] | None = None


def read_course(lines: Iterable[Mapping[str, Any]], tasks: Collection[str] | None = None) -> list[Epoch]:
    """Reads what was recorded after each epoch, in order.

    Args:
        lines: as JSON has them.
        tasks: those of the run; None: any name may be one.

    Raises:
        RunError: a line is damaged, or names a task that the run does not have, which would be drawn as if it had.
    """
    course = []
    for number, line in enumerate(lines, 1):
        epoch = _epoch(number, line)
        if tasks is not None and (unknown := [name for name in _named(epoch) if name not in tasks]):
            raise RunError(
                f"sharing.jsonl:{number}: '{visible(unknown[0])}' is not a task of the run, whose tasks are "
                f"{', '.join(tasks)}; the file is damaged or of another run; move it away, and the report shows the "
                "rest"
            )
        course.append(epoch)
    return course


def _epoch(number: int, line: Mapping[str, Any]) -> Epoch:
    try:
        read = _Line.model_validate(line)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
        raise RunError(
            f"sharing.jsonl:{number}: {place or 'the line'} is not what mtlkit records; the file is damaged or of "
            "another version; move it away, and the report shows the rest"
        ) from None
    return Epoch(read.stage, read.epoch, read.sharing, read.gradient_cosine)


def _named(epoch: Epoch) -> Iterator[str]:
    """All names of tasks in an epoch, including those inside summaries."""
    yield from epoch.summaries
    for summary in epoch.summaries.values():
        match summary:
            case WordSummary():
                yield from summary.senders or ()
            case MixtureSummary() | GuessSummary():
                yield from summary.tasks
    if epoch.cosines is not None:
        yield from epoch.cosines.tasks
