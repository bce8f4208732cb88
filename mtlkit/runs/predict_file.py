"""`predict` for a whole file, by several processes: the bytes that one process writes, in bounded memory.

One process reads the input and deals out its windows (see `read_ahead`), which is little work; the others answer them.
A window is answered by itself wherever that is done, so nothing depends on the number of processes.
"""

import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, final, get_args

import torch

import mtlkit
from mtlkit.config import count_argument, names_argument, path_argument, say_argument
from mtlkit.errors import ConfigError, DataError, ProcessesError
from mtlkit.files import Output, file_sha256
from mtlkit.files.resumable import ResumableFile, resumable_file
from mtlkit.plugins import Plugin, load_plugins
from mtlkit.process.pool import ProcessEndedError
from mtlkit.runs.answering import Answers, answering_processes, as_lines
from mtlkit.runs.changes import code_hashes
from mtlkit.runs.input_formats import ChosenFormat, InputFormat, reader_of_files
from mtlkit.runs.inputs import OpenedInput, is_read_once, open_answers
from mtlkit.runs.older_outputs import is_records
from mtlkit.runs.outputs import archives_given, output_of_verb
from mtlkit.runs.precision import precision_argument
from mtlkit.runs.predict import BATCHES_AHEAD, Numbered, answers_to
from mtlkit.runs.processes import check_number
from mtlkit.runs.reading_ahead import MOST_CHARACTERS
from mtlkit.training.devices import as_device
from mtlkit.training.precision import Precision
from mtlkit.types import Say, silent

FORMATS: tuple[InputFormat, ...] = ("auto", *get_args(ChosenFormat))


@final
@dataclass(frozen=True)
class PredictedFile:
    """How much of an input has been answered."""

    records: int = 0
    """The number of records that were written."""
    errors: int = 0
    """How many of them hold an error in place of an answer."""
    windows: int = 0
    """The number of windows: texts that are read ahead, and answered in an order of their lengths."""
    last_text: int = 0
    """The number of the last text, counted from 1."""


def predict_file(
    archive: str | os.PathLike[str],
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    tasks: Sequence[str] = (),
    *,
    processes: int | None = None,
    format: str = "auto",
    batch_size: int | None = None,
    device: torch.device | str = "auto",
    include_packages: Sequence[str] = (),
    precision: str | None = None,
    say: Say = silent,
) -> PredictedFile:
    """Answers the texts of a file, and writes the records of `mtlkit predict` to another, which appears as a whole.

    With `processes`, what they had come to is kept if they are interrupted, and the next call with the same arguments
    goes on there. The file is the same, byte by byte, with any number of processes.

    Args:
        archive: an archive.tar.gz, the directory of a run, or a `Run`.
        source: a file, which may be compressed.
        output: the file to write.
        tasks: the tasks whose heads answer; empty for all tasks of the archive.
        processes: how many answer, each with a model of its own; None for this process alone.
        format: how the file is read: text, ids, jsonl, reader, or auto, which tells by the first lines.
        batch_size: the largest number of texts that are answered together; None for 64.
        device: auto, cpu, cuda, cuda:N, or a `torch.device`. With cuda, each process takes a GPU of its own.
        include_packages: modules or .py files with components, as for `--include-package`.
        precision: what is computed in, fp32 or bf16; None for the precision of training.
        say: receives a line about how the file is read, texts that are left out, and where earlier work is gone on
            with; `print` prints it.

    Raises:
        ArchiveError: the archive is missing or damaged.
        ConfigError: there is no such task or device, the output cannot be written, or an argument has a wrong type.
        DataError: the file is missing or unreadable.
        ProcessesError: one of the processes has ended.
    """
    path, file, names = (
        path_argument(archive, "archive"),
        path_argument(source, "source"),
        names_argument(tasks, "tasks"),
    )
    packages = names_argument(include_packages, "include_packages")
    if (chosen := next((known for known in FORMATS if known == format), None)) is None:
        raise ConfigError(f"format: should be one of {', '.join(FORMATS)} (got {format!r})")
    reads = {f"source {file}": file, **archives_given([path], "archive", packages)}
    return write_answers(
        path,
        str(file),
        output_of_verb(path_argument(output, "output"), reads, is_records, "output"),
        names,
        processes=count_argument(processes, "processes"),
        format_=chosen,
        batch_size=count_argument(batch_size, "batch_size"),
        device=as_device(device),
        plugins=load_plugins(packages),
        precision=precision_argument(precision),
        say=say_argument(say),
    )


