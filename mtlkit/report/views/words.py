"""Where words read tasks: sentences whose words show whom they read (Liu et al. 2019, Figure 3), and which words read
which task most, over all texts.

Shapes: T words, N tasks.
"""

from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from matplotlib.figure import Figure

from mtlkit.report.charts.drawing import name_rows
from mtlkit.report.charts.theme import ACCENT, INK, MUTED, SURFACE
from mtlkit.report.evidence import Evidence, ReadText
from mtlkit.report.parts import Section, View
from mtlkit.report.templating import render, sentences
from mtlkit.report.views import texts
from mtlkit.sharing.explanations.shared import Matrix
from mtlkit.text import visible

ALIKE = 0.05
"""The smallest concentration that may be drawn as the darkest word: below it, words read all tasks nearly alike."""


def section(evidence: Evidence) -> Section | None:
    """Texts with what their words took of each task."""
    by_task = texts.shown_texts(evidence, of_tasks=True)
    if not by_task:
        return None
    rows = texts.all_rows(by_task)
    most = texts.largest(map(texts.concentration, rows))
    heaviest = texts.largest(weight for row in rows for weight in row)
    shown = partial(_words, most=max(most, ALIKE), heaviest=heaviest)
    view = texts.texts_view("words", by_task, shown, _draw)
    return Section("words", "Whom words read", sentences("words", most=most, is_alike=most <= ALIKE), [view])


def affinities_section(evidence: Evidence) -> Section | None:
    """A table, for each task, of the words that read each sender most, over all texts."""
    by_task = {task: seen.affinities for task, seen in evidence.observed.items() if seen.affinities}
    if not by_task:
        return None
    anchors = texts.slugs(by_task)
    most = texts.largest(each.weight - each.usual for found in by_task.values() for each in found)
    tasks = [
        {
            "name": task,
            "anchor": f"affinities-{anchors[task]}",
            "senders": [(sender, list(words)) for sender, words in groupby(found, attrgetter("sender"))],
        }
        for task, found in by_task.items()
    ]
    markup = render("affinities.html", tasks=tasks, shade=lambda each: texts.shade(each.weight - each.usual, most))
    return Section("affinities", "Which words read which task", sentences("affinities"), [View(markup)])


def _words(text: ReadText, way: Matrix, most: float, heaviest: float) -> dict[str, Any]:
    tasks = text.reading.tasks or ()
    words = [
        {
            "text": word,
            "tip": texts.tip_of(text, place, *(f"{tasks[task]} {row[task]:.2f}" for task in texts.strongest(row))),
            "shade": texts.shade(texts.concentration(row), most),
            "cells": [(texts.letter(weight, heaviest), texts.short(weight)) for weight in row],
        }
        for place, (word, row) in enumerate(zip(text.reading.words, way, strict=True))
    ]
    return {"words": words}


def _draw(text: ReadText, figure: Figure) -> None:
    reading, tasks = text.reading, text.reading.tasks or ()
    axes = figure.add_subplot()
    heaviest = texts.largest(weight for row in reading.left_to_right for weight in row)
    for place, weights in enumerate(reading.left_to_right):
        left = 0.0
        for source in texts.strongest(weights):
            alpha = 0.45 * weights[source] / heaviest
            axes.barh(place, weights[source], left=left, height=0.86, color=(ACCENT, alpha), edgecolor=SURFACE)
            label = axes.text(
                left + weights[source] / 2, place, visible(tasks[source]), ha="center", va="center", size=6, color=INK
            )
            label.set_clip_path(axes.patch)
            left += weights[source]
    name_rows(axes, list(map(visible, reading.words)))
    axes.set_xlabel("weight", color=MUTED)
