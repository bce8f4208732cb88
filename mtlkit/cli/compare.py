"""The verb `compare`, which sets runs side by side."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mtlkit.cli.experiment_source import Include
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.outputs import check_output

Format = Literal["terminal", "markdown", "latex", "csv", "json"]


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Directories of finished runs, or files that docs/results/collect.py made.", metavar="RUN"),
    ],
    baseline: Annotated[
        str | None, typer.Option(metavar="RUN", help="Run, or name of a row, that gains are counted from.")
    ] = None,
    split: Annotated[str, typer.Option(help="dev or test.")] = "test",
    metric: Annotated[str | None, typer.Option(help="Such as f1; default: each task's first.")] = None,
    name: Annotated[
        list[str], typer.Option(help="Of a row, given again for each; default: the first run's, less its seed.")
    ] = [],
    resamples: Annotated[int, typer.Option(min=100, help="Of the paired bootstrap over texts.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also compare runs on other data, or scored otherwise, and say so.")
    ] = False,
    texts_only: Annotated[
        bool, typer.Option("--texts-only", help="Intervals over texts alone, for the models as they are.")
    ] = False,
    format_: Annotated[Format, typer.Option("--format", help="terminal, markdown, latex, csv or json.")] = "terminal",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
    include_package: Include = [],
) -> None:
    """Set runs side by side: figures by task and on average, standard and clean, and gains over a baseline.

    Runs that differ in their seeds alone are one row, mean ± standard deviation. Gains have intervals and p-values of a
    paired bootstrap over the texts, wherever the runs have kept their answers to them; where the row and the baseline
    have several seeds, over these too. Runs that differ in their data, --limit or normal form do not compare.
    """
    from mtlkit.on_disk.runs import check_are_there

    reads = {f"RUN {run}": run for run in runs}
    check_output(output, reads)
    check_are_there(runs)
    load_libraries()
    from mtlkit.cli.console import say, table_text
    from mtlkit.comparison import compare_runs
    from mtlkit.comparison.layout import is_comparison, notes_of, tables_of, written
    from mtlkit.plugins import load_plugins
    from mtlkit.runs import output_of_verb

    target = None if output is None else output_of_verb(output, reads, is_comparison)
    comparison = compare_runs(
        runs,
        baseline=baseline,
        split=split,
        metric=metric,
        names=name,
        resamples=resamples,
        seed=seed,
        anyway=anyway,
        texts_only=texts_only,
        plugins=load_plugins(include_package),
    )
    if format_ == "terminal":
        text = "\n".join(table_text(table, target is not None) for table in tables_of(comparison))
    else:
        text = written(comparison, format_)
    if target is not None:  # before anything is said, since nobody may read that
        target.write(text.encode())
    for note in notes_of(comparison):
        say(note)
    if target is None:
        print(text, end="")
