"""The input of `predict`, and its answers to it as they arrive."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, final

import torch

from mtlkit.archive import Archive, open_archive
from mtlkit.data import DatasetReader, Skipped, normalized
from mtlkit.data.formats import LABELLED, recognize
from mtlkit.errors import DataError
from mtlkit.files import PRIVATE, is_file, open_to_write
from mtlkit.files.ownership import temporary_folder
from mtlkit.kernels.postponing import Postponed
from mtlkit.plugins import Plugin
from mtlkit.runs.data_to_score import of_trained_reader
from mtlkit.runs.directory import archive_path
from mtlkit.runs.input_formats import InputFormat, Readers, choose_format, reader_of_files, remedy, targets_in_files
from mtlkit.runs.input_lines import STANDARD_INPUT, InputLines, open_input, texts_of
from mtlkit.runs.precision import compute_in
from mtlkit.runs.predict import BATCHES_AHEAD, Input, Numbered, answers_to, read_ahead, tasks_asked
from mtlkit.training.precision import Precision
from mtlkit.types import Say, silent

LINES_OF_FILE, LINES_OF_STANDARD_INPUT = 64, 1
"""The default number of texts that are answered together."""
WATCHED = 20
"""The number of lines of standard input that are watched for rows of columns."""


@final
@dataclass(frozen=True)
class OpenedInput:
    """An open archive, and an input that it is to answer."""

    archive: Archive
    readers: Readers
    """The readers of the tasks whose heads answer."""
    batch_size: int
    """The largest number of texts that are answered together."""
    windows: Iterator[list[Numbered]]
    """The texts, in windows of which each is answered by itself; see `read_ahead`."""

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yields the records of all texts; see `predict_inputs`."""
        for window in self.windows:
            yield from answers_to(self.archive, window, self.readers, self.batch_size)


@contextmanager
def open_answers(
    archive: Path,
    source: str,
    tasks: Sequence[str] = (),
    *,
    format_: InputFormat = "auto",
    batch_size: int | None = None,
    device: torch.device,
    plugins: Sequence[Plugin] = (),
    precision: Precision | None = None,
    say: Say = silent,
) -> Iterator[OpenedInput]:
    """Opens an archive and an input, whose `answers` are the records of `mtlkit predict`. No weights are loaded before
    the first answer.

    Args:
        archive: the path of an archive.tar.gz, or of the directory of a run.
        source: a file, or `-` for standard input; with the format `reader`, any source that the task's reader has.
        tasks: the tasks whose heads answer; empty for all tasks of the archive.
        format_: how the input is read.
        batch_size: the largest number of texts that are answered together; None for 64 of a file, or 1 of standard
            input. Of standard input and pipes no more texts than these are read before they are answered.
        device: the device of the model.
        plugins: the plugins that were imported.
        precision: what is computed in; None for the precision of training.
        say: receives a line if an input is not plain texts, if it looks as if it were not, if texts are left out, and
            before compiled kernels are built.

    Raises:
        ConfigError, ArchiveError, DataError: the archive or the input cannot be read, or there is no such task. These
            are raised on entering the block, before any output is opened inside it.
    """
    size = batch_size or (LINES_OF_STANDARD_INPUT if source == STANDARD_INPUT else LINES_OF_FILE)
    with open_archive(archive_path(archive), device, plugins, Postponed(say)) as opened:
        if (computed := compute_in(precision, opened, say)) is not None:
            say(computed)
        readers = {task: opened.reader_for(task) for task in tasks_asked(opened, tasks)}
        with open_inputs(opened, readers, source, format_, say) as inputs:
            # Who writes to a pipe may wait for the answers to what has been written.
            ahead = 1 if is_read_once(source) else BATCHES_AHEAD
            yield OpenedInput(opened, readers, size, read_ahead(inputs, len(readers), size, ahead))


