"""The section on a discriminator: whether the shared states tell the task that a text is from."""

import math
from collections.abc import Mapping, Sequence

from mtlkit.report.charts.over_training import over_training
from mtlkit.report.evidence import Epoch, Evidence, summaries_by_epoch
from mtlkit.report.parts import Part, Section, Table
from mtlkit.sharing.summaries import GuessSummary

MEAN = "all tasks"


def section(evidence: Evidence) -> Section | None:
    """None where nobody guesses."""
    guesses = {task: seen.summary for task, seen in evidence.observed.items() if isinstance(seen.summary, GuessSummary)}
    if not guesses:
        return None
    chance = 1 / max(len(guess.tasks) for guess in guesses.values())
    lead = (
        "A discriminator guesses from the shared states which task a text is from, and the shared encoder learns to "
        f"make that hard. At chance, {chance:.2f}, it cannot tell; that it cannot does not prove that nothing of the "
        "tasks is left in the states, since it is a small classifier and learns while they change. "
        "Whose texts are taken for whose is on the sharing map."
    )
    parts: list[Part] = [*_course(evidence.course, chance), _accuracies(guesses)]
    return Section("discriminator", "Discriminator", lead, parts)


def _course(course: Sequence[Epoch], chance: float) -> list[Part]:
    found = list(summaries_by_epoch(course, GuessSummary))
    if not found:
        return []
    epochs = [epoch for epoch, _ in found]
    tasks = dict.fromkeys(task for _, guesses in found for task in guesses)
    lines: dict[str, list[float | None]] = {
        task: [guesses[task].accuracy if task in guesses else None for _, guesses in found] for task in tasks
    }
    mean = {MEAN: [_mean([guess.accuracy for guess in guesses.values()]) for _, guesses in found]}
    caption = f"The share of texts whose task the discriminator guesses, after each epoch; chance is {chance:.2f}."
    single = over_training(
        "discriminator-tasks",
        "Guessed right, by task",
        caption,
        epochs,
        lines,
        number="accuracy",
        level=("chance", chance),
        limits=(0, 1.02),
    )
    together = over_training(
        "discriminator",
        "Guessed right, the mean over tasks",
        caption,
        epochs,
        mean,
        number="accuracy",
        heads="of",
        level=("chance", chance),
        limits=(0, 1.02),
    )
    return [together, single]


def _accuracies(guesses: Mapping[str, GuessSummary]) -> Table:
    rows = tuple((task, guess.accuracy, guess.num_texts) for task, guess in guesses.items())
    return Table(("task", "guessed right", "texts"), rows, "Texts whose likeliest guess is right")


def _mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers)
