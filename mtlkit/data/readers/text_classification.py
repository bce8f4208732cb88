"""A reader of labelled texts, one per line."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import final

from mtlkit.config import Lazy
from mtlkit.data.instance import Instance, Skipped, TargetKind
from mtlkit.data.lines import parse_lines
from mtlkit.data.readers.fields import Fields
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.tokenizers import Tokenizer, WhitespaceTokenizer
from mtlkit.errors import DataError


@final
@DatasetReader.register("text_classification")
class TextClassificationReader(DatasetReader):
    """Lines of `label<TAB>text`, plain or gzip (`.gz`), as in FDU-MTL. The `tokenizer` splits texts into words.

    `labels` renames the file's labels, as in {"0": "negative", "1": "positive"}; a label that it does not contain is
    then an error. A text without words is an error, or left out with `skip_empty` (FDU-MTL has one, in the train split
    of sports).
    For prediction, it accepts a text or {"text": ..., "label": ...}.
    """

    target_kind: TargetKind = "label"
    renames_by = "labels"

    def __init__(
        self,
        tokenizer: Lazy[Tokenizer] = Lazy.of(WhitespaceTokenizer),
        labels: dict[str, str] | None = None,
        skip_empty: bool = False,
    ) -> None:
        self._tokenizer = tokenizer.build()
        self._labels = labels
        self._skip_empty = skip_empty
        self._fields = Fields(self._tokenizer, label="label")

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance | Skipped]:
        return parse_lines(Path(source), self._instance)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        instance = self._fields.instance(raw)
        if isinstance(instance.target, str):
            return replace(instance, target=self._renamed(instance.target))
        return instance

    def _instance(self, line: str) -> Instance | Skipped:
        label, tab, text = line.partition("\t")
        if not tab:
            raise DataError("no TAB between label and text; write the line as label<TAB>text")
        if not label:
            raise DataError("no label before the TAB; write the line as label<TAB>text")
        words = tuple(self._tokenizer.tokenize(text))
        if words:
            return Instance(words, self._renamed(label))
        if self._skip_empty:
            return Skipped("without words")
        raise DataError("no words in the text; remove the line or set the reader's `skip_empty`")

    def _renamed(self, label: str) -> str:
        if self._labels is None:
            return label
        if label not in self._labels:
            raise DataError(
                f"label '{label}' is not in the reader's `labels` ({', '.join(self._labels)}); add it there"
            )
        return self._labels[label]
