"""The page of twenty tasks, as full as a page gets, is far below the 5 MB that it may have."""

import random
from dataclasses import replace

import pytest

from mtlkit.config import Lazy
from mtlkit.metrics import Metric
from mtlkit.report.analysis import patterns, sums
from mtlkit.report.analysis.telling import MOST, SHOWN
from mtlkit.report.evidence import Affinity, Example, Offsets, Pattern, ReadText
from mtlkit.report.page import page
from mtlkit.report.sections import sections_of
from mtlkit.sharing.explanations import Reading
from mtlkit.training import Predictions
from tests.report import shared_evidence
from tests.report.shared_evidence import GRID, course_of, evidence, law, made

EPOCHS = 10
LENGTH = 130
"""Words of a text that a pattern was found in."""
MEGABYTES = 3.5


def word(chance):
    return "".join(chance.choices("abcdefghij", k=chance.randint(1, 12)))


def texts(others, ways, chance):
    """The most and the longest texts that can be shown."""
    found = []
    for number in range(1, SHOWN + 1):
        words = tuple(word(chance) for _ in range(MOST))
        rows = [tuple(law(len(others or words), chance) for _ in words) for _ in range(ways)]
        reading = Reading(words, others, rows[0], rows[1] if ways == 2 else None)
        tags = tuple(chance.choices(["B-person", "I-organisation"], k=MOST))
        found.append(ReadText(number, tags, tags, reading, tuple(chance.random() for _ in words)))
    return found


def pattern(reach, chance):
    words = tuple(word(chance) for _ in range(LENGTH))
    example = Example(chance.randint(1, 400), words, 50, 51 if reach == "short" else 80)
    return Pattern(word(chance), word(chance), reach, 1.2, 0.34, 5.67, 1.23, 45, example)


def seen_of_tasks(task, ways, chance):
    """What words that read tasks leave."""
    others = tuple(other for other in GRID if other != task)
    found = [Affinity(word(chance), other, 0.456, 0.123, 45) for other in others for _ in range(sums.KEPT)]
    return {"texts": texts(others, ways, chance), "affinities": found}


def seen_of_positions(task, ways, chance):
    """What words that read positions leave."""
    size = 2 * sums.REACH + 1
    return {
        "texts": texts(None, ways, chance),
        "patterns": [pattern(reach, chance) for reach in ("short", "long") for _ in range(patterns.KEPT)],
        "offsets": Offsets(law(size, chance), law(size, chance), 0.4, 0.5),
    }


@pytest.mark.parametrize(
    "make, seen, ways", [(shared_evidence.words, seen_of_tasks, 1), (shared_evidence.positions, seen_of_positions, 2)]
)
def test_a_page_of_twenty_tasks_is_small(make, seen, ways):
    chance = random.Random(11)
    given = evidence(made(make, GRID), course_of(make, GRID, EPOCHS))
    metrics = [Lazy.of(Metric.by_name("accuracy"))]
    observed = {
        task: replace(each, predictions=Predictions(task, "", ["good"], ["good"], metrics), **seen(task, ways, chance))
        for task, each in given.observed.items()
    }
    log = [
        {
            "epoch": epoch,
            "dev": {f"{task}/accuracy": chance.random() for task in GRID},
            "train": {f"{task}/loss": chance.random() for task in GRID},
            "work": {"tokens": 900, "padded_tokens": 1000},
        }
        for epoch in range(1, EPOCHS + 1)
    ]
    given = replace(given, observed=observed, log=log)
    content = page(given, sections_of(given))
    assert content.count('class="verdict"') == len(GRID) * SHOWN // ways
    assert len(content.encode()) < MEGABYTES * 1e6
