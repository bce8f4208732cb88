"""The verb that draws a run on one page: report."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mtlkit.cli.experiment_source import Include
from mtlkit.cli.options import Device, Limit, OtherData, ScoringSize, other_data, torch_device

NEEDED = {"jinja2": "Jinja2", "matplotlib": "Matplotlib", "sklearn": "scikit-learn"}
"""What the extra `report` brings, by the names of its modules."""

PAGES = (".html", ".htm")
"""Endings that a page may have."""
HEAD = 2_000
"""Characters of a page among which it says who made it."""


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
    _check_extra()
    from mtlkit.cli.console import say
    from mtlkit.files import write_atomically
    from mtlkit.plugins import load_plugins
    from mtlkit.report.page import page
    from mtlkit.report.reading.sources import evidence_of, source_of
    from mtlkit.report.sections import sections_of, write_figures
    from mtlkit.runs import Wanted

    found = source_of(source)
    target = _target(found.page if output is None else output)
    folder = None if figures is None else _folder(figures)
    wanted = Wanted(split, task, None, *other_data(data), limit, batch_size)
    evidence = evidence_of(found, wanted, torch_device(device), load_plugins(include_package), baseline, say)
    for note in evidence.notes:
        say(note)
    say("drawing")
    sections = sections_of(evidence)
    if folder is not None:
        say(f"figures: {len(write_figures(sections, folder))} files in {folder}")
    content = page(evidence, sections).encode()
    write_atomically(target, content)
    say(f"report: {target} ({len(content) / 1e6:.2f} MB)")


def _check_extra() -> None:
    from mtlkit.errors import ConfigError

    if missing := [name for module, name in NEEDED.items() if find_spec(module) is None]:
        raise ConfigError(f"a report needs {', '.join(missing)}; pip install 'mtlkit[report]'")


def _target(path: Path) -> Path:
    """Where the page can be written, in place of nothing but an older page."""
    from mtlkit.cli.outputs import writable_file
    from mtlkit.errors import ConfigError
    from mtlkit.report.page import is_report

    if path.suffix.lower() not in PAGES:
        raise ConfigError(f"--output {path}: the report is a page of HTML; give a name that ends in .html")
    file = writable_file(path)
    if file.exists():
        with file.open(encoding="utf-8", errors="replace") as stream:
            if not is_report(stream.read(HEAD)):
                raise ConfigError(f"--output {path}: is there already and no report of mtlkit; give another file")
    return file


def _folder(path: Path) -> Path:
    """Where figures can be written, in place of nothing but older ones."""
    from mtlkit.cli.outputs import writable_folder
    from mtlkit.errors import ConfigError
    from mtlkit.report.charts.drawing import holds_only_figures

    folder = writable_folder("--figures", path)
    if not holds_only_figures(folder):
        raise ConfigError(f"--figures {path}: holds other files than figures of mtlkit; give a new folder")
    return folder
