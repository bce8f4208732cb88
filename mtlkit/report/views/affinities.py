"""Which words read which task most, over all texts."""

from itertools import groupby
from operator import attrgetter

from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Section, View
from mtlkit.report.templating import render, sentences
from mtlkit.report.views.texts import largest, shade, slugs


def section(evidence: Evidence) -> Section | None:
    """A table of words by sender for each task."""
    by_task = {task: seen.affinities for task, seen in evidence.observed.items() if seen.affinities}
    if not by_task:
        return None
    anchors = slugs(by_task)
    most = largest(each.weight - each.usual for found in by_task.values() for each in found)
    tasks = [
        {
            "name": task,
            "anchor": f"affinities-{anchors[task]}",
            "senders": [(sender, list(words)) for sender, words in groupby(found, attrgetter("sender"))],
        }
        for task, found in by_task.items()
    ]
    markup = render("affinities.html", tasks=tasks, shade=lambda each: shade(each.weight - each.usual, most))
    return Section("affinities", "Which words read which task", sentences("affinities"), [View(markup)])
