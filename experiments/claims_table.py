"""Which system is better, with intervals: `python experiments/claims_table.py` writes docs/results/claims.md.

Made of what is kept under docs/results, and of the pages of gains; nothing is trained. The comparisons are those of
claims.py. One of which a run is missing is left out until there is one.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy
from claims import COMPARISONS, TEST_SETS, Comparison, test_set
from claims_elsewhere import elsewhere
from finding import HEADER, Finding
from kept_gains import Gain, Seeds, gain_over_test_sets
from tables import TABLES
from text_gains import gain_from_answers, gains_of_page

from mtlkit.comparison import read_record
from mtlkit.comparison.bootstrap import holm
from mtlkit.figures import Figure, counted, tasks_of_figures
from mtlkit.runs.documents import read_object

RESULTS = Path(__file__).parent.parent / "docs" / "results"
MACHINE = ("trainer.kernels=", "trainer.device=", "trainer.num_threads=")
"""Overrides that change how fast a run is, and not what is run."""


class KeptTable:
    """The kept results of a table."""

    def __init__(self, name: str) -> None:
        self.name = name
        table = TABLES[name]
        self.titles = {system.name: system.title for system in table.systems}
        self.files = {system: sorted((RESULTS / name).glob(f"{system}-[0-9]*.json")) for system in self.titles}
        self.experiments = {system.name: system.file for system in table.systems}
        self.metric, self.metrics = table.metric, table.metrics

    @cached_property
    def metric_by_task(self) -> Mapping[str, str]:
        """What is averaged."""
        first = next(file for files in self.files.values() for file in files)
        return self.metrics or dict.fromkeys(tasks_of_figures(read_record(first).figures["test"]), self.metric)

    def scores(self, system: str, *, clean: bool) -> numpy.ndarray:
        """Scores by seed and test set, (S, U); by seed and task where nothing is known of the test sets."""
        found = []
        for file in self.files[system]:
            figures = read_record(file).figures["test"]
            by_set: dict[str, list[float]] = {}
            for task, metric in self.metric_by_task.items():
                value = counted(figures, Figure(task, metric, clean))
                assert value is not None, f"{file} has no {metric} of {task}"
                by_set.setdefault(test_set(self.name, task) if self.name in TEST_SETS else task, []).append(value)
            found.append([numpy.mean(values) for values in by_set.values()])
        return numpy.array(found)

    @cached_property
    def deviation(self) -> float | None:
        """The standard deviation of a system's average between seeds, pooled over systems; None if all have one."""
        others = Seeds.pooled([self.scores(system, clean=False) for system in self.files if self.files[system]])
        return others.between**0.5 if others else None

    def gain(self, system: str, baseline: str, *, clean: bool) -> tuple[Gain, str] | None:
        """The gain with the best interval that there is, and what it is over; None where there is none."""
        one, other = self.files[system], self.files[baseline]
        if found := gain_from_answers(one, other, self.metric_by_task, clean=clean):
            return found[0], "seeds, texts" if found[1] else "texts"
        if self.name in TEST_SETS:
            shared = [self.scores(each, clean=clean) for each in self.files if self.files[each]]
            others = Seeds.pooled(shared)
            sides = [self.scores(side, clean=clean) for side in (system, baseline)]
            kind = f"{TEST_SETS[self.name]}s"
            return gain_over_test_sets(sides[0], sides[1], others), f"seeds, {kind}" if others else kind
        page = RESULTS / f"{self.name}-gains.md"
        of_page = gains_of_page(page) if page.exists() else {}
        if (system, baseline) in of_page:
            return of_page[system, baseline][clean], "texts"
        if (baseline, system) in of_page:
            gain = of_page[baseline, system][clean]
            return Gain(-gain.gain, -gain.high, -gain.low, gain.p), "texts"
        return None


