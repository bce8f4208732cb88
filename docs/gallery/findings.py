"""What the gallery's findings quote, counted from the figures' CSV files and from the records of training.

Shapes: K tasks.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import combinations, permutations
from pathlib import Path
from statistics import fmean, median

import numpy

from mtlkit.figures import AVERAGE, Figure

Pairs = Mapping[tuple[str, str], float]
"""The cells of a map of K tasks but its diagonal."""
PERMUTATIONS = 10_000
RESULTS = Path(__file__).parent.parent / "results"


def findings(runs: Path, page: Path) -> None:
    """Fills in `page.md` and writes it as README.md; all exhibits must be there."""
    numbers = {**communication(runs), **mailbox(runs), **pool(runs), **discriminator(runs), **cost(runs)}
    (page / "findings.json").write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    text = (page / "page.md").read_text(encoding="utf-8")
    (page / "README.md").write_text(text.format(**numbers), encoding="utf-8")


def communication(runs: Path) -> dict[str, str]:
    """Direct communication: how far attention is from even, whose doing that is, and whether it comes again. Finding 1.

    `even` is 1/(K-1); a map's variance is split into what its columns (who is read) and its rows (who reads)
    explain. Rows sum to 1, so that columns are all there is but pairs.
    """
    first, second = (cells(runs / f"fdu-dc-{seed}" / "figures" / "reading-matrix.csv") for seed in (13, 14))
    tasks = sorted({task for task, _ in first})
    even = 1 / (len(tasks) - 1)
    own = [{pair: value - fmean(column(each, pair[1])) for pair, value in each.items()} for each in (first, second)]
    spread = [last(runs / f"fdu-dc-{seed}", "spread") for seed in (13, 14)]
    return {
        "dc_even": f"{100 * even:.1f}",
        "dc_least": f"{100 * min(*first.values(), *second.values()):.1f}",
        "dc_most": f"{100 * max(*first.values(), *second.values()):.1f}",
        "dc_columns": " and ".join(f"{100 * explained(each):.0f}" for each in (first, second)),
        "dc_again": f"{correlation(first, second):.2f}",
        "dc_pairs_again": f"{correlation(*own):.2f}",
        "dc_spread": " and ".join(f"{value:.2f}" for value in spread),
        "vader_spread": f"{last(runs / 'vader-dc', 'spread'):.2f}",
        "dc_accuracy": " and ".join(f"{100 * accuracy(runs / f'fdu-dc-{seed}'):.1f}" for seed in (13, 14)),
    }


def mailbox(runs: Path) -> dict[str, str]:
    """Indirect communication: whether a word is read for what it is, or for who reads it. Finding 2.

    Of a pair of words, `lift` is how much stronger than evenly the one read the other, and `usually` what all words of
    the task read of it.
    """
    pairs = [row for file in sorted((runs / "fdu-ic" / "figures").glob("patterns-*.csv")) for row in rows(file)]
    above = [float(row["lift"]) / float(row["usually"]) for row in pairs]
    tasks: dict[str, set[str]] = {}
    for file in sorted((runs / "fdu-ic" / "figures").glob("patterns-*.csv")):
        for row in rows(file):
            tasks.setdefault(row["reads"], set()).add(file.stem)
    read_most = sorted(tasks, key=lambda word: (-len(tasks[word]), word))[:8]
    return {
        "ic_pairs": f"{len(pairs):,}",
        "ic_lift": f"{median(float(row['lift']) for row in pairs):.2f}",
        "ic_usually": f"{median(float(row['usually']) for row in pairs):.2f}",
        "ic_above": f"{median(above):.2f}",
        "ic_read_most": ", ".join(f"*{word}* ({len(tasks[word])} tasks)" for word in read_most),
        "ic_spread": f"{last(runs / 'fdu-ic', 'spread'):.2f}",
        "ic_gate": f"{last(runs / 'fdu-ic', 'gate'):.2f}",
        "ic_accuracy": f"{100 * accuracy(runs / 'fdu-ic'):.1f}",
    }


def pool(runs: Path) -> dict[str, str]:
    """Paths on the grid: whether tasks of a problem, or of a domain, have more in common than others. Finding 3.

    Of a short run made here, and of the whole one whose paths are kept with the results.
    """
    kept = json.loads((RESULTS / "ewt_grid" / "nas_pool-13.json").read_text(encoding="utf-8"))
    short = json.loads((runs / "grid-pool" / "stages" / "fine_tune" / "paths.json").read_text(encoding="utf-8"))
    return {
        **in_common("pool", short),
        **in_common("grid", kept["paths"]),
        "pool_accuracy": f"{100 * accuracy(runs / 'grid-pool', 'token_accuracy'):.1f}",
        "grid_accuracy": f"{100 * kept['metrics']['test'][str(Figure(AVERAGE, 'token_accuracy'))]:.1f}",
    }


def in_common(name: str, paths: Mapping[str, list[int]]) -> dict[str, str]:
    """How alike the paths of tasks named domain_problem are that share a domain or a problem: the mean share of steps
    with the same module, and how often chance gives as much.
    """
    found = {(one, two): alike(paths[one], paths[two]) for one, two in permutations(paths, 2)}
    shown = {}
    for what, part in (("domain", 0), ("problem", 1)):
        names = {task: task.rsplit("_", 1)[part] for task in paths}
        inside = fmean(found[pair] for pair in combinations(paths, 2) if names[pair[0]] == names[pair[1]])
        shown |= {f"{name}_{what}": f"{inside:.2f}", f"{name}_{what}_p": f"{chance(found, names, inside):.4f}"}
    others = [value for (one, two), value in found.items() if not {*one.rsplit("_", 1)} & {*two.rsplit("_", 1)}]
    return {
        **shown,
        f"{name}_others": f"{fmean(others):.2f}",
        f"{name}_paths": str(len({tuple(path) for path in paths.values()})),
        f"{name}_modules": str(len({module for path in paths.values() for module in path})),
    }


def alike(one: list[int], two: list[int]) -> float:
    """The share of the longer path's steps at which both have the same module, as reports count it."""
    return sum(left == right for left, right in zip(one, two, strict=False)) / max(len(one), len(two), 1)


