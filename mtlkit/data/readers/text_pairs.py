"""A reader of labelled pairs of texts, one per line."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeAlias, final

from pydantic import Field

from mtlkit.config import Lazy, Runtime
from mtlkit.data.instance import Instance, Skipped, TargetKind
from mtlkit.data.lines import parse_numbered, read_lines
from mtlkit.data.normalization import Normalization, NormalizingTokenizer, normalized_keys
from mtlkit.data.readers.fields import Fields
from mtlkit.data.readers.missing import WITHOUT_TARGET, Missing
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.renaming import with_known_target, with_renamed_target
from mtlkit.data.tokenizers import Tokenizer, WhitespaceTokenizer
from mtlkit.errors import ConfigError, DataError
from mtlkit.text import printable
from mtlkit.types import PositiveInt

Column: TypeAlias = Annotated[int, Field(ge=0)] | str
"""The number of a column, counted from 0, or its name in the first line of the file."""
LABEL, FIRST, SECOND = "label", "first", "second"


@final
@DatasetReader.register("text_pairs")
class TextPairsReader(DatasetReader):
    """Lines of `label<TAB>text<TAB>text`, plain or compressed, as for entailment or paraphrases.

    A column is the number of one, counted from 0, or a name in the first line, as in { label: 'gold_label', first:
    'sentence1', second: 'sentence2' }; further columns are ignored. The `tokenizer` splits texts into words, of which
    the first `max_words` of each text are kept. There is no quoting. Lines of white space alone are left out and
    counted.

    An instance has the words of both texts, with the word `␞` between them. The embedder `transformer` reads it as
    its encoder was trained to read pairs; for any other it is a word like others.

    `labels` renames the file's labels, and `missing` lists marks of a missing one, both as in `text_classification`.

    For prediction, it accepts two texts with a TAB between them, or {"first": ..., "second": ..., "label": ...}.
    """

    target_kind: TargetKind = "label"
    renames_by = "labels"
    reads_pairs = True

    def __init__(
        self,
        label: Column = 0,
        first: Column = 1,
        second: Column = 2,
        tokenizer: Lazy[Tokenizer] = Lazy.of(WhitespaceTokenizer),
        max_words: PositiveInt | None = None,
        labels: dict[str, str] | None = None,
        missing: list[str] | None = None,
        *,
        normalization: Runtime[Normalization] = "none",
    ) -> None:
        self._columns: dict[str, Column] = {LABEL: label, FIRST: first, SECOND: second}
        if len(set(self._columns.values())) < len(self._columns):
            raise ConfigError("label, first and second: two of them are the same column; name three columns")
        self._has_header = any(isinstance(column, str) for column in self._columns.values())
        self._labels = None if labels is None else normalized_keys(labels, normalization, "labels")
        self._normalization = normalization
        self._missing = Missing(missing, labels or (), normalization)
        self._fields = Fields(
            NormalizingTokenizer(tokenizer.build(), normalization),
            text=FIRST,
            second=SECOND,
            label=LABEL,
            missing=self._missing,
            max_words=max_words,
        )

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance | Skipped]:
        for found in self._rows(Path(source), self._missing):
            if isinstance(found, Skipped):
                yield found
            elif found.target is None:
                yield WITHOUT_TARGET
            else:
                yield found

    def read_texts(self, source: str) -> Iterator[Instance | Skipped]:
        return self._rows(Path(source), None)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return with_renamed_target(self._fields.instance(raw), self._labels, self._normalization)

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        return self._fields.unused(raw)

    def _rows(self, path: Path, missing: Missing | None) -> Iterator[Instance | Skipped]:
        """The pairs of a file; without `missing` they are for prediction, and need no valid target."""
        lines = read_lines(path)
        places = self._places(path, list(islice(lines, 1)) if self._has_header else [])

        def instance(line: str) -> Instance | Skipped:
            return self._instance(line, places, missing)

        return parse_numbered(path, lines, instance)

    def _places(self, path: Path, header: Sequence[tuple[int, str]]) -> dict[str, int]:
        """The number of each column."""
        names = header[0][1].split("\t") if header else []
        places = {}
        for setting, column in self._columns.items():
            if isinstance(column, str) and names.count(column) != 1:
                known = ", ".join(printable(name) for name in names) or "none"
                what = "several columns" if column in names else "no column"
                raise DataError(
                    f"{path}:1: {what} '{column}' in the first line (columns there: {known}); set the reader's "
                    f"`{setting}` to one of them, or to its number"
                )
            places[setting] = names.index(column) if isinstance(column, str) else column
        return places

    def _instance(self, line: str, places: Mapping[str, int], missing: Missing | None) -> Instance | Skipped:
        if not line.strip():
            return Skipped("blank")
        cells = line.split("\t")
        if len(cells) <= max(places.values()):
            raise DataError(
                f"{len(cells)} columns, and the reader reads column {max(places.values())}, counted from 0; write the "
                "line as label<TAB>text<TAB>text, or set the reader's label, first and second"
            )
        pair = self._fields.pair(cells[places[FIRST]], cells[places[SECOND]])
        label = cells[places[LABEL]]
        if missing is None:
            found = Instance(pair, None if self._missing.assumed().label(label) or not label.strip() else label)
            return with_known_target(found, self._labels, self._normalization)
        if missing.label(label.strip() and label):
            return Instance(pair)
        return with_renamed_target(Instance(pair, label), self._labels, self._normalization)
