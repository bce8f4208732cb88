"""Texts as several sections show them: which ones, how dark their words are, and their anchors.

Shapes: T words, N sources.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, count
from math import log
from typing import Any, TypeAlias

from markupsafe import Markup
from matplotlib.figure import Figure

from mtlkit.report.analysis.telling import mixed
from mtlkit.report.evidence import Evidence, ReadText
from mtlkit.report.parts import Cell, Chart, Table, View
from mtlkit.report.templating import render, titled
from mtlkit.sharing.explanations.shared import Matrix
from mtlkit.text import visible

SENTENCES = 120
"""The number of texts that a page shows, counted once for each network: some 2 MB."""
DRAWN = 2
"""The number of texts of each task that are figures too."""
ROW_HEIGHT = 0.2
"""The height of a word's row in a figure, in inches."""
ByTask: TypeAlias = Mapping[str, Sequence[ReadText]]


def concentration(weights_N: Sequence[float]) -> float:
    """How far a word is from reading all sources alike: 0 is all alike, 1 is one source alone. It is 1 minus the
    entropy divided by the largest possible one; of a single source, its weight."""
    if len(weights_N) == 1:
        return weights_N[0]
    total = sum(weights_N)
    if not total:
        return 0.0
    entropy = -sum(weight / total * log(weight / total) for weight in weights_N if weight > 0)
    return max(0.0, 1 - entropy / log(len(weights_N)))


def largest(numbers: Iterable[float]) -> float:
    """The largest number, which is drawn darkest; 1 where none is above 0."""
    return max(numbers, default=0.0) or 1.0


def shade(number: float, most: float) -> str:
    """How dark a number is drawn, as the style's `--w`: .37."""
    return f"{min(max(number / most, 0.0), 1.0):.2f}".lstrip("0").rstrip("0").rstrip(".") or "0"


def letter(number: float, most: float) -> str:
    """How dark a cell is in twenty steps, from `a` to `t`, as `words.css` has them; nothing for the lightest."""
    return "abcdefghijklmnopqrst"[step - 1] if (step := round(20 * min(max(number / most, 0.0), 1.0))) else ""


def short(weight: float) -> str:
    """A weight for a narrow cell: .37, and nothing below .005."""
    return f"{weight:.2f}".removeprefix("0") if weight >= 0.005 else ""


def strongest(weights_N: Sequence[float], count: int = 3) -> list[int]:
    """The places of the largest weights, the first among equals."""
    return sorted(range(len(weights_N)), key=lambda place: -weights_N[place])[:count]


def ways_of(text: ReadText) -> dict[str, Matrix]:
    """What the words read, by the direction of the network; the name is empty where there is only one network."""
    reading = text.reading
    if reading.right_to_left is None:
        return {"": reading.left_to_right}
    return {"from left to right": reading.left_to_right, "from right to left": reading.right_to_left}


def all_rows(by_task: ByTask) -> list[Sequence[float]]:
    """What each word of the texts reads, in each direction."""
    return [row for texts in by_task.values() for text in texts for way in ways_of(text).values() for row in way]


def texts_view(
    template: str,
    by_task: ByTask,
    shown: Callable[[ReadText, Matrix], Mapping[str, Any]],
    draw: Callable[[ReadText, Figure], None],
    **values: Any,
) -> View:
    """The texts of each task, and figures of the first `DRAWN` of each: of a bidirectional network, they show the
    direction from left to right.

    Args:
        template: its name, which anchors and names of figures begin with, and which is that of the figures' block.
        by_task: the texts.
        shown: what the template shows of a text in one direction of the network, beside the text's own fields.
        draw: draws a text on an empty figure.
        values: what else the template and the block need.
    """
    tasks, figures = [], []
    for task, slug in slugs(by_task).items():
        anchors = {text.number: f"{template}-{slug}-{text.number}" for text in by_task[task]}
        texts = [
            {
                "anchor": anchors[text.number],
                "read": text,
                "ways": [{"name": name, **shown(text, way)} for name, way in ways_of(text).items()],
            }
            for text in by_task[task]
        ]
        tasks.append({"name": task, "anchor": f"{template}-{slug}", "texts": texts})
        for text in by_task[task][:DRAWN]:
            _, title, caption = titled(template, task=task, text=text, **values)
            height = ROW_HEIGHT * (len(text.reading.words) + 3)
            figures.append(
                Chart(anchors[text.number], title, caption, weights_table(text), partial(draw, text), height)
            )
    return View(render(f"{template}.html", tasks=tasks, **values), figures)


def shown_texts(evidence: Evidence, *, of_tasks: bool) -> ByTask:
    """The texts of each task whose words read tasks, or else positions; fewer of each where there are many tasks."""
    by_task = {
        task: [text for text in observed.texts if (text.reading.tasks is not None) == of_tasks]
        for task, observed in evidence.observed.items()
    }
    by_task = {task: texts for task, texts in by_task.items() if texts}
    sentences = sum(len(ways_of(texts[0])) for texts in by_task.values())
    return {task: mixed(texts, max(SENTENCES // sentences, 1)) for task, texts in by_task.items()}


def tip_of(text: ReadText, place: int, *first: str) -> Markup:
    """A tooltip of a word: lines of its own, how far it opened, and its tag, where there are such. What comes from data
    is escaped, also characters that act."""
    gate = [] if text.gates is None else [f"gate open {text.gates[place]:.2f}"]
    tag = [] if isinstance(text.predicted, str) else [f"tag {text.predicted[place]}"]
    return Markup("\n").join(map(visible, (*first, *gate, *tag)))


def weights_table(text: ReadText) -> Table:
    """A table of all weights from left to right, as the data of a figure."""
    reading = text.reading
    sources = reading.tasks or tuple(f"{word} ({number})" for number, word in enumerate(reading.words, 1))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (number, word, *weights)
        for number, (word, weights) in enumerate(zip(reading.words, reading.left_to_right, strict=True), 1)
    )
    return Table(("number", "word", *sources), rows)


def slugs(names: Iterable[str]) -> dict[str, str]:
    """A different slug for every name, of lower-case words with hyphens, for anchors and names of files."""
    found: dict[str, str] = {}
    for name in names:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "task"
        numbered = (f"{slug}-{number}" for number in count(2))
        found[name] = next(each for each in chain([slug], numbered) if each not in found.values())
    return found
