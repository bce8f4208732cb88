"""`export`: the model of an archive as a program of PyTorch, with all that is needed to give it texts."""

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mtlkit import __version__
from mtlkit.archive import Archive, open_archive
from mtlkit.config import names_argument, path_argument, say_argument
from mtlkit.data import Corpus, Instance, Text
from mtlkit.errors import ConfigError
from mtlkit.files import Output
from mtlkit.kernels.postponing import Postponed
from mtlkit.plugins import Plugin, load_plugins
from mtlkit.runs.directory import archive_path
from mtlkit.runs.exported_program import check_program, exported_program
from mtlkit.runs.older_outputs import is_program
from mtlkit.runs.outputs import archives_given, output_of_verb
from mtlkit.runs.predict import as_batch, tasks_asked
from mtlkit.types import Say, silent

ABOUT = "mtlkit.json"
"""The name under which `torch.export.load(file, extra_files={"mtlkit.json": ""})` finds what is said of the program."""
CPU = torch.device("cpu")
TRACED_WITH = (4, 7, 2)
"""The number of words of each text that a model is traced with."""
TRIED_ON = ((1,), (3, 11, 1, 5), (2, 2), (30, 8, 17))
"""The number of words of each text of the batches that a program has to answer as its model."""


def export(
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    task: str | None = None,
    *,
    include_packages: Sequence[str] = (),
    say: Say = silent,
) -> None:
    """Writes the model of an archive as a program that PyTorch runs without mtlkit, for texts of any length.

    `torch.export.load(output).module()` is a function of `mask_BT`, which is true at words, and of a dict of integer
    tensors by name, such as `words`, (B, T), 0 at padding. It returns a dict: `ids` are the numbers of labels, (B,), or
    (B, T) with -1 at padding, and `confidence`, (B,), is the probability of the label of a text. Load it with
    `extra_files={"mtlkit.json": ""}` to get the labels, the vocabulary, and the names of the tensors as JSON.

    Before anything is written, the program has answered some texts as the archive does. It computes in float32 on a
    CPU, with one operation after the other; `predict` is several times as fast.

    Args:
        archive: an archive.tar.gz, the directory of a run, or a `Run`.
        output: the file, such as `movie.pt2`.
        task: the task whose head answers; None if there is only one.
        include_packages: modules or .py files with components, as for `--include-package`.
        say: receives a line about the precision, if it is not that of training; `print` prints it.

    Raises:
        ArchiveError: the archive is missing or damaged.
        ConfigError: the file cannot be written, there is no such task, or its model cannot be exported.
    """
    path, file = archive_path(path_argument(archive, "archive")), Path(path_argument(output, "output"))
    packages = names_argument(include_packages, "include_packages")
    target = output_of_verb(file, archives_given([path], packages=packages), is_program, "output")
    export_to(target, path, [] if task is None else [task], load_plugins(packages), say_argument(say))


def export_to(output: Output, archive: Path, tasks: Sequence[str], plugins: Sequence[Plugin], say: Say) -> None:
    """Does what `export` does, with an output that has been checked.

    Args:
        output: where the program is written.
        archive: the path of an archive.tar.gz, or of the directory of a run.
        tasks: the task; may be empty if the archive has only one.
        plugins: the plugins that were imported.
        say: as for `export`.
    """
    with open_archive(archive_path(archive), CPU, plugins, Postponed()) as opened:
        task, *others = tasks_asked(opened, tasks)
        if others:
            raise ConfigError(f"--task: a program answers for one task; give one of {', '.join([task, *others])}")
        if opened.precision != "fp32":
            say(f"the program computes in fp32, while the run was trained in {opened.precision}: answers may differ")
        model, first, *texts = opened.model_for(task), *_made_up(opened, task, (TRACED_WITH, *TRIED_ON))
        try:
            program = exported_program(model, first, task)
            check_program(program, model, texts, task)
        except ConfigError as error:
            raise ConfigError(f"{opened.path}: {error}") from error
        about = json.dumps(_about(opened, task, first))
        packed = io.BytesIO()  # since torch ends the process where it cannot write to a file, as on a full disk
        torch.export.save(program, packed, extra_files={ABOUT: about})
        with output.opened() as file:
            file.write(packed.getbuffer())


def _made_up(archive: Archive, task: str, batches: Sequence[Sequence[int]]) -> list[Text]:
    """Batches of texts with so many words each, known ones and an unknown one."""
    known = archive.vocabulary["words"].tokens[2:40]
    words = ["an-unknown-word", *known]
    kind = archive.reader_for(task).target_kind
    found, place = [], 0
    for lengths in batches:
        instances = []
        for length in lengths:
            instances.append(Instance(tuple(words[(place + 3 * step) % len(words)] for step in range(length))))
            place += 1
        text = as_batch(archive, task, Corpus.from_instances(instances, kind)).text
        found.append(Text(text.mask_BT, dict(text.columns)))
    return found


def _about(archive: Archive, task: str, text: Text) -> dict[str, Any]:
    """What one needs to know to give the program texts, and to read its answers."""
    vocabulary, head = archive.vocabulary, archive.model_for(task).head(task)
    return {
        "mtlkit": __version__,
        "torch": str(torch.__version__),
        "task": task,
        "targets": head.target_kind,
        "labels": vocabulary.labels(task),
        "columns": {name: list(column.shape[2:]) for name, column in text.columns.items()},
        "max_length": archive.experiment.tasks[task].max_length,
        "reader": archive.experiment.tasks[task].reader.to_json(),
        "vocabulary": {
            "words": vocabulary["words"].tokens,
            "characters": vocabulary["characters"].tokens,
            "lowercase": vocabulary.lowercase,
            "one_number": vocabulary.one_number,
            "normalization": vocabulary.normalization,
        },
    }