@contextmanager
def open_inputs(
    archive: Archive, readers: Readers, source: str, format_: InputFormat = "auto", say: Say = silent
) -> Iterator[Iterator[Input]]:
    """Opens a file or standard input (`-`), and gives an iterator of its texts, as they arrive.

    Args:
        archive: the trained model.
        readers: the readers of the tasks whose heads answer.
        source: a file, or `-` for standard input; with the format `reader`, any source that the task's reader has.
        format_: how the input is read.
        say: receives what there is to say of the input.

    Raises:
        DataError: the input is missing or unreadable, or it looks like a format that cannot be read.
        ConfigError: the readers of the tasks differ, and the input is to be read by them.
    """
    with ExitStack() as stack:
        if format_ == "reader" and reader_of_files(archive, readers).file_format == "json_lines":
            format_ = "jsonl"  # so that ids come back, which `read` drops
        if format_ != "reader":
            lines = stack.enter_context(open_input(source))
            if lines.is_file:
                lines.head()  # so that an error at its beginning is raised before anything is written
            chosen = choose_format(archive, readers, lines, say) if format_ == "auto" else format_
            if chosen != "reader":
                inputs = texts_of(lines, chosen)
                if format_ == "auto" and chosen == "text":
                    inputs = watched(inputs, archive, readers, lines, say)
                yield counted(inputs, lines.name, say)
                return
        path = stack.enter_context(_copied(source)) if is_read_once(source) else source
        name = "standard input" if source == STANDARD_INPUT else source
        yield counted(_read(reader_of_files(archive, readers), path, name), name, say)


def watched(
    inputs: Iterable[Input], archive: Archive, readers: Readers, lines: InputLines, say: Say
) -> Iterator[Input]:
    """Yields lines of text unchanged, and says once if they look like anything else as more of them are seen.

    Args:
        inputs: the lines.
        archive: the trained model.
        readers: the readers of the tasks whose heads answer.
        lines: where the lines are from; the first lines of a file have been looked at.
        say: receives the warning.
    """
    labels, tags = targets_in_files(archive, readers)
    has_said, seen, most = False, list[str](), 0 if lines.is_file else WATCHED
    for raw, place in inputs:
        if not has_said and isinstance(raw, str):
            line = normalized(raw, archive.experiment.normalization)
            found = LABELLED if "\t" in line and line.partition("\t")[0] in labels else None
            if found is None and len(seen) < most:
                seen.append(line)
                found = recognize(seen, labels, tags)
            if found is not None:
                has_said = True
                but = f"but the whole line is taken as the text; {remedy(found, readers)}"
                say(f"{place}: looks like {found.what}, {but}")
        yield raw, place


def counted(inputs: Iterable[Input], name: str, say: Say) -> Iterator[Input]:
    """Yields inputs unchanged, and says at their end how many texts were left out, and if there was none."""
    left_out, is_empty = Counter[str](), True
    for raw, place in inputs:
        if isinstance(raw, Skipped):
            left_out[raw.reason] += 1
        else:
            is_empty = False
        yield raw, place
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
    if is_empty:
        say(f"{name}: holds no text" + (f" but those that are left out ({reasons})" if reasons else ""))
    elif reasons:
        say(f"{name}: texts are left out ({reasons})")


def _read(reader: DatasetReader, path: str, name: str) -> Iterator[Input]:
    """Begins to read texts, so that an error at their beginning is raised at once."""
    texts = _read_texts(reader, path, name)
    first = next(texts, None)
    return chain([] if first is None else [first], texts)


def _read_texts(reader: DatasetReader, path: str, name: str) -> Iterator[Input]:
    try:
        for number, text in enumerate(reader.read_texts(path), 1):
            yield text, f"{name}: text {number}"
    except DataError as error:
        raise DataError(str(of_trained_reader(error)).replace(path, name)) from None


def is_read_once(source: str) -> bool:
    """Whether an input is standard input, a pipe or a device, which cannot be read a second time."""
    return source == STANDARD_INPUT or (Path(source).exists() and not is_file(Path(source)))


@contextmanager
def _copied(source: str) -> Iterator[str]:
    """Copies standard input or a pipe to its end into a file of its own, as readers read files."""
    with temporary_folder() as folder, open_input(source) as lines:
        file = folder / "input"
        try:
            with open_to_write(file, mode=PRIVATE) as copy:
                copy.writelines(line for _, line in lines)
        except OSError as error:
            raise DataError(f"{lines.name}: cannot be copied to {folder} ({error.strerror}); name a file") from None
        yield str(file)
