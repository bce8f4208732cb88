"""A process of `predict --processes`: it opens the archive for itself, and answers windows of texts that it is sent.

    python -P cli/child.py PARENT answering

What is sent has been read and numbered by the process that reads the input, and what comes back are the lines of the
output. So the processes need not know how an input is read, and none of them reads it again.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch

from mtlkit.archive import open_archive
from mtlkit.errors import ArchiveError, MtlkitError
from mtlkit.kernels.postponing import Postponed
from mtlkit.plugins import INCLUDED, Plugin, load_plugins
from mtlkit.process.children import python_command
from mtlkit.process.freed_memory import keep_freed_memory
from mtlkit.process.pool import ProcessPool, serve
from mtlkit.runs.inputs import OpenedInput
from mtlkit.runs.precision import compute_in
from mtlkit.runs.predict import Numbered, answers_to, as_line
from mtlkit.training.devices import device_of
from mtlkit.training.precision import Precision
from mtlkit.types import silent

CHILD = Path(__file__).parents[1] / "cli" / "child.py"
NAME = "answering"
"""What `child.py` is given in place of a verb."""


@final
@dataclass(frozen=True)
class Answers:
    """The answers to the texts of one window."""

    lines: bytes
    """The records, as lines of JSON in UTF-8."""
    num_records: int
    num_errors: int
    """How many of the records hold an error."""


@dataclass(frozen=True)
class _Settings:
    archive: Path
    digest: str
    tasks: tuple[str, ...]
    batch_size: int
    precision: Precision
    device: str
    include: tuple[str, ...]


def as_lines(records: Iterable[Mapping[str, object]]) -> Answers:
    """The records of a window as lines of JSON."""
    lines, num_errors = [], 0
    for record in records:
        lines.append(f"{as_line(record)}\n")
        num_errors += "error" in record
    # Surrogates are written as escapes, as in `cli/outputs.py`, which are also their escapes in JSON.
    return Answers("".join(lines).encode("utf-8", "backslashreplace"), len(lines), num_errors)


def answering_processes(number: int, opened: OpenedInput, plugins: Sequence[Plugin]) -> ProcessPool:
    """Processes whose answers to windows of texts are `Answers`, on entering a block.

    Args:
        number: how many.
        opened: the archive, whose precision has been set, and the input.
        plugins: the plugins that were imported, which the processes import as well.
    """
    archive = opened.archive
    settings = _Settings(
        archive.path,
        archive.digest,
        tuple(opened.readers),
        opened.batch_size,
        archive.precision,
        str(archive.device),
        tuple(plugin.name for plugin in plugins if plugin.version == INCLUDED),
    )
    command = python_command(str(CHILD), str(os.getpid()), NAME)
    # One thread for each, unless the user says otherwise; models compute with as many as their experiment says.
    return ProcessPool([[*command, str(place)] for place in range(number)], settings, {"OMP_NUM_THREADS": "1"})


def main() -> None:
    """Answers what comes through standard input, as the process of this number among several."""
    raise SystemExit(serve(_open, told=(MtlkitError,)))


@contextmanager
def _open(settings: _Settings) -> Iterator[Callable[[list[Numbered]], Answers]]:
    keep_freed_memory()
    plugins, device = load_plugins(settings.include), _own_device(settings.device, int(sys.argv[-1]))
    # Compiled kernels are built before the first answer, since where one process would begin to use them depends on all
    # texts before.
    with open_archive(settings.archive, device, plugins, Postponed(at_once=True)) as archive:
        if archive.digest != settings.digest:
            raise ArchiveError(f"{archive.path}: was replaced while it was read; start again")
        compute_in(settings.precision, archive, silent)
        if device.type == "cpu":
            torch.set_num_threads(archive.experiment.trainer.threads)
        readers = {task: archive.reader_for(task) for task in settings.tasks}

        def answer(window: list[Numbered]) -> Answers:
            return as_lines(answers_to(archive, window, readers, settings.batch_size))

        yield answer


def _own_device(device: str, place: int) -> torch.device:
    """The device of one of several processes: each takes a GPU of its own, as far as there are any."""
    is_one_of_several = device == "cuda" and torch.cuda.device_count() > 1
    return device_of(f"cuda:{place % torch.cuda.device_count()}" if is_one_of_several else device)
