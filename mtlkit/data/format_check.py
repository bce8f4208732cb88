"""The check that a file is in the format that its reader reads, before its lines are taken for anything else."""

from itertools import islice

from mtlkit.data.formats import MOST_LINES, FileFormat, OtherFormat, Recognized, recognize
from mtlkit.data.lines import read_lines
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.errors import DataError
from mtlkit.files import is_file

NAMES: dict[FileFormat, str] = {
    "columns": "one token per line with its columns",
    "json_lines": "JSON lines",
    "label_and_text": "LABEL<TAB>TEXT",
}
READERS: dict[FileFormat | OtherFormat, str] = {
    "columns": "columns",
    "json_lines": "jsonl",
    "label_and_text": "text_classification",
}
MISTAKEN: dict[FileFormat, set[FileFormat | OtherFormat]] = {
    "columns": {"json_lines", "json_document"},
    "label_and_text": {"json_lines", "json_document", "columns"},
    "json_lines": {"columns", "label_and_text", "id_and_text", "table"},
}
"""The formats that a file may have by mistake, for a reader of each format."""


def check_format(reader: DatasetReader, source: str) -> None:
    """Checks the first lines of the files of a source. What is wrong with single lines is left to the reader.

    Raises:
        DataError: a file looks like another format than the reader's.
    """
    if reader.file_format is None:
        return
    for file in filter(is_file, reader.files(source)):
        try:
            head = [line for _, line in islice(read_lines(file), MOST_LINES)]
        except DataError:
            continue  # the reader says what is wrong, and in the order of the lines
        found = recognize(head)
        if found is not None and found.is_certain and found.format in MISTAKEN[reader.file_format]:
            raise DataError(f"{file}:1: {_what_and_remedy(found, reader.file_format)}")


def _what_and_remedy(found: Recognized, own: FileFormat) -> str:
    other = READERS.get(found.format)
    remedy = f"give such a file, or the task the reader '{other}'" if other else "give such a file"
    return f"looks like {found.what}, but the task's reader reads {NAMES[own]}; {remedy}"
