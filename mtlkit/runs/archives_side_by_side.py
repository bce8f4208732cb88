"""Whether the figures of several archives, which `evaluate` shows side by side, compare."""

from collections.abc import Sequence

from mtlkit.archive import Archive
from mtlkit.errors import RunError
from mtlkit.runs.basis import basis_of
from mtlkit.runs.comparable import (
    REMEDY,
    difference_of_answers,
    differences_of_bases,
    do_not_compare,
    may_not_compare,
    unknown_of_bases,
)
from mtlkit.training import Predictions


def check_training(archives: Sequence[Archive], names: Sequence[str], tasks: Sequence[str], anyway: bool) -> list[str]:
    """Checks before anything is scored that the archives were trained on the same data.

    Args:
        archives: the archives.
        names: a name for each.
        tasks: the tasks that all of them have and that are scored.
        anyway: whether they may differ.

    Returns:
        For each archive a sentence about how it differs from the first, or may differ; empty where it does not.

    Raises:
        RunError: one differs from the first, and `anyway` is false.
    """
    first, *_ = bases = [basis_of(archive.meta, archive.experiment.to_json()) for archive in archives]
    places = [(task, split) for task in tasks for split in ("train", "dev")]
    found = []
    for name, basis in zip(names, bases, strict=True):
        if differing := list(differences_of_bases(first, basis, places)):
            found.append(_unless(anyway, do_not_compare(names[0], name, differing)))
        else:
            lacking = [] if basis is first else list(unknown_of_bases(first, basis, places))
            found.append(may_not_compare(names[0], name, lacking) if lacking else "")
    return found


def check_scored_texts(
    first: Sequence[Predictions], other: Sequence[Predictions], names: tuple[str, str], split: str, anyway: bool
) -> str:
    """Checks that two archives, given by their answers, were scored on the same texts with the same targets.

    Returns:
        A sentence about how they differ; empty where they do not.

    Raises:
        RunError: they differ, and `anyway` is false.
    """
    answered = {each.task: each for each in first}
    differing = [
        difference_of_answers(one, each, each.task, split)
        for each in other
        if (one := answered.get(each.task)) is not None and not one.is_about_the_same_as(each)
    ]
    return _unless(anyway, do_not_compare(*names, differing)) if differing else ""


def _unless(anyway: bool, sentence: str) -> str:
    if not anyway:
        raise RunError(f"{sentence}; {REMEDY}")
    return sentence
