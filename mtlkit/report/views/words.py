"""Where words read tasks: sentences whose words show whom they read (Liu et al. 2019, Figure 3).

Shapes: T words, N tasks.
"""

from functools import partial
from typing import Any

from matplotlib.figure import Figure

from mtlkit.report.charts.theme import ACCENT, INK, MUTED, SURFACE
from mtlkit.report.evidence import Evidence, ReadText
from mtlkit.report.parts import Chart, Section
from mtlkit.report.views.texts import (
    all_rows,
    concentration,
    largest,
    letter,
    shade,
    short,
    shown_texts,
    strongest,
    texts_view,
    tip_of,
    ways_of,
    weights_table,
)
from mtlkit.sharing.explanations.shared import Matrix
from mtlkit.text import visible

ALIKE = 0.05
"""The smallest concentration that may be drawn as the darkest word: below it, words read all tasks nearly alike."""
LEAD = (
    "Each word of these texts took something from other tasks' networks. Point at a word, touch it, or go to it with "
    "Tab and the arrow keys: it shows the three tasks that it took most of. The darker a word, the more it took from "
    "few tasks. That is measured from 0, all tasks alike, to 1, one task alone; the largest here is {most:.2f}{alike}. "
    "Under each text is the whole table. The texts were chosen among short ones because their words read "
    "differently from each other, right and wrong answers mixed: they are not a sample. A weight says how much was "
    "read, not what it did to the answer."
)


def section(evidence: Evidence) -> Section | None:
    """Texts with what their words took of each task."""
    by_task = shown_texts(evidence, of_tasks=True)
    if not by_task:
        return None
    rows = all_rows(by_task)
    most, heaviest = largest(map(concentration, rows)), largest(weight for row in rows for weight in row)
    alike = "" if most > ALIKE else ", so all words read nearly all tasks alike"
    view = texts_view("words", by_task, partial(_text, most=max(most, ALIKE), heaviest=heaviest), _figure)
    return Section("words", "Whom words read", LEAD.format(most=most, alike=alike), [view])


def _text(text: ReadText, most: float, heaviest: float) -> dict[str, Any]:
    ways = [
        {"name": name, "words": _words(text, way, most), "rows": _rows(text, way, heaviest)}
        for name, way in ways_of(text).items()
    ]
    return {"ways": ways, "tasks": text.reading.tasks or ()}


def _words(text: ReadText, way: Matrix, most: float) -> list[dict[str, str]]:
    tasks = text.reading.tasks or ()
    words = []
    for place, (word, weights) in enumerate(zip(text.reading.words, way, strict=True)):
        most_read = [f"{tasks[source]} {weights[source]:.2f}" for source in strongest(weights)]
        shown = {"text": word, "tip": tip_of(text, place, *most_read), "shade": shade(concentration(weights), most)}
        words.append(shown)
    return words


def _rows(text: ReadText, way: Matrix, heaviest: float) -> list[dict[str, Any]]:
    return [
        {"word": word, "cells": [(letter(weight, heaviest), short(weight)) for weight in weights]}
        for word, weights in zip(text.reading.words, way, strict=True)
    ]


def _figure(task: str, text: ReadText) -> Chart:
    """A chart of a text; of a bidirectional network, the direction from left to right."""
    return Chart(
        "",
        f"Whom the words of text {text.number} of {task} read",
        "Each word, from top to bottom, with the three tasks that it took most of; a bar is as long as the weight.",
        weights_table(text),
        partial(_draw, text),
        height=0.6 + 0.2 * len(text.reading.words),
    )


def _draw(text: ReadText, figure: Figure) -> None:
    reading, tasks = text.reading, text.reading.tasks or ()
    axes = figure.add_subplot()
    heaviest = largest(weight for row in reading.left_to_right for weight in row)
    for place, weights in enumerate(reading.left_to_right):
        left = 0.0
        for source in strongest(weights):
            alpha = 0.45 * weights[source] / heaviest
            axes.barh(place, weights[source], left=left, height=0.86, color=(ACCENT, alpha), edgecolor=SURFACE)
            label = axes.text(
                left + weights[source] / 2, place, visible(tasks[source]), ha="center", va="center", size=6, color=INK
            )
            label.set_clip_path(axes.patch)
            left += weights[source]
    axes.set_yticks(range(len(reading.words)), list(map(visible, reading.words)))
    axes.set_ylim(len(reading.words) - 0.4, -0.6)
    axes.set_xlabel("weight", color=MUTED)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