def found(comparison: Comparison, kept: KeptTable, settings: Mapping[str, int]) -> Finding | None:
    """What is known of a comparison; None where a run is missing, or no interval can be had."""
    sides = (comparison.system, comparison.baseline)
    if not all(kept.files[side] for side in sides):
        return None
    standard, clean = (kept.gain(*sides, clean=each) for each in (False, True))
    if standard is None:
        return None
    deviation = kept.deviation
    return Finding(
        kept.titles[comparison.system],
        kept.titles[comparison.baseline],
        comparison.table,
        " / ".join(str(len(kept.files[side])) for side in sides),
        standard[0],
        clean and clean[0],
        standard[1],
        comparison.printed,
        comparison.by,
        None if not deviation else standard[0].gain / deviation,
        " / ".join(str(settings[kept.experiments[side]]) for side in sides),
    )


def settings_run() -> dict[str, int]:
    """Counts the settings with which each experiment file was run: a choice among many finds a good one."""
    seen: dict[str, set[str]] = {}
    for file in [*RESULTS.glob("*.json"), *RESULTS.glob("*/*.json")]:
        arguments = read_object(file).get("arguments")
        if arguments:
            words = [word for word in arguments[2:] if not word.startswith(("seed=", *MACHINE)) and word != "-o"]
            seen.setdefault(arguments[1].removeprefix("experiments/"), set()).add(" ".join(words))
    return {experiment: len(each) for experiment, each in seen.items()}


def findings() -> Iterator[Finding]:
    """Returns the findings of all comparisons of which there are results, in their order."""
    settings = settings_run()
    tables = {name: KeptTable(name) for name in dict.fromkeys(each.table for each in COMPARISONS)}
    for comparison in COMPARISONS:
        if (finding := found(comparison, tables[comparison.table], settings)) is not None:
            yield finding
    yield from elsewhere()


def lines(known: Sequence[Finding]) -> Iterator[str]:
    """The page. p-values are corrected for the comparisons of a table."""
    yield from PREFACE.splitlines()
    for table in dict.fromkeys(finding.table for finding in known):
        of_table = [finding for finding in known if finding.table == table]
        page = RESULTS / f"{table}.md"
        yield f"\n## {TABLES[table].title if table in TABLES else table.capitalize()}\n"
        yield f"[Figures]({page.name if page.exists() else f'{table}/README.md'}).\n"
        yield f"| {' | '.join(HEADER)} |"
        yield f"|{'---|' * len(HEADER)}"
        corrected = holm([finding.gain.p for finding in of_table])
        yield from (finding.row(p) for finding, p in zip(of_table, corrected, strict=True))


PREFACE = """# Claims, with intervals over seeds and test sets

Written by `python experiments/claims_table.py` from the results here. An example: IC-MTL is better than FS-MTL by the
gain in its row, in points, averaged over 16 tasks. The interval allows for other seeds and other tasks of the kind: of
a hundred such intervals, about 95 contain what the gain is on average over all of these.

- **over** says what counts as chance. *seeds, tasks*: other seeds, and other tasks, each with a test set of its own;
  for just these 16 tasks the interval is too wide. A side with one seed is taken to vary between seeds as the other
  systems of the table do. *domains*: other domains, with the one seed that was run; the tasks of a domain have the
  same sentences. *seeds, texts*: other seeds and other test texts, as `mtlkit compare` tells from answers, where they
  are kept. *texts*: other test texts, with the models as they are, from the page of gains. *tasks*, *seeds*: these
  alone.
- **p (Holm)** is corrected for all comparisons of its table. `< 0.001` on a page of gains is taken for 0.001.
- **verdict**: *holds* or *the reverse* where the corrected p is below 0.05, otherwise *undecided*; *less than printed*
  where the paper's gain is above the interval.
- **in seeds' sd** is the gain in standard deviations of one system's average between seeds, pooled over the table.
- **settings run** counts the settings with which the two systems' files were run, of all results kept here. The rows
  of this page are those of the common trainer, fixed before: no setting was chosen among them."""


def page() -> str:
    """The text of claims.md."""
    return "\n".join(lines(list(findings()))) + "\n"


if __name__ == "__main__":
    (RESULTS / "claims.md").write_text(page(), encoding="utf-8")
