"""The verbs of `mtlkit data`: fetch, stats, audit."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlkit.cli.experiment_source import ExperimentSource, takes_experiment
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.options import Limit

if TYPE_CHECKING:
    from mtlkit.experiment import Corpora

app = typer.Typer(name="data", help="Look at an experiment's data, or fetch the example corpora.", no_args_is_help=True)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="vader")],
    from_: Annotated[Path | None, typer.Option("--from", help="An already downloaded source distribution.")] = None,
) -> None:
    """Fetch example corpora into the cache, through pip."""
    from mtlkit.errors import ConfigError

    if name != "vader":
        raise ConfigError(f"data fetch {name}: there are no such corpora; known: vader")
    load_libraries()
    from mtlkit.cli.console import say
    from mtlkit.data import cache_folder, fetch_vader

    folder = fetch_vader(cache_folder(), say, source=from_)
    say(f"the VADER corpora are in {folder}")


@app.command()
@takes_experiment
def stats(
    source: ExperimentSource,
    limit: Limit = None,
) -> None:
    """Count texts, words, lengths and labels of every task and split."""
    corpora = _corpora(source, limit)
    from mtlkit.data import statistics
    from mtlkit.experiment import skipped_told, structure_told

    schemes = corpora.tag_schemes
    rows = []
    for split in statistics(corpora.by_task):
        labels = ", ".join(f"{label} {count:,}" for label, count in list(split.labels.items())[:4])
        more = len(split.labels) - 4
        unknown = "" if split.unknown_share is None else f"{split.unknown_share:.1%}"
        lengths = f"{split.mean_length:.1f} / {split.median_length:.0f} / {split.max_length}"
        cells = (f"{split.texts:,}", f"{split.tokens:,}", lengths, f"{split.distinct_words:,}", unknown)
        shown = labels + (f", {more} more" if more > 0 else "")
        rest = (str(schemes.get(split.task, "")), skipped_told(split.skipped), structure_told(split.structure))
        rows.append((split.task, split.split, *cells, shown, *rest))
    header = ("task", "split", "texts", "tokens", "length mean/median/max", "words", "not in train", "labels")
    _show_used((*header, "tags", "left out", "rows that are not words"), rows, optional=3)


@app.command()
@takes_experiment
def audit(
    source: ExperimentSource,
    limit: Limit = None,
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", help="Count texts as equal that differ in case only.")
    ] = False,
    ignore_white_space: Annotated[
        bool, typer.Option("--ignore-white-space", help="Count texts as equal that differ in white space only.")
    ] = False,
) -> None:
    """Find texts repeated within and across splits and tasks, above all dev and test texts seen in training."""
    corpora = _corpora(source, limit, whole=ignore_case or ignore_white_space)
    from mtlkit.cli.console import show, show_rows
    from mtlkit.data import audit as run_audit

    report = run_audit(corpora.by_task, ignore_case=ignore_case, ignore_white_space=ignore_white_space)
    rows = []
    for name, task in [*report.tasks.items(), ("all", report.total)]:
        repeats = " / ".join(f"{count}" for count in task.repeats.values())
        counts = (
            task.sizes.get("dev", 0),
            task.dev_in_train,
            sum(task.dev_in_others.values()),
            task.sizes.get("test", 0),
            task.test_in_train,
            task.test_in_dev,
            sum(task.test_in_others.values()),
            task.clean,
            task.conflicts,
        )
        rows.append((name, repeats, *(f"{count:,}" for count in counts)))
    header = (
        "task",
        "repeats per split",
        "dev texts",
        "in own train",
        "in other train",
        "test texts",
        "in own train",
        "in own dev",
        "in other tasks",
        "clean",
        "conflicts",
    )
    show_rows(header, rows)
    for split, pairs in (("dev", report.total.dev_in_others), ("test", report.total.test_in_others)):
        for pair, count in pairs.items():
            show(f"{split} texts of {pair}: {count}")


def _show_used(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], optional: int) -> None:
    """Shows a table without those of its last columns, `optional` in number, that are empty in each row."""
    from mtlkit.cli.console import show_rows

    first = len(header) - optional
    used = [place for place in range(len(header)) if place < first or any(row[place] for row in rows)]
    show_rows(tuple(header[place] for place in used), [tuple(row[place] for place in used) for row in rows])


def _corpora(source: ExperimentSource, limit: int | None, whole: bool = False) -> "Corpora":
    """Reads the data of an experiment; `whole` reads all words of texts, whatever its `max_length`."""
    experiment = source.load().experiment
    from mtlkit.cli.console import say
    from mtlkit.experiment import load_corpora

    return load_corpora(experiment.uncut() if whole else experiment, limit=limit, say=say)