def write_answers(
    archive: Path,
    source: str,
    output: Output | BinaryIO,
    tasks: Sequence[str] = (),
    *,
    processes: int | None,
    format_: InputFormat = "auto",
    batch_size: int | None = None,
    device: torch.device,
    plugins: Sequence[Plugin] = (),
    precision: Precision | None = None,
    say: Say = silent,
) -> PredictedFile:
    """The work of `predict_file`, whose arguments and errors these are.

    Args:
        output: a file, or a stream that is written to as answers arrive; only work for a file can be gone on with.
    """
    if processes is not None and is_read_once(source):
        raise ConfigError(
            f"--processes {processes}: {'standard input' if source == '-' else source} is answered as it arrives, by "
            "one process; save it to a file, which may be compressed, and name that"
        )
    check_number(processes)
    options: dict[str, Any] = {"format_": format_, "batch_size": batch_size, "precision": precision, "say": say}
    with open_answers(archive, source, tasks, device=device, plugins=plugins, **options) as opened:
        if isinstance(output, Output) and not output.is_stream and processes is not None:
            basis = _basis(opened, source, format_)
            return _resumed(opened, processes, plugins, output, basis, say)
        done = PredictedFile()
        target: AbstractContextManager[BinaryIO] = (
            output.opened() if isinstance(output, Output) else nullcontext(output)
        )
        with target as stream, closing(_answers(opened, processes, plugins, done)) as answers:
            for lines, done in answers:  # noqa: B007  # returned
                stream.write(lines)
                stream.flush()
        return done


def _resumed(
    opened: OpenedInput, processes: int, plugins: Sequence[Plugin], output: Output, basis: Mapping[str, Any], say: Say
) -> PredictedFile:
    """Writes to a file, and goes on where an earlier call on the same basis has stopped."""
    file: ResumableFile | None = None
    try:
        with resumable_file(output.path, basis) as file:
            done = PredictedFile() if file.state is None else PredictedFile(**file.state)
            if done.windows:
                say(f"{output.given}: going on after text {done.last_text:,}, to which an earlier command had come")
            try:
                with closing(_answers(opened, processes, plugins, done)) as answers:
                    for lines, done in answers:
                        file.append(lines, asdict(done))
            except DataError:  # the input has to be mended, and is another one then
                file.discard()
                raise
            return done
    except BaseException:
        if file is not None and file.kept is not None:
            kept = PredictedFile(**file.kept)
            say(f"{output.given}: answers up to text {kept.last_text:,} are kept; the same command goes on after it")
        raise


def _answers(
    opened: OpenedInput, processes: int | None, plugins: Sequence[Plugin], done: PredictedFile
) -> Generator[tuple[bytes, PredictedFile]]:
    """Yields the lines of each window after those that are done, and how much is done with them.

    Raises:
        ProcessesError: a process has ended.
    """
    ends = deque[int]()

    def windows() -> Iterator[list[Numbered]]:
        for window in islice(opened.windows, done.windows, None):
            ends.append(window[-1][0])
            yield window

    def written(done: PredictedFile, answers: Answers) -> PredictedFile:
        return PredictedFile(
            done.records + answers.num_records, done.errors + answers.num_errors, done.windows + 1, ends.popleft()
        )

    if processes is None:
        for window in windows():
            answers = as_lines(answers_to(opened.archive, window, opened.readers, opened.batch_size))
            done = written(done, answers)
            yield answers.lines, done
        return
    try:
        with answering_processes(processes, opened, plugins) as pool:
            for answers in pool.answers(windows()):
                done = written(done, answers)
                yield answers.lines, done
    except ProcessEndedError as ended:
        raise ProcessesError(f"{ended} while it was answering; see whether memory ran out") from None


def _basis(opened: OpenedInput, source: str, format_: InputFormat) -> dict[str, Any]:
    """All that the bytes of an output depend on."""
    archive = opened.archive
    files = reader_of_files(archive, opened.readers).files(source) if format_ == "reader" else [Path(source)]
    return {
        "archive": archive.digest,
        "source": source,  # as given, since errors name it
        "input": [file_sha256(file) for file in files],
        "tasks": list(opened.readers),
        "format": format_,
        "windows": [opened.batch_size, BATCHES_AHEAD, MOST_CHARACTERS],
        "precision": archive.precision,
        "device": archive.device.type,
        "code": code_hashes(archive.experiment),
        "mtlkit": mtlkit.__version__,
        "torch": str(torch.__version__),
    }
