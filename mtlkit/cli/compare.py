"""The verb that sets runs side by side: compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtlkit.cli.experiment_source import Include

if TYPE_CHECKING:
    from mtlkit.comparison import Comparison, RunRecord, System


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
    format_: Annotated[Format, typer.Option("--format", help="terminal, markdown, latex, csv or json.")] = "terminal",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
    include_package: Include = [],
) -> None:
    """Set runs side by side: figures by task and on average, standard and clean, and gains over a baseline.

    Runs that differ in their seeds alone are one row, mean ± standard deviation. Gains have intervals and p-values of a
    paired bootstrap over the texts, wherever the runs have kept their answers to them.
    """
    from mtlkit.cli.console import say
    from mtlkit.cli.outputs import writable_file
    from mtlkit.comparison import Question, read_record, systems_of
    from mtlkit.comparison import compare as run_compare
    from mtlkit.comparison.layout import notes_of
    from mtlkit.errors import ConfigError, UnknownComponentError
    from mtlkit.files import write_atomically
    from mtlkit.plugins import failures, load_plugins

    if split not in ("dev", "test"):
        raise ConfigError(f"--split {split}: runs keep no figures of such a split; use dev or test")
    target = None if output is None else writable_file(output)
    plugins = load_plugins(include_package)
    records = [read_record(run) for run in runs]
    if baseline is not None and not any(
        baseline in (*name, record.name) or _is(baseline, record) for record in records
    ):
        records = [_other_run(baseline, records), *records]
    systems = systems_of(records, name)
    try:
        comparison = run_compare(systems, Question(split, metric, _baseline(systems, baseline), resamples, seed))
    except UnknownComponentError as error:  # a metric
        raise UnknownComponentError(f"{error}{failures(plugins)}") from None
    for note in notes_of(comparison):
        say(note)
    text = _written(comparison, format_, to_file=target is not None)
    if target is None:
        print(text, end="")
    else:
        write_atomically(target, text.encode())


def _is(given: str, record: "RunRecord") -> bool:
    return Path(given).resolve() == record.path.resolve()


def _other_run(baseline: str, records: "list[RunRecord]") -> "RunRecord":
    """A baseline that is none of the runs."""
    from mtlkit.comparison import read_record
    from mtlkit.errors import ConfigError

    if not Path(baseline).exists():
        names = ", ".join(dict.fromkeys(record.name for record in records))
        raise ConfigError(f"--baseline {baseline}: is neither a run nor one of {names}")
    return read_record(Path(baseline))


def _baseline(systems: "list[System]", given: str | None) -> "System | None":
    """The system that has this run, or this name."""
    from mtlkit.errors import ConfigError

    if given is None:
        return None
    with_run = [system for system in systems if any(_is(given, run) for run in system.runs)]
    named = [system for system in systems if given in (system.name, *(run.name for run in system.runs))]
    first, *others = with_run or named
    if others:
        runs = ", ".join(str(system.runs[0].path) for system in (first, *others))
        raise ConfigError(f"--baseline {given}: could be the system of any of {runs}; give one of these runs")
    return first


def _written(comparison: "Comparison", format_: Format, to_file: bool) -> str:
    from mtlkit.cli.console import table_text
    from mtlkit.comparison.layout import as_csv, as_json, notes_of, tables_of
    from mtlkit.tables import latex, markdown

    if format_ == "csv":
        return as_csv(comparison)
    if format_ == "json":
        return as_json(comparison)
    tables = tables_of(comparison)
    if format_ == "terminal":
        return "\n".join(table_text(table, to_file) for table in tables)
    return (markdown if format_ == "markdown" else latex)(tables, notes_of(comparison))
