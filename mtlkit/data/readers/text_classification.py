"""A reader of labelled texts, one per line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import final

from mtlkit.config import Lazy
from mtlkit.data.instance import Instance, Skipped, TargetKind
from mtlkit.data.lines import parse_lines
from mtlkit.data.readers.fields import Fields
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.renaming import renamed_label, with_renamed_target
from mtlkit.data.tokenizers import Tokenizer, WhitespaceTokenizer
from mtlkit.errors import DataError

SEPARATORS = {",": "comma", ";": "semicolon"}


@final
@DatasetReader.register("text_classification")
class TextClassificationReader(DatasetReader):
    """Lines of `label<TAB>text`, plain or compressed, as in FDU-MTL. The `tokenizer` splits texts into words.

    `labels` renames the file's labels, as in {"0": "negative", "1": "positive"}; a label that it does not contain is
    then an error. A label with a text without words is an error, or left out with `skip_empty` (FDU-MTL has one, in the
    train split of sports). Lines of white space alone are left out and counted. There are no comments and no quoting:
    `#` and `"` are text.
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
        return with_renamed_target(self._fields.instance(raw), self._labels)

    def _instance(self, line: str) -> Instance | Skipped:
        label, tab, text = line.partition("\t")
        if not tab or not label.strip():
            return _blank(line)
        if "\r" in text and "\t" in text[text.index("\r") :]:
            raise DataError("a CR inside the line and a TAB after it, as where lines end at CR alone; convert CR to LF")
        words = tuple(self._tokenizer.tokenize(text))
        if words:
            return Instance(words, renamed_label(label, self._labels))
        if self._skip_empty:
            return Skipped("without words")
        raise DataError("no words in the text; remove the line or set the reader's `skip_empty`")


def _blank(line: str) -> Skipped:
    """Returns what stands for a line that is blank. Raises DataError for one that has no label or no TAB."""
    if not line.strip():
        return Skipped("blank")
    label, tab, _ = line.partition("\t")
    if tab:
        raise DataError("no label before the TAB; write the line as label<TAB>text")
    if label.startswith("__label__"):
        raise DataError("no TAB between label and text, but a blank, as in fastText; write the line as label<TAB>text")
    separator = min((each for each in SEPARATORS if each in label), key=label.index, default=None)
    if separator is not None and " " not in label.partition(separator)[0]:
        name = SEPARATORS[separator]
        raise DataError(f"no TAB between label and text, but a {name}, as in CSV; write the line as label<TAB>text")
    raise DataError("no TAB between label and text; write the line as label<TAB>text")
