"""What is advised for an input that is recognised, by what the tasks' readers read."""

import pytest

from mtlkit.data import ColumnsReader, DatasetReader, JsonLinesReader, PlantedReader, TextClassificationReader
from mtlkit.data.formats import Recognized
from mtlkit.runs.input_formats import remedy

LABELLED, COLUMNS = Recognized("label_and_text", "LABEL<TAB>TEXT"), Recognized("columns", "one token per line")
OBJECTS, TABLE = Recognized("json_lines", "JSON lines"), Recognized("table", "CSV")
ONE_PER_LINE = "write one text per line, or JSON lines"


@pytest.mark.parametrize(
    ("found", "reader", "expected"),
    [
        (LABELLED, TextClassificationReader(), "give --format reader if it is"),
        (LABELLED, ColumnsReader(1), ONE_PER_LINE),
        (COLUMNS, ColumnsReader(1), "give --format reader if it is"),
        (COLUMNS, JsonLinesReader(), ONE_PER_LINE),
        (OBJECTS, JsonLinesReader(), "give --format jsonl if it is"),
        (OBJECTS, TextClassificationReader(), "give --format jsonl if it is"),
        (TABLE, TextClassificationReader(), ONE_PER_LINE),
        (TABLE, PlantedReader("a"), f"{ONE_PER_LINE}, or give --format reader if the task's reader reads it"),
    ],
)
def test_the_way_out_depends_on_what_the_reader_reads(found: Recognized, reader: DatasetReader, expected: str) -> None:
    assert remedy(found, {"task": reader}) == expected
