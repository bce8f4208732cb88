"""Whether the figures of several runs compare: whether the runs were trained and scored on the same texts, alike."""

from collections.abc import Iterator, Mapping, Sequence

from mtlkit.comparison.answers import Answers
from mtlkit.comparison.outcomes import metric_of
from mtlkit.comparison.records import RunRecord
from mtlkit.errors import RunError
from mtlkit.runs.basis import Place
from mtlkit.runs.comparable import (
    REMEDY,
    difference_of_answers,
    differences_of_bases,
    differences_of_metrics,
    do_not_compare,
    may_not_compare,
    of_neither_experiment,
    unknown_of_bases,
)
from mtlkit.training import Predictions


def check_agreement(
    records: Sequence[RunRecord], metrics: Mapping[str, str], answers: Answers, split: str, *, anyway: bool
) -> list[str]:
    """Checks that the figures of all runs compare.

    Args:
        records: the runs.
        metrics: the score that is compared, by task.
        answers: the predictions that the runs have kept.
        split: the split of the figures.
        anyway: whether to go on where they do not compare.

    Returns:
        Sentences for the reader of the figures: which runs do not compare, what is not known since a run of an older
        version did not record it, and which runs were resumed in spite of changes.

    Raises:
        RunError: two runs do not compare, and `anyway` is false; the message names both and their first differences.
    """
    found, unknown = [], []
    unlike: list[RunRecord] = []
    """Runs with which the others are compared; one that is as an earlier one in everything need not be among them."""
    for record in records:
        differs = False
        for other in unlike:
            pair = _Pair(other, record, metrics, answers, split)
            if differing := list(pair.differences()):
                if not differs:
                    found.append(do_not_compare(other.path, record.path, differing))
                differs = True
            elif lacking := list(pair.unknown()):
                unknown.append(may_not_compare(other.path, record.path, lacking))
            else:
                break
        else:
            unlike.append(record)
    if found and not anyway:
        raise RunError(f"{found[0]}; {REMEDY}")
    mixed = (of_neither_experiment(record.path, record.basis) for record in records)
    return [*found, *unknown, *filter(None, mixed)]


class _Pair:
    """Two runs whose figures are to be compared."""

    def __init__(
        self, one: RunRecord, other: RunRecord, metrics: Mapping[str, str], answers: Answers, split: str
    ) -> None:
        self.one, self.other = one.basis, other.basis
        self.metrics, self.split = metrics, split
        self.answers: dict[str, tuple[Predictions, Predictions]] = {
            task: (answers[one.path][task], answers[other.path][task])
            for task in metrics
            if task in answers[one.path] and task in answers[other.path]
        }

    def differences(self) -> Iterator[str]:
        """What they are known to differ in so that their figures do not compare."""
        yield from differences_of_bases(self.one, self.other, self._places)
        yield from differences_of_metrics(self.one, self.other, self.metrics.keys() - self.answers.keys())
        for task, (one, other) in self.answers.items():
            if not one.is_about_the_same_as(other):
                yield difference_of_answers(one, other, task, self.split)
            elif metric_of(one, self.metrics[task]) != metric_of(other, self.metrics[task]):
                yield f"the metric of {task}"

    def unknown(self) -> Iterator[str]:
        """What they may differ in."""
        return unknown_of_bases(self.one, self.other, self._places)

    @property
    def _places(self) -> list[Place]:
        """The splits whose texts count. Those that both have answered are compared by the answers."""
        places = [(task, split) for task in self.metrics for split in ("train", "dev")]
        places += [(task, self.split) for task in self.metrics if self.split == "test"]
        return [(task, split) for task, split in places if split != self.split or task not in self.answers]