def discriminator(runs: Path) -> dict[str, str]:
    """How often it guesses a text's task."""
    tasks = json.loads((runs / "fdu-asp" / "experiment.resolved.json").read_text(encoding="utf-8"))["tasks"]
    return {
        "asp_right": f"{100 * last(runs / 'fdu-asp', 'accuracy'):.0f}",
        "asp_chance": f"{100 / len(tasks):.0f}",
    }


def cost(runs: Path) -> dict[str, str]:
    """How long the runs that are made here took, and on what."""
    metas = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(runs.glob("*/meta.json"))]
    spans = [datetime.fromisoformat(meta["finished"]) - datetime.fromisoformat(meta["created"]) for meta in metas]
    return {
        "minutes": f"{sum(spans, timedelta()).total_seconds() / 60:.0f}",
        "processor": " and ".join(sorted({meta["processor"] for meta in metas})),
        "permutations": f"{PERMUTATIONS:,}",
    }


def chance(found: Pairs, names: Mapping[str, str], inside: float) -> float:
    """How often names that are dealt anew have as much in common inside, one deal of them being the true one."""
    generator = numpy.random.default_rng(13)
    matrix_KK = numpy.array([[found.get((one, two), 0.0) for two in names] for one in names])
    labels_K = numpy.array(list(names.values()))
    as_much = 0
    for _ in range(PERMUTATIONS):
        dealt_K = generator.permutation(labels_K)
        same_KK = numpy.triu(dealt_K[:, None] == dealt_K, 1)
        as_much += matrix_KK[same_KK].mean() >= inside - 1e-12
    return (as_much + 1) / (PERMUTATIONS + 1)


def explained(found: Pairs) -> float:
    """The share of a map's variance that the means of its columns explain."""
    values = list(found.values())
    of_column = [fmean(column(found, source)) for _, source in found]
    return float(numpy.var(of_column) / numpy.var(values))


def column(found: Pairs, source: str) -> list[float]:
    """What all others take of a task."""
    return [value for (_, other), value in found.items() if other == source]


def correlation(first: Pairs, second: Pairs) -> float:
    """Pearson's, over the cells of two maps."""
    return float(numpy.corrcoef(list(first.values()), [second[pair] for pair in first])[0, 1])


def cells(file: Path) -> dict[tuple[str, str], float]:
    """A map's cells but its diagonal."""
    return {(row["task"], row["source"]): float(row["strength"]) for row in rows(file) if row["task"] != row["source"]}


def rows(file: Path) -> Iterator[dict[str, str]]:
    """The lines of a CSV file."""
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def last(run: Path, value: str) -> float:
    """The mean over tasks of something that was recorded after the last epoch."""
    record = json.loads((run / "sharing.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    return fmean(summary[value] for summary in record["sharing"].values())


def accuracy(run: Path, metric: str = "accuracy") -> float:
    """The run's average on test texts."""
    figures: Mapping[str, float] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test"]
    return figures[str(Figure(AVERAGE, metric))]
