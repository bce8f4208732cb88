"""Which words read which task most, over all texts."""

from itertools import groupby
from operator import attrgetter

from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Section, View
from mtlkit.report.templating import render
from mtlkit.report.views.texts import largest, shade, slugs

LEAD = (
    "For each task, and each task that its words read: the words that took more of it than words usually do, over "
    "all texts. Beside a word stand its mean weight and the number of texts that have it; the darker, the further "
    "above the usual weight. Signs in place of words, and words in fewer than three texts or one in a hundred, are "
    "left out; rare words are held back a little."
)


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
    return Section("affinities", "Which words read which task", LEAD, [View(markup)])
