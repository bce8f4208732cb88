"""The verb `report`, which draws a run on one page."""

from pathlib import Path
from typing import Annotated

import typer

from mtlkit.cli.experiment_source import Include
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.options import Device, Limit, OtherData, ScoringSize, other_data, torch_device
from mtlkit.cli.outputs import check_output
from mtlkit.process.freed_memory import keep_freed_memory


def report(
    source: Annotated[
        Path, typer.Argument(help="Directory of a finished run, or an archive.", metavar="RUN_OR_ARCHIVE")
    ],
    data: OtherData = [],
    task: Annotated[list[str], typer.Option(help="Read only this task's texts; may be given again.")] = [],
    split: Annotated[str, typer.Option(help="Whose texts are read: train, dev or test.")] = "test",
    baseline: Annotated[
        list[Path], typer.Option(metavar="RUN", help="A finished run to stand beside it; may be given again.")
    ] = [],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also a baseline on other data, or scored otherwise; the page says so.")
    ] = False,
    limit: Limit = None,
    batch_size: ScoringSize = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Default: report.html in the run, or NAME.report.html by the archive."),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every figure there as SVG, PDF and CSV.")
    ] = None,
    device: Device = "auto",
    include_package: Include = [],
) -> None:
    """Draw a run on one page: its scores, its course, and what its tasks shared.

    The page is one file that needs no network. The texts of each task are read once more to see what is shared; where
    they are not here, the rest is drawn.
    """
    from mtlkit.on_disk.archives import check_archive_unless_folder

    others = other_data(data)
    check_archive_unless_folder(source)
    check_output(output)
    load_libraries()
    from mtlkit.report.requirements import check_installed, load_matplotlib

    check_installed()
    load_matplotlib()
    from mtlkit.cli.console import say
    from mtlkit.plugins import load_plugins
    from mtlkit.report.writing import write_report
    from mtlkit.runs import Wanted

    keep_freed_memory()
    written = write_report(
        source,
        Wanted(split, task, None, *others, limit, batch_size),
        device=torch_device(device),
        plugins=load_plugins(include_package),
        baselines=baseline,
        output=output,
        figures=figures,
        anyway=anyway,
        say=say,
    )
    say(f"report: {written.page} ({written.num_bytes / 1e6:.2f} MB)")
