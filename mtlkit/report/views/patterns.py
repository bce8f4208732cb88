"""The strongest pairs of words, one of which read the other (Liu et al. 2019, Table 2)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from matplotlib.figure import Figure

from mtlkit.report.analysis.strengths import next_to_nothing
from mtlkit.report.charts.theme import ACCENT, INK, MUTED
from mtlkit.report.evidence import Evidence, Example, Pattern, Reach
from mtlkit.report.parts import Chart, Section, Table, View
from mtlkit.report.templating import render, sentences, titled
from mtlkit.report.views.texts import shown_texts, slugs
from mtlkit.text import visible

T = TypeVar("T")
SHOWN = 10
"""The number of patterns that are shown for each task and reach."""
ALIKE = 2
"""The number of patterns in a list that may have the same word, or the same source."""
MOTIFS = 15
NAMED = 4
"""The number of tasks that are named beside a common pattern: those with the largest lift."""
AROUND = 4
"""The number of words on either side of those of a pattern in its example."""
REACHES: Mapping[Reach, str] = {"short": "Near: one to three words", "long": "Far: six words and more"}


def section(evidence: Evidence) -> Section | None:
    """Lists of near and far patterns of each task, and those that tasks have in common."""
    by_task = {task: seen.patterns for task, seen in evidence.observed.items() if seen.patterns}
    if not by_task:
        return None
    texts = shown_texts(evidence, of_tasks=False)
    tasks, figures, lifts = [], [], []
    for task, slug in slugs(by_task).items():
        lists = {reach: varied([each for each in by_task[task] if each.reach == reach], SHOWN) for reach in REACHES}
        links = {text.number: f"positions-{slug}-{text.number}" for text in texts.get(task, ())}
        tasks.append({"name": task, "anchor": f"patterns-{slug}", "lists": lists, "links": links})
        figures += [_figure(task, lists, f"patterns-{slug}")] if any(lists.values()) else []
        lifts += [each.lift for found in lists.values() for each in found]
    markup = render("patterns.html", tasks=tasks, reaches=REACHES, pieces=_pieces, motifs=motifs(by_task))
    return Section(
        "patterns", "Patterns of reading", sentences("patterns") + next_to_nothing(lifts), [View(markup, figures)]
    )


def varied(
    found: Sequence[T], count: int, ends: Callable[[T], Sequence[str]] = attrgetter("word", "source")
) -> list[T]:
    """The first ones of which no word and no source, their `ends`, occurs more than `ALIKE` times."""
    chosen: list[T] = []
    seen: Counter[tuple[int, str]] = Counter()
    for each in found:
        both = list(enumerate(ends(each)))
        if len(chosen) < count and all(seen[end] < ALIKE for end in both):
            chosen.append(each)
            seen.update(both)
    return chosen


def motifs(by_task: Mapping[str, Sequence[Pattern]]) -> list[dict[str, Any]]:
    """The pairs that are among the patterns of at least two tasks, those of most tasks first, then by their mean lift.
    No word or source occurs more than `ALIKE` times."""
    found: dict[tuple[str, str, Reach], dict[str, float]] = {}
    for task, patterns in by_task.items():
        for each in patterns:
            found.setdefault((each.word, each.source, each.reach), {})[task] = each.lift
    common = [(pair, lifts) for pair, lifts in found.items() if len(lifts) > 1]
    common.sort(key=lambda each: (-len(each[1]), -sum(each[1].values()) / len(each[1]), each[0]))
    return [
        {
            "word": word,
            "source": source,
            "reach": "near" if reach == "short" else "far",
            "tasks": sorted(lifts.items(), key=lambda each: -each[1])[:NAMED],
            "count": len(lifts),
        }
        for (word, source, reach), lifts in varied(common, MOTIFS, lambda each: each[0][:2])
    ]


def _pieces(example: Example) -> list[tuple[str, str]]:
    """Words of an example with their roles, `word`, `source` or none; what is left out between them is three dots."""
    ends = {example.place: "word", example.source: "source"}
    near = {place for end in ends for place in range(end - AROUND, end + AROUND + 1)}
    pieces = []
    for is_near, words in groupby(enumerate(example.words), key=lambda each: each[0] in near):
        pieces += [(word, ends.get(place, "")) for place, word in words] if is_near else [("\u2026", "")]
    return pieces


def _figure(task: str, lists: Mapping[Reach, Sequence[Pattern]], name: str) -> Chart:
    patterns = [each for found in lists.values() for each in found]
    rows = tuple(
        (each.reach, each.word, each.source, each.lift, each.usual, each.weight, each.distance, each.count)
        for each in patterns
    )
    data = Table(("reach", "word", "reads", "lift", "usually", "weight", "distance", "texts"), rows)
    _, title, caption = titled("patterns", task=task)
    return Chart(name, title, caption, data, partial(_draw, lists), height=0.8 + 0.2 * len(patterns))


def _draw(lists: Mapping[Reach, Sequence[Pattern]], figure: Figure) -> None:
    axes = figure.add_subplot()
    gap = 0.6 if all(lists.values()) else 0.0
    near, far = lists["short"], lists["long"]
    places = [*range(len(near)), *(len(near) + gap + number for number in range(len(far)))]
    for place, each in zip(places, (*near, *far), strict=True):
        axes.barh(place, each.lift - 1, left=1, height=0.7, color=(ACCENT, 0.45))
        axes.plot([each.usual, each.usual], [place - 0.4, place + 0.4], color=INK, linewidth=1.2)
    names = [f"{visible(each.word)} \u2192 {visible(each.source)}" for each in (*near, *far)]
    axes.set_yticks(places, names)
    axes.set_ylim(places[-1] + 0.6, -0.6)
    axes.set_xlabel("lift")
    axes.tick_params(axis="y", length=0)
    axes.axvline(1, color=MUTED, linewidth=0.8)
    axes.spines["left"].set_visible(False)
