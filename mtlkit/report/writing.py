"""Writes a report: one page of HTML, and each of its figures as files if that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch

from mtlkit.errors import ConfigError
from mtlkit.files import Output
from mtlkit.plugins import Plugin
from mtlkit.report.charts.drawing import holds_only_figures
from mtlkit.report.page import is_report, page
from mtlkit.report.reading.sources import evidence_of, source_of
from mtlkit.report.sections import sections_of, write_figures
from mtlkit.runs import Wanted, archives_given, check_belongs_to_no_run, folder_of_verb, output_of_verb
from mtlkit.runs.older_outputs import head_of
from mtlkit.types import Say, silent

PAGES = (".html", ".htm")
"""Endings that a page may have."""


@final
@dataclass(frozen=True)
class Written:
    """What was written."""

    page: Path
    num_bytes: int
    figures: Sequence[Path]


def write_report(
    source: Path,
    wanted: Wanted,
    *,
    device: torch.device,
    plugins: Sequence[Plugin] = (),
    baselines: Sequence[Path] = (),
    output: Path | None = None,
    figures: Path | None = None,
    anyway: bool = False,
    say: Say = silent,
) -> Written:
    """Draws a run, or an archive, on one page.

    Args:
        source: directory of a finished run, or an archive.
        wanted: the texts that are read once more to see what is shared.
        device: of the model.
        plugins: that were imported.
        baselines: finished runs to show beside it.
        output: the page; by default report.html in the run, or NAME.report.html beside the archive.
        figures: a folder for every figure as SVG, PDF and CSV.
        anyway: whether runs stand beside it also if their figures do not compare, such as those on other data; the
            page then says so.
        say: told what is being done, and what the report cannot show.

    Raises:
        ConfigError, RunError, ArchiveError: the source cannot be read, or nothing can be written where it is asked for;
            nothing has been written then.
    """
    found = source_of(source)
    target = _page_file(found.page if output is None else output, source)
    folder = None if figures is None else _figure_folder(figures)
    evidence = evidence_of(found, wanted, device, plugins, baselines, say, anyway=anyway)
    for note in evidence.notes:
        say(note)
    say("drawing")
    sections = sections_of(evidence)
    files: Sequence[Path] = ()
    if folder is not None:
        files = write_figures(sections, folder)
        say(f"figures: {len(files)} files in {folder}")
    content = page(evidence, sections).encode()
    target.write(content)
    return Written(target.path, len(content), files)


def _page_file(path: Path, source: Path) -> Output:
    """The file of the page, which takes the place of nothing but an older page."""
    if path.suffix.lower() not in PAGES:
        raise ConfigError(f"--output {path}: the report is a page of HTML; give a name that ends in .html")
    return output_of_verb(path, archives_given([source], "RUN_OR_ARCHIVE"), lambda file: is_report(head_of(file)))


def _figure_folder(path: Path) -> Path:
    """The folder of the figures, which take the place of nothing but older figures."""
    folder = folder_of_verb(path, "--figures")
    check_belongs_to_no_run(folder, f"--figures {path}")
    if not holds_only_figures(folder):
        raise ConfigError(f"--figures {path}: holds other files than figures of mtlkit; give a new folder")
    return folder
