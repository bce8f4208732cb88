"""The verb `export`, which writes the model of an archive as a program of PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

from mtlkit.cli.experiment_source import Include
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.options import ArchiveFile
from mtlkit.cli.outputs import check_output


def export(
    archive: ArchiveFile,
    output: Annotated[Path, typer.Option(help="Write to this file, such as movie.pt2.")],
    task: Annotated[list[str], typer.Option(help="Whose head answers; default: the only task.")] = [],
    include_package: Include = [],
) -> None:
    """Write the model of a task as a program that PyTorch runs without mtlkit, for texts of any length.

    `torch.export.load(FILE).module()` takes a mask, and a dict of integer tensors such as the ids of words; it gives
    the ids of labels. The labels and the vocabulary are in the file as well (extra file `mtlkit.json`). The program
    computes on a CPU in float32, and has answered some texts as the archive does before it is written; `mtlkit predict`
    is faster.
    """
    from mtlkit.on_disk.archives import check_archive

    check_archive(archive)
    check_output(output)
    load_libraries()
    from mtlkit.cli.console import say
    from mtlkit.plugins import load_plugins
    from mtlkit.runs import archives_given, output_of_verb
    from mtlkit.runs.export import export_to
    from mtlkit.runs.older_outputs import is_program

    target = output_of_verb(output, archives_given([archive], packages=include_package), is_program)
    export_to(target, archive, task, load_plugins(include_package), say)
    say(f"wrote {output}")
