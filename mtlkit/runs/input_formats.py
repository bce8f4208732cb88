"""The format in which `predict` reads an input: what the user says, or what its first lines look like."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from mtlkit.archive import Archive
from mtlkit.data import DatasetReader, normalized
from mtlkit.data.formats import FileFormat, OtherFormat, Recognized, recognize
from mtlkit.errors import ConfigError, DataError
from mtlkit.runs.input_lines import InputLines
from mtlkit.types import Say

ChosenFormat: TypeAlias = Literal["text", "ids", "jsonl", "reader"]
InputFormat: TypeAlias = Literal["auto"] | ChosenFormat
"""What the lines of an input are: texts, `ID<TAB>TEXT`, JSON objects, or what the task's reader reads; `auto` tells by
the first lines.
"""

Readers: TypeAlias = Mapping[str, DatasetReader]
"""The readers of the tasks whose heads answer."""
OPTIONS: dict[FileFormat | OtherFormat, ChosenFormat] = {"json_lines": "jsonl", "id_and_text": "ids"}
MEANINGS: dict[ChosenFormat, str] = {
    "ids": "the answers have the id of each line",
    "jsonl": "each line is read as a JSON object",
    "reader": "the task's reader reads it",
}
AS_TEXT = "--format text to take each line as a text"
COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def choose_format(archive: Archive, readers: Readers, lines: InputLines, say: Say) -> ChosenFormat:
    """Decides how an input is read, and says so if its lines are not plain texts.

    Args:
        archive: the trained model.
        readers: the readers of the tasks whose heads answer.
        lines: the input, of which the first lines are looked at.
        say: receives a line if the input looks like anything else than texts.

    Raises:
        DataError: the input looks like a format that cannot be read here, or that of standard input needs an option.
    """
    if _suffix(lines.name) == ".jsonl":
        return "jsonl"
    found = _recognized(archive, readers, lines)
    if found is None:
        return "text"
    chosen, place = _option(found, readers), f"{lines.name}:1: looks like {found.what}"
    if chosen is None:
        raise DataError(f"{place}, which is not read here; {remedy(found, readers)}, or give {AS_TEXT}")
    if not lines.is_file or not found.is_certain:
        raise DataError(f"{place}; {remedy(found, readers)}, or {AS_TEXT}")
    if chosen == "reader" and not _is_one_reader(archive, readers):
        raise DataError(f"{place}, but {_readers_differ(readers)}, or give {AS_TEXT}")
    say(f"{place}, so {MEANINGS[chosen]}; --format text takes each line as a text")
    return chosen


def remedy(found: Recognized, readers: Readers) -> str:
    """What a user can do whose input has such a format."""
    if option := _option(found, readers):
        return f"give --format {option} if it is"
    own = ", or give --format reader if the task's reader reads it"
    reads_own_format = any(reader.file_format is None for reader in readers.values())
    return f"write one text per line, or JSON lines{own if reads_own_format else ''}"


def reader_of_files(archive: Archive, readers: Readers) -> DatasetReader:
    """The reader that all of these tasks have.

    Raises:
        ConfigError: their readers differ.
    """
    if not _is_one_reader(archive, readers):
        raise ConfigError(f"--format reader: {_readers_differ(readers)}")
    return next(iter(readers.values()))


def targets_in_files(archive: Archive, readers: Readers) -> tuple[set[str], set[str]]:
    """The labels of these tasks as they are written in files, and their tags, in the normal form of the experiment."""
    labels, tags, form = set[str](), set[str](), archive.experiment.normalization
    for task, reader in readers.items():
        of_kind = labels if reader.target_kind == "label" else tags
        of_kind.update(normalized(label, form) for label in archive.labels_in_files(task))
    return labels, tags


def _option(found: Recognized, readers: Readers) -> ChosenFormat | None:
    if any(reader.file_format == found.format for reader in readers.values()):
        return "jsonl" if found.format == "json_lines" else "reader"
    return OPTIONS.get(found.format)


def _recognized(archive: Archive, readers: Readers, lines: InputLines) -> Recognized | None:
    head = [normalized(line, archive.experiment.normalization) for line in lines.head()]
    found = recognize(head, *targets_in_files(archive, readers))
    return found or (Recognized("table", "CSV, by its name") if _suffix(lines.name) == ".csv" else None)


def _suffix(name: str) -> str:
    path = Path(name)
    return (path.with_suffix("") if path.suffix in COMPRESSED else path).suffix


def _is_one_reader(archive: Archive, readers: Readers) -> bool:
    first, *others = [archive.experiment.tasks[task].reader.to_json() for task in readers]
    return all(other == first for other in others)


def _readers_differ(readers: Readers) -> str:
    return f"the readers of {', '.join(readers)} differ; say with --task whose is meant"
