"""A reader of labelled texts, one per line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import final

from mtlkit.config import Lazy, Runtime
from mtlkit.data.instance import Instance, Skipped, StructuralRows, TargetKind, check_no_mark
from mtlkit.data.lines import parse_lines, parse_numbered, read_lines
from mtlkit.data.normalization import Normalization, NormalizingTokenizer, normalized_keys
from mtlkit.data.passes import FilePass
from mtlkit.data.readers.fields import Fields
from mtlkit.data.readers.missing import WITHOUT_TARGET, Missing
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.renaming import with_known_target, with_renamed_target
from mtlkit.data.tokenizers import Tokenizer, WhitespaceTokenizer
from mtlkit.errors import DataError

WITHOUT_WORDS = Skipped("without words")
SEPARATORS = {",": "comma", ";": "semicolon"}


@final
@DatasetReader.register("text_classification")
class TextClassificationReader(DatasetReader):
    """Lines of `label<TAB>text`, plain or compressed, as in FDU-MTL. The `tokenizer` splits texts into words.

    `labels` renames the file's labels, as in {"0": "negative", "1": "positive"}; a label that it does not contain is
    then an error. A label with a text without words is an error, or left out with `skip_empty` (FDU-MTL has one, in the
    train split of sports). Lines of white space alone are left out and counted. There are no comments and no quoting:
    `#` and `"` are text.

    `missing` lists marks of a missing label, such as `['_']`; the empty string is nothing in front of the TAB. Texts
    with one are left out and counted. With null, a label `_` is refused, unless `labels` has it; with `[]`, it is a
    label like others.

    For prediction, it accepts a text or {"text": ..., "label": ...}.
    """

    target_kind: TargetKind = "label"
    renames_by = "labels"
    file_format = "label_and_text"

    def __init__(
        self,
        tokenizer: Lazy[Tokenizer] = Lazy.of(WhitespaceTokenizer),
        labels: dict[str, str] | None = None,
        skip_empty: bool = False,
        missing: list[str] | None = None,
        *,
        normalization: Runtime[Normalization] = "none",
    ) -> None:
        self._tokenizer = NormalizingTokenizer(tokenizer.build(), normalization)
        self._labels = None if labels is None else normalized_keys(labels, normalization, "labels")
        self._normalization = normalization
        self._skip_empty = skip_empty
        self._missing = Missing(missing, labels or (), normalization)
        self._fields = Fields(self._tokenizer, label="label", missing=self._missing)

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance | Skipped | StructuralRows]:
        return self.file_pass(source).alone()

    def file_pass(self, source: str) -> FilePass[Path, tuple[int, str]]:
        path = Path(source)
        return FilePass(
            ("lines", source),
            lambda: (path, read_lines(path)),
            lambda file, lines: parse_numbered(file, lines, self._instance),
        )

    def read_texts(self, source: str) -> Iterator[Instance | Skipped]:
        return parse_lines(Path(source), self._text)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return with_renamed_target(self._fields.instance(raw), self._labels, self._normalization)

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        return self._fields.unused(raw)

    def _instance(self, line: str) -> Instance | Skipped:
        found = self._as_in_file(line, self._missing)
        if found is WITHOUT_WORDS and not self._skip_empty:
            raise DataError("no words in the text; remove the line or set the reader's `skip_empty`")
        if isinstance(found, Skipped):
            return found
        return WITHOUT_TARGET if found.target is None else with_renamed_target(found, self._labels, self._normalization)

    def _text(self, line: str) -> Instance | Skipped:
        found = self._as_in_file(line, self._missing.assumed())
        return with_known_target(found, self._labels, self._normalization) if isinstance(found, Instance) else found

    def _as_in_file(self, line: str, missing: Missing) -> Instance | Skipped:
        """Parses a line, with the label as it is written there, or without one if it is missing."""
        label, tab, text = line.partition("\t")
        if not line.strip() or not tab or not (label.strip() or missing.has("")):
            return _blank(line)
        if "\r" in text and "\t" in text[text.index("\r") :]:
            raise DataError("a CR inside the line and a TAB after it, as where lines end at CR alone; convert CR to LF")
        words = tuple(self._tokenizer.tokenize(text))
        if not words:
            return WITHOUT_WORDS
        check_no_mark(words)
        return Instance(words, None if missing.label(label.strip() and label) else label)


def _blank(line: str) -> Skipped:
    """Returns what stands for a line that is blank. Raises DataError for one that has no label or no TAB."""
    if not line.strip():
        return Skipped("blank")
    label, tab, _ = line.partition("\t")
    if tab:
        remedy = "write the line as label<TAB>text, or set the reader's `missing` to [''] to leave such texts out"
        raise DataError(f"no label before the TAB; {remedy}")
    if label.startswith("__label__"):
        raise DataError("no TAB between label and text, but a blank, as in fastText; write the line as label<TAB>text")
    separator = min((each for each in SEPARATORS if each in label), key=label.index, default=None)
    if separator is not None and " " not in label.partition(separator)[0]:
        name = SEPARATORS[separator]
        raise DataError(f"no TAB between label and text, but a {name}, as in CSV; write the line as label<TAB>text")
    raise DataError("no TAB between label and text; write the line as label<TAB>text")
