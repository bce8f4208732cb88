"""Dataset readers, which turn the files of one task into instances."""

from mtlkit.data.readers.columns import ColumnsReader
from mtlkit.data.readers.jsonl import JsonLinesReader
from mtlkit.data.readers.planted import PlantedReader
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.text_classification import TextClassificationReader
from mtlkit.data.readers.text_pairs import TextPairsReader
from mtlkit.data.readers.vader import VaderReader

__all__ = [
    "DatasetReader",
    "ColumnsReader",
    "JsonLinesReader",
    "PlantedReader",
    "TextClassificationReader",
    "TextPairsReader",
    "VaderReader",
]
