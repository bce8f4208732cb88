"""Evidence of runs that there never were, of every kind of sharing and with as many tasks as wanted."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mtlkit.config import validate
from mtlkit.experiment import Experiment
from mtlkit.report.evidence import Evidence, Observed
from mtlkit.report.reading.course import read_course
from mtlkit.sharing.summaries import GuessSummary, MixtureSummary, PathSummary, Summary, WordSummary
from mtlkit.training import Predictions

GRID = [
    f"{domain}_{kind}"
    for domain in ("weblog", "newsgroup", "email", "reviews", "answers")
    for kind in ("pos", "chunk", "ner", "srl")
]
FOUR = ["editorial", "movie", "product", "tweet"]
HOSTILE = ["<script>alert(1)</script>", "a & b \" ' onload=", "\u202eevil", "$x_2$ \\alpha"]


def experiment(tasks: Sequence[str], sharing: Mapping[str, Any] | None = None) -> Experiment:
    """An experiment of tasks with ordinary names."""
    task = {"reader": {"type": "text_classification"}, "train": "train.txt", "head": {"type": "classifier"}}
    value = {
        "tasks": {name: task for name in tasks},
        "model": {
            "embedder": {"type": "words", "dim": 6},
            "sharing": sharing or {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 4}},
        },
    }
    return validate(Experiment, value, "made")


def evidence(
    summaries: Mapping[str, Summary | None],
    course: Sequence[Mapping[str, Any]] = (),
    sharing: Mapping[str, Any] | None = None,
    names: Sequence[str] | None = None,
) -> Evidence:
    """What a run with these summaries left; `names` are those of the experiment's tasks."""
    nothing = Predictions("made", "", [], [], [])
    observed = {task: Observed(nothing, summary) for task, summary in summaries.items()}
    made = experiment(list(summaries) if names is None else names, sharing)
    return Evidence("made", made, {}, None, [], read_course(course), [], "test", observed)


Make = Callable[[Sequence[str], str, random.Random], Summary]


def course_of(make: Make, tasks: Sequence[str], epochs: int, stage: str | None = None) -> list[dict[str, Any]]:
    """Lines as a run writes them, of fresh summaries and of cosines of all pairs."""
    chance = random.Random(7)
    return [
        {
            **({} if stage is None else {"stage": stage}),
            "epoch": epoch,
            "step": 10 * epoch,
            "sharing": {task: make(tasks, task, chance).to_json() for task in tasks},
            "gradient_cosine": {"tasks": list(tasks), "cosines": cosines(len(tasks), chance)},
        }
        for epoch in range(1, epochs + 1)
    ]


def cosines(size: int, chance: random.Random) -> list[list[float | None]]:
    """A symmetric matrix with a few holes."""
    matrix: list[list[float | None]] = [[1.0] * size for _ in range(size)]
    for row in range(size):
        for column in range(row):
            number = None if chance.random() < 0.05 else chance.uniform(-0.4, 0.8)
            matrix[row][column] = matrix[column][row] = number
    return matrix


def law(size: int, chance: random.Random, sharpness: float = 3.0) -> tuple[float, ...]:
    """Numbers that sum to 1."""
    weights = [chance.random() ** sharpness for _ in range(size)]
    return tuple(weight / sum(weights) for weight in weights)


def path(tasks: Sequence[str], task: str, chance: random.Random, modules: int = 20, cap: int = 4) -> PathSummary:
    """A path of one to `cap` modules and its policy; greedy, as a controller's is."""
    policy_SA = [law(modules + 1, chance, 12) for _ in range(cap)]
    policy_SA[0] = (*(p / sum(policy_SA[0][:-1]) for p in policy_SA[0][:-1]), 0.0)
    best = [max(range(modules + 1), key=lambda action: policy_A[action]) for policy_A in policy_SA]
    length = next((step for step, action in enumerate(best) if action == modules), cap)
    embedding_S = tuple(chance.gauss(hash_of(task.rpartition("_")[2]), 0.5) for _ in range(15))
    return PathSummary(tuple(best[:length]), tuple(policy_SA[: min(length + 1, cap)]), embedding_S)


def hash_of(text: str) -> int:
    """A small number, the same in every process."""
    return sum(map(ord, text)) % 5


def words(tasks: Sequence[str], task: str, chance: random.Random) -> WordSummary:
    """Attention over the other tasks."""
    senders = tuple(other for other in tasks if other != task)
    return WordSummary(
        100, senders, law(len(senders), chance) if senders else (), None, chance.random(), chance.random()
    )


def positions(tasks: Sequence[str], task: str, chance: random.Random) -> WordSummary:
    """Attention over a shared layer."""
    return WordSummary(100, None, None, 5 * chance.random(), chance.random(), chance.random())


def mixture(tasks: Sequence[str], task: str, chance: random.Random) -> MixtureSummary:
    """Two layers."""
    rows = [tuple(0.9 if other == task else chance.gauss(0, 0.15) for other in tasks) for _ in range(2)]
    return MixtureSummary(tuple(tasks), tuple(rows))


def guess(tasks: Sequence[str], task: str, chance: random.Random) -> GuessSummary:
    """A discriminator that is right now and then."""
    return GuessSummary(40, tuple(tasks), law(len(tasks), chance, 1), chance.random())


def made(make: Make, tasks: Sequence[str], seed: int = 3) -> dict[str, Summary | None]:
    """One summary for each task."""
    chance = random.Random(seed)
    return {task: make(tasks, task, chance) for task in tasks}
